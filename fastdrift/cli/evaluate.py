"""The command evaluate: how right a model is."""

from __future__ import annotations

import click

from fastdrift.alarms.judging import answer_text
from fastdrift.cli import options
from fastdrift.cli.answer import answer_tables, events_document, judge_events
from fastdrift.cli.inputs import score_file, with_events
from fastdrift.cli.options import examples, takes
from fastdrift.cli.results import draw_scores, evaluate_scores
from fastdrift.cli.settings import DASH, DriftSettings, ReadSettings
from fastdrift.cli.streams import named, write_document
from fastdrift.cli.tables import evaluation_tables
from fastdrift.cli.terminal import progress, show
from fastdrift.cli.usage import check_paths
from fastdrift.cli.verdict import exit_on_drift, find_drift
from fastdrift.files.disk import write_bytes


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

    The answer comes first: alarms, since when and why, and what was promised of them. With labels it says how right
    that is, by events and row by row at the model's own threshold, beside what flagging everything would get and a
    random score that flags as many rows.
    """
    check_paths([output], [model, data], files=[plot])
    with progress(3) as step:
        scored = with_events(score_file(model, data, reading, step, threads=threads))
        step("evaluating")
        evaluation, judged = evaluate_scores(scored), judge_events(scored)
        picture = b"" if plot is None else draw_scores(scored)
    verdict = find_drift(scored, evaluation, drift)
    by_events = events_document(scored, judged)
    document = {"model": model, "data": data, **evaluation.to_dict(), **by_events, "drift": verdict.to_dict()}
    if plot is not None:
        write_bytes(picture, plot)
    write_document(document, output)
    full = document | {"files": named(plot, output)}
    tables, answer = evaluation_tables(evaluation, by_runs=scored.found is None), ""
    if scored.found is not None:
        answer, tables = answer_text(scored.found, judged), [*answer_tables(scored.found, judged), *tables]
    show(full, tables, as_json=as_json, answer=answer, aside=output == DASH)
    exit_on_drift(verdict, drift)
