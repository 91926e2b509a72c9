"""The kernel of the moments of features."""

from __future__ import annotations

from fastdrift.kernels.jitting import FLOATS, SPAN, WORK, entry, jit, source_type
from fastdrift.kernels.layout import GROUP, GROUP_SIZE, LANES, Output, Source, Span, Work
from fastdrift.kernels.loading import prefetch_part
from fastdrift.kernels.solving import add_squares, fma_four, load_four
from fastdrift.kernels.sweep import sweep_with
from fastdrift.kernels.vectors import equal, fma, keep, load, spread, store, within


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


@entry(source_type, WORK, SPAN, FLOATS, FLOATS)
def moment_range(source, work, span, totals, products):
    """Add the features of the windows that `span` wants to `totals` and `products`, lane by lane."""
    sweep_moments(Source(*source), Work(*work), Span(*span), (totals, products), 0, Output(totals, 0))
