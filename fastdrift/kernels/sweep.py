"""Sweeps: how a stream is cut into blocks, lanes and tiles, and who works on them.

The stream is cut into blocks of `window` rows, aligned to absolute row 0. The window that ends at offset j of a block
is a suffix of the block before (rows j+1 …) and a prefix of this one (rows … j), so nothing that entered a sum is ever
subtracted from it again (van Herk 1992). Four rows are a quad: their mean and sum of squared deviations are told from
the first of them. Suffixes and prefixes of whole quads are merged by Chan, Golub and LeVeque's formula (Chan et al.
1983), once for four windows: what is left, four rows of each, of the block before or of this, is told from the quad's
first row, which is in all four. The last quad of a block has one to four rows, and nothing behind it.

Eight blocks are worked on at once, one a lane: lane k owns `steps` consecutive blocks, so the quads it needs are those
it made a step earlier. Scratch is laid out as [row][column][lane]; four windows of every column are merged in registers
(a group), then the group's windows are solved together.

Rows of this block and of the one before share a ring: a group's rows are brought in right before they are merged, into
the place that the block before has freed, eight rows behind. Holding both blocks whole took twice the room in the
second-level cache. What is brought in behind a block's last row fills its quad up and is never looked at.

The block of a long window is worked on in tiles: the totals of a tile's quads, merged from the last tile to the first,
are the suffixes behind the tiles. So a block too large for the cache need not be held: its tiles are read once as a
prefix and once as a suffix, whose quads are made again.

Two square roots of every four are made by multiplication: the divider alone would take longer than all the rest of a
merge does. Where sums of squares leave the range in which that holds, `extremes` sees to it that no digits are lost.

Memory is asked for rows a block, or a tile, ahead, a line at a time between the panels of the solve, which wants
nothing else from it; asking all at once before it cost 10 % of the time at 32 columns.

A kernel checks nothing and allocates nothing: dtypes, shapes and ranges are the business of `engine`. Index arithmetic
is in doubles, and

    shares[9 * g …] = what `engine.plan` says of quad g and the rows before and behind it
    scales[4 * c …] = centre and gain of column c's mean, gain and shift of its std
    state[3 * c …]  = anchor, mean and m2 of column c over this block's prefix, a vector each
    groups[2 * c …] = a quad's first row over its mean, and its m2; or mean and m2 of the suffix behind it
    ends[3 * c …]   = anchor, mean and m2 of column c over a tile, or over the tile and all that is behind it
"""

from __future__ import annotations

import numpy as np

from fastdrift.kernels.extremes import forget_extremes, remake_group
from fastdrift.kernels.jitting import inline, jit
from fastdrift.kernels.layout import (
    FLAT,
    GROUP,
    GROUP_SIZE,
    LANES,
    STEP,
    TRIPLE,
    VECTOR_BYTES,
    Prefetch,
    Ring,
    Scratch,
    Target,
    Tile,
)
from fastdrift.kernels.loading import load_rows, place, step_of
from fastdrift.kernels.rolling import (
    end_block,
    finish_stds,
    link_tiles,
    make_quads,
    merge_group,
    n_tiles_of,
    no_suffix,
    prefix_start,
    suffix_pass,
    tile_totals,
)
from fastdrift.kernels.solving import load_four
from fastdrift.kernels.vectors import equal, fma, opaque, spread, store, transpose


@jit
def eight_of(array, at):
    """Return the sum of eight vectors that lie side by side."""
    first, second = load_four(array, at), load_four(array, at + GROUP_SIZE)
    return ((first[0] + first[1]) + (first[2] + first[3])) + ((second[0] + second[1]) + (second[2] + second[3]))


@jit
def write_back(target, row, n_rows):
    """Write results, [row][width][lane], from a row of the blocks on; only rows within their lane's bounds.

    Return whether all of them are finite, told while they are in the nearest cache; where the sum of finite ones is not
    finite it says that they are not, and whoever asked looks again.
    """
    out, width, bounds, results = target.out, target.width, target.bounds, target.results
    first = target.first + row
    whole = n_rows * width >= LANES
    for lane in range(LANES):
        whole = whole and bounds[lane] <= row and row + n_rows <= bounds[LANES + lane]
    if whole:
        length, pitch, zero = n_rows * width, target.lane_rows * width, spread(0.0)
        trace = zero
        for index in range(0, length - LANES + 1, LANES):
            trace = fma(eight_of(results, index * LANES), zero, trace)
            transpose(results, index * VECTOR_BYTES, VECTOR_BYTES, out, first * width + index, pitch)
        if length % LANES:
            index = length - LANES
            trace = fma(eight_of(results, index * LANES), zero, trace)
            transpose(results, index * VECTOR_BYTES, VECTOR_BYTES, out, first * width + index, pitch)
        return equal(trace, zero)
    is_finite = True
    for lane in range(LANES):
        for index in range(n_rows):
            if bounds[lane] <= row + index < bounds[LANES + lane]:
                at = (first + lane * target.lane_rows + index) * width
                for column in range(width):
                    result = results[(index * width + column) * LANES + lane]
                    is_finite = is_finite and abs(result) < np.inf
                    out[at + column] = result
    return is_finite


@jit
def set_bounds(bounds, block, steps, window, low_row, high_row):
    """Note the offsets, from and to, at which each lane's block holds rows that are wanted."""
    if low_row <= block * window and (block + (LANES - 1) * steps + 1) * window <= high_row:
        store(bounds, 0, spread(0.0))
        store(bounds, LANES, spread(float(window)))
        return
    for lane in range(LANES):
        base = (block + lane * steps) * window
        bounds[lane] = max(0, low_row - base)
        bounds[LANES + lane] = min(window, high_row - base)


@jit
def split_scratch(scratch, sizes):
    """Cut scratch into consecutive pieces."""
    at_1 = sizes[0]
    at_2 = at_1 + sizes[1]
    at_3 = at_2 + sizes[2]
    at_4 = at_3 + sizes[3]
    at_5 = at_4 + sizes[4]
    at_6 = at_5 + sizes[5]
    at_7 = at_6 + sizes[6]
    at_8 = at_7 + sizes[7]
    return Scratch(
        scratch[:at_1],
        scratch[at_1:at_2],
        scratch[at_2:at_3],
        scratch[at_3:at_4],
        scratch[at_4:at_5],
        scratch[at_5:at_6],
        scratch[at_6:at_7],
        scratch[at_7:at_8],
        scratch[at_8 : at_8 + sizes[8]],
    )


@inline
def tile_of(source, work, scratch, origin, first, lane_rows, index):
    """Return a tile of the block that starts at row `first` of the table and at row `origin` of the ring."""
    window, n_columns = work.window, source.slots.size
    start = index * work.tile
    stop = min(start + work.tile, window - 1)
    pitch = (source.rows.shape[1] if source.layout == FLAT else n_columns) * LANES
    ahead, before, ring_start, group = first + window + start, -window, 0, start // GROUP
    if work.held <= window:  # a tile's rows alone are held
        ahead, before, ring_start, group = first + start + work.tile, first - window + start + work.tile, start, 0
        origin = 0
    behind = origin + STEP - work.held if origin + STEP >= work.held else origin + STEP
    slots, step = source.slots, step_of(source)
    ring = Ring(scratch.raw, work.held * pitch, origin * pitch, behind * pitch, ring_start, pitch, slots, step)
    soon = Prefetch(source, ahead, before, lane_rows)
    return Tile(ring, first, start, stop, (stop - start) // GROUP, group, index * n_columns * TRIPLE, soon)


@jit
def load_behind(tile, work, groups):
    """Bring in a tile of the block before once more, and make its quads again."""
    ring, source, lane_rows = tile.ring, tile.ahead.source, tile.ahead.lane_rows
    last = tile.stop == work.window - 1
    for row in range(tile.start, tile.stop + last, GROUP):
        if (row - tile.start) & (ring.step - 1) == 0:
            at = place(ring, ring.behind, row)
            load_rows(source, ring.pitch, tile.first - work.window + row, lane_rows, ring.step, ring.raw, at)
        n_rows, group = min(GROUP, work.window - row), (row - tile.start) // GROUP
        make_quads(ring, ring.behind, row, n_rows, work, groups, group)


def sweep_with(consume, merge_rows=merge_group, together=GROUP):
    """Return the sweep whose groups go to `consume`; as an argument it would keep the kernel out of the cache.

    `merge_rows` fills a group's features from four rows, or from as many as are worked on `together`, four at a time.
    """

    def named(function):
        # what was compiled in different processes may have got the same number behind its name, and the same types:
        # loaded into one process, the first of the two would be called for both
        function.__qualname__ = f"{function.__name__}_{consume.__name__}"
        return function

    @inline
    @named
    def work_on_tile(tile, work, scratch, target, extra, has_before):
        """Bring in a tile, give the windows that end in it to `consume`, and write its results.

        Wide ones are written a group at a time, while they are in the nearest cache. Return whether all are finite.
        """
        ring, first, start, stop, n_groups, group, _, ahead = tile
        _, groups, _, anchors, state, features, _, bounds, extremes = scratch
        last, is_finite = stop == work.window - 1, True
        if has_before:
            if work.held <= work.window:
                load_behind(tile, work, groups)
            suffix_pass(ring, tile, work, scratch)
            if last:
                no_suffix(groups, group + n_groups, ring.slots.size)
        for number in range(start, stop + last, GROUP):
            row = opaque(number)
            if (row - ring.start) & (ring.step - 1) == 0:
                at = place(ring, ring.here, row)
                load_rows(ahead.source, ring.pitch, first + row, ahead.lane_rows, ring.step, ring.raw, at)
            index, count = (row - start) // GROUP, min(GROUP, stop + last - row)
            if not has_before:
                make_quads(ring, ring.here, row, count, work, groups, group + index)
                continue
            if row == 0:
                prefix_start(ring, state)
            merge_rows(ring, row, group + index, work, anchors, groups, state, features)
            if together > GROUP and (row + GROUP) % together and row + GROUP < work.window:
                continue
            if finish_stds(features, ring.slots.size, work.scales, extremes):
                remake_group(features, extremes, ring, tile, row, count, work, bounds, together)
            soon = Prefetch(ahead.source, ahead.first + row - start, ahead.first_behind + row - start, ahead.lane_rows)
            consume(features, count, row, row - start if target.width <= 1 else 0, target, soon, extra)
            if target.width > 1:
                is_finite = write_back(target, row, count) and is_finite
        if has_before and target.width == 1:
            is_finite = write_back(target, start, stop + last - start)
        return is_finite

    @jit
    @named
    def sweep(source, work, span, extra, width, output):
        """Run over a span of blocks and give the features of every four windows to `consume`.

        `source` must hold every row of the windows wanted; `consume` leaves `width` results a window for `output`.
        Return whether all of them are finite.
        """
        scratch = split_scratch(work.scratch, work.sizes)
        scratch.features[:] = 0.0
        forget_extremes(scratch.extremes)
        n_tiles = n_tiles_of(work.window, work.tile)
        steps = (span.end_block - span.block + LANES - 1) // LANES
        lane_rows = steps * work.window
        origin, is_finite = 0, True
        for number in range(-1, steps):
            step = opaque(number)
            first_row = (span.block + step) * work.window
            first = first_row - source.first_row
            origin = origin - STEP if origin else work.held - STEP
            set_bounds(scratch.bounds, span.block + step, steps, work.window, span.row, span.end_row)
            at = first_row - output.first_row
            target = Target(output.out, width, at, lane_rows, scratch.bounds, scratch.results)
            for index in range(n_tiles):
                tile = tile_of(source, work, scratch, origin, first, lane_rows, index)
                is_finite = work_on_tile(tile, work, scratch, target, extra, step >= 0) and is_finite
                if n_tiles > 1:
                    tile_totals(tile.ring, tile, work, scratch)
                if index == n_tiles - 1:
                    end_block(tile.ring, tile, work, scratch)
            if n_tiles > 1:
                link_tiles(work, scratch)
        return is_finite

    return sweep
