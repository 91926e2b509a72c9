"""Rows of a baseline that hold no readings but faults of what wrote them down.

A reading of 1e12 among numbers about 1 makes a feature's variance its own: nothing that comes later is far any more.
Spikes are healthy, though: in telemetry of servers and services a column may rest for hours and rise a thousandfold
for minutes. What tells the two apart is what lies between: a spike has a slope, a fault has none. So a value is no
reading only if hardly any lie within a factor below it. Of the 622 columns of 22 healthy recordings (smd, asd,
jumpstarter, tep), those with values beyond the limits here have at least a third as many on the way to them, and so has
any table of four of them; more than a tenth as many keep them. Nearer than those limits, healthy jobs have no slope
either: what stands out there is kept, and said.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from fastdrift.arrays import Booleans, Floats, Indices, Rows
from fastdrift.fitting.kept import KeptRows
from fastdrift.tables.table import CHUNK_NUMBERS, Table

# rows that a column's median and scale are taken from, and how many of its values there must differ from the median
SAMPLE_ROWS, LEAST_MOVES = 256, 8
# a middling deviation of normal noise is this share of its standard deviation
MIDDLING = 0.6745
# the deviation within windows, in scales, above which somewhere a column is looked at row by row
LOUD = 1.5
# values are counted by half decades of their distance from the median, from 5 scales on; below that is level 0
N_LEVELS = 64
HALF_DECADES = 5.0 * 10.0 ** (np.arange(N_LEVELS) / 2)
# levels from which on the values of one column may be no readings, and how many below each must be all but empty: from
# 500 scales on, over a factor of 100
ALONE = tuple((level, 4) for level in range(5, N_LEVELS))
# what half of the columns, and at least four, reach in one row is believed less: from 50 scales on, over a factor of
# 10, and from 1,600 on whatever lies below
TOGETHER, LEAST_TOGETHER = ((3, 2), (4, 2), (5, 2), (6, 0)), 4
# as a share of the values beyond, what all but empty is
FEW = 0.1
# beside rows that no system reaches together, those from 16 scales on are smaller faults, if they are no more of them
FAULTY, TOGETHER_TOO = 6, 2
# levels from which on the values of one column may be faults, or what the system does: in halves and quarters of the
# recordings a job of 44 rows stands 50 to 300 scales out with 5 % as many on the way
DOUBTFUL = ((3, 2), (4, 3))
# numbers whose squares, added up over a window, may be too large to be told
OVERFLOWING = 1e150


class Spread(NamedTuple):
    """The median of columns, and their scale: inf where too few values differ from it to tell."""

    columns: Indices
    median: Floats
    scale: Floats
    moves: Indices  # how many of the values looked at differ from the median

    def of(self, chosen: Any) -> Spread:
        """Return the spread of some of the columns."""
        return Spread(*(each[chosen] for each in self))


def sample_spread(table: KeptRows, columns: Indices) -> Spread:
    """Return the median and scale of columns, from some rows: the same ones whoever asks."""
    rows = np.arange(table.n_rows)
    if table.n_rows > SAMPLE_ROWS:
        # drawn, as every n-th might always meet the same hour of a day
        rows = np.random.default_rng(0).integers(table.n_rows, size=SAMPLE_ROWS)
    values = np.ascontiguousarray(table.picked(rows)[:, columns].T)
    median = _medians(values, np.isfinite(values))
    with np.errstate(over="ignore", invalid="ignore"):
        distances = np.abs(values - median[:, None])
    moved = (distances > 0) & (distances < np.inf)
    moves = moved.sum(axis=1)
    return Spread(columns, median, np.where(moves < LEAST_MOVES, np.inf, _medians(distances, moved) / MIDDLING), moves)


def _medians(values: Floats, counted: Any) -> Floats:
    """Return the median of the values of every row that count, the upper one of two; NaN where none does."""
    ordered = np.sort(np.where(counted, values, np.nan), axis=1)
    middle = np.minimum(counted.sum(axis=1) // 2, values.shape[1] - 1)
    medians: Floats = ordered[np.arange(len(values)), middle]
    return medians


class Outliers(NamedTuple):
    """Rows of a baseline that hold no readings, and columns of which it is in doubt whether some do."""

    rows: Indices
    doubtful: Spread  # of those columns
    firsts: Indices  # the first such row of each
    counts: Indices  # how many rows


def find_overflows(table: Table, spread: Spread) -> Indices:
    """Return the places of columns with numbers whose squares overflow: windows that hold one have no deviation."""
    with np.errstate(over="ignore", invalid="ignore"):
        furthest = _furthest(table, spread) * spread.scale
    return np.flatnonzero(np.isfinite(furthest) & (furthest >= OVERFLOWING))


def find_outliers(table: Table, spread: Spread, loudest: Floats) -> Outliers:
    """Return the rows of a baseline that hold no readings; none if its columns are not dominated by any.

    `loudest` is each column's deviation within windows, where it is largest.
    """
    nothing = np.zeros(0, np.int64)
    loud = spread.of(loudest > LOUD * spread.scale)
    if not loud.columns.size:
        return Outliers(nothing, loud, nothing, nothing)
    furthest = _furthest(table, loud)
    least = max(LEAST_TOGETHER, -(-int(np.isfinite(spread.scale).sum()) // 2))
    far = loud.of(_levels(furthest) >= DOUBTFUL[0][0])
    if not far.columns.size:
        return Outliers(nothing, far, nothing, nothing)
    limits, doubts = _limits(table, far, least)
    found, firsts, n_rows = [], np.full(doubts.size, table.n_rows), np.zeros(doubts.size, np.int64)
    for rows, levels in _far_rows(table, far, least):
        is_out: Booleans = np.asarray((levels >= limits).any(axis=1))
        found.append(rows[is_out])
        in_doubt = (levels[:, :-1] >= doubts) & ~is_out[:, None]
        n_rows += in_doubt.sum(axis=0)
        firsts = np.minimum(firsts, np.where(in_doubt, rows[:, None], table.n_rows).min(axis=0, initial=table.n_rows))
    doubtful = np.flatnonzero(n_rows)
    return Outliers(np.concatenate(found), far.of(doubtful), firsts[doubtful], n_rows[doubtful])


def _limits(table: Table, spread: Spread, least: int) -> tuple[Indices, Indices]:
    """Return from which levels on there are no readings, by column and together, and those of columns in doubt."""
    counts = np.zeros((spread.columns.size + 1, N_LEVELS + 1), np.int64)
    for _, levels in _far_rows(table, spread, least):
        for place in range(len(counts)):
            counts[place] += np.bincount(levels[:, place], minlength=N_LEVELS + 1)
    alone = np.array([_lowest_apart(count, ALONE) for count in counts[:-1]])
    doubts = np.array([_lowest_apart(count, DOUBTFUL) for count in counts[:-1]])
    doubts[alone <= N_LEVELS] = N_LEVELS + 1
    return np.append(alone, _lowest_together(counts[-1])), doubts


def _furthest(table: Table, spread: Spread) -> Floats:
    """Return the largest distance from the median in each column, in scales."""
    low, high = np.full((2, spread.columns.size), spread.median)
    for _, rows in _pieces(table):
        for place, column in enumerate(spread.columns):  # one after the other: a table of columns is read at once
            low[place] = np.fmin(low[place], np.fmin.reduce(rows[:, column]))
            high[place] = np.fmax(high[place], np.fmax.reduce(rows[:, column]))
    with np.errstate(over="ignore"):
        furthest: Floats = np.maximum(high - spread.median, spread.median - low) / spread.scale
    return furthest


def _far_rows(table: Table, spread: Spread, least: int) -> Iterator[tuple[Indices, Indices]]:
    """Yield rows that hold a value far away, and the level of each column's, then of what `least` of them reach."""
    for start, piece in _pieces(table):
        rows = piece[:, spread.columns]
        with np.errstate(over="ignore", invalid="ignore"):
            distances = np.abs(rows - spread.median)
            places = np.flatnonzero((distances >= HALF_DECADES[0] * spread.scale).any(axis=1))
            distances = np.minimum(distances[places] / spread.scale, np.finfo(np.float64).max)
        distances[~np.isfinite(rows[places])] = 0.0  # windows of those are left out anyway
        common = np.sort(distances, axis=1)[:, -least] if least <= spread.columns.size else np.zeros(places.size)
        yield start + places, _levels(np.column_stack([distances, common]))


def _levels(distances: Floats) -> Indices:
    return np.searchsorted(HALF_DECADES, distances, side="right")


def _pieces(table: Table) -> Iterator[tuple[int, Rows]]:
    step = max(1, CHUNK_NUMBERS // table.n_columns)
    for start in range(0, table.n_rows, step):
        yield start, table.rows(start, min(start + step, table.n_rows))


def _lowest_apart(counts: Indices, levels: Sequence[tuple[int, int]]) -> int:
    """Return the lowest of some levels below which so many are all but empty; one too high if there is none."""
    for level, n_below in levels:
        beyond = counts[level:].sum()
        if beyond and counts[level - n_below : level].sum() <= FEW * beyond:
            return level
    return N_LEVELS + 1


def _lowest_together(counts: Indices) -> int:
    """Return the level from which on what many columns reach in one row is no reading."""
    beyond = counts[FAULTY:].sum()
    if beyond and counts[TOGETHER_TOO:FAULTY].sum() <= beyond:
        return TOGETHER_TOO
    return _lowest_apart(counts, TOGETHER)


def find_rare_moves(table: Table, spread: Spread, window: int) -> tuple[Spread, Indices]:
    """Return the columns whose moves all lie in one stretch of rows, shorter than a window, and where each begins."""
    sampled = min(SAMPLE_ROWS, table.n_rows) / table.n_rows
    rare = spread.of((spread.moves <= LEAST_MOVES + 2 * window * sampled) & np.isfinite(spread.median))
    first, last = np.full((2, rare.columns.size), -1)
    for start, rows in table.chunks():
        narrow = np.flatnonzero(last - first < window)
        if not narrow.size:
            break
        values = rows[:, rare.columns[narrow]]
        moved = np.isfinite(values) & (values != rare.median[narrow])
        columns = narrow[moved.any(axis=0)]
        moved = moved[:, moved.any(axis=0)]
        first[columns] = np.where(first[columns] < 0, start + moved.argmax(axis=0), first[columns])
        last[columns] = start + len(rows) - 1 - moved[::-1].argmax(axis=0)
    found = (first >= 0) & (last - first < window)
    return rare.of(found), first[found]
