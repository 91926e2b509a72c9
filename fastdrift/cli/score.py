"""The command score: a score a row."""

from __future__ import annotations

import sys
from math import isfinite
from typing import Any

import click

from fastdrift.cli import options
from fastdrift.cli.inputs import note_labels, score_file
from fastdrift.cli.options import examples, takes
from fastdrift.cli.results import Drift, evaluate_scores, exit_on_drift, find_drift, scores_table
from fastdrift.cli.settings import Align, DriftSettings, ReadSettings
from fastdrift.cli.tables import evaluation_tables
from fastdrift.cli.terminal import progress, show
from fastdrift.cli.usage import check_outputs
from fastdrift.evaluation.metrics import Evaluation
from fastdrift.files.write import write_csv, write_table


@click.command(
    epilog=examples(
        "score model.fastdrift today.csv > scores.csv",
        "score model.fastdrift today.parquet --output scores.parquet --fail-on-drift",
    )
)
@click.argument("model")
@click.argument("data")
@click.option("--output", metavar="FILE", help="A .csv, .csv.gz or .parquet file; by default CSV on stdout.")
@click.option(
    "--align",
    type=click.Choice(["end", "center"]),
    default="end",
    show_default=True,
    help="The row of a window that gets its score: the last, or the middle one for looking back.",
)
@options.timestamp
@options.drift
@options.threads
@options.as_json
@takes(reading=ReadSettings, drift=DriftSettings)
def score(
    *,
    model: str,
    data: str,
    output: str | None,
    align: Align,
    reading: ReadSettings,
    drift: DriftSettings,
    threads: int | None,
    as_json: bool,
) -> None:
    """Score the rows of DATA with MODEL.

    A score says how far the rows of a window are from the baseline; an alarm is a score above the model's threshold.
    The first rows, which end no whole window, have none. With --json the document holds the scores unless they go to a
    file.
    """
    check_outputs([output], [model, data])
    files = [] if output is None else [output]
    with progress(2 + len(files)) as step:
        scored = score_file(model, data, reading, step, align=align, threads=threads)
        note_labels(scored.data, None, data)
        table = scores_table(scored)
        for file in files:
            step(f"writing {file}")
            write_table(table, file)
    counts = evaluate_scores(scored, with_labels=False)
    found = find_drift(counts, drift)
    if as_json or files:
        scores = [] if files else list(scored.scores)
        show(_document(counts, found, files, scores), evaluation_tables(counts), as_json=as_json)
    else:
        write_csv([table], sys.stdout.buffer)
    exit_on_drift(found, drift)


def _document(counts: Evaluation, drift: Drift, files: list[str], scores: list[float]) -> dict[str, Any]:
    document = {**counts.to_dict(), "drift": drift.to_dict(), "files": files}
    return document | ({"scores": [value if isfinite(value) else None for value in scores]} if scores else {})
