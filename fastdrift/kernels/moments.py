"""Kernels of the moments of features: of every window, or of every fourth.

Windows four rows apart share most of theirs. The last of a group stands for all four: it needs no row of the block
before but what is merged already. Over 8 columns, windows of 50, products of features took 10 ns a row instead of 18,
and their diagonal 9 instead of 14; 7 of them bring rows in and merge them.
"""

from __future__ import annotations

import numpy as np

from fastdrift.kernels.jitting import FLOATS, SPAN, WORK, entry, inline, jit, source_type
from fastdrift.kernels.layout import (
    GROUP,
    GROUP_SIZE,
    LANES,
    PAIR,
    SCALES,
    SHARES_A_GROUP,
    TRIPLE,
    Output,
    Prefetch,
    Source,
    Span,
    Work,
)
from fastdrift.kernels.loading import place, prefetch_part
from fastdrift.kernels.rolling import centre, load_three, merge, merge_quad, places_of, row_of, told_from
from fastdrift.kernels.solving import add_squares, fma_four, load_four, store_four
from fastdrift.kernels.sweep import sweep_with
from fastdrift.kernels.vectors import equal, fma, keep, load, spread, spread_from, store, within


@jit
def wanted_window(member, count, row, bounds):
    """Return 1 in the lanes in which the window of a group's member is wanted, 0 elsewhere."""
    if member < count:
        return within(load(bounds, 0), spread(float(row + member)), load(bounds, LANES))
    return spread(0.0)


@jit
def wanted_windows(count, row, bounds):
    """Return in which lanes each window of a group is wanted."""
    return (
        wanted_window(0, count, row, bounds),
        wanted_window(1, count, row, bounds),
        wanted_window(2, count, row, bounds),
        wanted_window(3, count, row, bounds),
    )


@jit
def admit_windows(features, n_features, wanted, weights):
    """Set windows that are not wanted or not finite to zeros, and their weight to 0; return how many are not finite."""
    zero, one = spread(0.0), spread(1.0)
    probes = (zero, zero, zero, zero)
    for feature in range(n_features):
        probes = fma_four(zero, load_four(features, feature * GROUP_SIZE), probes)
    broken, total = zero, zero
    for member in range(GROUP):
        weight = wanted[member] * within(zero, probes[member], one)
        store(weights, member * LANES, weight)
        broken, total = broken + (wanted[member] - weight), total + weight
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
def add_products(features, n_features, products):
    """Add the products of a group's features: of the diagonal alone if there is room for no more."""
    if products.size == n_features * LANES:
        add_diagonal(features, n_features, products)
    else:
        add_triangle(features, n_features, products)


@jit
def consume_moments(features, count, row, _at, target, ahead, extra):
    """Add a group to the sums: windows, broken windows, fourth powers of norms, features, products of features."""
    prefetch_part(ahead, 0, 1)
    totals, products = extra
    n_features = totals.size // LANES - 3
    broken = admit_windows(features, n_features, wanted_windows(count, row, target.bounds), target.results)
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
    add_products(features, n_features, products)


sweep_moments = sweep_with(consume_moments)


@entry(source_type, WORK, SPAN, FLOATS, FLOATS)
def moment_range(source, work, span, totals, products):
    """Add the features of the windows that `span` wants to `totals` and `products`, lane by lane."""
    sweep_moments(Source(*source), Work(*work), Span(*span), (totals, products), 0, Output(totals, 0))


@inline
def merge_last(ring, row, group, work, anchors, groups, state, features):
    """Make mean and squares of the window that ends with a group of rows, as `merge_group` does of all four.

    It is the group's place among four that its features get.
    """
    slots, scales, shares = ring.slots, work.scales, work.shares
    n_columns, n_rows, table = slots.size, min(GROUP, work.window - row), row // GROUP * SHARES_A_GROUP
    first_at = place(ring, ring.here, row)
    rows, share = places_of(first_at, first_at, n_rows, ring.pitch), spread_from(shares, table + 7)
    here = member_of(row) * LANES
    for column in range(n_columns):
        at, pair = slots[column] * LANES, (group * n_columns + column) * PAIR
        own, mean, m2 = load_three(state, column * TRIPLE)
        other = load(anchors, column * LANES) if row + GROUP < work.window else own
        common, m2s = merge(mean, m2, load(groups, pair), load(groups, pair + LANES), own - other, shares, table)

        first = load(ring.raw, first_at + at)
        one, two, three = told_from(first, ring.raw, rows, at)
        drop, quad_m2 = centre((one + two) + three, fma(three, three, fma(two, two, one * one)), share)
        delta = ((first - other) - common) - drop
        gain = spread_from(scales, SCALES * column + 1)
        base = ((other - spread_from(scales, SCALES * column)) + common) * gain
        squares = fma(delta * delta, spread_from(shares, table + 6), quad_m2 + m2s)
        store(features, column * GROUP_SIZE + here, fma(delta, gain * spread_from(shares, table + 8), base))
        store(features, (n_columns + column) * GROUP_SIZE + here, squares)

        mean, m2 = merge_quad(first, drop, quad_m2, own, mean, m2, shares, table + 2)
        store(groups, pair, drop)
        store(groups, pair + LANES, quad_m2)
        store(state, column * TRIPLE + LANES, mean)
        store(state, column * TRIPLE + 2 * LANES, m2)


@jit
def member_of(row):
    """Return which of the four windows that are worked on together stands for a row's group."""
    return row // GROUP & (GROUP - 1)


@jit
def wanted_last(member, count, row, bounds):
    """Return in which lanes a window that stands for its group is wanted; the group at `row` is the last there is."""
    last = row_of(member, row, count, GROUP * GROUP)
    if last < 0:
        return spread(0.0)
    return within(load(bounds, 0), spread(float(last)), load(bounds, LANES))


@jit
def multiplied(four, other):
    """Return the product for each of four windows."""
    return four[0] * other[0], four[1] * other[1], four[2] * other[2], four[3] * other[3]


@jit
def root_of_rows(member, count, row, weights):
    """Return the root of how many rows a window stands for, 0 where it is not admitted."""
    n_rows = count if member == member_of(row) else GROUP
    return load(weights, member * LANES) * spread(np.sqrt(float(n_rows)))


@jit
def consume_lasts(features, count, row, _at, target, ahead, extra):
    """Add four windows to the sums that `consume_moments` makes, each as often as it has rows to stand for."""
    totals, products = extra
    for behind in range(0, (member_of(row) + 1) * GROUP, GROUP):
        first_behind = ahead.first_behind - behind if ahead.first_behind >= 0 else -1
        prefetch_part(Prefetch(ahead.source, ahead.first - behind, first_behind, ahead.lane_rows), 0, 1)
    n_features, bounds, weights = totals.size // LANES - 3, target.bounds, target.results
    wanted = (
        wanted_last(0, count, row, bounds),
        wanted_last(1, count, row, bounds),
        wanted_last(2, count, row, bounds),
        wanted_last(3, count, row, bounds),
    )
    broken = admit_windows(features, n_features, wanted, weights)
    roots = (
        root_of_rows(0, count, row, weights),
        root_of_rows(1, count, row, weights),
        root_of_rows(2, count, row, weights),
        root_of_rows(3, count, row, weights),
    )
    add_at(totals, 0, dot_four(roots, roots))
    add_at(totals, LANES, broken)
    zero = spread(0.0)
    norms = (zero, zero, zero, zero)
    for feature in range(n_features):
        four = load_four(features, feature * GROUP_SIZE)
        norms = add_squares(four, norms)
        four = multiplied(roots, four)
        add_at(totals, (3 + feature) * LANES, dot_four(roots, four))
        store_four(features, feature * GROUP_SIZE, four)
    norms = multiplied(roots, norms)
    add_at(totals, 2 * LANES, dot_four(norms, norms))
    add_products(features, n_features, products)


sweep_lasts = sweep_with(consume_lasts, merge_last, GROUP * GROUP)


@entry(source_type, WORK, SPAN, FLOATS, FLOATS)
def last_moment_range(source, work, span, totals, products):
    """Do as `moment_range` does with the last of every four windows, which counts for all of them."""
    sweep_lasts(Source(*source), Work(*work), Span(*span), (totals, products), 0, Output(totals, 0))
