"""The kernels of reasons: what every column adds to a squared distance."""

from __future__ import annotations

import numpy as np

from fastdrift.kernels.jitting import (
    FIXED_FLOATS,
    INDICES,
    INT,
    INTS,
    OUTPUT,
    SPAN,
    WORK,
    entry,
    inline,
    jit,
    rows_type,
    source_type,
)
from fastdrift.kernels.layout import (
    GROUP_SIZE,
    LANES,
    RELATIVE,
    SIGNED,
    Output,
    Source,
    Span,
    Work,
)
from fastdrift.kernels.loading import prefetch_part
from fastdrift.kernels.solving import fma_four, load_four
from fastdrift.kernels.sweep import sweep_with
from fastdrift.kernels.vectors import absolute, load, spread, spread_from, store


@jit
def add_part(results, at, part, is_first):
    """Add a part to what is there, or put it there if it is the first."""
    store(results, at, part if is_first else load(results, at) + part)


@inline
def add_feature(features, feature, sums, places, results, at, width, kind):
    """Add a feature's part for each of four windows to its column's: the feature times its row of the product."""
    is_first = feature < places.size
    place = (at * width + places[feature if is_first else feature - places.size]) * LANES
    values, step = load_four(features, feature * GROUP_SIZE), width * LANES
    first, second, third, fourth = values[0] * sums[0], values[1] * sums[1], values[2] * sums[2], values[3] * sums[3]
    if kind != SIGNED:
        first, second, third, fourth = absolute(first), absolute(second), absolute(third), absolute(fourth)
    add_part(results, place, first, is_first)
    add_part(results, place + step, second, is_first)
    add_part(results, place + 2 * step, third, is_first)
    add_part(results, place + 3 * step, fourth, is_first)


@jit
def make_shares(results, at, width):
    """Divide the parts of eight windows by their sums."""
    total = load(results, at)
    for column in range(1, width):
        total = total + load(results, at + column * LANES)
    inverse = spread(1.0) / total
    for column in range(width):
        store(results, at + column * LANES, load(results, at + column * LANES) * inverse)


@jit
def consume_parts(features, count, _row, at, target, ahead, extra):
    """Write what the features of each column add: a feature times its row of the precision matrix times all.

    `precision` is cut into panels of four rows, each stored column by column, and padded with zeros. `places` says
    which of the results each column's is.
    """
    prefetch_part(ahead, 0, 1)
    precision, places, kind = extra
    n_columns, width = places.size, target.width
    n_features = 2 * n_columns
    zero = spread(0.0)
    for panel in range(0, n_features, 4):
        first = second = third = fourth = (zero, zero, zero, zero)
        entry = panel * n_features
        for other in range(n_features):
            values = load_four(features, other * GROUP_SIZE)
            first = fma_four(spread_from(precision, entry), values, first)
            second = fma_four(spread_from(precision, entry + 1), values, second)
            third = fma_four(spread_from(precision, entry + 2), values, third)
            fourth = fma_four(spread_from(precision, entry + 3), values, fourth)
            entry += 4
        # padding has no column to go to
        add_feature(features, panel, first, places, target.results, at, width, kind)
        add_feature(features, panel + 1, second, places, target.results, at, width, kind)
        if panel + 2 < n_features:
            add_feature(features, panel + 2, third, places, target.results, at, width, kind)
            add_feature(features, panel + 3, fourth, places, target.results, at, width, kind)
    if kind == RELATIVE:
        for member in range(count):
            make_shares(target.results, (at + member) * width * LANES, width)


sweep_parts = sweep_with(consume_parts)


@entry(source_type, WORK, SPAN, FIXED_FLOATS, INDICES, INT, INT, OUTPUT)
def part_range(source, work, span, precision, places, width, kind, output):
    """Write the parts of every column in the squared distances of the windows that `span` wants.

    A window has `width` results; those that none of the columns has a place among hold garbage.
    """
    sweep_parts(Source(*source), Work(*work), Span(*span), (precision, places, kind), width, Output(*output))


@jit
def settle_parts(parts, is_broken, kind):
    """Make NaN of all parts of a window if one of them is, and shares of them if that is asked."""
    total = np.nan if is_broken else 0.0
    for place in range(parts.size):
        total += parts[place]
    is_number = not np.isnan(total)
    divisor = total if kind == RELATIVE else 1.0
    for place in range(parts.size):
        parts[place] = parts[place] / divisor if is_number else np.nan


@entry(rows_type, INT, INDICES, INT, SPAN, FIXED_FLOATS, FIXED_FLOATS, INDICES, INT, INT, INTS, OUTPUT)
def moved_parts(rows, first_row, columns, window, span, values, penalties, places, width, kind, counts, output):
    """Write what columns that were constant in the baseline add, beside the parts of the others, and settle the sum.

    `counts` is room for as many whole numbers as there are columns, all zero.
    """
    row, end_row = span[2], span[3]
    out, out_first = output
    broken = 0
    for end in range(row - window + 1, end_row):
        for column in range(columns.size):
            value = rows[end - first_row, columns[column]]
            finite = abs(value) < np.inf
            broken += not finite
            counts[column] += finite and value != values[column]
        if end < row:
            continue
        parts = out[(end - out_first) * width : (end - out_first + 1) * width]
        for column in range(columns.size):
            parts[places[column]] = penalties[counts[column]]
        settle_parts(parts, broken > 0, kind)
        for column in range(columns.size):
            value = rows[end - window + 1 - first_row, columns[column]]
            finite = abs(value) < np.inf
            broken -= not finite
            counts[column] -= finite and value != values[column]
