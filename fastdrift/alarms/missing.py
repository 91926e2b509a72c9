"""Missing data: columns that went silent, holes in the times, rows that nothing could be said of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from fastdrift.arrays import Booleans, Floats, Indices, Integers
from fastdrift.evaluation.events import runs
from fastdrift.evaluation.lines import counted
from fastdrift.tables.table import Table

# usual steps from a row to the next above which the times have a hole
HOLE_STEPS = 5


class Gap(NamedTuple):
    """A stretch of missing data."""

    onset: int  # the first row that lacks a value
    start: int  # the row in which it was plain
    stop: int
    columns: tuple[int, ...]  # of the model, as indices


def silent_columns(table: Table, columns: Indices, window: int, most: Floats) -> list[Gap]:
    """Return where columns lack more than half of a window, and more than any window of the baseline lacked.

    Columns that are silent at the same time are one gap. Those that the table has not at all are none.
    """
    limit = most_lacking(window, most)
    starts = np.maximum(np.arange(1, table.n_rows + 1) - window, 0)
    found = []
    for place, lacks in _lacking(table, columns).items():
        counts = np.append(0, np.cumsum(lacks))
        held = counts[1:] - counts[starts]
        for start, stop in zip(*runs(held > limit[place]), strict=True):
            first = max(0, int(start) - window + 1)
            onset = first + int(lacks[first : start + 1].argmax())
            found.append(Gap(onset, int(start), int(stop), (place,)))
    return joined(found)


def most_lacking(window: int, most: Floats) -> Floats:
    """Return how many values of a window each column may lack before it is silent."""
    return np.maximum(window // 2, most)


def joined(gaps: list[Gap]) -> list[Gap]:
    """Return gaps of single columns, those at the same time as one."""
    return list(_joined(sorted(gaps)))


def _lacking(table: Table, columns: Indices) -> dict[int, Booleans]:
    """Return which rows lack a value, for each of the columns that do."""
    is_broken, is_absent = (
        np.zeros(columns.size, bool),
        np.isin(columns, table.n_columns - 1 - np.arange(len(table.absent))),
    )
    for _, rows in table.chunks():
        is_broken |= ~np.isfinite(rows[:, columns]).all(axis=0)
    places = np.flatnonzero(is_broken & ~is_absent)
    lacks = np.empty((places.size, table.n_rows), bool)
    for start, rows in table.chunks():
        lacks[:, start : start + len(rows)] = ~np.isfinite(rows[:, columns[places]]).T
    return dict(zip(places.tolist(), lacks, strict=True))


def _joined(gaps: list[Gap]) -> Iterator[Gap]:
    held: Gap | None = None
    for gap in sorted(gaps, key=lambda one: one.start):
        if held is not None and gap.start < held.stop:
            held = Gap(min(held.onset, gap.onset), held.start, max(held.stop, gap.stop), (*held.columns, *gap.columns))
            continue
        if held is not None:
            yield held
        held = gap
    if held is not None:
        yield held


def blind_stretches(unscored: Booleans, window: int, most: Floats, known: list[Gap]) -> list[Gap]:
    """Return runs of rows without a score that no silent column explains."""
    return blind_gaps(zip(*runs(unscored), strict=True), window, most, known)


def blind_gaps(stretches: Iterable[tuple[int, int]], window: int, most: Floats, known: list[Gap]) -> list[Gap]:
    """Return those stretches of rows without a score that no silent column explains.

    Those that a single gap makes are passed over if it is too short to be called silence.
    """
    longest = window - 1 + max(window // 2, int(most.max(initial=0.0)))
    gaps = []
    for start, stop in stretches:
        is_known = any(gap.onset < stop and start < gap.stop + window for gap in known)
        if stop - start > longest and not is_known:
            gaps.append(Gap(int(start), int(start) + window, int(stop), ()))
    return gaps


def time_holes(times: Integers, step: float, most: int) -> Integers:
    """Return the rows before which more than so many usual steps are missing."""
    longest = most * step * 1e9
    holes: Integers = np.flatnonzero(np.diff(times) > longest) + 1
    return holes


def holes_note(times: Integers, holes: Integers, window: int) -> str:
    """Return what is to be said of holes in the times: how many, the first, the longest, and windows that span one."""
    lengths = times[holes] - times[holes - 1]
    longest = int(lengths.argmax())
    spans = np.unique((holes[:, None] + np.arange(window - 1)).ravel())
    n_windows = int(np.count_nonzero((spans >= window - 1) & (spans < times.size)))
    first, most = ((int(holes[place]), int(lengths[place])) for place in (0, longest))
    return holes_text(holes.size, first, most, n_windows)


def holes_text(count: int, first: tuple[int, int], longest: tuple[int, int], n_windows: int) -> str:
    """Return the same of so many holes; the first and the longest are told as row and length in ns."""
    lengths = [str(np.timedelta64(one, "ns").astype("m8[s]")) for _, one in (first, longest)]
    return (
        f"the times have {counted(count, 'hole')} of more than {HOLE_STEPS} usual steps: the "
        f"first before row {first[0]:,} ({lengths[0]}), the longest before row {longest[0]:,} ({lengths[1]}); "
        f"{n_windows:,} windows span one and are scored as if it were not there (fastdrift prepare --freq makes a "
        f"regular grid)"
    )
