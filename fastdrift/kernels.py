"""Every jitted function of fastdrift.

The stream is cut into blocks of `window` rows, aligned to absolute row 0. The window that ends at offset j of a block
is a suffix of the block before (rows j+1 …) and a prefix of this one (rows … j). Their means and sums of squared
deviations come from Welford's recurrence and are merged by Chan, Golub and LeVeque's formula, so nothing that entered
a sum is ever subtracted from it again (van Herk 1992; Chan et al. 1983).

Eight blocks are worked on at once, one a lane: lane k owns `steps` consecutive blocks, so the suffix it needs is the
one it made a step earlier. Scratch is laid out as [row][column][lane]; four rows of one column are merged in registers
(a group), then the group's windows are solved together.

Suffixes are kept at every fourth row only and the three between are made again in registers: storing all of them cost
more in cache traffic than five operations a number do. The block of a long window is worked on in tiles: while a
tile's rows are at hand its totals are taken too, and the totals, merged from the last to the first, are the suffixes
behind the tiles. So a block too large for the cache need not be held: its tiles are read once as a prefix and once as a
suffix.

Two square roots of every four are made by multiplication: the divider alone would take longer than all the rest of a
merge does. Memory is asked for rows a block, or a tile, ahead, a line at a time between the panels of the solve, which
wants nothing else from it; asking all at once before it cost 10 % of the time at 32 columns.

A kernel checks nothing and allocates nothing: dtypes, shapes and ranges are the business of `engine`. Index arithmetic
is in doubles, and

    tables[4 * j …] = 1 / (j + 1), j / (j + 1), (j + 1) / window, (j + 1) * (window - 1 - j) / window
    scales[4 * c …] = centre and gain of column c's mean, centre and gain of its std
    state[3 * c …]  = anchor, mean and m2 of column c over this block's prefix, a vector each
    ends[2 * c …]   = mean and m2 of column c over the suffix behind a tile, or over the tile itself, a vector each
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from fastdrift.lanes import (
    LANES,
    equal,
    fma,
    keep,
    load,
    prefetch,
    refined_root,
    spread,
    spread_from,
    square_root,
    store,
    transpose,
    within,
)

GROUP = 4
GROUP_SIZE = GROUP * LANES
PAIR = 2 * LANES
TRIPLE = 3 * LANES
VECTOR_BYTES = 8 * LANES
CACHE_LINE = 64
FLAT, COLUMNS, ANY = 0, 1, 2


class Source(NamedTuple):
    """Rows of a table and how to read them."""

    rows: Any  # (n_rows, n_columns) float32 or float64
    first_row: Any  # absolute number of the first of them
    columns: Any  # places of the columns wanted
    slots: Any  # their places in scratch: the same as in `rows` for FLAT, 0, 1, … otherwise
    layout: Any  # FLAT, COLUMNS or ANY


class Work(NamedTuple):
    """What a sweep needs beside the rows."""

    window: Any
    tile: Any  # rows of a block worked on at once, a multiple of four
    held: Any  # rows in scratch: a whole block, or those of a tile and one more
    tables: Any
    scales: Any
    scratch: Any
    sizes: Any  # of the pieces that `carve` cuts scratch into


class Strip(NamedTuple):
    """Consecutive rows of eight blocks in scratch."""

    raw: Any
    start: Any  # the first row's place in its block
    pitch: Any
    slots: Any


class Ahead(NamedTuple):
    """Rows that will be wanted soon: four a lane, and four a lane of the block before where that is read again."""

    source: Any
    first: Any
    first_behind: Any  # or a negative number
    lane_rows: Any


class Target(NamedTuple):
    """Where the results of eight blocks go."""

    out: Any  # flat, `width` numbers a row
    width: Any
    first: Any  # the row of `out` that the first lane's block starts at
    lane_rows: Any
    bounds: Any  # offsets, from and to, at which each lane's block holds rows that are wanted
    results: Any  # room for the results of a tile, or of a group where each fills lines of its own


class Span(NamedTuple):
    """What a sweep covers: whole blocks, and the windows in them that are wanted, by the absolute row of their end."""

    block: Any
    end_block: Any
    row: Any
    end_row: Any


# no fast-math, ever: the same bits on every machine rest on it; and no reference counts, which are atomic additions:
# they cost a fifth of the time of short windows
OPTIONS = {"error_model": "numpy", "nogil": True, "_nrt": False}
jit = njit(**OPTIONS)
# LLVM calls what takes many arrays, and pushes each of their fields; in the loop over groups that cost a fifth
inline = njit(**OPTIONS, forceinline=True)


@jit
def load_flat(rows, first, lane_rows, n_rows, raw):
    """Transpose C-contiguous rows of eight blocks, one run of numbers a lane."""
    row_bytes = rows.strides[0]
    byte, lane_bytes = first * row_bytes, lane_rows * row_bytes
    length = n_rows * rows.shape[1]
    for index in range(0, length - LANES + 1, LANES):
        transpose(rows, byte + index * rows.itemsize, lane_bytes, raw, index * LANES, LANES)
    if length % LANES:
        index = length - LANES
        transpose(rows, byte + index * rows.itemsize, lane_bytes, raw, index * LANES, LANES)


@jit
def load_columns(rows, columns, first, lane_rows, n_rows, raw):
    """Transpose Fortran-ordered rows of eight blocks, one run of numbers a lane and column."""
    lane_bytes, pitch = lane_rows * rows.itemsize, columns.size * LANES
    for slot in range(columns.size):
        byte = columns[slot] * rows.strides[1] + first * rows.itemsize
        for row in range(0, n_rows - LANES + 1, LANES):
            transpose(rows, byte + row * rows.itemsize, lane_bytes, raw, row * pitch + slot * LANES, pitch)
        if n_rows % LANES:
            row = n_rows - LANES
            transpose(rows, byte + row * rows.itemsize, lane_bytes, raw, row * pitch + slot * LANES, pitch)


@jit
def load_any(rows, columns, slots, pitch, first, lane_rows, n_rows, raw):
    """Copy rows of any layout; rows outside the table become zeros, and their windows are never written back."""
    for lane in range(LANES):
        for row in range(n_rows):
            source, target = first + lane * lane_rows + row, row * pitch + lane
            outside = source < 0 or source >= rows.shape[0]
            for column in range(columns.size):
                raw[target + slots[column] * LANES] = 0.0 if outside else rows[source, columns[column]]


@jit
def load_rows(source, pitch, first, lane_rows, n_rows, raw):
    """Bring `n_rows` rows of eight blocks into `raw` in the fastest way their layout allows."""
    rows, columns = source.rows, source.columns
    inside = first >= 0 and first + (LANES - 1) * lane_rows + n_rows <= rows.shape[0]
    if inside and source.layout == FLAT and n_rows * rows.shape[1] >= LANES:
        load_flat(rows, first, lane_rows, n_rows, raw)
    elif inside and source.layout == COLUMNS and n_rows >= LANES:
        load_columns(rows, columns, first, lane_rows, n_rows, raw)
    else:
        load_any(rows, columns, source.slots, pitch, first, lane_rows, n_rows, raw)


@inline
def prefetch_lanes(rows, byte, lane_bytes):
    """Ask for a line a lane."""
    for lane in range(LANES):
        prefetch(rows, byte + lane * lane_bytes)


@inline
def prefetch_rows(source, first, lane_rows, part, n_parts):
    """Ask for one of `n_parts` parts of four rows a lane."""
    rows, columns = source.rows, source.columns
    row_bytes, column_bytes = rows.strides
    lane_bytes = lane_rows * row_bytes
    if source.layout == FLAT:
        line = part * CACHE_LINE
        while line < GROUP * row_bytes:
            prefetch_lanes(rows, first * row_bytes + line, lane_bytes)
            line += n_parts * CACHE_LINE
    elif source.layout == COLUMNS:
        # eight rows of a column share a line: half of the columns are asked for with each group of four
        column = 2 * part + (first // GROUP & 1)
        while column < columns.size:
            prefetch_lanes(rows, first * row_bytes + columns[column] * column_bytes, lane_bytes)
            column += 2 * n_parts


@inline
def prefetch_part(ahead, part, n_parts):
    """Ask for one of `n_parts` parts of the rows ahead, so that memory works while the arithmetic goes on."""
    prefetch_rows(ahead.source, ahead.first, ahead.lane_rows, part, n_parts)
    if ahead.first_behind >= 0:
        prefetch_rows(ahead.source, ahead.first_behind, ahead.lane_rows, part, n_parts)


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
def suffix_pass(behind, start, stop, work, anchors, ends, end, groups):
    """Run backwards over rows stop … start + 1 of a block and keep the suffix that follows each whole group.

    `ends[end]` holds the suffix from row stop + 1 on.
    """
    n_columns, pitch = behind.slots.size, behind.pitch
    n_groups = (stop - start) // GROUP
    base = -behind.start * pitch
    for first in range(0, n_columns, 4):
        four = four_columns(first, n_columns)
        sources, pairs = times(slots_of(behind.slots, four), LANES), times(four, PAIR)
        own = load_each(anchors, 0, times(four, LANES))
        means, m2s = load_each(ends, end, pairs), load_each(ends, end + LANES, pairs)
        for row in range(stop, start + n_groups * GROUP, -1):
            values = load_each(behind.raw, base + row * pitch, sources)
            means, m2s = welford_each(values, own, means, m2s, work.tables, work.window - row)
        for group in range(n_groups - 1, -1, -1):
            row = start + (group + 1) * GROUP
            values = load_each(behind.raw, base + row * pitch, sources)
            means, m2s = welford_each(values, own, means, m2s, work.tables, work.window - row)
            store_each(groups, group * n_columns * PAIR, pairs, means)
            store_each(groups, group * n_columns * PAIR + LANES, pairs, m2s)
            for before in range(row - 1, row - GROUP, -1):
                values = load_each(behind.raw, base + before * pitch, sources)
                means, m2s = welford_each(values, own, means, m2s, work.tables, work.window - before)


@jit
def tile_totals(here, start, stop, work, anchors, ends, end):
    """Write the mean and m2 of rows start + 1 … stop of a block to `ends[end]`."""
    n_columns, pitch = here.slots.size, here.pitch
    base = (start - here.start) * pitch
    zero = spread(0.0)
    for first in range(0, n_columns, 4):
        four = four_columns(first, n_columns)
        sources, pairs = times(slots_of(here.slots, four), LANES), times(four, PAIR)
        own = load_each(anchors, 0, times(four, LANES))
        means = m2s = (zero, zero, zero, zero)
        for count in range(1, stop - start + 1):
            values = load_each(here.raw, base + count * pitch, sources)
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
def prefix_start(here, state):
    """Anchor the prefix of a block at its first row."""
    for column in range(here.slots.size):
        store(state, column * TRIPLE, load(here.raw, here.slots[column] * LANES))
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
def merge_group(behind, here, row, group, work, anchors, groups, state, features):
    """Make the features of the windows that end at rows row … row + 3 of a block; `behind` is the block before."""
    slots, pitch, window, tables, scales = here.slots, here.pitch, work.window, work.tables, work.scales
    n_columns = slots.size
    behind_at, here_at = (row - behind.start) * pitch, (row - here.start) * pitch
    for column in range(n_columns):
        at = slots[column] * LANES
        other, own = load(anchors, column * LANES), load(state, column * TRIPLE)
        gap, offset = own - other, other - spread_from(scales, 4 * column)
        pair = (group * n_columns + column) * PAIR
        mean_3, m2_3 = load(groups, pair), load(groups, pair + LANES)
        value = load(behind.raw, behind_at + 3 * pitch + at)
        mean_2, m2_2 = welford(value, other, mean_3, m2_3, tables, window - row - 3)
        value = load(behind.raw, behind_at + 2 * pitch + at)
        mean_1, m2_1 = welford(value, other, mean_2, m2_2, tables, window - row - 2)
        value = load(behind.raw, behind_at + pitch + at)
        mean_0, m2_0 = welford(value, other, mean_1, m2_1, tables, window - row - 1)

        mean, m2 = load(state, column * TRIPLE + LANES), load(state, column * TRIPLE + 2 * LANES)
        mean, m2 = welford(load(here.raw, here_at + at), own, mean, m2, tables, row + 1)
        deviation, square = merge(mean, m2, mean_0, m2_0, gap, tables, row)
        write_features(features, column, n_columns, 0, offset + deviation, square_root(square), scales)
        mean, m2 = welford(load(here.raw, here_at + pitch + at), own, mean, m2, tables, row + 2)
        deviation, square = merge(mean, m2, mean_1, m2_1, gap, tables, row + 1)
        write_features(features, column, n_columns, 1, offset + deviation, refined_root(square), scales)
        mean, m2 = welford(load(here.raw, here_at + 2 * pitch + at), own, mean, m2, tables, row + 3)
        deviation, square = merge(mean, m2, mean_2, m2_2, gap, tables, row + 2)
        write_features(features, column, n_columns, 2, offset + deviation, square_root(square), scales)
        mean, m2 = welford(load(here.raw, here_at + 3 * pitch + at), own, mean, m2, tables, row + 4)
        deviation, square = merge(mean, m2, mean_3, m2_3, gap, tables, row + 3)
        write_features(features, column, n_columns, 3, offset + deviation, refined_root(square), scales)
        store(state, column * TRIPLE + LANES, mean)
        store(state, column * TRIPLE + 2 * LANES, m2)


@jit
def merge_tail(behind, here, row, n_rows, work, anchors, ends, end, state, features):
    """Do the work of `merge_group` for the fewer than four rows that are left before a block's last."""
    slots, pitch, window, tables, scales = here.slots, here.pitch, work.window, work.tables, work.scales
    n_columns = slots.size
    behind_at, here_at = (row - behind.start) * pitch, (row - here.start) * pitch
    for column in range(n_columns):
        at = slots[column] * LANES
        other, own = load(anchors, column * LANES), load(state, column * TRIPLE)
        gap, offset = own - other, other - spread_from(scales, 4 * column)
        mean, m2 = load(state, column * TRIPLE + LANES), load(state, column * TRIPLE + 2 * LANES)
        for member in range(n_rows):
            suffix_mean = load(ends, end + column * PAIR)
            suffix_m2 = load(ends, end + column * PAIR + LANES)
            for step in range(n_rows, member, -1):
                value = load(behind.raw, behind_at + step * pitch + at)
                suffix_mean, suffix_m2 = welford(value, other, suffix_mean, suffix_m2, tables, window - row - step)
            mean, m2 = welford(load(here.raw, here_at + member * pitch + at), own, mean, m2, tables, row + member + 1)
            deviation, square = merge(mean, m2, suffix_mean, suffix_m2, gap, tables, row + member)
            write_features(features, column, n_columns, member, offset + deviation, square_root(square), scales)
        store(state, column * TRIPLE + LANES, mean)
        store(state, column * TRIPLE + 2 * LANES, m2)


@jit
def whole_block(here, member, work, state, features):
    """Make the features of the window that is a whole block and needs no suffix."""
    scales, last = work.scales, (work.window - 1 - here.start) * here.pitch
    for column in range(here.slots.size):
        own = load(state, column * TRIPLE)
        mean, m2 = load(state, column * TRIPLE + LANES), load(state, column * TRIPLE + 2 * LANES)
        value = load(here.raw, last + here.slots[column] * LANES)
        mean, m2 = welford(value, own, mean, m2, work.tables, work.window)
        deviation = (own - spread_from(scales, 4 * column)) + mean
        write_features(features, column, here.slots.size, member, deviation, square_root(m2), scales)


@jit
def load_four(array, at):
    """Return four vectors that lie side by side."""
    return load(array, at), load(array, at + LANES), load(array, at + 2 * LANES), load(array, at + 3 * LANES)


@jit
def store_four(array, at, four):
    """Write four vectors side by side."""
    store(array, at, four[0])
    store(array, at + LANES, four[1])
    store(array, at + 2 * LANES, four[2])
    store(array, at + 3 * LANES, four[3])


@jit
def fma_four(factor, four, addends):
    """Return `factor * four + addends` for each of four windows."""
    return (
        fma(factor, four[0], addends[0]),
        fma(factor, four[1], addends[1]),
        fma(factor, four[2], addends[2]),
        fma(factor, four[3], addends[3]),
    )


@jit
def add_squares(four, addends):
    """Return `four² + addends` for each of four windows."""
    return (
        fma(four[0], four[0], addends[0]),
        fma(four[1], four[1], addends[1]),
        fma(four[2], four[2], addends[2]),
        fma(four[3], four[3], addends[3]),
    )


@jit
def roots_of_four(four):
    """Return the square root for each of four windows."""
    return square_root(four[0]), square_root(four[1]), square_root(four[2]), square_root(four[3])


@inline
def solve_group(features, n_features, factor, ahead):
    """Return the squared distances of a group's windows by forward substitution, which overwrites the features.

    `factor` holds the panels of `model.pack_factor`: rows of the Cholesky factor over their diagonal, negated, so that
    four features of four windows live in 16 registers and each factor entry is read once for four windows.
    """
    zero = spread(0.0)
    distances = (zero, zero, zero, zero)
    entry = 0
    for panel in range(0, n_features, 4):
        prefetch_part(ahead, panel // 4, (n_features + 3) // 4)
        here = panel * GROUP_SIZE
        first, second = load_four(features, here), load_four(features, here + GROUP_SIZE)
        third, fourth = load_four(features, here + 2 * GROUP_SIZE), load_four(features, here + 3 * GROUP_SIZE)
        for before in range(panel):
            solved = load_four(features, before * GROUP_SIZE)
            first = fma_four(spread_from(factor, entry), solved, first)
            second = fma_four(spread_from(factor, entry + 1), solved, second)
            third = fma_four(spread_from(factor, entry + 2), solved, third)
            fourth = fma_four(spread_from(factor, entry + 3), solved, fourth)
            entry += 4
        second = fma_four(spread_from(factor, entry), first, second)
        third = fma_four(spread_from(factor, entry + 1), first, third)
        fourth = fma_four(spread_from(factor, entry + 2), first, fourth)
        third = fma_four(spread_from(factor, entry + 3), second, third)
        fourth = fma_four(spread_from(factor, entry + 4), second, fourth)
        fourth = fma_four(spread_from(factor, entry + 5), third, fourth)
        entry += 6
        # the last panel may end in padding and is never read: written back, a NaN would stay in the padding
        if panel + 4 < n_features:
            store_four(features, here, first)
            store_four(features, here + GROUP_SIZE, second)
            store_four(features, here + 2 * GROUP_SIZE, third)
            store_four(features, here + 3 * GROUP_SIZE, fourth)
        distances = add_squares(second, add_squares(first, distances))
        distances = add_squares(fourth, add_squares(third, distances))
    return distances


@jit
def write_back(target, row, n_rows):
    """Write results, [row][width][lane], from a row of the blocks on; only rows within their lane's bounds."""
    out, width, bounds, results = target.out, target.width, target.bounds, target.results
    first = target.first + row
    whole = n_rows * width >= LANES
    for lane in range(LANES):
        whole = whole and bounds[lane] <= row and row + n_rows <= bounds[LANES + lane]
    if whole:
        length, pitch = n_rows * width, target.lane_rows * width
        for index in range(0, length - LANES + 1, LANES):
            transpose(results, index * VECTOR_BYTES, VECTOR_BYTES, out, first * width + index, pitch)
        if length % LANES:
            index = length - LANES
            transpose(results, index * VECTOR_BYTES, VECTOR_BYTES, out, first * width + index, pitch)
        return
    for lane in range(LANES):
        for index in range(n_rows):
            if bounds[lane] <= row + index < bounds[LANES + lane]:
                at = (first + lane * target.lane_rows + index) * width
                for column in range(width):
                    out[at + column] = results[(index * width + column) * LANES + lane]


@jit
def set_bounds(bounds, block, steps, window, low_row, high_row):
    """Note the offsets, from and to, at which each lane's block holds rows that are wanted."""
    for lane in range(LANES):
        base = (block + lane * steps) * window
        bounds[lane] = max(0, low_row - base)
        bounds[LANES + lane] = min(window, high_row - base)


@jit
def carve(scratch, sizes):
    """Cut scratch into consecutive pieces."""
    at_1 = sizes[0]
    at_2 = at_1 + sizes[1]
    at_3 = at_2 + sizes[2]
    at_4 = at_3 + sizes[3]
    at_5 = at_4 + sizes[4]
    at_6 = at_5 + sizes[5]
    at_7 = at_6 + sizes[6]
    at_8 = at_7 + sizes[7]
    at_9 = at_8 + sizes[8]
    at_10 = at_9 + sizes[9]
    return (
        scratch[:at_1],
        scratch[at_1:at_2],
        scratch[at_2:at_3],
        scratch[at_3:at_4],
        scratch[at_4:at_5],
        scratch[at_5:at_6],
        scratch[at_6:at_7],
        scratch[at_7:at_8],
        scratch[at_8:at_9],
        scratch[at_9:at_10],
    )


@jit
def keep_row(raw, row, pitch, slots, anchors):
    """Anchor the suffixes of a block at its last row."""
    for column in range(slots.size):
        store(anchors, column * LANES, load(raw, row * pitch + slots[column] * LANES))


@jit
def n_tiles_of(window, tile):
    """Return how many tiles hold the rows of a block but its last."""
    return max(1, (window - 2 + tile) // tile)


def sweep_with(consume):
    """Return the sweep whose groups go to `consume`; as an argument it would keep the kernel out of the cache."""

    @inline
    def work_on_tile(
        behind, here, start, stop, work, anchors, groups, ends, end, state, features, target, ahead, extra
    ):
        """Give the windows that end in a tile, from row `start` up to row `stop`, to `consume`, and write its results.

        Wide ones are written a group at a time, while they are in the nearest cache.
        """
        last = stop == work.window - 1
        suffix_pass(behind, start, stop, work, anchors, ends, end, groups)
        for row in range(start, stop + last, GROUP):
            count = min(GROUP, stop - row)
            if count == GROUP:
                merge_group(behind, here, row, (row - start) // GROUP, work, anchors, groups, state, features)
            else:
                merge_tail(behind, here, row, count, work, anchors, ends, end, state, features)
                if last:
                    whole_block(here, count, work, state, features)
                    count += 1
            soon = Ahead(ahead.source, ahead.first + row - start, ahead.first_behind + row - start, ahead.lane_rows)
            if target.width > 1:
                consume(features, count, row, 0, target, soon, extra)
                write_back(target, row, count)
            else:
                consume(features, count, row, row - start, target, soon, extra)
        if target.width == 1:
            write_back(target, start, stop + last - start)

    @jit
    def sweep(source, work, span, extra, width, out, out_first):
        """Run over a span of blocks and give the features of every four windows to `consume`.

        `source` must hold every row of the windows wanted. `consume` leaves `width` results a window; they go to `out`,
        whose first row is absolute row `out_first`.
        """
        slots, window, tile = source.slots, work.window, work.tile
        raw, other, groups, ends, anchors, upcoming, state, features, results, bounds = carve(work.scratch, work.sizes)
        ends[:] = 0.0
        features[:] = 0.0
        pitch = (source.rows.shape[1] if source.layout == FLAT else slots.size) * LANES
        n_tiles, end_size, whole = n_tiles_of(window, tile), slots.size * PAIR, work.held == window
        steps = (span.end_block - span.block + LANES - 1) // LANES
        lane_rows = steps * window
        for step in range(-1, steps):
            first = (span.block + step) * window - source.first_row
            anchors, upcoming = upcoming, anchors
            if whole:
                raw, other = other, raw
                load_rows(source, pitch, first, lane_rows, window, raw)
                keep_row(raw, window - 1, pitch, slots, upcoming)
            else:
                load_rows(source, pitch, first + window - 1, lane_rows, 1, raw)
                keep_row(raw, 0, pitch, slots, upcoming)
            set_bounds(bounds, span.block + step, steps, window, span.row, span.end_row)
            target = Target(out, width, first + source.first_row - out_first, lane_rows, bounds, results)
            for index in range(n_tiles):
                start, stop, end = index * tile, min((index + 1) * tile, window - 1), index * end_size
                here, behind = Strip(raw, 0, pitch, slots), Strip(other, 0, pitch, slots)
                ahead = Ahead(source, first + window + start, -window, lane_rows)
                if not whole:
                    here, behind = Strip(raw, start, pitch, slots), Strip(other, start + 1, pitch, slots)
                    ahead = Ahead(source, first + start + tile, first - window + start + tile + 1, lane_rows)
                    load_rows(source, pitch, first + start, lane_rows, stop - start + 1, raw)
                if step >= 0:
                    if not whole:
                        load_rows(source, pitch, first - window + start + 1, lane_rows, stop - start, other)
                    if index == 0:
                        prefix_start(here, state)
                    work_on_tile(
                        behind,
                        here,
                        start,
                        stop,
                        work,
                        anchors,
                        groups,
                        ends,
                        end,
                        state,
                        features,
                        target,
                        ahead,
                        extra,
                    )
                if n_tiles > 1 and step + 1 < steps:
                    tile_totals(here, start, stop, work, upcoming, ends, end)
            if n_tiles > 1:
                link_tiles(ends, slots.size, work)

    return sweep


@inline
def consume_scores(features, _count, _row, at, target, ahead, extra):
    """Solve a group; what it holds beyond its count is solved along and not written back."""
    factor, squared = extra
    distances = solve_group(features, features.size // GROUP_SIZE, factor, ahead)
    store_four(target.results, at * LANES, distances if squared else roots_of_four(distances))


sweep_scores = sweep_with(consume_scores)


@jit
def score_range(
    rows,
    first_row,
    columns,
    slots,
    layout,
    window,
    tile,
    held,
    tables,
    scales,
    scratch,
    sizes,
    block,
    end_block,
    row,
    end_row,
    factor,
    squared,
    out,
    out_first,
):
    """Write the distances, or their squares, of the windows that `span` wants."""
    source = Source(rows, first_row, columns, slots, layout)
    work = Work(window, tile, held, tables, scales, scratch, sizes)
    span = Span(block, end_block, row, end_row)
    sweep_scores(source, work, span, (factor, squared), 1, out, out_first)


@jit
def consume_features(features, count, _row, at, target, ahead, extra):
    """Copy some of the features of a group, from one number up to another; what is infinite becomes NaN."""
    prefetch_part(ahead, 0, 1)
    start, stop = extra
    for member in range(count):
        for feature in range(start, stop):
            vector = load(features, feature * GROUP_SIZE + member * LANES)
            place = ((at + member) * (stop - start) + feature - start) * LANES
            store(target.results, place, fma(vector, spread(0.0), vector))


sweep_features = sweep_with(consume_features)


@jit
def feature_range(
    rows,
    first_row,
    columns,
    slots,
    layout,
    window,
    tile,
    held,
    tables,
    scales,
    scratch,
    sizes,
    block,
    end_block,
    row,
    end_row,
    features,
    out,
    out_first,
):
    """Write the features numbered `features[0]` up to `features[1]` of the windows that `span` wants."""
    source = Source(rows, first_row, columns, slots, layout)
    work = Work(window, tile, held, tables, scales, scratch, sizes)
    span = Span(block, end_block, row, end_row)
    width = features[1] - features[0]
    sweep_features(source, work, span, features, width, out, out_first)


@jit
def descend(node, values, window, member, offsets, thresholds):
    """Return the node below `node`: in a complete tree, 2 * node + 1 to the left and + 2 to the right."""
    right = values[np.uint64(offsets[node]) + window + np.uint64(member)] > thresholds[node]
    return np.uint64(2) * node + np.uint64(1) + np.uint64(right)


@jit
def walk_tree(values, offsets, thresholds, depth, lengths, totals):
    """Add to `totals` the path lengths of a group's windows in one tree.

    Eight windows go down together, so that their loads do not wait in line for each other.
    """
    n_nodes = np.uint64(thresholds.size)  # the leaves are numbered after the nodes
    for window in range(np.uint64(0), np.uint64(GROUP_SIZE), np.uint64(LANES)):
        n_0 = n_1 = n_2 = n_3 = n_4 = n_5 = n_6 = n_7 = np.uint64(0)
        for _ in range(depth):
            n_0 = descend(n_0, values, window, 0, offsets, thresholds)
            n_1 = descend(n_1, values, window, 1, offsets, thresholds)
            n_2 = descend(n_2, values, window, 2, offsets, thresholds)
            n_3 = descend(n_3, values, window, 3, offsets, thresholds)
            n_4 = descend(n_4, values, window, 4, offsets, thresholds)
            n_5 = descend(n_5, values, window, 5, offsets, thresholds)
            n_6 = descend(n_6, values, window, 6, offsets, thresholds)
            n_7 = descend(n_7, values, window, 7, offsets, thresholds)
        totals[window] += lengths[n_0 - n_nodes]
        totals[window + np.uint64(1)] += lengths[n_1 - n_nodes]
        totals[window + np.uint64(2)] += lengths[n_2 - n_nodes]
        totals[window + np.uint64(3)] += lengths[n_3 - n_nodes]
        totals[window + np.uint64(4)] += lengths[n_4 - n_nodes]
        totals[window + np.uint64(5)] += lengths[n_5 - n_nodes]
        totals[window + np.uint64(6)] += lengths[n_6 - n_nodes]
        totals[window + np.uint64(7)] += lengths[n_7 - n_nodes]


@jit
def power_of_two(exponent):
    """Return 2 to a power from -2 to 0, by the series of exp at a quarter of it; no library, so the same everywhere."""
    power = exponent * spread(0.25 * np.log(2.0))
    result = spread(1.0)
    for order in range(14, 0, -1):
        result = fma(power * spread(1.0 / order), result, spread(1.0))
    result = result * result
    return result * result


@jit
def consume_trees(features, _count, _row, at, target, ahead, extra):
    """Write the isolation scores of a group: 2 to the negative mean path length over the expected one."""
    prefetch_part(ahead, 0, 1)
    offsets, thresholds, lengths, depth, rate, values, totals = extra
    n_features = values.size // GROUP_SIZE
    for index in range(values.size):
        values[index] = features[index]
    totals[:] = 0.0
    n_leaves = 1 << depth
    for tree in range(lengths.size // n_leaves):
        nodes, leaves = tree * (n_leaves - 1), tree * n_leaves
        own_offsets, own_thresholds = offsets[nodes : nodes + n_leaves - 1], thresholds[nodes : nodes + n_leaves - 1]
        own_lengths = lengths[leaves : leaves + n_leaves]
        walk_tree(values, own_offsets, own_thresholds, depth, own_lengths, totals)
    for member in range(GROUP):
        broken = spread(0.0)
        for feature in range(n_features):
            broken = fma(load(features, feature * GROUP_SIZE + member * LANES), spread(0.0), broken)
        score = power_of_two(load(totals, member * LANES) * spread(rate))
        store(target.results, (at + member) * LANES, score + broken)


sweep_trees = sweep_with(consume_trees)


@jit
def forest_range(
    rows,
    first_row,
    columns,
    slots,
    layout,
    window,
    tile,
    held,
    tables,
    scales,
    scratch,
    sizes,
    block,
    end_block,
    row,
    end_row,
    offsets,
    thresholds,
    lengths,
    depth,
    rate,
    values,
    totals,
    out,
    out_first,
):
    """Write the isolation scores of the windows that `span` wants.

    Trees are complete: node n of a tree compares the feature whose numbers start at `offsets[n]` in a group with
    `thresholds[n]`, and has its children at 2 n + 1 and 2 n + 2; leaves hold path lengths. `rate` is minus one over the
    number of trees and the expected length. `values` and `totals` are room for a group's features and path lengths.
    """
    source = Source(rows, first_row, columns, slots, layout)
    work = Work(window, tile, held, tables, scales, scratch, sizes)
    span = Span(block, end_block, row, end_row)
    extra = (offsets, thresholds, lengths, depth, rate, values, totals)
    sweep_trees(source, work, span, extra, 1, out, out_first)


@jit
def wanted_window(member, count, row, bounds):
    """Return 1 in the lanes in which the window of a group's member is wanted, 0 elsewhere."""
    if member < count:
        return within(load(bounds, 0), spread(float(row + member)), load(bounds, LANES))
    return spread(0.0)


@jit
def admit_windows(features, n_features, count, row, bounds, weights):
    """Set windows that are not wanted or not finite to zeros, and their weight to 0; return how many are not finite."""
    zero, one = spread(0.0), spread(1.0)
    probes = (zero, zero, zero, zero)
    for feature in range(n_features):
        probes = fma_four(zero, load_four(features, feature * GROUP_SIZE), probes)
    broken, total = zero, zero
    for member in range(GROUP):
        wanted = wanted_window(member, count, row, bounds)
        weight = wanted * within(zero, probes[member], one)
        store(weights, member * LANES, weight)
        broken, total = broken + (wanted - weight), total + weight
    if not equal(total, spread(float(GROUP))):
        for member in range(GROUP):
            weight = load(weights, member * LANES)
            for at in range(member * LANES, n_features * GROUP_SIZE, GROUP_SIZE):
                store(features, at, keep(weight, load(features, at)))
    return broken


@jit
def add_at(array, at, vector):
    """Add a vector to the one at `array[at]`."""
    store(array, at, load(array, at) + vector)


@jit
def dot_four(four, other):
    """Return the sum over four windows of the products of two features."""
    return fma(four[0], other[0], four[1] * other[1]) + fma(four[2], other[2], four[3] * other[3])


@jit
def add_diagonal(features, n_features, products):
    """Add the squares of a group's features."""
    for feature in range(n_features):
        four = load_four(features, feature * GROUP_SIZE)
        add_at(products, feature * LANES, dot_four(four, four))


@jit
def add_triangle(features, n_features, products):
    """Add the products of a group's features, two rows of the lower triangle at a time: half the loads of one."""
    for feature in range(0, n_features, 2):
        upper, lower = load_four(features, feature * GROUP_SIZE), load_four(features, (feature + 1) * GROUP_SIZE)
        at = feature * (feature + 1) // 2 * LANES
        next_at = at + (feature + 1) * LANES
        for other in range(feature + 1):
            four = load_four(features, other * GROUP_SIZE)
            add_at(products, at + other * LANES, dot_four(upper, four))
            add_at(products, next_at + other * LANES, dot_four(lower, four))
        add_at(products, next_at + (feature + 1) * LANES, dot_four(lower, lower))


@jit
def consume_moments(features, count, row, _at, target, ahead, extra):
    """Add a group to the sums: windows, broken windows, fourth powers of norms, features, products of features.

    Products are those of the lower triangle, or of the diagonal alone if there is room for no more.
    """
    prefetch_part(ahead, 0, 1)
    totals, products = extra
    n_features = totals.size // LANES - 3
    broken = admit_windows(features, n_features, count, row, target.bounds, target.results)
    weights = load_four(target.results, 0)
    add_at(totals, 0, (weights[0] + weights[1]) + (weights[2] + weights[3]))
    add_at(totals, LANES, broken)
    zero = spread(0.0)
    norms = (zero, zero, zero, zero)
    for feature in range(n_features):
        four = load_four(features, feature * GROUP_SIZE)
        norms = add_squares(four, norms)
        add_at(totals, (3 + feature) * LANES, (four[0] + four[1]) + (four[2] + four[3]))
    add_at(totals, 2 * LANES, dot_four(norms, norms))
    if products.size == n_features * LANES:
        add_diagonal(features, n_features, products)
    else:
        add_triangle(features, n_features, products)


sweep_moments = sweep_with(consume_moments)


@jit
def moment_range(
    rows,
    first_row,
    columns,
    slots,
    layout,
    window,
    tile,
    held,
    tables,
    scales,
    scratch,
    sizes,
    block,
    end_block,
    row,
    end_row,
    totals,
    products,
):
    """Add the features of the windows that `span` wants to `totals` and `products`, lane by lane."""
    source = Source(rows, first_row, columns, slots, layout)
    work = Work(window, tile, held, tables, scales, scratch, sizes)
    span = Span(block, end_block, row, end_row)
    sweep_moments(source, work, span, (totals, products), 0, totals, 0)


@jit
def distance_range(rows, first_row, columns, slots, layout, lane_rows, centre_gain, scratch, sizes, factor, out):
    """Write the distances of rows that are feature vectors themselves; eight stretches of rows, one a lane."""
    source = Source(rows, first_row, columns, slots, layout)
    raw, _, _, _, _, _, _, features, results, bounds = carve(scratch, sizes)
    features[:] = 0.0
    pitch = (rows.shape[1] if source.layout == FLAT else columns.size) * LANES
    for lane in range(LANES):
        bounds[lane] = 0.0
        bounds[LANES + lane] = min(lane_rows, rows.shape[0] - lane * lane_rows)
    target = Target(out, 1, 0, lane_rows, bounds, results)
    for start in range(0, lane_rows, PAIR):
        n_rows = min(PAIR, lane_rows - start)
        load_rows(source, pitch, start, lane_rows, n_rows, raw)
        for row in range(0, n_rows, GROUP):
            for member in range(min(GROUP, n_rows - row)):
                for column in range(columns.size):
                    value = load(raw, (row + member) * pitch + column * LANES) - spread_from(centre_gain, 2 * column)
                    at = column * GROUP_SIZE + member * LANES
                    store(features, at, value * spread_from(centre_gain, 2 * column + 1))
            ahead = Ahead(source, start + PAIR + row, -1, lane_rows)
            distances = solve_group(features, features.size // GROUP_SIZE, factor, ahead)
            store_four(results, row * LANES, roots_of_four(distances))
        write_back(target, start, n_rows)


@jit
def moved_range(rows, first_row, columns, window, row, end_row, values, penalties, out, out_first):
    """Add to squared distances what columns that never moved in the baseline cost: `penalties[rows that moved]`.

    Counts are whole numbers, so they may slide: nothing is lost by taking a row out again.
    """
    for column in range(columns.size):
        moved, broken = 0, 0
        for end in range(row - window + 1, end_row):
            value = rows[end - first_row, columns[column]]
            finite = abs(value) < np.inf
            broken += not finite
            moved += finite and value != values[column]
            if end < row:
                continue
            out[end - out_first] += np.nan if broken else penalties[moved]
            value = rows[end - window + 1 - first_row, columns[column]]
            finite = abs(value) < np.inf
            broken -= not finite
            moved -= finite and value != values[column]


@jit
def settle_range(rows, first_row, columns, window, row, end_row, out, out_first):
    """Make NaN of every distance whose window holds a NaN or inf, and inf of one that overflowed; return the NaNs."""
    broken, total = 0, 0
    for end in range(row - window + 1, end_row):
        for column in range(columns.size):
            broken += not abs(rows[end - first_row, columns[column]]) < np.inf
        if end < row:
            continue
        if broken:
            out[end - out_first] = np.nan
            total += 1
        elif not abs(out[end - out_first]) < np.inf:
            out[end - out_first] = np.inf
        for column in range(columns.size):
            broken -= not abs(rows[end - window + 1 - first_row, columns[column]]) < np.inf
    return total


@jit
def cholesky(matrix, least, factor):
    """Write the lower Cholesky factor of `matrix`; return the row of a first pivot below `least`, or -1, and the pivot.

    A pivot of a correlation matrix is the share of a feature's variance that the features before it do not explain.
    """
    pivot = np.inf
    for row in range(matrix.shape[0]):
        for column in range(row + 1):
            rest = matrix[row, column]
            for before in range(column):
                rest -= factor[row, before] * factor[column, before]
            if row > column:
                factor[row, column] = rest / factor[column, column]
        pivot = rest
        if not pivot >= least:
            return row, pivot
        factor[row, row] = np.sqrt(pivot)
    return -1, pivot
