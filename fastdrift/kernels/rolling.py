"""Rolling statistics: suffixes, prefixes and their merge."""

from __future__ import annotations

from fastdrift.kernels.jitting import inline, jit
from fastdrift.kernels.layout import GROUP, GROUP_SIZE, LANES, PAIR, TRIPLE
from fastdrift.kernels.vectors import fma, load, refined_root, spread, spread_from, square_root, store


@jit
def place(ring, origin, row):
    """Return where in the ring a row lies of the block whose row `start` is at `origin`."""
    at = origin + row - ring.start
    return (at - ring.size if at >= ring.size else at) * ring.pitch


@jit
def welford(value, anchor, mean, m2, tables, count):
    """Take the `count`-th value into (mean - anchor, m2), m2 the sum of squared deviations."""
    delta = (value - anchor) - mean
    mean = fma(delta, spread_from(tables, 4 * count - 4), mean)
    return mean, fma(delta * delta, spread_from(tables, 4 * count - 3), m2)


@jit
def load_each(array, at, places):
    """Return four vectors, each from its place after `at`."""
    return (
        load(array, at + places[0]),
        load(array, at + places[1]),
        load(array, at + places[2]),
        load(array, at + places[3]),
    )


@jit
def store_each(array, at, places, four):
    """Write four vectors, each to its place after `at`."""
    store(array, at + places[0], four[0])
    store(array, at + places[1], four[1])
    store(array, at + places[2], four[2])
    store(array, at + places[3], four[3])


@jit
def welford_each(values, anchors, means, m2s, tables, count):
    """Take the `count`-th value of each of four columns in."""
    mean_0, m2_0 = welford(values[0], anchors[0], means[0], m2s[0], tables, count)
    mean_1, m2_1 = welford(values[1], anchors[1], means[1], m2s[1], tables, count)
    mean_2, m2_2 = welford(values[2], anchors[2], means[2], m2s[2], tables, count)
    mean_3, m2_3 = welford(values[3], anchors[3], means[3], m2s[3], tables, count)
    return (mean_0, mean_1, mean_2, mean_3), (m2_0, m2_1, m2_2, m2_3)


@jit
def four_columns(first, n_columns):
    """Return four columns from `first` on, the last one again where they run out: four chains hide their latency."""
    last = n_columns - 1
    return first, min(first + 1, last), min(first + 2, last), min(first + 3, last)


@jit
def times(four, factor):
    """Return four whole numbers times another."""
    return four[0] * factor, four[1] * factor, four[2] * factor, four[3] * factor


@jit
def slots_of(slots, four):
    """Return the slots of four columns."""
    return slots[four[0]], slots[four[1]], slots[four[2]], slots[four[3]]


@inline
def suffix_pass(ring, start, stop, work, anchors, ends, end, groups):
    """Run backwards over rows stop … start + 1 of the block before and keep the suffix that follows each whole group.

    `ends[end]` holds the suffix from row stop + 1 on.
    """
    n_columns = ring.slots.size
    n_groups = (stop - start) // GROUP
    for first in range(0, n_columns, 4):
        four = four_columns(first, n_columns)
        sources, pairs = times(slots_of(ring.slots, four), LANES), times(four, PAIR)
        own = load_each(anchors, 0, times(four, LANES))
        means, m2s = load_each(ends, end, pairs), load_each(ends, end + LANES, pairs)
        for row in range(stop, start + n_groups * GROUP, -1):
            values = load_each(ring.raw, place(ring, ring.behind, row), sources)
            means, m2s = welford_each(values, own, means, m2s, work.tables, work.window - row)
        for group in range(n_groups - 1, -1, -1):
            row = start + (group + 1) * GROUP
            values = load_each(ring.raw, place(ring, ring.behind, row), sources)
            means, m2s = welford_each(values, own, means, m2s, work.tables, work.window - row)
            store_each(groups, group * n_columns * PAIR, pairs, means)
            store_each(groups, group * n_columns * PAIR + LANES, pairs, m2s)
            at = place(ring, ring.behind, row - GROUP)
            for before in range(GROUP - 1, 0, -1):
                values = load_each(ring.raw, at + before * ring.pitch, sources)
                means, m2s = welford_each(values, own, means, m2s, work.tables, work.window - row + GROUP - before)


@jit
def tile_totals(ring, start, stop, work, anchors, ends, end):
    """Write the mean and m2 of rows start + 1 … stop of this block to `ends[end]`."""
    n_columns = ring.slots.size
    zero = spread(0.0)
    for first in range(0, n_columns, 4):
        four = four_columns(first, n_columns)
        sources, pairs = times(slots_of(ring.slots, four), LANES), times(four, PAIR)
        own = load_each(anchors, 0, times(four, LANES))
        means = m2s = (zero, zero, zero, zero)
        for count in range(1, stop - start + 1):
            values = load_each(ring.raw, place(ring, ring.here, start + count), sources)
            means, m2s = welford_each(values, own, means, m2s, work.tables, count)
        store_each(ends, end, pairs, means)
        store_each(ends, end + LANES, pairs, m2s)


@jit
def link_tiles(ends, n_columns, work):
    """Turn the totals of a block's tiles into the suffixes behind them, from the last tile to the first."""
    end_size = n_columns * PAIR
    for column in range(n_columns):
        mean = m2 = spread(0.0)
        after = 0
        for index in range(n_tiles_of(work.window, work.tile) - 1, -1, -1):
            at = index * end_size + column * PAIR
            own_mean, own_m2 = load(ends, at), load(ends, at + LANES)
            store(ends, at, mean)
            store(ends, at + LANES, m2)
            n_rows = min(work.tile, work.window - 1 - index * work.tile)
            share = after / (after + n_rows)
            delta = mean - own_mean
            mean = fma(delta, spread(share), own_mean)
            m2 = fma(delta * delta, spread(n_rows * share), own_m2 + m2)
            after += n_rows


@jit
def prefix_start(ring, state):
    """Anchor the prefix of a block at its first row."""
    for column in range(ring.slots.size):
        store(state, column * TRIPLE, load(ring.raw, ring.here * ring.pitch + ring.slots[column] * LANES))
        store(state, column * TRIPLE + LANES, spread(0.0))
        store(state, column * TRIPLE + 2 * LANES, spread(0.0))


@jit
def merge(mean, m2, suffix_mean, suffix_m2, gap, tables, row):
    """Merge the prefix that ends at `row` with a suffix; the mean is told from the suffix's anchor."""
    delta = gap + (mean - suffix_mean)
    both = fma(delta * delta, spread_from(tables, 4 * row + 3), m2 + suffix_m2)
    return fma(delta, spread_from(tables, 4 * row + 2), suffix_mean), both


@jit
def write_features(features, column, n_columns, member, mean, std, scales):
    """Centre and scale the features of one window and put them where the solve wants them."""
    at = column * GROUP_SIZE + member * LANES
    store(features, at, mean * spread_from(scales, 4 * column + 1))
    std = (std - spread_from(scales, 4 * column + 2)) * spread_from(scales, 4 * column + 3)
    store(features, at + n_columns * GROUP_SIZE, std)


@inline
def merge_group(ring, row, group, work, anchors, groups, state, features):
    """Make the features of the windows that end at rows row … row + 3 of a block."""
    slots, pitch, window, tables, scales = ring.slots, ring.pitch, work.window, work.tables, work.scales
    n_columns = slots.size
    behind_at, here_at = place(ring, ring.behind, row), place(ring, ring.here, row)
    for column in range(n_columns):
        at = slots[column] * LANES
        other, own = load(anchors, column * LANES), load(state, column * TRIPLE)
        gap, offset = own - other, other - spread_from(scales, 4 * column)
        pair = (group * n_columns + column) * PAIR
        mean_3, m2_3 = load(groups, pair), load(groups, pair + LANES)
        value = load(ring.raw, behind_at + 3 * pitch + at)
        mean_2, m2_2 = welford(value, other, mean_3, m2_3, tables, window - row - 3)
        value = load(ring.raw, behind_at + 2 * pitch + at)
        mean_1, m2_1 = welford(value, other, mean_2, m2_2, tables, window - row - 2)
        value = load(ring.raw, behind_at + pitch + at)
        mean_0, m2_0 = welford(value, other, mean_1, m2_1, tables, window - row - 1)

        mean, m2 = load(state, column * TRIPLE + LANES), load(state, column * TRIPLE + 2 * LANES)
        mean, m2 = welford(load(ring.raw, here_at + at), own, mean, m2, tables, row + 1)
        deviation, square = merge(mean, m2, mean_0, m2_0, gap, tables, row)
        write_features(features, column, n_columns, 0, offset + deviation, square_root(square), scales)
        mean, m2 = welford(load(ring.raw, here_at + pitch + at), own, mean, m2, tables, row + 2)
        deviation, square = merge(mean, m2, mean_1, m2_1, gap, tables, row + 1)
        write_features(features, column, n_columns, 1, offset + deviation, refined_root(square), scales)
        mean, m2 = welford(load(ring.raw, here_at + 2 * pitch + at), own, mean, m2, tables, row + 3)
        deviation, square = merge(mean, m2, mean_2, m2_2, gap, tables, row + 2)
        write_features(features, column, n_columns, 2, offset + deviation, square_root(square), scales)
        mean, m2 = welford(load(ring.raw, here_at + 3 * pitch + at), own, mean, m2, tables, row + 4)
        deviation, square = merge(mean, m2, mean_3, m2_3, gap, tables, row + 3)
        write_features(features, column, n_columns, 3, offset + deviation, refined_root(square), scales)
        store(state, column * TRIPLE + LANES, mean)
        store(state, column * TRIPLE + 2 * LANES, m2)


@jit
def merge_tail(ring, row, n_rows, work, anchors, ends, end, state, features):
    """Do the work of `merge_group` for the fewer than four rows that are left before a block's last."""
    slots, pitch, window, tables, scales = ring.slots, ring.pitch, work.window, work.tables, work.scales
    n_columns = slots.size
    behind_at, here_at = place(ring, ring.behind, row), place(ring, ring.here, row)
    for column in range(n_columns):
        at = slots[column] * LANES
        other, own = load(anchors, column * LANES), load(state, column * TRIPLE)
        gap, offset = own - other, other - spread_from(scales, 4 * column)
        mean, m2 = load(state, column * TRIPLE + LANES), load(state, column * TRIPLE + 2 * LANES)
        for member in range(n_rows):
            suffix_mean = load(ends, end + column * PAIR)
            suffix_m2 = load(ends, end + column * PAIR + LANES)
            for step in range(n_rows, member, -1):
                value = load(ring.raw, behind_at + step * pitch + at)
                suffix_mean, suffix_m2 = welford(value, other, suffix_mean, suffix_m2, tables, window - row - step)
            mean, m2 = welford(load(ring.raw, here_at + member * pitch + at), own, mean, m2, tables, row + member + 1)
            deviation, square = merge(mean, m2, suffix_mean, suffix_m2, gap, tables, row + member)
            write_features(features, column, n_columns, member, offset + deviation, square_root(square), scales)
        store(state, column * TRIPLE + LANES, mean)
        store(state, column * TRIPLE + 2 * LANES, m2)


@jit
def whole_block(ring, member, work, state, features):
    """Make the features of the window that is a whole block and needs no suffix."""
    scales, last = work.scales, place(ring, ring.here, work.window - 1)
    for column in range(ring.slots.size):
        own = load(state, column * TRIPLE)
        mean, m2 = load(state, column * TRIPLE + LANES), load(state, column * TRIPLE + 2 * LANES)
        value = load(ring.raw, last + ring.slots[column] * LANES)
        mean, m2 = welford(value, own, mean, m2, work.tables, work.window)
        deviation = (own - spread_from(scales, 4 * column)) + mean
        write_features(features, column, ring.slots.size, member, deviation, square_root(m2), scales)


@jit
def keep_row(raw, at, slots, anchors):
    """Anchor the suffixes of a block at its last row."""
    for column in range(slots.size):
        store(anchors, column * LANES, load(raw, at + slots[column] * LANES))


@jit
def n_tiles_of(window, tile):
    """Return how many tiles hold the rows of a block but its last."""
    return max(1, (window - 2 + tile) // tile)
