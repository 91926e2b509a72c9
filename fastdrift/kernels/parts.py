"""The kernel of reasons: what every column adds to a squared distance."""

from __future__ import annotations

from fastdrift.kernels.jitting import BOOLEAN, FIXED_FLOATS, OUTPUT, SPAN, WORK, entry, jit, source_type
from fastdrift.kernels.layout import GROUP, GROUP_SIZE, LANES, Output, Source, Span, Work
from fastdrift.kernels.loading import prefetch_part
from fastdrift.kernels.solving import fma_four, load_four
from fastdrift.kernels.sweep import sweep_with
from fastdrift.kernels.vectors import absolute, load, spread, spread_from, store


@jit
def add_part(results, at, value, is_first, signed):
    """Add a feature's part to its column's, or put it there if it is the column's first."""
    part = value if signed else absolute(value)
    store(results, at, part if is_first else load(results, at) + part)


@jit
def consume_parts(features, _count, _row, at, target, ahead, extra):
    """Write what the features of each column add: a feature times its row of the precision matrix times all.

    `precision` is cut into panels of four rows, each stored column by column, and padded with zeros.
    """
    prefetch_part(ahead, 0, 1)
    precision, signed = extra
    n_columns = target.width
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
        sums = (first, second, third, fourth)
        for index in range(min(4, n_features - panel)):
            feature = panel + index
            column, is_first = feature % n_columns, feature < n_columns
            for member in range(GROUP):
                value = load(features, feature * GROUP_SIZE + member * LANES) * sums[index][member]
                add_part(target.results, ((at + member) * n_columns + column) * LANES, value, is_first, signed)


sweep_parts = sweep_with(consume_parts)


@entry(source_type, WORK, SPAN, FIXED_FLOATS, BOOLEAN, OUTPUT)
def part_range(source, work, span, precision, signed, output):
    """Write the parts of every column in the squared distances of the windows that `span` wants."""
    n_columns = source[2].size
    sweep_parts(Source(*source), Work(*work), Span(*span), (precision, signed), n_columns, Output(*output))
