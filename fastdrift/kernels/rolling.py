"""Rolling statistics: quads, suffixes, prefixes and their merge."""

from __future__ import annotations

from fastdrift.kernels.jitting import inline, jit
from fastdrift.kernels.layout import EXTREMES, GROUP, GROUP_SIZE, IS_RARE, LANES, PAIR, SCALES, SHARES_A_GROUP, TRIPLE
from fastdrift.kernels.loading import place
from fastdrift.kernels.solving import load_four, roots_of_four, store_four
from fastdrift.kernels.vectors import any_beyond, fma, load, spread, spread_from, store


@jit
def merge(mean, m2, other_mean, other_m2, gap, shares, at):
    """Merge (mean, m2) with another; `gap` is how far its anchor lies below this one's, from which the mean is told.

    `shares[at]` is the share of this one's rows, and behind it stands the product of both counts over their sum.
    """
    delta = gap + (mean - other_mean)
    both = fma(delta * delta, spread_from(shares, at + 1), m2 + other_m2)
    return fma(delta, spread_from(shares, at), other_mean), both


@jit
def merge_quad(first, drop, quad_m2, anchor, mean, m2, shares, at):
    """Take a quad into (mean - anchor, m2)."""
    delta = ((first - anchor) - mean) - drop
    return fma(delta, spread_from(shares, at), mean), fma(delta * delta, spread_from(shares, at + 1), m2 + quad_m2)


@jit
def places_of(at, first, n_rows, pitch):
    """Return the places of the last three rows of a group at `at`; rows behind a block's end are its `first` again."""
    second = at + pitch if n_rows > 1 else first
    third = at + 2 * pitch if n_rows > 2 else first
    return second, third, at + 3 * pitch if n_rows > 3 else first


@jit
def told_from(first, raw, places, at):
    """Return three rows, told from a value."""
    return load(raw, places[0] + at) - first, load(raw, places[1] + at) - first, load(raw, places[2] + at) - first


@jit
def centre(total, squares, share):
    """Return how far a value lies above the mean of a group, and m2, from the sums of what is told from it."""
    drop = total * share
    return drop, fma(drop, total, squares)


@jit
def make_quads(ring, origin, row, n_rows, work, groups, group):
    """Keep the quads of a group of rows of a block."""
    n_columns = ring.slots.size
    first_at = place(ring, origin, row)
    rows, share = (
        places_of(first_at, first_at, n_rows, ring.pitch),
        spread_from(work.shares, row // GROUP * SHARES_A_GROUP + 7),
    )
    for column in range(n_columns):
        at, pair = ring.slots[column] * LANES, (group * n_columns + column) * PAIR
        one, two, three = told_from(load(ring.raw, first_at + at), ring.raw, rows, at)
        drop, m2 = centre((one + two) + three, fma(three, three, fma(two, two, one * one)), share)
        store(groups, pair, drop)
        store(groups, pair + LANES, m2)


@jit
def load_three(array, at):
    """Return three vectors that lie side by side."""
    return load(array, at), load(array, at + LANES), load(array, at + 2 * LANES)


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
def merge_quads(firsts, drops, quad_m2s, anchors, means, m2s, shares, at):
    """Take the quads of four columns in."""
    mean_0, m2_0 = merge_quad(firsts[0], drops[0], quad_m2s[0], anchors[0], means[0], m2s[0], shares, at)
    mean_1, m2_1 = merge_quad(firsts[1], drops[1], quad_m2s[1], anchors[1], means[1], m2s[1], shares, at)
    mean_2, m2_2 = merge_quad(firsts[2], drops[2], quad_m2s[2], anchors[2], means[2], m2s[2], shares, at)
    mean_3, m2_3 = merge_quad(firsts[3], drops[3], quad_m2s[3], anchors[3], means[3], m2s[3], shares, at)
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
def suffix_pass(ring, tile, work, scratch):
    """Put in the place of the quads of the block before, from the last of a tile to its first, what follows each."""
    groups, ends, anchors = scratch.groups, scratch.ends, scratch.anchors
    n_columns, last = ring.slots.size, tile.start + (tile.n_groups - 1) * GROUP
    end = tile.end + n_columns * TRIPLE
    for column in range(0, n_columns, 4):
        four = four_columns(column, n_columns)
        sources, pairs, triples = times(slots_of(ring.slots, four), LANES), times(four, PAIR), times(four, TRIPLE)
        own = load_each(anchors, 0, times(four, LANES))
        means, m2s = load_each(ends, end + LANES, triples), load_each(ends, end + 2 * LANES, triples)
        table = last // GROUP * SHARES_A_GROUP + 4
        at, pair = place(ring, ring.behind, last), (tile.group + tile.n_groups - 1) * n_columns * PAIR
        for _ in range(tile.n_groups):
            drops, quad_m2s = load_each(groups, pair, pairs), load_each(groups, pair + LANES, pairs)
            store_each(groups, pair, pairs, means)
            store_each(groups, pair + LANES, pairs, m2s)
            firsts = load_each(ring.raw, at, sources)
            means, m2s = merge_quads(firsts, drops, quad_m2s, own, means, m2s, work.shares, table)
            table, pair, at = table - SHARES_A_GROUP, pair - n_columns * PAIR, at - GROUP * ring.pitch
            at += ring.size if at < 0 else 0


@jit
def no_suffix(groups, group, n_columns):
    """Put nothing behind a block's last quad."""
    for at in range(group * n_columns * PAIR, (group + 1) * n_columns * PAIR, LANES):
        store(groups, at, spread(0.0))


@jit
def tile_totals(ring, tile, work, scratch):
    """Write anchor, mean and m2 of the quads of a tile of this block to its end."""
    ends, groups = scratch.ends, scratch.groups
    n_columns = ring.slots.size
    for column in range(n_columns):
        at, end = ring.slots[column] * LANES, tile.end + column * TRIPLE
        anchor = load(ring.raw, place(ring, ring.here, tile.start) + at)
        mean = m2 = spread(0.0)
        for group in range(tile.n_groups):
            pair = ((tile.group + group) * n_columns + column) * PAIR
            first = load(ring.raw, place(ring, ring.here, tile.start + group * GROUP) + at)
            drop, quad_m2 = load(groups, pair), load(groups, pair + LANES)
            mean, m2 = merge_quad(first, drop, quad_m2, anchor, mean, m2, work.shares, group * SHARES_A_GROUP + 2)
        store(ends, end, anchor)
        store(ends, end + LANES, mean)
        store(ends, end + 2 * LANES, m2)


@inline
def end_block(ring, tile, work, scratch):
    """Anchor the suffixes of a block at its last row, and start them with the quad that has it."""
    groups, ends, anchors = scratch.groups, scratch.ends, scratch.anchors
    n_columns = ring.slots.size
    end, group = tile.end + n_columns * TRIPLE, tile.group + tile.n_groups
    first_at = place(ring, ring.here, tile.start + tile.n_groups * GROUP)
    last_at = place(ring, ring.here, work.window - 1)
    for column in range(n_columns):
        at, pair = ring.slots[column] * LANES, (group * n_columns + column) * PAIR
        anchor = load(ring.raw, last_at + at)
        store(anchors, column * LANES, anchor)
        mean = (load(ring.raw, first_at + at) - anchor) - load(groups, pair)
        store(ends, end + column * TRIPLE + LANES, mean)
        store(ends, end + column * TRIPLE + 2 * LANES, load(groups, pair + LANES))


@jit
def link_tiles(work, scratch):
    """Turn the totals of a block's tiles into the suffixes that start with them, from the last tile to the second."""
    anchors, ends, tile, n_tail = scratch.anchors, scratch.ends, work.tile, tail_of(work.window)
    end_size = anchors.size * 3
    for at in range(0, anchors.size, LANES):
        anchor, after = load(anchors, at), n_tail
        end = n_tiles_of(work.window, tile) * end_size + 3 * at
        mean, m2 = load(ends, end + LANES), load(ends, end + 2 * LANES)
        for index in range(n_tiles_of(work.window, tile) - 1, 0, -1):
            end -= end_size
            n_rows = min(tile, work.window - n_tail - index * tile)
            share = n_rows / (after + n_rows)
            delta = ((load(ends, end) - anchor) - mean) + load(ends, end + LANES)
            mean = fma(delta, spread(share), mean)
            m2 = fma(delta * delta, spread(after * share), m2 + load(ends, end + 2 * LANES))
            store(ends, end + LANES, mean)
            store(ends, end + 2 * LANES, m2)
            after += n_rows


@jit
def prefix_start(ring, state):
    """Anchor the prefix of a block at its first row."""
    for column in range(ring.slots.size):
        store(state, column * TRIPLE, load(ring.raw, ring.here + ring.slots[column] * LANES))
        store(state, column * TRIPLE + LANES, spread(0.0))
        store(state, column * TRIPLE + 2 * LANES, spread(0.0))


@jit
def scaled(four, gain, base):
    """Return `four * gain + base` for each of four windows."""
    return (
        fma(four[0], gain, base),
        fma(four[1], gain, base),
        fma(four[2], gain, base),
        fma(four[3], gain, base),
    )


@inline
def merge_group(ring, row, group, work, anchors, groups, state, features):
    """Make means and squares of the windows that end at rows row … row + 3 of a block, or in its last one to four rows.

    What they have in common, a suffix and a prefix, is merged once. The four other rows of each are told from the
    group's first, which is in all of them, and so are their sums: three of the block before, two and one of this, …
    """
    slots, scales, shares = ring.slots, work.scales, work.shares
    n_columns, n_rows, table = slots.size, min(GROUP, work.window - row), row // GROUP * SHARES_A_GROUP
    first_at = place(ring, ring.here, row)
    newer_rows = places_of(first_at, first_at, n_rows, ring.pitch)
    older_rows = places_of(place(ring, ring.behind, row), first_at, n_rows, ring.pitch)
    for column in range(n_columns):
        at, pair = slots[column] * LANES, (group * n_columns + column) * PAIR
        own, mean, m2 = load_three(state, column * TRIPLE)
        # the last quad's windows have no suffix in common: what is told from another block would linger in the last
        other = load(anchors, column * LANES) if row + GROUP < work.window else own
        common, m2s = merge(mean, m2, load(groups, pair), load(groups, pair + LANES), own - other, shares, table)

        first = load(ring.raw, first_at + at)
        older_1, older_2, older_3 = told_from(first, ring.raw, older_rows, at)
        newer_1, newer_2, newer_3 = told_from(first, ring.raw, newer_rows, at)
        older, newer = older_3 + older_2, newer_1 + newer_2
        square_2 = fma(older_3, older_3, m2s)
        square_1 = fma(older_2, older_2, square_2)
        square_3 = fma(newer_2, newer_2, newer_1 * newer_1)
        square_4 = fma(newer_3, newer_3, square_3)
        share = spread_from(shares, table + 7)
        drop_0, m2_0 = centre(older + older_1, fma(older_1, older_1, square_1), share)
        drop_1, m2_1 = centre(older + newer_1, fma(newer_1, newer_1, square_1), share)
        drop_2, m2_2 = centre(older_3 + newer, square_2 + square_3, share)
        drop_3, m2_3 = centre(newer + newer_3, square_4 + m2s, share)

        gap = (first - other) - common
        deltas = (gap - drop_0, gap - drop_1, gap - drop_2, gap - drop_3)
        gain, product = spread_from(scales, SCALES * column + 1), spread_from(shares, table + 6)
        base = ((other - spread_from(scales, SCALES * column)) + common) * gain
        here = column * GROUP_SIZE
        store_four(features, here, scaled(deltas, gain * spread_from(shares, table + 8), base))
        squares = (
            fma(deltas[0] * deltas[0], product, m2_0),
            fma(deltas[1] * deltas[1], product, m2_1),
            fma(deltas[2] * deltas[2], product, m2_2),
            fma(deltas[3] * deltas[3], product, m2_3),
        )
        store_four(features, here + n_columns * GROUP_SIZE, squares)

        quad_m2 = fma(drop_3, newer + newer_3, square_4)
        mean, m2 = merge_quad(first, drop_3, quad_m2, own, mean, m2, shares, table + 2)
        store(groups, pair, drop_3)
        store(groups, pair + LANES, quad_m2)
        store(state, column * TRIPLE + LANES, mean)
        store(state, column * TRIPLE + 2 * LANES, m2)


@inline
def finish_stds(features, n_columns, scales, extremes):
    """Turn the squares of a group's windows into centred and scaled stds; return whether any were out of range.

    A loop of its own: behind each column's merge the roots waited for it, which took 5 to 10 % of the time of a score.
    """
    is_rare = False
    for column in range(n_columns):
        at = (n_columns + column) * GROUP_SIZE
        squares = load_four(features, at)
        if any_beyond(squares[0], squares[1], squares[2], squares[3]):
            store_four(extremes, column * EXTREMES, squares)
            extremes[column * EXTREMES + IS_RARE] = 1.0
            is_rare = True
        gain, shift = spread_from(scales, SCALES * column + 2), spread_from(scales, SCALES * column + 3)
        store_four(features, at, scaled(roots_of_four(squares), gain, shift))
    return is_rare


@jit
def row_of(member, row, count, together):
    """Return the row of one of the four windows that are solved together, -1 where there is none.

    They end in the rows of the group at `row`, or in the last of each of the groups that are worked on together.
    """
    if together == GROUP:
        return row + member if member < count else -1
    last = row // GROUP % (together // GROUP)
    if member > last:
        return -1
    return row + count - 1 if member == last else row + GROUP - 1 - (last - member) * GROUP


@jit
def tail_of(window):
    """Return how many rows, one to four, the last quad of a block has."""
    return (window - 1) % GROUP + 1


@jit
def n_tiles_of(window, tile):
    """Return how many tiles hold the rows of a block but its last."""
    return max(1, (window - 2 + tile) // tile)
