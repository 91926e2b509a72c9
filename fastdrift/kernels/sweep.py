"""Sweeps: how a stream is cut into blocks, lanes and tiles, and who works on them.

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

from fastdrift.kernels.jitting import inline, jit
from fastdrift.kernels.layout import FLAT, GROUP, LANES, PAIR, STEP, VECTOR_BYTES, Prefetch, Ring, Scratch, Target, Tile
from fastdrift.kernels.loading import load_rows, step_of
from fastdrift.kernels.rolling import (
    keep_row,
    link_tiles,
    merge_group,
    merge_tail,
    n_tiles_of,
    place,
    prefix_start,
    suffix_pass,
    tile_totals,
    whole_block,
)
from fastdrift.kernels.vectors import transpose


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
def turn_over(scratch):
    """Make the anchors of this block those of the one before, which may be written over."""
    raw, groups, ends, anchors, upcoming, state, features, results, bounds = scratch
    return Scratch(raw, groups, ends, upcoming, anchors, state, features, results, bounds)


@inline
def ring_of(source, work, raw, pitch, place, start):
    """Return the ring with row `start` of this block at a place, and that of the block before a step behind it."""
    behind = place + STEP - work.held if place + STEP >= work.held else place + STEP
    return Ring(raw, work.held, place, behind, start, pitch, source.slots, step_of(source))


@jit
def load_ahead(source, ring, first, lane_rows, origin, row, end):
    """Bring rows `row` … `end` - 1, and perhaps some behind them, of the block that starts at row `first`."""
    while row < end:
        at = place(ring, origin, row)
        load_rows(source, ring.pitch, first + row, lane_rows, ring.step, ring.raw, at)
        row += ring.step


@jit
def load_last(source, work, ring, first, lane_rows, anchors):
    """Anchor the suffixes of a block at its last row, before the rest of it is there."""
    at = work.held * ring.pitch
    load_rows(source, ring.pitch, first + work.window - 1, lane_rows, 1, ring.raw, at)
    keep_row(ring.raw, at, ring.slots, anchors)


@inline
def tile_of(source, work, scratch, pitch, place, first, lane_rows, index):
    """Return a tile of the block that starts at row `first` of the table and at a place of the ring."""
    window, tile = work.window, work.tile
    start, stop, end = index * tile, min((index + 1) * tile, window - 1), index * source.slots.size * PAIR
    if work.held > window:
        ring = ring_of(source, work, scratch.raw, pitch, place, 0)
        return Tile(ring, first, start, stop, end, Prefetch(source, first + window + start, -window, lane_rows))
    ring = ring_of(source, work, scratch.raw, pitch, 0, start)
    ahead = Prefetch(source, first + start + tile, first - window + start + tile, lane_rows)
    return Tile(ring, first, start, stop, end, ahead)


def sweep_with(consume):
    """Return the sweep whose groups go to `consume`; as an argument it would keep the kernel out of the cache."""

    @inline
    def work_on_tile(tile, work, scratch, target, extra, has_before):
        """Bring in a tile, give the windows that end in it to `consume`, and write its results.

        Wide ones are written a group at a time, while they are in the nearest cache.
        """
        ring, first, start, stop, end, ahead = tile
        groups, ends, anchors, state, features = (
            scratch.groups,
            scratch.ends,
            scratch.anchors,
            scratch.state,
            scratch.features,
        )
        source, lane_rows = ahead.source, ahead.lane_rows
        last = stop == work.window - 1
        if has_before:
            if work.held <= work.window:
                load_ahead(source, ring, first - work.window, lane_rows, ring.behind, start, stop + 1)
            suffix_pass(ring, start, stop, work, anchors, ends, end, groups)
        for row in range(start, stop + last, GROUP):
            if (row - ring.start) % ring.step == 0:
                load_rows(source, ring.pitch, first + row, lane_rows, ring.step, ring.raw, place(ring, ring.here, row))
            if not has_before:
                continue
            if row == 0:
                prefix_start(ring, state)
            count = min(GROUP, stop - row)
            if count == GROUP:
                merge_group(ring, row, (row - start) // GROUP, work, anchors, groups, state, features)
            else:
                merge_tail(ring, row, count, work, anchors, ends, end, state, features)
                if last:
                    whole_block(ring, count, work, state, features)
                    count += 1
            soon = Prefetch(ahead.source, ahead.first + row - start, ahead.first_behind + row - start, ahead.lane_rows)
            consume(features, count, row, row - start if target.width <= 1 else 0, target, soon, extra)
            if target.width > 1:
                write_back(target, row, count)
        if has_before and target.width == 1:
            write_back(target, start, stop + last - start)

    @jit
    def sweep(source, work, span, extra, width, output):
        """Run over a span of blocks and give the features of every four windows to `consume`.

        `source` must hold every row of the windows wanted; `consume` leaves `width` results a window for `output`.
        """
        scratch = split_scratch(work.scratch, work.sizes)
        scratch.ends[:] = scratch.features[:] = 0.0
        pitch = (source.rows.shape[1] if source.layout == FLAT else source.slots.size) * LANES
        n_tiles = n_tiles_of(work.window, work.tile)
        steps = (span.end_block - span.block + LANES - 1) // LANES
        lane_rows = steps * work.window
        origin = 0
        for step in range(-1, steps):
            first_row = (span.block + step) * work.window
            first = first_row - source.first_row
            scratch = turn_over(scratch)
            origin = origin - STEP if origin else work.held - STEP
            set_bounds(scratch.bounds, span.block + step, steps, work.window, span.row, span.end_row)
            at = first_row - output.first_row
            target = Target(output.out, width, at, lane_rows, scratch.bounds, scratch.results)
            ring = ring_of(source, work, scratch.raw, pitch, origin, 0)
            if n_tiles > 1:
                load_last(source, work, ring, first, lane_rows, scratch.upcoming)
            for index in range(n_tiles):
                tile = tile_of(source, work, scratch, pitch, origin, first, lane_rows, index)
                work_on_tile(tile, work, scratch, target, extra, step >= 0)
                if n_tiles > 1 and step + 1 < steps:
                    load_ahead(
                        source, tile.ring, first, lane_rows, tile.ring.here, tile.stop // STEP * STEP, tile.stop + 1
                    )
                    tile_totals(tile.ring, tile.start, tile.stop, work, scratch.upcoming, scratch.ends, tile.end)
            if n_tiles > 1:
                link_tiles(scratch.ends, source.slots.size, work)
            else:
                keep_row(scratch.raw, place(ring, ring.here, work.window - 1), source.slots, scratch.upcoming)

    return sweep
