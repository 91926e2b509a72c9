"""When it began: the split of the rows before an alarm into two that are most unlike."""

from __future__ import annotations

import numpy as np

from fastdrift.alarms.pieces import each_piece
from fastdrift.arrays import Floats, Indices, Integers, Rows
from fastdrift.detectors.rows import RowStatistics
from fastdrift.engine.compiled import kernel
from fastdrift.engine.threads import aligned_empty
from fastdrift.kernels.layout import LANES
from fastdrift.tables.columns import Laid
from fastdrift.tables.table import Table

# windows before the alarm in which the beginning is looked for
WINDOWS_BACK = 5
# rows on either side of a split, and how many healthy rows its variance is told with: short stretches vary so little
# that anything would be unlikely. Without those rows onsets lay 60 rows off in asd and tep, with 20 or 50 of them 3
LEAST_ROWS, HEALTHY_ROWS = 3, 20.0


def find_onsets(
    table: Table, columns: Indices, healthy: RowStatistics, firsts: Integers, stops: Integers, threads: int
) -> Integers:
    """Return for each stretch of rows, `firsts` … `stops` - 1, in which of them it most likely began to be unhealthy.

    `columns` are those of the table that vary. The likelihood ratio is that of a Gaussian an axis of the whitened rows,
    with a mean and variance of its own before and after. (The baseline's are no measure of what came before: in real
    telemetry a column rests for hours, which is unlike the baseline, and the longest stretch most of all; smd's onsets
    lay 245 rows off by it, now 2.) Rows that hold a NaN or inf tell nothing.
    """
    onsets = np.empty(firsts.size, np.int64)
    whitener = packed(healthy.whitener())

    def work(laid: Laid, first_row: int, which: slice) -> None:
        ends = firsts[which] - first_row, stops[which] - first_row
        _split(laid.rows, laid.places[columns], healthy.mean, whitener, *ends, onsets[which])
        onsets[which] += first_row

    each_piece(table, firsts, stops, threads, work)
    return onsets


def best_split(rows: Floats) -> int:
    """Return how many of whitened rows come before the most likely change of mean and variance."""
    n_rows, size = rows.shape
    onset = np.empty(1, np.int64)
    _split(rows, np.arange(size), np.zeros(size), packed(np.eye(size)), np.array([0]), np.array([n_rows]), onset)
    return int(onset[0])


def packed(whitener: Floats) -> Floats:
    """Return what each axis takes of the columns up to its own, one axis after the other."""
    lower: Floats = whitener.T[np.tril_indices(len(whitener))]
    return lower


def _split(
    rows: Rows, columns: Indices, mean: Floats, whitener: Floats, firsts: Integers, stops: Integers, onsets: Integers
) -> None:
    longest = int((stops - firsts).max())
    room = np.empty((LANES, longest), np.int64), aligned_empty((3 * columns.size + 2 * longest) * LANES)
    rest = (firsts, stops, LEAST_ROWS, HEALTHY_ROWS, *room, onsets)
    kernel("onset_rows", rows.dtype)(rows, columns, mean, whitener, *rest)
