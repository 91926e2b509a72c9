"""Windows whose squares leave the range of doubles are made again, row by row, in units of a power of two.

Squares of deviations below 2**-500 lose digits and vanish, those beyond 2**505 overflow, and so may differences of the
largest numbers. Where the range check of the roots fails, what the sums of squares are tells which windows that may
have happened to. Most are none of them: windows in which nothing moves, or which hold a NaN or inf. So every column
remembers the last row that held a number whose square is out of range, and rows are looked at once for that. What is
left is told from the window's own rows: a huge number elsewhere does not touch it, but it costs a pass over the window.
"""

from __future__ import annotations

import numpy as np

from fastdrift.kernels.jitting import jit
from fastdrift.kernels.layout import EXTREMES, GROUP_SIZE, IS_RARE, LANES, LAST, LOOKED, SCALES
from fastdrift.kernels.loading import place
from fastdrift.kernels.rolling import row_of
from fastdrift.kernels.solving import load_four, store_four
from fastdrift.kernels.vectors import absolute, equal, fma, load, spread, store, within

# sums of squares between these have all their digits, a little more than those of numbers between 1e-150 and 1e150
LEAST_SQUARES, MOST_SQUARES = 2.0**-1000, 2.0**1010
# a window with a sum of squares below the least and a number above this holds that number alone: of two such numbers
# the difference is 2**-493 or more
SMALL, LARGE = 2.0**-440, 2.0**440
# in units of these the squares are in range: of the smallest differences 2**-948, of the largest numbers 2**848
SMALL_UNIT, LARGE_UNIT = 2.0**-600, 2.0**600
NEVER = -(2.0**52)  # before any row, and near enough for differences to be exact


@jit
def forget_extremes(extremes):
    """Note that no sum of squares is out of range, and no row looked at."""
    for at in range(0, extremes.size, EXTREMES):
        store(extremes, at + LAST, spread(NEVER))
        extremes[at + LOOKED], extremes[at + IS_RARE] = NEVER, 0.0


@jit
def doubt(squares, is_small):
    """Return 1 where digits of a sum of small squares may be lost, 2 where those of large ones may, 0 elsewhere."""
    zero, two = spread(0.0), spread(2.0)
    doubts = is_small * within(zero, squares, spread(LEAST_SQUARES))
    return doubts + (two - two * within(zero, squares, spread(MOST_SQUARES)))


@jit
def is_doubtful(extremes, at, first):
    """Turn a group's sums of squares into doubts, and return whether there are any; all windows hold the row `first`.

    Where there are none nothing is written: nothing is going to be read.
    """
    zero, squares = spread(0.0), load_four(extremes, at)
    is_small = within(zero, absolute(first), spread(SMALL))
    doubt_0, doubt_1 = doubt(squares[0], is_small), doubt(squares[1], is_small)
    doubt_2, doubt_3 = doubt(squares[2], is_small), doubt(squares[3], is_small)
    if equal((doubt_0 + doubt_1) + (doubt_2 + doubt_3), zero):
        return False
    store_four(extremes, at, (doubt_0, doubt_1, doubt_2, doubt_3))
    return True


@jit
def look_into_table(extremes, at, source, column, start, end, lane_rows):
    """Note the last row before `end` in which each lane of the table holds an extreme number."""
    rows = source.rows
    for lane in range(LANES):
        shift = lane * lane_rows
        for row in range(max(start, -shift), min(end, rows.shape[0] - shift)):
            size = abs(np.float64(rows[row + shift, source.columns[column]]))
            if 0.0 < size < SMALL or LARGE <= size < np.inf:
                extremes[at + LAST + lane] = float(row)


@jit
def look_into_ring(extremes, at, ring, slot, window, shift, start, end):
    """Note the same, of rows that the ring holds, told from the first of this block, which is row `shift`."""
    last = load(extremes, at + LAST)
    for row in range(start, end):
        behind = row < ring.start
        size = absolute(load(ring.raw, place(ring, ring.behind if behind else ring.here, row + window * behind) + slot))
        is_extreme = within(spread(5e-324), size, spread(SMALL)) + within(spread(LARGE), size, spread(np.inf))
        last = fma(is_extreme, spread(float(row + shift)) - last, last)
    store(extremes, at + LAST, last)


@jit
def has_extremes(extremes, at, ring, tile, column, first, end, window):
    """Return whether rows `first` … `end` - 1 of any lane hold an extreme number; every row is looked at once.

    Rows are told as the first lane's. Those that the ring does not hold any more are read from the table.
    """
    start, slot = max(first, int(extremes[at + LOOKED])), ring.slots[column] * LANES
    held = tile.first + (ring.start - window if ring.size > window * ring.pitch else ring.start)
    if start < held:
        look_into_table(extremes, at, tile.ahead.source, column, start, min(end, held), tile.ahead.lane_rows)
    look_into_ring(extremes, at, ring, slot, window, tile.first, max(start, held) - tile.first, end - tile.first)
    extremes[at + LOOKED] = float(end)
    return not equal(within(spread(float(first)), load(extremes, at + LAST), spread(np.inf)), spread(0.0))


@jit
def add_exactly(total, rest, value):
    """Add to a sum, and to what its roundings left out (Knuth's two-sum)."""
    result = total + value
    part = result - total
    return result, rest + ((total - (result - part)) + (value - part))


@jit
def remake_window(rows, column, first, end, unit):
    """Return mean and root of the sum of squares of a window in units of `unit`; NaN of one that holds a NaN or inf."""
    inverse = 1.0 / unit
    anchor = np.float64(rows[end - 1, column]) * inverse
    total = rest = 0.0
    for row in range(first, end):
        total, rest = add_exactly(total, rest, np.float64(rows[row, column]) * inverse - anchor)
    drop = (total + rest) / (end - first)
    total = rest = 0.0
    for row in range(first, end):
        delta = (np.float64(rows[row, column]) * inverse - anchor) - drop
        total, rest = add_exactly(total, rest, delta * delta)
    return anchor + drop, np.sqrt(total + rest)


@jit
def in_scale(value, gain, unit):
    """Return `value * unit * gain` without leaving the range on the way."""
    return value * (gain * unit) if unit < 1.0 else value * gain * unit


@jit
def remade(mean, root, unit, scales):
    """Return the features of a window, told as mean and root in units of `unit`."""
    centre, mean_gain, gain, shift = scales
    if unit > 1.0 or abs(centre) < 1.0:  # else the centre overflows in the unit
        told = in_scale(mean - centre / unit, mean_gain, unit)
    else:
        told = (mean * unit - centre) * mean_gain
    return told, in_scale(root, gain, unit) + shift


@jit
def remake_features(features, n_columns, column, at, window, scales):
    """Write the features of a window, told as mean, root and their unit; `at` is its place in its group."""
    mean, root, unit = window
    own = SCALES * column
    four = scales[own], scales[own + 1], scales[own + 2], scales[own + 3]
    told = remade(mean, root, unit, four)
    features[column * GROUP_SIZE + at], features[(n_columns + column) * GROUP_SIZE + at] = told


@jit
def remake_windows(features, extremes, ring, tile, column, row, count, work, bounds, together):
    """Make the doubtful ones of a column's windows again, where they hold an extreme number and are wanted."""
    source, at, window = tile.ahead.source, column * EXTREMES, work.window
    for place_in_group in range(GROUP_SIZE):
        lane, last = place_in_group % LANES, row_of(place_in_group // LANES, row, count, together)
        start = tile.first + last + 1 - window
        is_wanted = last >= 0 and bounds[lane] <= last < bounds[LANES + lane]
        if extremes[at + place_in_group] == 0.0 or extremes[at + LAST + lane] < start or not is_wanted:
            continue
        first = start + lane * tile.ahead.lane_rows
        unit = SMALL_UNIT if extremes[at + place_in_group] == 1.0 else LARGE_UNIT
        mean, root = remake_window(source.rows, source.columns[column], first, first + window, unit)
        # one without an extreme number stays as it is, whichever others are made with it: all zeros, or with a NaN
        if root < np.inf and (root > 0.0 or mean != 0.0):
            remake_features(features, ring.slots.size, column, place_in_group, (mean, root, unit), work.scales)


@jit
def remake_group(features, extremes, ring, tile, row, count, work, bounds, together):
    """Make the features again of those of a group's windows whose squares leave the range of doubles."""
    common = row // together * together  # a row that all the windows hold
    first_at, first = place(ring, ring.here, common), tile.first + row_of(0, row, count, together) + 1 - work.window
    for column in range(ring.slots.size):
        at = column * EXTREMES
        if extremes[at + IS_RARE] == 0.0:
            continue
        extremes[at + IS_RARE] = 0.0
        if not is_doubtful(extremes, at, load(ring.raw, first_at + ring.slots[column] * LANES)):
            continue
        if has_extremes(extremes, at, ring, tile, column, first, tile.first + row + count, work.window):
            remake_windows(features, extremes, ring, tile, column, row, count, work, bounds, together)
