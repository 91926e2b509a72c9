"""The command accept: rows that drifted away and are healthy all the same become part of what healthy is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import numpy as np

from fastdrift.cli import options
from fastdrift.cli.inputs import read_for
from fastdrift.cli.looking import chosen_rows
from fastdrift.cli.options import examples, takes
from fastdrift.cli.settings import AcceptSettings
from fastdrift.cli.streams import told
from fastdrift.cli.tables import facts_table
from fastdrift.cli.terminal import progress, show
from fastdrift.cli.usage import check_paths
from fastdrift.detectors.model import Model
from fastdrift.detectors.store import load_model
from fastdrift.evaluation.lines import percent

if TYPE_CHECKING:
    import pandas as pd

# columns that moved which the table names
SHOWN = 8


@click.command(
    epilog=examples(
        "accept model.fastdrift today.parquet --event 0 --baseline healthy.parquet --reason 'release 2' "
        "--output model2.fastdrift",
        "accept model2.fastdrift june.csv --rows 2024-06-01..2024-06-08 --baseline healthy.parquet --baseline may.csv "
        "--reason 'more users' --output model3.fastdrift",
    )
)
@click.argument("model_path", metavar="MODEL")
@click.argument("path", metavar="DATA")
@click.option("--rows", metavar="A:B", help="The rows from A up to B, not included, counted from 0; or times A..B.")
@click.option(
    "--event",
    type=click.IntRange(0),
    metavar="N",
    help="An event by its number in the table of `fastdrift detect` with the same --ignore, --last and --since.",
)
@click.option(
    "--baseline",
    "baselines",
    metavar="FILE",
    multiple=True,
    required=True,
    help="The rows that MODEL was fitted on: the first of this table, if it has more. Once for every stretch.",
)
@click.option("--reason", metavar="TEXT", required=True, help="Why the rows are healthy, for the model's history.")
@click.option("--output", metavar="FILE", required=True, help="Where the new model goes.")
@click.option("--created", metavar="TEXT", help="When they were accepted, if the model is to say so.")
@options.ignore
@options.asked_rows
@options.timestamp
@options.threads
@options.as_json
@takes(settings=AcceptSettings)
def accept(settings: AcceptSettings) -> None:
    """Fit MODEL anew on its baseline and on rows of DATA that are the new normal.

    Nothing is accepted unless it is asked for: look at the rows first. What changes is said, then the model is written;
    rows that are in the model already are refused.
    """
    from fastdrift.fitting.accepting import accept as fit_anew
    from fastdrift.fitting.accepting import model_table, moved_columns

    if (settings.rows is None) == (settings.event is None):
        raise click.UsageError("say what to accept: --rows A:B, or --event N")
    paths = [settings.model_path, settings.path, *settings.baselines]
    check_paths([], paths, files=[settings.output])
    with progress(3) as step:
        step(f"reading {told(settings.path)}")
        model = load_model(settings.model_path)
        frame = read_for(model, settings.path, settings.reading).frame
        first, stop = chosen_rows(model, frame, settings.rows, settings.event, settings.looking, settings.threads)
        accepted = frame.iloc[first:stop]
        step("reading the baseline")
        counts = [stretch.rows for stretch in model.history] or [model.baseline_rows]
        baselines = [read_for(model, path, settings.reading).frame for path in settings.baselines]
        stretches = [one.iloc[:n_rows] for one, n_rows in zip(baselines, counts, strict=False)]
        step("fitting")
        new = fit_anew(
            model,
            stretches + baselines[len(counts) :],
            accepted,
            reason=settings.reason,
            created=settings.created,
            threads=settings.threads,
        )
    flagged = [_flagged(one, accepted, settings.threads) for one in (model, new)]
    moves = moved_columns(model, model_table(model, accepted))
    document: dict[str, Any] = {
        "rows": [first, stop],
        "flagged_before": flagged[0],
        "flagged_after": flagged[1],
        "threshold_before": model.threshold,
        "threshold_after": new.threshold,
        "moved": [
            {
                "column": str(move.name),
                "before": move.before,
                "after": move.after,
                "spreads": move.spreads if np.isfinite(move.spreads) else None,
            }
            for move in moves
        ],
        **new.facts(),
        "files": [settings.output],
    }
    facts = [
        ("accepted", f"rows {first:,} to {stop - 1:,} of {told(settings.path)}: {settings.reason}"),
        ("flagged of them", f"{percent(flagged[0])} before, {percent(flagged[1])} now"),
        ("threshold", f"{model.threshold:.4g} before, {new.threshold:.4g} now"),
        *_levels(model, new),
        *((f"{move.name} moved", f"from {move.before:.4g} to {move.after:.4g}") for move in moves[:SHOWN]),
    ]
    if len(moves) > SHOWN:
        facts.append(("moved too", f"{len(moves) - SHOWN} more columns"))
    show(document, [facts_table("What changes", facts)], as_json=settings.as_json)
    new.save(settings.output)


def _levels(model: Model, new: Model) -> list[tuple[str, str]]:
    before, after = model.promise, new.promise
    if before is None or after is None:
        return []
    return [
        ("alarm level", f"{before.alarm_level:.4g} before, {after.alarm_level:.4g} now"),
        ("notice level", f"{before.notice_level:.4g} before, {after.notice_level:.4g} now"),
    ]


def _flagged(model: Model, rows: pd.DataFrame, threads: int | None) -> float:
    """Return the share of rows with a score that are flagged."""
    from fastdrift.scoring.batch import score

    scores = np.asarray(score(model, rows, threads=threads))
    known = scores[np.isfinite(scores)]
    return float((known > model.threshold).mean()) if known.size else 0.0
