"""Scores of windows that lack values, told by what they have."""

from __future__ import annotations

from functools import partial
from typing import Any, Literal, get_args

import numpy as np

from fastdrift.arrays import Floats, Indices, Integers
from fastdrift.detectors.blend import BlendedModel, blend, members_of
from fastdrift.detectors.gaps import GapParameters, gaps_of
from fastdrift.detectors.model import Model
from fastdrift.engine.compiled import kernel
from fastdrift.engine.threads import run_spans, run_tasks, threads_for
from fastdrift.engine.windows import Sweep
from fastdrift.errors import DataError
from fastdrift.kernels.layout import Span
from fastdrift.tables.table import Table

Missing = Literal["nan", "score"]

# rows whose windows are scored at once
PIECE_ROWS = 1 << 15


def check_missing(missing: object, model: Model) -> bool:
    """Return whether windows with gaps are to be scored; raise DataError if that is no way, or the model has none."""
    if missing not in get_args(Missing):
        raise DataError(f"missing is {missing!r}: it is 'nan' or 'score'")
    if missing == "score":
        gaps_of(model)
    return missing == "score"


def score_gaps(model: Model, table: Table, columns: Indices, scores: Floats, threads: int) -> int:
    """Score those windows that have none for a NaN or inf; return how many still have none.

    That are windows that lack half of the values in more than half of the columns.
    """
    ends = np.flatnonzero(np.isnan(scores[model.window - 1 :])) + (table.first_row + model.window - 1)
    if not ends.size:
        return 0
    by_member = [
        _member_scores(member, gaps, table, columns, ends, threads)
        for member, gaps in zip(members_of(model), gaps_of(model), strict=True)
    ]
    found = by_member[0]
    if isinstance(model, BlendedModel):
        blend(found, np.stack(by_member[1:]), model.unit)
    scores[ends - table.first_row] = found
    return int(np.count_nonzero(np.isnan(found)))


def _member_scores(
    model: Model, gaps: GapParameters, table: Table, columns: Indices, ends: Integers, threads: int
) -> Floats:
    """Return the scores of the windows of a model of one window that end in increasing absolute rows."""
    found: Floats = np.empty(ends.size)
    edges = np.flatnonzero(np.diff(ends // PIECE_ROWS)) + 1

    def work(start: int, stop: int) -> None:
        first = int(ends[start]) - model.window + 1
        laid = table.laid(first, int(ends[stop - 1]) + 1)
        constant = (laid.places[columns[~model.varies]], model.constant_values, model.penalties)
        gap = gap_arguments(model, gaps, laid.places[columns[model.varies]])
        scratch = gap_scratch(model)
        kernel("gap_scores", table.dtype)(laid.rows, first, ends[start:stop], gap, constant, scratch, found[start:stop])

    tasks = [partial(work, *piece) for piece in zip([0, *edges.tolist()], [*edges.tolist(), ends.size], strict=True)]
    run_tasks(tasks, threads_for(ends.size * model.window * columns.size, threads))
    return found


def gap_arguments(model: Model, gaps: GapParameters, places: Indices) -> tuple[Any, ...]:
    """Return what kernels of windows with gaps want to know; `places` are of the columns that vary."""
    return (model.window, places, *gaps)


def gap_scratch(model: Model) -> tuple[Any, ...]:
    """Return room for the kernels of windows with gaps; what must begin as zeros does."""
    window, size = model.window, model.n_features // 2
    factor, lines = np.empty((2 * size, 2 * size)), np.empty((10, 2 * size))
    whole = np.empty((2, max(window, 2 * size)), np.int64)
    return np.zeros((window, 4, size)), np.empty((4, size)), factor, lines, whole


def observed_columns(model: Model, table: Table, columns: Indices, threads: int, row: int, stop: int) -> Floats:
    """Return of how many columns the windows that end in absolute rows `row` … `stop` - 1 have half or more."""
    sweep = Sweep(table, columns, model.window)
    counts: Floats = np.empty(stop - row)

    def task(span: Span) -> None:
        piece = sweep.piece(span)
        rows = piece.rows, piece.first_row, piece.places[columns]
        kernel("count_observed", table.dtype)(*rows, model.window, tuple(span), (counts, row))

    run_spans(task, sweep.spans(row, stop), counts.size * columns.size, threads)
    return counts
