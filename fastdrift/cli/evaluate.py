"""The command evaluate: how right a model is."""

from __future__ import annotations

import click

from fastdrift.cli import options
from fastdrift.cli.inputs import note_labels, score_file
from fastdrift.cli.options import examples, takes
from fastdrift.cli.results import draw_scores, evaluate_scores, exit_on_drift, find_drift
from fastdrift.cli.settings import DriftSettings, ReadSettings
from fastdrift.cli.tables import evaluation_tables
from fastdrift.cli.terminal import progress, show
from fastdrift.cli.usage import check_outputs
from fastdrift.files.disk import write_bytes, write_json


@click.command(
    epilog=examples(
        "evaluate model.fastdrift test.parquet --labels label --plot scores.png",
        "evaluate model.fastdrift test.csv --output metrics.json",
    )
)
@click.argument("model")
@click.argument("data")
@options.labels
@click.option("--plot", metavar="FILE", help="Where a picture of the scores goes, a .png.")
@click.option("--output", metavar="FILE", help="Where the figures go, as JSON.")
@options.timestamp
@options.drift
@options.threads
@options.as_json
@takes(reading=ReadSettings, drift=DriftSettings)
def evaluate(
    *,
    model: str,
    data: str,
    plot: str | None,
    output: str | None,
    reading: ReadSettings,
    drift: DriftSettings,
    threads: int | None,
    as_json: bool,
) -> None:
    """Judge MODEL on the rows of DATA.

    Without labels it counts what is flagged. With labels it says how right that is, row by row at the model's own
    threshold, beside what flagging everything would get and a random score that flags as many rows.
    """
    check_outputs([plot, output], [model, data])
    with progress(3) as step:
        scored = score_file(model, data, reading, step, threads=threads)
        note_labels(scored.data, reading.labels, data)
        step("evaluating")
        evaluation = evaluate_scores(scored)
        picture = b"" if plot is None else draw_scores(scored)
    found = find_drift(evaluation, drift)
    document = {"model": model, "data": data, **evaluation.to_dict(), "drift": found.to_dict()}
    if plot is not None:
        write_bytes(picture, plot)
    if output is not None:
        write_json(document, output)
    files = [path for path in (plot, output) if path is not None]
    show(document | {"files": files}, evaluation_tables(evaluation), as_json=as_json)
    exit_on_drift(found, drift)
