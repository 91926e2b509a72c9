"""The command fit: a model of what healthy is."""

from __future__ import annotations

from typing import Any

import click

from fastdrift.cli.inputs import count_baseline, fit_table, note_labels, read_telemetry, warn_of_labelled
from fastdrift.cli.options import as_json, baseline, check_outputs, examples, fitting, labels, threads, timestamp
from fastdrift.cli.tables import facts_table
from fastdrift.cli.terminal import progress, show


@click.command(
    epilog=examples(
        "fit healthy.parquet --output model.fastdrift",
        "fit telemetry.csv --baseline 0.3 --output model.fastdrift",
        "fit healthy.csv --window 30 --false-alarm-rate 0.01 --drop host,region",
    )
)
@click.argument("path", metavar="BASELINE")
@baseline
@click.option("--output", default="model.fastdrift", show_default=True, metavar="FILE", help="Where the model goes.")
@fitting
@timestamp
@labels
@threads
@as_json
def fit(*, path: str, baseline: float | int | None, output: str, as_json: bool, **given: Any) -> None:
    """Learn what healthy is from BASELINE.

    BASELINE is a table of healthy rows in time order, or with --baseline one that begins with them.
    """
    check_outputs([output], [path])
    names = {name: given.pop(name) for name in ("timestamp", "labels")}
    with progress(2) as step:
        step(f"reading {path}")
        data = read_telemetry(path, columns=given["columns"], drop=given["drop"], **names)
        note_labels(data, names["labels"], path)
        step("fitting")
        n_rows = count_baseline(baseline, len(data.frame), default=1.0)
        model = fit_table(data.frame.iloc[:n_rows], **given)
    warn_of_labelled(data, n_rows)
    model.save(output)
    show(model.facts() | {"files": [output]}, [facts_table("Model", model.lines())], as_json=as_json)
