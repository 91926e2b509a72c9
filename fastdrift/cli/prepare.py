"""The command prepare: telemetry as it was logged becomes a table that a model can read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from fastdrift.cli import options
from fastdrift.cli.cleaning import clean_telemetry
from fastdrift.cli.inputs import labelled_table, read_telemetry
from fastdrift.cli.options import examples, split_names, takes
from fastdrift.cli.settings import DASH, CleanSettings, ReadSettings
from fastdrift.cli.streams import check_table, named, told, write_document, write_frame
from fastdrift.cli.tables import changes_table
from fastdrift.cli.terminal import progress, show
from fastdrift.cli.usage import check_cleaning, check_paths


@click.command(
    epilog=examples(
        "prepare logged.csv --output clean.parquet",
        "prepare logged.csv --output clean.csv --sentinel -999 --bounds cpu:0:100 --fill interpolate --limit 5",
        "prepare - --output - --fill forward < logged.csv | fastdrift score model.fastdrift -",
        "prepare logged.csv --output minutes.csv --freq 1min --how mean --how errors:max --counter requests",
    )
)
@click.argument("path", metavar="INPUT")
@click.option("--output", required=True, metavar="FILE", help=f"{options.TABLE_FILE}, or - for CSV on stdout.")
@options.cleaning
@click.option("--columns", callback=split_names, metavar="A,B,…", help="The metrics to keep; all by default.")
@click.option("--drop", callback=split_names, metavar="A,B,…", help="Columns to leave out.")
@options.timestamp
@options.labels
@click.option("--report", metavar="FILE", help="Where the report of every change goes, as JSON.")
@options.as_json
@takes(reading=ReadSettings, cleaning=CleanSettings)
def prepare(
    *, path: str, output: str, reading: ReadSettings, cleaning: CleanSettings, report: str | None, as_json: bool
) -> None:
    """Clean telemetry as it was logged, and say what was changed.

    Rows are put into time order and those with the timestamp of another dropped. What is no number, infinite, a
    sentinel or out of bounds becomes a gap. Counters become increments, --freq makes a regular grid, --fill fills gaps.
    Labels follow their rows; a bin is labelled if a row of it is.
    """
    _check_usage(path, output, report, cleaning)
    with progress(3) as step:
        step(f"reading {told(path)}")
        data = read_telemetry(path, replace(reading, any_order=True, text=True))
        step("preparing")
        data, changes = clean_telemetry(data, told(path), cleaning)
        step(f"writing {output}")
        write_frame(labelled_table(data), output)
    document = {"input": path, "columns": list(data.frame.columns), **changes.to_dict()}
    write_document(document, report)
    full = document | {"files": named(output, report)}
    show(full, [changes_table(changes)], as_json=as_json, aside=DASH in (output, report))


def _check_usage(path: str, output: str, report: str | None, cleaning: CleanSettings) -> None:
    check_cleaning(cleaning)
    check_paths([output, report], [path])
    if report is not None and Path(report).resolve() == Path(output).resolve():
        raise click.UsageError(f"{output} is both --output and --report: name two files")
    check_table(output)
