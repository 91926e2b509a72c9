"""The command prepare, and how others prepare what they read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from fastdrift.cli.inputs import note_labels, prepared, read_telemetry
from fastdrift.cli.options import (
    SETTINGS,
    as_json,
    check_cleaning,
    check_outputs,
    cleaning,
    examples,
    labels,
    names,
    timestamp,
)
from fastdrift.cli.results import labelled_table
from fastdrift.cli.tables import changes_table
from fastdrift.cli.terminal import progress, show
from fastdrift.files.disk import table_ending, write_json
from fastdrift.files.write import write_table


@click.command(
    epilog=examples(
        "prepare logged.csv --output clean.parquet",
        "prepare logged.csv --output clean.csv --sentinel -999 --bounds cpu:0:100 --fill interpolate --limit 5",
        "prepare logged.csv --output minutes.csv --freq 1min --how mean --how errors:max --counter requests",
    )
)
@click.argument("path", metavar="INPUT")
@click.option("--output", required=True, metavar="FILE", help="A .csv, .csv.gz or .parquet file.")
@cleaning
@click.option("--columns", callback=names, metavar="A,B,…", help="The metrics to keep; all by default.")
@click.option("--drop", callback=names, metavar="A,B,…", help="Columns to leave out.")
@timestamp
@labels
@click.option("--report", metavar="FILE", help="Where the report of every change goes, as JSON.")
@as_json
@click.pass_context
def prepare(ctx: click.Context, /, *, path: str, output: str, report: str | None, as_json: bool, **given: Any) -> None:
    """Clean telemetry as it was logged, and say what was changed.

    Rows are put into time order and those with the timestamp of another dropped. What is no number, infinite, a
    sentinel or out of bounds becomes a gap. Counters become increments, --freq makes a regular grid, --fill fills gaps.
    Labels follow their rows; a bin is labelled if a row of it is.
    """
    check_cleaning(ctx)
    check_outputs([output, report], [path])
    if report is not None and Path(report).resolve() == Path(output).resolve():
        raise click.UsageError(f"{output} is both --output and --report: name two files")
    table_ending(Path(output))
    settings = {name: given.pop(name) for name in SETTINGS}
    with progress(3) as step:
        step(f"reading {path}")
        data = read_telemetry(path, any_order=True, text=True, **given)
        note_labels(data, given["labels"], path)
        step("preparing")
        data, changed = prepared(data, path, settings)
        step(f"writing {output}")
        write_table(labelled_table(data), output)
    document = {"input": path, "columns": list(data.frame.columns), **changed.to_dict()}
    if report is not None:
        write_json(document, report)
    files = [name for name in (output, report) if name is not None]
    show(document | {"files": files}, [changes_table(changed)], as_json=as_json)
