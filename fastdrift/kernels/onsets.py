"""The kernel of onsets: in which row what was noticed later most likely began.

Eight stretches of rows are worked on at once, one a lane, each from its last row to its first and then back, so that
all sums are of the rows so far.
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

# a variance beyond this is no worse, as so many of them are multiplied before a logarithm is taken
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
def variance_so_far(sums, axis, value, share, weight):
    """Add a value to the sums of an axis; return the variance of what was added, by its weight, and of healthy rows."""
    at = axis * PAIR
    total, squares = load(sums, at) + value, fma(value, value, load(sums, at + LANES))
    store(sums, at, total)
    store(sums, at + LANES, squares)
    middle = total * share
    own = within_limits(squares * share - middle * middle, spread(0.0), spread(MOST_VARIANCE))
    return fma(own, weight, spread(1.0) - weight)


@jit
def write_costs(rows, columns, mean, whitener, places, longest, healthy_rows, scratch, costs):
    """Write what the first row of each lane's `places` costs, the first two, …, as [row][lane].

    Minus twice the log likelihood of n rows under a Gaussian of their own an axis is, but for what all splits share, n
    times the sum over the axes of the log variance, here with that of so many healthy rows among them, which is 1.
    `scratch` is left with the sums of each axis.
    """
    n_axes = columns.size
    sums, tile = scratch[: n_axes * PAIR], scratch[n_axes * PAIR :]
    sums[:] = tile[:] = 0.0
    for row in range(longest):
        load_rows_at(rows, columns, mean, places, row, tile)
        share, weight = spread(1.0 / (row + 1)), spread((row + 1) / (row + 1 + healthy_rows))
        cost, product = spread(0.0), spread(1.0)
        for axis in range(n_axes):
            product = product * variance_so_far(sums, axis, whitened(tile, whitener, axis), share, weight)
            if (axis + 1) % FACTORS == 0 or axis + 1 == n_axes:
                cost = cost + logarithm(product)
                product = spread(1.0)
        store(costs, row * LANES, spread(row + 1.0) * cost)


@jit
def is_finite(sums, lane):
    """Return whether all sums of a lane are numbers."""
    check = 0.0
    for place in range(lane, sums.size, LANES):
        check += 0.0 * sums[place]
    return check == 0.0


@jit
def turn_round(places, count):
    """Turn the order of the rows that are noted; where there are no more, the last is noted again."""
    for place in range(count // 2):
        places[place], places[count - 1 - place] = places[count - 1 - place], places[place]
    for place in range(count, places.size):
        places[place] = places[count - 1] if count else places[place]


@jit
def likeliest(after, before, lane, count, least_rows):
    """Return how many rows come before a lane's cheapest split, with so many on either side; the earliest of equals."""
    best, found = np.inf, 0
    for n_before in range(count - least_rows, least_rows - 1, -1):
        cost = after[(count - n_before - 1) * LANES + lane] + before[(n_before - 1) * LANES + lane]
        if cost <= best:
            best, found = cost, n_before
    return found


@jit
def onset_lanes(rows, columns, mean, whitener, firsts, stops, limits, places, scratch, onsets):
    """Write the onsets of eight stretches of rows at most, one a lane."""
    least_rows, healthy_rows = limits
    room, size = 3 * columns.size * LANES, places.shape[1] * LANES
    work, after, before = scratch[:room], scratch[room : room + size], scratch[room + size :]
    counts, longest = onsets, 0
    for lane in range(firsts.size):
        counts[lane] = note_rows(rows, columns, firsts[lane], stops[lane], False, places[lane])
        longest = max(longest, counts[lane])
    write_costs(rows, columns, mean, whitener, places, longest, healthy_rows, work, after)
    again = False
    for lane in range(firsts.size):
        if not is_finite(work[: columns.size * PAIR], lane):
            counts[lane] = note_rows(rows, columns, firsts[lane], stops[lane], True, places[lane])
            again = True
    if again:
        write_costs(rows, columns, mean, whitener, places, longest, healthy_rows, work, after)
    for lane in range(firsts.size):
        turn_round(places[lane], counts[lane])
    write_costs(rows, columns, mean, whitener, places, longest, healthy_rows, work, before)
    for lane in range(firsts.size):
        found = likeliest(after, before, lane, counts[lane], least_rows)
        onsets[lane] = places[lane, found] if counts[lane] else firsts[lane]


@entry(rows_type, INDICES, FIXED_FLOATS, FIXED_FLOATS, INDICES, INDICES, INT, FLOAT, INT_MATRIX, FLOATS, INTS)
def onset_rows(rows, columns, mean, whitener, firsts, stops, least_rows, healthy_rows, places, scratch, onsets):
    """Write, for each stretch of rows, the row from which on it is most unlike the rows before.

    `places` has room for eight of the longest, a line each; `scratch` for three vectors a column, and two a row.
    """
    limits = least_rows, healthy_rows
    for start in range(0, firsts.size, LANES):
        stop = min(start + LANES, firsts.size)
        lanes = firsts[start:stop], stops[start:stop], limits, places[: stop - start], scratch, onsets[start:stop]
        onset_lanes(rows, columns, mean, whitener, *lanes)
