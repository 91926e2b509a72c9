"""Kernels of scores: distances of windows, of plain rows, and what is added to them."""

from __future__ import annotations

import numpy as np

from fastdrift.kernels.jitting import (
    BOOLEAN,
    FIXED_FLOATS,
    FLOATS,
    INDICES,
    INT,
    OUTPUT,
    SIZES,
    SPAN,
    WORK,
    entry,
    inline,
    rows_type,
    source_type,
)
from fastdrift.kernels.layout import FLAT, GROUP, GROUP_SIZE, LANES, PAIR, Output, Prefetch, Source, Span, Target, Work
from fastdrift.kernels.loading import load_rows
from fastdrift.kernels.solving import roots_of_four, solve_group, store_four
from fastdrift.kernels.sweep import split_scratch, sweep_with, write_back
from fastdrift.kernels.vectors import load, spread_from, store


@inline
def consume_scores(features, _count, _row, at, target, ahead, extra):
    """Solve a group; what it holds beyond its count is solved along and not written back."""
    factor, squared = extra
    distances = solve_group(features, features.size // GROUP_SIZE, factor, ahead)
    store_four(target.results, at * LANES, distances if squared else roots_of_four(distances))


sweep_scores = sweep_with(consume_scores)


@entry(source_type, WORK, SPAN, FIXED_FLOATS, BOOLEAN, OUTPUT)
def score_range(source, work, span, factor, squared, output):
    """Write the distances, or their squares, of the windows that `span` wants; return whether all are finite."""
    return sweep_scores(Source(*source), Work(*work), Span(*span), (factor, squared), 1, Output(*output))


@entry(source_type, INT, FIXED_FLOATS, FIXED_FLOATS, FLOATS, SIZES, FLOATS)
def distance_range(rows_source, lane_rows, centre_gain, factor, scratch, sizes, out):
    """Write the distances of rows that are feature vectors themselves; eight stretches of rows, one a lane."""
    source = Source(*rows_source)
    rows, columns = source.rows, source.columns
    raw, _, _, _, _, features, results, bounds, _ = split_scratch(scratch, sizes)
    features[:] = 0.0
    pitch = (rows.shape[1] if source.layout == FLAT else columns.size) * LANES
    for lane in range(LANES):
        bounds[lane] = 0.0
        bounds[LANES + lane] = min(lane_rows, rows.shape[0] - lane * lane_rows)
    target = Target(out, 1, 0, lane_rows, bounds, results)
    for start in range(0, lane_rows, PAIR):
        n_rows = min(PAIR, lane_rows - start)
        load_rows(source, pitch, start, lane_rows, n_rows, raw, 0)
        for row in range(0, n_rows, GROUP):
            for member in range(min(GROUP, n_rows - row)):
                for column in range(columns.size):
                    value = load(raw, (row + member) * pitch + column * LANES) - spread_from(centre_gain, 2 * column)
                    at = column * GROUP_SIZE + member * LANES
                    store(features, at, value * spread_from(centre_gain, 2 * column + 1))
            ahead = Prefetch(source, start + PAIR + row, -1, lane_rows)
            distances = solve_group(features, features.size // GROUP_SIZE, factor, ahead)
            store_four(results, row * LANES, roots_of_four(distances))
        write_back(target, start, n_rows)


@entry(rows_type, INT, INDICES, INT, SPAN, FIXED_FLOATS, FIXED_FLOATS, OUTPUT)
def moved_range(rows, first_row, columns, window, span, values, penalties, output):
    """Add to scores what columns that were constant in the baseline cost: `penalties[rows that moved]`.

    Return whether none of the rows holds a NaN or inf, which makes NaN of its windows' scores. Counts are whole
    numbers, so they may slide: nothing is lost by taking a row out again.
    """
    row, end_row = span[2], span[3]
    out, out_first = output
    is_finite = True
    for column in range(columns.size):
        moved, broken = 0, 0
        for end in range(row - window + 1, end_row):
            value = rows[end - first_row, columns[column]]
            finite = abs(value) < np.inf
            is_finite = is_finite and finite
            broken += not finite
            moved += finite and value != values[column]
            if end < row:
                continue
            out[end - out_first] += np.nan if broken else penalties[moved]
            value = rows[end - window + 1 - first_row, columns[column]]
            finite = abs(value) < np.inf
            broken -= not finite
            moved -= finite and value != values[column]
    return is_finite


@inline
def is_broken(rows, row, columns):
    """Return whether a row holds a NaN or inf."""
    broken = False
    for column in range(columns.size):
        broken |= not abs(rows[row, columns[column]]) < np.inf
    return broken


@entry(rows_type, INT, INDICES, INT, SPAN, OUTPUT)
def settle_range(rows, first_row, columns, window, span, output):
    """Make NaN of every distance whose window holds a NaN or inf, and inf of one that overflowed; return the NaNs.

    A distance that is a number has a window without: only rows of others are looked at.
    """
    row, end_row = span[2], span[3]
    out, out_first = output
    last, total = row - window, 0
    for end in range(row, end_row):
        if abs(out[end - out_first]) < np.inf:
            continue
        for before in range(row - window + 1, row if end == row else row - window + 1):
            last = before if is_broken(rows, before - first_row, columns) else last
        last = end if is_broken(rows, end - first_row, columns) else last
        is_lacking = last > end - window
        out[end - out_first] = np.nan if is_lacking else np.inf
        total += is_lacking
    return total
