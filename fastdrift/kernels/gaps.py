"""Kernels of windows that lack values: what is missing filled in, columns that are gone left out of the distance."""

from __future__ import annotations

import numpy as np
from numba import types

from fastdrift.kernels.filling import (
    Held,
    Known,
    factorise,
    fill,
    is_gone,
    is_there,
    solve_lower,
    solve_upper,
    tell_row,
    told_value,
)
from fastdrift.kernels.jitting import (
    FIXED_FLOATS,
    FIXED_MATRIX,
    FLOATS,
    INDICES,
    INT,
    INT_MATRIX,
    MATRIX,
    OUTPUT,
    SPAN,
    entry,
    jit,
    rows_type,
)

# the window, the columns that vary, what is known of rows within windows (`filling.Known`), centres and gains of the
# features, their precision, and curves of what distances over fewer features are worth
GAP = types.Tuple((INT, INDICES, FIXED_MATRIX, FIXED_MATRIX, FIXED_MATRIX, FIXED_MATRIX, FIXED_MATRIX))
# columns that were constant, the value of each, and what rows that moved cost
CONSTANT = types.Tuple((INDICES, FIXED_FLOATS, FIXED_FLOATS))
# suffixes of the block before, from each of its rows on, and a prefix of the block: count, first value, mean from that
# and sum of squares, a line each; a Cholesky factor; lines of numbers, and of whole ones
SCRATCH = types.Tuple((types.Array(types.float64, 3, "C"), MATRIX, MATRIX, MATRIX, INT_MATRIX))


@jit
def marginal_distance(features, gone, n_gone, precision, factor, numbers, solved):
    """Return the squared distance of features without those that are gone, which are 0 here.

    It is the least that the whole one can be, whatever those are.
    """
    size, distance = features.size, 0.0
    solved[:] = 0.0
    for k in range(size):
        for i in range(size):
            solved[i] += precision[k, i] * features[k]
    for i in range(size):
        distance += features[i] * solved[i]
    for i in range(n_gone):
        numbers[i] = solved[gone[i]]
    factorise(precision, gone, n_gone, factor)
    solve_lower(factor, n_gone, numbers)
    for i in range(n_gone):
        distance -= numbers[i] * numbers[i]
    return max(distance, 0.0)


@jit
def on_curve(distance, where, what):
    """Return what a distance is worth by a curve through points, straight between them and beyond the last."""
    k = 0
    while k < where.size - 2 and distance > where[k + 1]:
        k += 1
    slope = (what[k + 1] - what[k]) / (where[k + 1] - where[k])
    return what[k] + (distance - where[k]) * slope


@jit
def moved_cost(rows, first, window, constant):
    """Return what columns that were constant add to a squared distance, and how many of them are there."""
    columns, usual, penalties = constant
    cost, n_there = 0.0, 0
    for column in range(columns.size):
        moved, count = 0, 0
        for row in range(window):
            value = rows[first + row, columns[column]]
            count += is_there(value)
            moved += is_there(value) and value != usual[column]
        n_there += not is_gone(count, window)
        cost += penalties[moved]
    return cost, n_there


@jit
def add_row(part, values, columns):
    """Add the values of a row that are there to the statistics of a part of a window (Welford 1962).

    They are told from the first of them, so that offsets cost no digits.
    """
    for column in range(columns.size):
        value = values[columns[column]]
        if is_there(value):
            if part[0, column] == 0:
                part[1, column] = value
            part[0, column] += 1.0
            off = (value - part[1, column]) - part[2, column]
            part[2, column] += off / part[0, column]
            part[3, column] += off * ((value - part[1, column]) - part[2, column])


@jit
def merge_parts(before, after, held):
    """Write the counts, means and sums of squares of a window made of two parts (Chan, Golub and LeVeque 1983)."""
    for column in range(held.counts.size):
        n_before, n_after = before[0, column], after[0, column]
        count = n_before + n_after
        held.counts[column] = count
        if n_before == 0:
            held.means[column], held.squares[column] = after[1, column] + after[2, column], after[3, column]
        elif n_after == 0:
            held.means[column], held.squares[column] = before[1, column] + before[2, column], before[3, column]
        else:
            off = (after[1, column] - before[1, column]) + (after[2, column] - before[2, column])
            share = n_after / count
            held.means[column] = before[1, column] + (before[2, column] + off * share)
            held.squares[column] = before[3, column] + after[3, column] + off * off * (n_before * share)


@jit
def start_block(rows, first_row, end, columns, window, suffixes, prefix):
    """Make the parts of windows that end in row `end` or later in its block, but for that row.

    As in the sweep (`kernels.sweep`), a window is what it holds of the block before, and of its own.
    """
    start = end // window * window
    suffixes[window - 1] = 0.0
    for row in range(start - 1, end - window, -1):
        place = row - start + window
        if place < window - 1:
            for k in range(4):
                for column in range(columns.size):
                    suffixes[place, k, column] = suffixes[place + 1, k, column]
        add_row(suffixes[place], rows[row - first_row], columns)
    prefix[:] = 0.0
    for row in range(start, end):
        add_row(prefix, rows[row - first_row], columns)


@jit
def lacks_any(values, columns):
    """Return whether a row lacks a value."""
    lacks = False
    for column in range(columns.size):
        lacks |= not is_there(values[columns[column]])
    return lacks


@jit
def write_features(held, window, scales, features, gone):
    """Write the standardised features of a window, 0 for columns that are gone, and which those are, means first."""
    n_columns, k, n_gone = held.counts.size, 0, 0
    for column in range(n_columns):
        n_gone += is_gone(held.counts[column], window)
    for column in range(n_columns):
        other = n_columns + column
        if is_gone(held.counts[column], window):
            features[column], features[other], gone[k], gone[n_gone + k] = 0.0, 0.0, column, other
            k += 1
        else:
            std = np.sqrt(held.squares[column] / (window - 1))
            features[column] = (held.means[column] - scales[0, column]) * scales[1, column]
            features[other] = (std - scales[0, other]) * scales[1, other]
    return n_gone


@jit
def find_lacking(rows, first_row, end, columns, window, held):
    """Note the rows that lack something, of a window but for its last; return how many do."""
    n_lacking = 0
    for row in range(end - window + 1, end):
        if lacks_any(rows[row - first_row], columns):
            held.lacking[n_lacking] = row
            n_lacking += 1
    return n_lacking


@jit
def split_scratch(scratch, n_columns):
    """Return scratch as a `Held`, and lines for the features and for what they are solved to."""
    _, _, factor, lines, wholes = scratch
    held = Held(
        lines[0][:n_columns], lines[1], lines[2], lines[3], lines[4], lines[5], lines[6], lines[7], factor, wholes[0],
        wholes[1],
    )  # fmt: skip
    return held, lines[8][: 2 * n_columns], lines[9][: 2 * n_columns]


@jit
def next_window(rows, first_row, end, columns, window, held, scratch, ring):
    """Hold the counts, means and squares of the window that ends in a row, and which of its rows lack something.

    `ring` is the row in which the last one ended, where the ring of lacking rows begins and how many it holds; the one
    of this window is returned. Of two windows one after the other the second costs little.
    """
    last, head, n_lacking = ring
    suffixes, prefix = scratch[0], scratch[1]
    if end != last + 1:
        head, n_lacking = 0, find_lacking(rows, first_row, end, columns, window, held)
    if end != last + 1 or end % window == 0:
        start_block(rows, first_row, end, columns, window, suffixes, prefix)
    add_row(prefix, rows[end - first_row], columns)
    # the suffix behind a whole block, which is never written, is that of no rows
    merge_parts(suffixes[(end + 1) % window], prefix, held)
    if n_lacking and held.lacking[head % window] <= end - window:
        head, n_lacking = head + 1, n_lacking - 1
    if lacks_any(rows[end - first_row], columns):
        held.lacking[(head + n_lacking) % window] = end
        n_lacking += 1
    return end, head, n_lacking


@jit
def count_there(held, window):
    """Return how many columns are there, and whether one of them lacks some values."""
    n_there, is_scattered = 0, False
    for column in range(held.counts.size):
        n_there += not is_gone(held.counts[column], window)
        is_scattered |= held.counts[column] < window and not is_gone(held.counts[column], window)
    return n_there, is_scattered


@entry(rows_type, INT, INDICES, GAP, CONSTANT, SCRATCH, FLOATS)
def gap_scores(rows, first_row, ends, gap, constant, scratch, out):
    """Write the scores of the windows that end in increasing rows; NaN where less than half of the columns are there.

    Rows are counted from the beginning of the stream: their numbers decide what is drawn.
    """
    window, columns, estimates, within, scales, precision, curves = gap
    known, n_columns = Known(window, estimates, within), columns.size
    held, features, solved = split_scratch(scratch, n_columns)
    ring = -2, 0, 0
    for place in range(ends.size):
        ring = next_window(rows, first_row, ends[place], columns, window, held, scratch, ring)
        n_there, is_scattered = count_there(held, window)
        cost, n_constant = moved_cost(rows, ends[place] - window + 1 - first_row, window, constant)
        if n_there == 0 or 2 * (n_there + n_constant) < n_columns + constant[0].size:
            out[place] = np.nan
            continue
        if is_scattered:
            fill(known, held, rows, first_row, columns, ring[1], ring[2])
        n_gone = write_features(held, window, scales, features, held.places)
        squared = marginal_distance(features, held.places, 2 * n_gone, precision, held.factor, held.numbers, solved)
        if n_gone:
            distance = on_curve(np.sqrt(squared), curves[2 * n_gone - 2], curves[2 * n_gone - 1])
            squared = distance * distance
        out[place] = np.sqrt(squared + cost)


@jit
def write_gone(known, held, scales, precision, features, solved, out):
    """Write columns that are gone so that they add nothing: their features are what the others let expect.

    Half of the rows lie above the mean, half below.
    """
    window = known.window
    n_gone = write_features(held, window, scales, features, held.places)
    marginal_distance(features, held.places, 2 * n_gone, precision, held.factor, held.numbers, solved)
    solve_upper(held.factor, 2 * n_gone, held.numbers)
    for i in range(n_gone):
        column, other = held.places[i], held.places[n_gone + i]
        mean = scales[0, column] - held.numbers[i] / scales[1, column]
        std = max(0.0, scales[0, other] - held.numbers[n_gone + i] / scales[1, other])
        off = std * np.sqrt((window - 1) / (window // 2 * 2))
        for row in range(window):
            out[row, column] = mean + (off if row % 2 else -off) if row < window // 2 * 2 else mean


@entry(rows_type, INT, INDICES, GAP, SCRATCH, MATRIX)
def filled_windows(rows, first_row, ends, gap, scratch, out):
    """Write the rows of windows with what they lack filled in as for a score, one window below the other."""
    window, columns, estimates, within, scales, precision, _ = gap
    known, n_columns = Known(window, estimates, within), columns.size
    held, features, solved = split_scratch(scratch, n_columns)
    for place in range(ends.size):
        end = ends[place]
        own = out[place * window : (place + 1) * window]
        _, head, n_lacking = next_window(rows, first_row, end, columns, window, held, scratch, (-2, 0, 0))
        for row in range(window):
            for column in range(n_columns):
                own[row, column] = rows[end - window + 1 + row - first_row, columns[column]]
        n_there, is_scattered = count_there(held, window)
        if is_scattered:
            fill(known, held, rows, first_row, columns, head, n_lacking)
            for k in range(head, head + n_lacking):
                row = held.lacking[k % window]
                for i in range(tell_row(known, held, rows[row - first_row], columns, row)):
                    if not is_gone(held.counts[held.places[i]], window):
                        own[row - end + window - 1, held.places[i]] = told_value(known, held, i, held.drawn[i])
        if n_there < n_columns:
            write_gone(known, held, scales, precision, features, solved, own)


@entry(rows_type, INT, INDICES, INT, SPAN, OUTPUT)
def count_observed(rows, first_row, columns, window, span, output):
    """Write of how many columns the windows that end in a span's rows have half or more."""
    row, end_row = span[2], span[3]
    out, out_first = output
    for end in range(row, end_row):
        out[end - out_first] = 0.0
    for column in range(columns.size):
        count = 0
        for end in range(row - window + 1, end_row):
            count += is_there(rows[end - first_row, columns[column]])
            if end >= row:
                out[end - out_first] += not is_gone(count, window)
                count -= is_there(rows[end - window + 1 - first_row, columns[column]])
