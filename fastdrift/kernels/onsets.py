"""The kernel of onsets: in which row what was noticed later most likely began.

Eight stretches of rows are worked on at once, one a lane, each from its last row to its first, so that all sums are of
the rows so far.
"""

from __future__ import annotations

import numpy as np

from fastdrift.kernels.jitting import (
    FIXED_FLOATS,
    FLOAT,
    FLOATS,
    INDICES,
    INT,
    INT_MATRIX,
    INTS,
    entry,
    inline,
    jit,
    rows_type,
)
from fastdrift.kernels.layout import LANES, PAIR
from fastdrift.kernels.logarithms import logarithm, within_limits
from fastdrift.kernels.vectors import fma, load, spread, spread_from, store

# a variance beyond this adds more to the likelihood than its logarithm could take away, to the last digit; so many of
# them may be multiplied before a logarithm is taken
MOST_VARIANCE, FACTORS = 1e30, 10


@jit
def note_rows(rows, columns, first, stop, whole, places):
    """Note rows from the last to the first, those alone that hold no NaN or inf if that is asked; return how many.

    Where there are no more, the last is noted again.
    """
    count = 0
    for row in range(stop - 1, first - 1, -1):
        finite = True
        if whole:
            for column in range(columns.size):
                finite = finite and abs(rows[row, columns[column]]) < np.inf
        if finite:
            places[count] = row
            count += 1
    for place in range(count, places.size):
        places[place] = places[count - 1] if count else first
    return count


@jit
def load_rows_at(rows, columns, mean, places, at, tile):
    """Write a row of each lane, told from their mean, as [column][lane]."""
    for lane in range(places.shape[0]):
        row = rows[places[lane, at]]
        for column in range(columns.size):
            tile[column * LANES + lane] = row[columns[column]]
    for column in range(columns.size):
        store(tile, column * LANES, load(tile, column * LANES) - spread_from(mean, column))


@inline
def whitened(tile, whitener, axis):
    """Return rows along an axis; `whitener` holds what each axis takes of the columns up to its own."""
    value = spread(0.0)
    entry = axis * (axis + 1) // 2
    for column in range(axis + 1):
        value = fma(spread_from(whitener, entry + column), load(tile, column * LANES), value)
    return value


@inline
def variance_so_far(sums, axis, value, share, limits):
    """Add a value to the sums of an axis; return the variance of what was added, within limits, and its squares."""
    at = axis * PAIR
    total, squares = load(sums, at) + value, fma(value, value, load(sums, at + LANES))
    store(sums, at, total)
    store(sums, at + LANES, squares)
    middle = total * share
    return within_limits(squares * share - middle * middle, limits[0], limits[1]), squares


@jit
def write_ratios(rows, columns, mean, whitener, places, longest, least_variance, scratch, ratios):
    """Write the likelihood ratios of the first row of each lane's `places`, of the first two, …, as [row][lane].

    Twice the log likelihood of n rows under a Gaussian of their own an axis, beside that of healthy rows, is the sum
    over the axes of n (mean of squares - log variance - 1). `scratch` is left with the sums of each axis.
    """
    n_axes = columns.size
    sums, tile = scratch[: n_axes * PAIR], scratch[n_axes * PAIR :]
    sums[:] = tile[:] = 0.0
    limits = spread(least_variance), spread(MOST_VARIANCE)
    for row in range(longest):
        load_rows_at(rows, columns, mean, places, row, tile)
        share = spread(1.0 / (row + 1))
        total, cost, product = spread(0.0), spread(float(n_axes)), spread(1.0)
        for axis in range(n_axes):
            variance, squares = variance_so_far(sums, axis, whitened(tile, whitener, axis), share, limits)
            total, product = total + squares, product * variance
            if (axis + 1) % FACTORS == 0 or axis + 1 == n_axes:
                cost = cost + logarithm(product)
                product = spread(1.0)
        store(ratios, row * LANES, total - spread(row + 1.0) * cost)


@jit
def is_finite(sums, lane):
    """Return whether all sums of a lane are numbers."""
    check = 0.0
    for place in range(lane, sums.size, LANES):
        check += 0.0 * sums[place]
    return check == 0.0


@jit
def likeliest(ratios, lane, count, least_rows):
    """Return the place of a lane's largest ratio of at least so many rows, the last of equals."""
    best, found = -np.inf, count - 1
    for place in range(least_rows - 1, count):
        if ratios[place * LANES + lane] >= best:
            best, found = ratios[place * LANES + lane], place
    return found


@jit
def onset_lanes(rows, columns, mean, whitener, firsts, stops, limits, places, scratch, onsets):
    """Write the onsets of eight stretches of rows at most, one a lane."""
    least_rows, least_variance = limits
    room = 3 * columns.size * LANES
    work, ratios, counts = scratch[:room], scratch[room:], onsets
    longest = 0
    for lane in range(firsts.size):
        counts[lane] = note_rows(rows, columns, firsts[lane], stops[lane], False, places[lane])
        longest = max(longest, counts[lane])
    write_ratios(rows, columns, mean, whitener, places, longest, least_variance, work, ratios)
    again = False
    for lane in range(firsts.size):
        if not is_finite(work[: columns.size * PAIR], lane):
            counts[lane] = note_rows(rows, columns, firsts[lane], stops[lane], True, places[lane])
            again = True
    if again:
        write_ratios(rows, columns, mean, whitener, places, longest, least_variance, work, ratios)
    for lane in range(firsts.size):
        count = counts[lane]
        found = count - 1 if count < 2 * least_rows else likeliest(ratios, lane, count, least_rows)
        onsets[lane] = places[lane, found] if count else firsts[lane]


@entry(rows_type, INDICES, FIXED_FLOATS, FIXED_FLOATS, INDICES, INDICES, INT, FLOAT, INT_MATRIX, FLOATS, INTS)
def onset_rows(rows, columns, mean, whitener, firsts, stops, least_rows, least_variance, places, scratch, onsets):
    """Write, for each stretch of rows, the row from which on it is most unlike healthy rows.

    `places` has room for eight of the longest, a line each; `scratch` for three vectors a column, and one a row.
    """
    limits = least_rows, least_variance
    for start in range(0, firsts.size, LANES):
        stop = min(start + LANES, firsts.size)
        lanes = firsts[start:stop], stops[start:stop], limits, places[: stop - start], scratch, onsets[start:stop]
        onset_lanes(rows, columns, mean, whitener, *lanes)
