"""What is kept of a stream between two rows, and the features of the window that ends in the newest one.

A sweep works on eight blocks at once, here the lanes are eight columns of one row. The arithmetic is the sweep's, so
that every window gets its bits. What is kept between two rows are the rows of a window in a ring, and a pair of numbers
a column for every group of four rows. Until a group's rows are there its pair is mean and m2 of the suffix behind it in
the block before, afterwards of the prefix up to its end: no window needs both. A block's end makes the suffixes of the
next one out of the ring, which is why that row takes longer.

What is known of a model lies in one array, what is kept of a stream in another, so that many streams are one matrix.
`streams.packing` says how they are laid out.
"""

from __future__ import annotations

import numpy as np

from fastdrift.kernels.extremes import (
    LARGE,
    LARGE_UNIT,
    LEAST_SQUARES,
    MOST_SQUARES,
    SMALL,
    SMALL_UNIT,
    remade,
    remake_window,
)
from fastdrift.kernels.jitting import inline, jit
from fastdrift.kernels.layout import (
    GROUP,
    KEPT_HEAD,
    LANES,
    MEMBER_HEAD,
    SHARES_A_GROUP,
    Kept,
    Member,
)
from fastdrift.kernels.rolling import centre, merge, merge_quad, n_tiles_of, places_of, tail_of, told_from
from fastdrift.kernels.vectors import absolute, equal, fma, load, spread, spread_from, square_root, store, within


@jit
def padded(count):
    """Return a number of doubles that fills whole vectors."""
    return (count + LANES - 1) // LANES * LANES


@inline
def member_at(parameters, at):
    """Return what is known of one window's model, which starts at a place of the parameters."""
    window, n_varying, n_constant = int(parameters[at]), int(parameters[at + 2]), int(parameters[at + 3])
    width, n_groups = padded(n_varying), (window + GROUP - 1) // GROUP
    at_1 = at + MEMBER_HEAD
    at_2 = at_1 + n_groups * SHARES_A_GROUP
    at_3 = at_2 + 4 * width
    at_4 = at_3 + 2 * n_varying * padded(2 * n_varying)
    at_5 = at_4 + window + 1
    at_6 = at_5 + n_constant
    at_7 = at_6 + n_varying + width + LANES
    at_8 = at_7 + width
    return Member(
        window,
        int(parameters[at + 1]),
        n_varying,
        n_constant,
        n_groups,
        padded(n_varying + n_constant),
        width,
        parameters[at_1:at_2],
        parameters[at_2:at_3],
        parameters[at_3:at_4],
        parameters[at_4:at_5],
        parameters[at_5:at_6],
        parameters[at_6:at_7],
        parameters[at_7:at_8],
        parameters[at_8 : at_8 + window],
    )


@inline
def kept_at(member, state, at):
    """Return what is kept of a stream for one window's model, which starts at a place of its state."""
    at_1 = at + KEPT_HEAD
    at_2 = at_1 + member.n_constant
    at_3 = at_2 + member.window * member.pitch
    at_4 = at_3 + (member.n_groups - 1) * 2 * member.width
    return Kept(state[at:at_1], state[at_1:at_2], state[at_2:at_3], state[at_3:at_4])


@jit
def is_whole(ring, at, pitch):
    """Return whether a row of the ring holds no NaN and no inf."""
    check = spread(0.0)
    for column in range(0, pitch, LANES):
        check = fma(load(ring, at + column), spread(0.0), check)
    return equal(check, spread(0.0))


@jit
def count_broken(ring, at, pitch):
    """Return how many numbers of a row are NaN or inf."""
    count = 0
    for column in range(pitch):
        count += not abs(ring[at + column]) < np.inf
    return count


@jit
def is_extreme(ring, at, width):
    """Return whether a row holds numbers whose squares leave the range of doubles."""
    found = spread(0.0)
    for column in range(0, width, LANES):
        size = absolute(load(ring, at + column))
        found = found + within(spread(5e-324), size, spread(SMALL))
        found = found + within(spread(LARGE), size, spread(np.inf))
    return not equal(found, spread(0.0))


@jit
def count_moved(member, kept, at, step):
    """Add to, or take from, the counts of the columns that were constant whether they have moved in a row."""
    for place in range(member.n_constant):
        value = kept.ring[at + member.n_varying + place]
        kept.moved[place] += step * (abs(value) < np.inf and value != member.values[place])


@inline
def take_in(row, order, number, member, kept):
    """Put a row into the ring, in the place of the one that leaves the window, and count what both hold.

    `order` says which column each of the ring's is: those that vary come first.
    """
    at = int(kept.counts[0]) * member.pitch
    if not is_whole(kept.ring, at, member.pitch):
        kept.counts[1] -= count_broken(kept.ring, at, member.pitch)
    count_moved(member, kept, at, -1.0)
    for place in range(order.size):
        kept.ring[at + place] = row[int(order[place])]
    if not is_whole(kept.ring, at, member.pitch):
        kept.counts[1] += count_broken(kept.ring, at, member.pitch)
    count_moved(member, kept, at, 1.0)
    if is_extreme(kept.ring, at, member.width):
        kept.counts[2] = number


@jit
def quad_of(ring, first_at, rows, column, share):
    """Return the first row of a group, and how far it lies above the group's mean, and m2."""
    first = load(ring, first_at + column)
    one, two, three = told_from(first, ring, rows, column)
    drop, m2 = centre((one + two) + three, fma(three, three, fma(two, two, one * one)), share)
    return first, drop, m2


@jit
def before(kept, member, group, column):
    """Return mean and m2 of the prefix before a group."""
    if group == 0:
        return spread(0.0), spread(0.0)
    at = (group - 1) * 2 * member.width + column
    return load(kept.pairs, at), load(kept.pairs, at + member.width)


@jit
def behind(kept, member, group, column):
    """Return mean and m2 of the suffix behind a group of the block before."""
    if group == member.n_groups - 1:
        return spread(0.0), spread(0.0)
    at = group * 2 * member.width + column
    return load(kept.pairs, at), load(kept.pairs, at + member.width)


@jit
def of_window(place, one, two, three, common_m2, share):
    """Return how far a group's first row lies above the mean of the four rows that are the window's own, and m2.

    The window ends at one of the group's four places. Rows up to there are of this block, those after of the one
    before; the order of additions is the sweep's.
    """
    if place < 2:
        squares = fma(one, one, fma(two, two, fma(three, three, common_m2)))
        return centre((three + two) + one, squares, share)
    newer = fma(two, two, one * one)
    if place == 2:
        return centre(three + (one + two), fma(three, three, common_m2) + newer, share)
    return centre((one + two) + three, fma(three, three, newer) + common_m2, share)


@inline
def make_features(member, kept, features):
    """Write means, then stds, centred and scaled, of the window that ends in the newest row; see `merge_group`."""
    ring, shares, scales, width = kept.ring, member.shares, member.scales, member.width
    offset = int(kept.counts[0])
    group, place = offset // GROUP, offset % GROUP
    start, table = group * GROUP, group * SHARES_A_GROUP
    n_rows, first_at = min(GROUP, member.window - start), start * member.pitch
    rows = places_of(first_at, first_at, n_rows, member.pitch)
    last_at = (member.window - 1) * member.pitch if start + GROUP < member.window else 0
    for column in range(0, width, LANES):
        mean, m2 = before(kept, member, group, column)
        suffix_mean, suffix_m2 = behind(kept, member, group, column)
        own, other = load(ring, column), load(ring, last_at + column)
        common, common_m2 = merge(mean, m2, suffix_mean, suffix_m2, own - other, shares, table)
        first = load(ring, first_at + column)
        one, two, three = told_from(first, ring, rows, column)
        drop, own_m2 = of_window(place, one, two, three, common_m2, spread_from(shares, table + 7))
        delta = ((first - other) - common) - drop
        gain = load(scales, width + column)
        base = ((other - load(scales, column)) + common) * gain
        store(features, column, fma(delta, gain * spread_from(shares, table + 8), base))
        store(member.squares, column, fma(delta * delta, spread_from(shares, table + 6), own_m2))
    for column in range(0, width, LANES):  # over what the last means' vector left
        root = square_root(load(member.squares, column))
        std = fma(root, load(scales, 2 * width + column), load(scales, 3 * width + column))
        store(features, member.n_varying + column, std)


@jit
def remake_extremes(member, kept, features):
    """Make features again whose squares left the range of doubles; the window holds a number of which that is true."""
    offset, width = int(kept.counts[0]), member.width
    first_at = offset // GROUP * GROUP * member.pitch
    for column in range(member.n_varying):
        squares, first = member.squares[column], abs(kept.ring[first_at + column])
        is_small = first < SMALL and 0.0 <= squares < LEAST_SQUARES
        if not is_small and 0.0 <= squares < MOST_SQUARES:
            continue
        for age in range(member.window):
            row = offset - age if age <= offset else offset - age + member.window
            member.column[member.window - 1 - age] = kept.ring[row * member.pitch + column]
        unit = SMALL_UNIT if is_small else LARGE_UNIT
        mean, root = remake_window(member.column[:, np.newaxis], 0, 0, member.window, unit)
        if root < np.inf and (root > 0.0 or mean != 0.0):
            scales = member.scales
            own = scales[column], scales[width + column], scales[2 * width + column], scales[3 * width + column]
            features[column], features[member.n_varying + column] = remade(mean, root, unit, own)


@inline
def end_group(member, kept, group):
    """Take the rows of a group that is whole into the prefix, which takes the place of the suffix behind it."""
    first_at, table = group * GROUP * member.pitch, group * SHARES_A_GROUP
    rows = places_of(first_at, first_at, GROUP, member.pitch)
    for column in range(0, member.width, LANES):
        first, drop, quad_m2 = quad_of(kept.ring, first_at, rows, column, spread_from(member.shares, table + 7))
        mean, m2 = before(kept, member, group, column)
        own = load(kept.ring, column)
        mean, m2 = merge_quad(first, drop, quad_m2, own, mean, m2, member.shares, table + 2)
        at = group * 2 * member.width + column
        store(kept.pairs, at, mean)
        store(kept.pairs, at + member.width, m2)


@jit
def quad_at(member, kept, group, column):
    """Return a whole group's quad: its first row, how far that lies above the mean, and m2."""
    first_at = group * GROUP * member.pitch
    rows = places_of(first_at, first_at, GROUP, member.pitch)
    return quad_of(kept.ring, first_at, rows, column, spread_from(member.shares, group * SHARES_A_GROUP + 7))


@jit
def suffixes_of_tile(member, kept, first_group, n_groups, column, anchor, mean, m2):
    """Write what is behind each group of a tile, from what is behind the tile; see `suffix_pass`."""
    for group in range(first_group + n_groups - 1, first_group - 1, -1):
        at = group * 2 * member.width + column
        store(kept.pairs, at, mean)
        store(kept.pairs, at + member.width, m2)
        first, drop, quad_m2 = quad_at(member, kept, group, column)
        mean, m2 = merge_quad(first, drop, quad_m2, anchor, mean, m2, member.shares, group * SHARES_A_GROUP + 4)


@jit
def with_tile(member, kept, first_group, n_groups, column, anchor, mean, m2, after):
    """Return the suffix of `after` rows behind a tile with the tile before it; see `tile_totals` and `link_tiles`."""
    own = load(kept.ring, first_group * GROUP * member.pitch + column)
    tile_mean, tile_m2 = spread(0.0), spread(0.0)
    for place in range(n_groups):
        first, drop, quad_m2 = quad_at(member, kept, first_group + place, column)
        table = place * SHARES_A_GROUP + 2
        tile_mean, tile_m2 = merge_quad(first, drop, quad_m2, own, tile_mean, tile_m2, member.shares, table)
    n_rows = n_groups * GROUP
    share = n_rows / (after + n_rows)
    delta = ((own - anchor) - mean) + tile_mean
    return fma(delta, spread(share), mean), fma(delta * delta, spread(after * share), m2 + tile_m2)


@jit
def end_block(member, kept):
    """Make the suffixes of a block that is whole, told from its last row; those of a long one tile by tile."""
    ring, n_tail, last = kept.ring, tail_of(member.window), member.n_groups - 1
    first_at, last_at = last * GROUP * member.pitch, (member.window - 1) * member.pitch
    rows = places_of(first_at, first_at, n_tail, member.pitch)
    for column in range(0, member.width, LANES):
        anchor = load(ring, last_at + column)
        share = spread_from(member.shares, last * SHARES_A_GROUP + 7)
        first, drop, m2 = quad_of(ring, first_at, rows, column, share)
        mean, after = (first - anchor) - drop, n_tail
        for index in range(n_tiles_of(member.window, member.tile) - 1, -1, -1):
            first_group = index * member.tile // GROUP
            n_groups = min(member.tile // GROUP, last - first_group)
            suffixes_of_tile(member, kept, first_group, n_groups, column, anchor, mean, m2)
            if index > 0:
                mean, m2 = with_tile(member, kept, first_group, n_groups, column, anchor, mean, m2, after)
                after += n_groups * GROUP


@inline
def step_on(member, kept):
    """Make ready for the next row: a group or a block may be whole."""
    offset = int(kept.counts[0])
    if offset == member.window - 1:
        end_block(member, kept)
        kept.counts[0] = 0.0
        return
    if offset % GROUP == GROUP - 1:
        end_group(member, kept, offset // GROUP)
    kept.counts[0] = offset + 1.0


@inline
def make_window(member, kept, number, features):
    """Write the features of the window that ends in the newest row."""
    make_features(member, kept, features)
    if number - kept.counts[2] < member.window:
        remake_extremes(member, kept, features)
