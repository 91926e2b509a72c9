"""The command evaluate: how right a model is."""

from __future__ import annotations

from typing import Any

import click

from fastdrift.cli.inputs import note_labels, score_file
from fastdrift.cli.options import as_json, check_outputs, drift, examples, labels, threads, timestamp
from fastdrift.cli.results import draw, drift_facts, exit_on_drift, judge
from fastdrift.cli.tables import evaluation_tables
from fastdrift.cli.terminal import progress, show
from fastdrift.files.disk import write_bytes, write_json


@click.command(
    epilog=examples(
        "evaluate model.fastdrift test.parquet --labels label --plot scores.png",
        "evaluate model.fastdrift test.csv --output metrics.json",
    )
)
@click.argument("model")
@click.argument("data")
@labels
@click.option("--plot", metavar="FILE", help="Where a picture of the scores goes, a .png.")
@click.option("--output", metavar="FILE", help="Where the figures go, as JSON.")
@timestamp
@drift
@threads
@as_json
def evaluate(
    *,
    model: str,
    data: str,
    plot: str | None,
    output: str | None,
    as_json: bool,
    fail_on_drift: bool,
    drift_share: float | None,
    **given: Any,
) -> None:
    """Judge MODEL on the rows of DATA.

    Without labels it counts what is flagged. With labels it says how right that is, row by row at the model's own
    threshold, beside what flagging everything would get and a random score that flags as many rows.
    """
    check_outputs([plot, output], [model, data])
    with progress(3) as step:
        scored = score_file(model, data, step, **given)
        note_labels(scored.data, given["labels"], data)
        step("evaluating")
        figures = judge(scored)
        picture = draw(scored) if plot is not None else b""
    drift = drift_facts(figures, drift_share)
    document = {"model": model, "data": data, **figures.to_dict(), "drift": drift}
    if plot is not None:
        write_bytes(picture, plot)
    if output is not None:
        write_json(document, output)
    files = [path for path in (plot, output) if path is not None]
    show(document | {"files": files}, evaluation_tables(figures), as_json=as_json)
    exit_on_drift(drift, fail_on_drift=fail_on_drift)
