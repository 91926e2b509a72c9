"""The command accept: rows that drifted away and are healthy all the same become part of what healthy is."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, NamedTuple

import click
import numpy as np

from fastdrift.cli import options
from fastdrift.cli.inputs import read_for
from fastdrift.cli.looking import check_chosen, choose_rows
from fastdrift.cli.options import examples, takes
from fastdrift.cli.settings import AcceptSettings
from fastdrift.cli.streams import named, told
from fastdrift.cli.tables import facts_table
from fastdrift.cli.terminal import Step, progress, show
from fastdrift.cli.usage import check_paths
from fastdrift.detectors.model import Model
from fastdrift.detectors.store import load_model
from fastdrift.evaluation.lines import percent

if TYPE_CHECKING:
    import pandas as pd

    from fastdrift.fitting.accepting import ColumnMove

# columns that moved which the table names
SHOWN = 8


class Change(NamedTuple):
    """What becomes of a model when rows are accepted."""

    model: Model
    new: Model
    first: int
    stop: int
    flagged_before: float  # shares of the accepted rows
    flagged_after: float
    moves: list[ColumnMove]


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
@options.chosen_rows
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
    check_chosen(settings.chosen, "accept")
    check_paths([], [settings.model_path, settings.path, *settings.baselines], files=[settings.output])
    with progress(3) as step:
        change = _accept(settings, step)
    if not settings.as_json:  # what changes is said before it is written
        show({}, [facts_table("What changes", _facts(change, settings))], as_json=False)
    change.new.save(settings.output)
    show(_document(change) | {"files": named(settings.output)}, [], as_json=settings.as_json)


def _accept(settings: AcceptSettings, step: Step) -> Change:
    from fastdrift.fitting.accepting import accept as fit_anew
    from fastdrift.fitting.accepting import model_table, moved_columns

    step(f"reading {told(settings.path)}")
    model = load_model(settings.model_path)
    frame = read_for(model, settings.path, settings.reading).frame
    first, stop, _ = choose_rows(model, frame, settings.chosen, settings.threads)
    accepted = frame.iloc[first:stop]
    step("reading the baseline")
    baseline = _read_baseline(model, settings)
    step("fitting")
    new = fit_anew(
        model, baseline, accepted, reason=settings.reason, created=settings.created, threads=settings.threads
    )
    before, after = (_flagged(one, accepted, settings.threads) for one in (model, new))
    return Change(model, new, first, stop, before, after, moved_columns(model, model_table(model, accepted)))


def _read_baseline(model: Model, settings: AcceptSettings) -> list[pd.DataFrame]:
    """Return what a model was fitted on: the first rows of each table, as many as it says."""
    frames = [read_for(model, path, settings.reading).frame for path in settings.baselines]
    counts = [stretch.rows for stretch in model.history] or [model.baseline_rows]
    return [frame.iloc[:n_rows] for frame, n_rows in itertools.zip_longest(frames, counts[: len(frames)])]


def _document(change: Change) -> dict[str, Any]:
    return {
        "rows": [change.first, change.stop],
        "flagged_before": change.flagged_before,
        "flagged_after": change.flagged_after,
        "threshold_before": change.model.threshold,
        "threshold_after": change.new.threshold,
        "moved": [
            {
                "column": str(move.name),
                "before": move.before,
                "after": move.after,
                "spreads": move.spreads if np.isfinite(move.spreads) else None,
            }
            for move in change.moves
        ],
        **change.new.facts(),
    }


def _facts(change: Change, settings: AcceptSettings) -> list[tuple[str, str]]:
    moves = change.moves
    facts = [
        ("accepted", f"rows {change.first:,} to {change.stop - 1:,} of {told(settings.path)}: {settings.reason}"),
        ("flagged of them", f"{percent(change.flagged_before)} before, {percent(change.flagged_after)} now"),
        ("threshold", f"{change.model.threshold:.4g} before, {change.new.threshold:.4g} now"),
        *_levels(change.model, change.new),
        *((f"{move.name} moved", f"from {move.before:.4g} to {move.after:.4g}") for move in moves[:SHOWN]),
    ]
    return facts + ([("moved too", f"{len(moves) - SHOWN} more columns")] if len(moves) > SHOWN else [])


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
