"""The command score: a score a row."""

from __future__ import annotations

import sys
from math import isfinite
from typing import Any

import click

from fastdrift.cli.inputs import note_labels, score_file
from fastdrift.cli.options import as_json, check_outputs, drift, examples, threads, timestamp
from fastdrift.cli.results import drift_facts, exit_on_drift, judge, scores_table
from fastdrift.cli.tables import evaluation_tables
from fastdrift.cli.terminal import progress, show
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
@timestamp
@drift
@threads
@as_json
def score(
    *,
    model: str,
    data: str,
    output: str | None,
    as_json: bool,
    fail_on_drift: bool,
    drift_share: float | None,
    **given: Any,
) -> None:
    """Score the rows of DATA with MODEL.

    A score says how far the rows of a window are from the baseline; an alarm is a score above the model's threshold.
    The first rows, which end no whole window, have none. With --json the document holds the scores unless they go to a
    file.
    """
    check_outputs([output], [model, data])
    files = [] if output is None else [output]
    with progress(2 + len(files)) as step:
        scored = score_file(model, data, step, **given)
        note_labels(scored.data, None, data)
        table = scores_table(scored)
        for file in files:
            step(f"writing {file}")
            write_table(table, file)
    counts = judge(scored, with_labels=False)
    drift = drift_facts(counts, drift_share)
    if as_json or files:
        document = {**counts.to_dict(), "drift": drift, "files": files}
        listed = {} if files else {"scores": [value if isfinite(value) else None for value in scored.scores]}
        show(document | listed, evaluation_tables(counts), as_json=as_json)
    else:
        write_csv([table], sys.stdout.buffer)
    exit_on_drift(drift, fail_on_drift=fail_on_drift)
