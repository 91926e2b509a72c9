"""What of a baseline a model is learnt from: its windows, less those that hold no readings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from fastdrift.arrays import Floats, Indices
from fastdrift.detectors.constant import split_columns
from fastdrift.detectors.moments import Moments, first_moments
from fastdrift.engine.windows import Sweep
from fastdrift.fitting.kept import KeptRows, few_of_stretches
from fastdrift.fitting.outliers import Outliers, Spread, find_outliers, find_overflows, find_rare_moves, sample_spread
from fastdrift.tables.table import NO_ROWS, Table

# of the rows, more than which are not set aside: so many are part of what the system does
MOST_ROWS = 0.03
# rows that a note names
SHOWN = 3
REMEDY = "look at the rows, and drop or mend them (clean with bounds=…, fastdrift prepare --bounds)"


class Healthy(NamedTuple):
    """Windows of a baseline over its varying columns, what they add up to, and what is to be said of them."""

    sweep: Sweep
    start: Floats  # what the total's features are told from
    total: Moments
    constant: Indices
    values: Floats  # of the constant columns
    n_aside: float = 0.0  # windows left out because they hold no readings
    notes: tuple[str, ...] = ()


def look_at(baseline: Table, window: int, threads: int) -> Healthy:
    """Return the windows of a baseline, less those that hold no readings if its columns are dominated by such rows."""
    healthy, parts = _look(baseline, window, threads)
    is_even, has_gaps = _are_even(healthy.total, window), healthy.total.n_left_out > 0
    if is_even and not has_gaps:
        return healthy
    table = KeptRows(baseline)
    spread = sample_spread(table, healthy.sweep.columns)
    overflows = find_overflows(table, spread) if has_gaps else NO_ROWS
    if is_even and not overflows.size:
        return healthy
    loudest = _loudest(parts, spread.columns.size)
    loudest[overflows] = np.inf
    outliers = find_outliers(table, spread, loudest)
    if outliers.rows.size:
        healthy = _without(healthy, table, outliers.rows, spread, threads)
    rare, rows = find_rare_moves(healthy.sweep.table, spread, window)
    notes = (*healthy.notes, *_doubtful_notes(table, outliers), *_rare_notes(table, rows, rare))
    return healthy._replace(notes=notes)


def of_window(healthy: Healthy, window: int, threads: int) -> Healthy:
    """Return windows of another length over the same columns of what is left of a baseline."""
    sweep = Sweep(healthy.sweep.table, healthy.sweep.columns, window)
    start, parts = first_moments(sweep, threads)
    return healthy._replace(sweep=sweep, start=start, total=_total(sweep, parts))


def _look(table: Table, window: int, threads: int) -> tuple[Healthy, Sequence[Moments]]:
    varying, constant, values = split_columns(table)
    sweep = Sweep(table, varying, window)
    start, parts = first_moments(sweep, threads)
    with np.errstate(over="ignore"):
        total = _total(sweep, parts)
    return Healthy(sweep, start, total, constant, values), parts


def _total(sweep: Sweep, parts: Sequence[Moments]) -> Moments:
    """Return what windows add up to; those that reach from one stretch into the next were never the baseline's."""
    total = Moments.total(parts).of_all(sweep.table.n_rows - sweep.window + 1)
    return total._replace(n_left_out=total.n_left_out - sweep.table.gaps.size * sweep.window)


def _are_even(total: Moments, window: int) -> bool:
    """Return whether windows deviate so evenly, in every column, that none can be owed to few of them.

    Told by the relative variance of their deviations: 1 / (2 window) for noise, 0.7 and more where a row that is 100
    standard deviations away stands among 10,000.
    """
    n_columns, relative = total.sums.size // 2, min(0.3, 10 / window)
    # by roots, as squares may overflow; where sums do as well, they are as far from even
    roots, sums = np.sqrt(total.products[n_columns:]) * np.sqrt(total.n_windows), total.sums[n_columns:]
    return bool(((roots <= np.sqrt(1 + relative) * sums) & (sums < np.inf)).all())


def leave_out(healthy: Healthy, rows: Indices, threads: int) -> Healthy:
    """Return the windows that hold none of some rows, nor of those that are left out already."""
    window = healthy.sweep.window
    table = KeptRows(healthy.sweep.table, rows)
    apart = np.union1d(table.aside, table.gaps)
    kept, _ = _look(KeptRows(table, rows_in_no_window(apart, table.n_rows, window)), window, threads)
    n_aside = healthy.n_aside + kept.total.n_left_out - healthy.total.n_left_out
    return kept._replace(n_aside=n_aside, notes=healthy.notes)


def _loudest(parts: Sequence[Moments], n_columns: int) -> Floats:
    """Return every column's deviation within windows (root mean square) in the span where it is largest."""
    squares = [part.products[n_columns:] / part.n_windows for part in parts if part.n_windows]
    loudest: Floats = np.sqrt(np.max(squares, axis=0, initial=0.0))
    return loudest


def _without(healthy: Healthy, table: KeptRows, outliers: Indices, spread: Spread, threads: int) -> Healthy:
    """Return the windows that hold no outlier; all, and what that means, if too few would be left."""
    few = few_of_stretches(table, outliers, MOST_ROWS)
    outliers = few if few.size else outliers
    share, places = f"{outliers.size:,} of the baseline's {table.n_given:,} rows", _places(table, outliers, spread)
    if few.size:
        kept = leave_out(healthy, outliers, threads)
        if kept.total.n_windows > kept.total.n_left_out:
            note = (
                f"{share} hold values so far from all others that they can be no readings ({places}): the "
                f"{kept.n_aside:,.0f} windows that hold them are left out; {REMEDY}"
            )
            return kept._replace(notes=(note,))
    note = (
        f"{share} dominate it, by values far from all others ({places}), and are too many to leave out their windows: "
        f"drift that is smaller is missed; {REMEDY}"
    )
    return healthy._replace(notes=(note,))


def rows_in_no_window(outliers: Indices, n_rows: int, window: int) -> Indices:
    """Return outliers and the rows between them that are too few for a window.

    What a column does in those alone nobody learns, and it counts as constant.
    """
    between = np.diff(outliers, prepend=-1, append=n_rows) - 1
    counts, inside = np.ones(2 * outliers.size + 1, np.int64), np.ones(2 * outliers.size + 1, np.bool_)
    counts[::2], inside[::2] = between, between < window
    return np.flatnonzero(np.repeat(inside, counts))


def _places(table: KeptRows, outliers: Indices, spread: Spread) -> str:
    """Return the first few outliers as text, each with the column that is furthest from its median."""
    rows = outliers[:SHOWN]
    with np.errstate(over="ignore"):
        distances = np.abs(table.picked(rows)[:, spread.columns] - spread.median) / spread.scale
    furthest = np.argmax(np.nan_to_num(distances, nan=-1.0), axis=1)
    return _told(table, rows, spread.of(furthest)) + (", …" if outliers.size > SHOWN else "")


def _told(table: KeptRows, rows: Indices, spread: Spread) -> str:
    """Return as text what one column each is in some rows, and usually."""
    values = table.picked(rows)[np.arange(rows.size), spread.columns]
    return ", ".join(
        f"{table.told(row)}: column {table.names[column]!r} is {value:g}, usually {median:g}"
        for row, column, value, median in zip(rows, spread.columns, values, spread.median, strict=True)
    )


def _doubtful_notes(table: KeptRows, outliers: Outliers) -> list[str]:
    """Return what is to be said of columns that few rows dominate which are kept."""
    few = outliers.counts <= MOST_ROWS * table.n_given
    columns, rows, counts = outliers.doubtful.of(few), outliers.firsts[few], outliers.counts[few]
    if not rows.size:
        return []
    more = ", …" if rows.size > SHOWN else ""
    return [
        f"columns that a few far rows dominate, {counts.max():,} at most: {rows.size} "
        f"({_told(table, rows[:SHOWN], columns.of(slice(SHOWN)))}{more}); a system may jump like that, so they are "
        f"kept, but fewer rows are flagged than asked for and smaller drift is missed; if they are faults, {REMEDY}"
    ]


def _rare_notes(table: KeptRows, rows: Indices, rare: Spread) -> list[str]:
    """Return what is to be said of columns that move in one short stretch alone."""
    if not rows.size:
        return []
    more = ", …" if rows.size > SHOWN else ""
    return [
        f"columns that move in one stretch of the baseline alone, shorter than a window: {rows.size} "
        f"({_told(table, rows[:SHOWN], rare.of(slice(SHOWN)))}{more}); moves that are smaller are missed, so if these "
        f"rows are faulty, drop or mend them"
    ]
