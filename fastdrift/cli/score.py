"""The command score: a score a row."""

from __future__ import annotations

from math import isfinite

import click

from fastdrift.alarms.judging import answer_text
from fastdrift.cli import options
from fastdrift.cli.answer import events_document
from fastdrift.cli.inputs import score_file, with_events
from fastdrift.cli.options import examples, takes
from fastdrift.cli.results import evaluate_scores, scores_table
from fastdrift.cli.settings import DASH, Align, DriftSettings, ReadSettings
from fastdrift.cli.streams import check_table, named, write_frame
from fastdrift.cli.tables import evaluation_tables
from fastdrift.cli.terminal import progress, show
from fastdrift.cli.usage import check_paths
from fastdrift.cli.verdict import exit_on_drift, find_drift
from fastdrift.scoring.gaps import Missing


@click.command(
    epilog=examples(
        "score model.fastdrift today.csv > scores.csv",
        "score model.fastdrift - < today.csv.zst | head",
        "score model.fastdrift today.parquet --output scores.parquet --fail-on-drift",
    )
)
@click.argument("model")
@click.argument("data")
@click.option("--output", metavar="FILE", help=f"{options.TABLE_FILE}; by default CSV on stdout.")
@click.option(
    "--align",
    type=click.Choice(["end", "center"]),
    default="end",
    show_default=True,
    help="The row of a window that gets its score: the last, or the middle one for looking back.",
)
@options.missing
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
    missing: Missing,
    reading: ReadSettings,
    drift: DriftSettings,
    threads: int | None,
    as_json: bool,
) -> None:
    """Score the rows of DATA with MODEL.

    A score says how far the rows of a window are from the baseline; a row is flagged if its score is above the model's
    threshold. The first rows, which end no whole window, have none. With --json the document holds the scores unless
    they go to a file. What the scores mean is told by `fastdrift detect`.
    """
    check_paths([output], [model, data])
    check_table(output)
    files = named(output)
    with progress(2 + len(files)) as step:
        scored = score_file(model, data, reading, step, align=align, missing=missing, threads=threads)
        if as_json or files or drift.fail_on_drift:
            scored = with_events(scored, align=align, missing=missing, threads=threads)
        counts = evaluate_scores(scored, with_labels=False)
        verdict = find_drift(scored, counts, drift)
        table = scores_table(scored)
        for file in files:
            step(f"writing {file}")
            write_frame(table, file)
    if as_json or files:
        events = events_document(scored, None)
        document = {**counts.to_dict(), "events": events["events"], "drift": verdict.to_dict(), "files": files}
        listed = {} if files else {"scores": [value if isfinite(value) else None for value in scored.scores]}
        answer = "" if scored.found is None else answer_text(scored.found, None)
        show(document | listed, evaluation_tables(counts), as_json=as_json, answer=answer)
    else:
        write_frame(table, DASH)
    exit_on_drift(verdict, drift)
