"""Changes in the middle of a baseline: columns that jump from one level to another, and those that go one way."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from fastdrift.arrays import Booleans, Floats, Indices
from fastdrift.fitting.worth import DrawnWindows
from fastdrift.tables.table import Table

# parts of a baseline that levels are told by, and how many of them a level lasts at least, as a share of them
N_PARTS, LEAST_PART = 256, 0.04
# how far levels are apart, in spreads of what is left beside them, and how much of that so many parts on either side of
# an edge must show: a slow swing is as high, but has no edge
APART, BESIDE, SUDDEN = 3.0, 5, 0.7
# the share of the windows' variance that a straight line must tell to be a trend, and spreads that it must cover
STRAIGHT, COVERED = 0.7, 3.0


class Change(NamedTuple):
    """A column that is on another level from one row on, and up to another if it comes back."""

    place: int  # which of the columns that vary
    start: int  # the first row on the other level; that of the baseline if it only leaves it
    stop: int  # the row after the last
    before: float
    level: float


class Trend(NamedTuple):
    """A column that goes one way all through a baseline."""

    place: int
    rise: float  # from the first window to the last
    share: float  # of the windows' variance that a straight line tells


def find_changes(table: Table, varying: Indices, drawn: DrawnWindows, looked_at: Booleans) -> list[Change]:
    """Return the columns whose windows stand on another level for a while, or from some row on."""
    parts, firsts = _parts_of(drawn)
    least = max(2, round(LEAST_PART * len(parts)))
    changes = []
    for place in np.flatnonzero(looked_at).tolist():
        found = _other_level(parts[:, place], least)
        if found is None:
            continue
        edges = [_edge_row(table, varying[place], firsts, part) for part in found]
        changes.append(_change(table, varying[place], place, *edges))
    return changes


def _parts_of(drawn: DrawnWindows) -> tuple[Floats, Indices]:
    """Return the mean of the windows of each part of a baseline, and the row in the middle of the first of them."""
    n_parts = min(N_PARTS, len(drawn.firsts))
    edges = np.arange(n_parts) * len(drawn.firsts) // n_parts
    means = np.nan_to_num(drawn.means)
    sizes = np.diff(edges, append=len(means))[:, None]
    return np.add.reduceat(means, edges, axis=0) / sizes, drawn.firsts[edges] + drawn.window // 2


def _other_level(values: Floats, least: int) -> tuple[int, int] | None:
    """Return the first part on another level and the one after the last; None if there is no such level."""
    size = values.size
    if size < 4 * least:
        return None
    sums = np.append(0.0, np.cumsum(values))
    starts, stops = np.triu_indices(size + 1, least)
    kept = (
        (size - stops + starts >= least)
        & ((starts == 0) | (starts >= least))
        & ((stops == size) | (stops <= size - least))
    )
    starts, stops = starts[kept], stops[kept]
    inside = stops - starts
    means = (sums[stops] - sums[starts]) / inside
    others = (sums[-1] - sums[stops] + sums[starts]) / (size - inside)
    gains = inside * (size - inside) / size * (means - others) ** 2
    best = int(gains.argmax())
    start, stop, apart = int(starts[best]), int(stops[best]), means[best] - others[best]
    left = np.sqrt(max(values.var() * size - gains[best], 0.0) / size)
    if abs(apart) <= APART * left or not apart:
        return None
    for edge in {start, stop} - {0, size}:
        beside = values[edge : edge + BESIDE].mean() - values[max(0, edge - BESIDE) : edge].mean()
        if abs(beside) < SUDDEN * abs(apart):
            return None
    return start, stop


def _edge_row(table: Table, column: Any, firsts: Indices, part: int) -> int:
    """Return the row from which on a column is on another level, close to where a part begins."""
    if part in (0, len(firsts)):
        return table.n_rows if part else 0
    low, high = int(firsts[max(0, part - 2)]), int(firsts[min(part + 1, len(firsts) - 1)])
    values = table.rows(low, high)[:, column].astype(np.float64)
    values = np.where(np.isfinite(values), values, np.nanmean(np.where(np.isfinite(values), values, np.nan)))
    sums, counts = np.cumsum(values)[:-1], np.arange(1, values.size)
    gaps = (sums / counts - (sums[-1] + values[-1] - sums) / (values.size - counts)) ** 2
    return low + 1 + int((gaps * counts * (values.size - counts)).argmax())


def _change(table: Table, column: Any, place: int, start: int, stop: int) -> Change:
    values = table.rows(0, table.n_rows)[:, column].astype(np.float64)
    inside = np.zeros(values.size, bool)
    inside[start:stop] = True
    known = np.isfinite(values)
    before, level = (float(values[known & part].mean()) for part in (~inside, inside))
    if start == 0:  # it leaves its first level and does not come back
        return Change(place, stop, table.n_rows, level, before)
    return Change(place, start, stop, before, level)


def find_trends(drawn: DrawnWindows, looked_at: Booleans) -> list[Trend]:
    """Return the columns that go one way all through a baseline."""
    means = np.nan_to_num(drawn.means)
    time = drawn.firsts - drawn.firsts.mean()
    if time.size < 4 or not time.any():
        return []
    slopes = time @ means / (time @ time)
    variance = means.var(axis=0)
    told = slopes**2 * time.var()
    left = np.sqrt(np.maximum(variance - told, 0.0))
    rises = slopes * (time[-1] - time[0])
    with np.errstate(invalid="ignore", divide="ignore"):
        found = looked_at & (told >= STRAIGHT * variance) & (np.abs(rises) >= COVERED * left) & (variance > 0)
    return [
        Trend(int(place), float(rises[place]), float(told[place] / variance[place])) for place in np.flatnonzero(found)
    ]
