"""The kernel of the isolation forest."""

from __future__ import annotations

import numpy as np
from numba import types

from fastdrift.kernels.jitting import (
    FIXED_FLOATS,
    FIXED_FLOATS_32,
    FIXED_INTS_32,
    FIXED_MATRIX,
    FLOAT,
    FLOATS,
    FLOATS_32,
    INT,
    OUTPUT,
    SPAN,
    WORK,
    entry,
    jit,
    source_type,
)
from fastdrift.kernels.layout import GROUP, GROUP_SIZE, LANES, Output, Source, Span, Work
from fastdrift.kernels.loading import prefetch_part
from fastdrift.kernels.sweep import sweep_with
from fastdrift.kernels.vectors import fma, load, spread, store


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


@jit
def score_of(features, trees, values, totals):
    """Return the isolation score of one window; see `consume_trees`."""
    offsets, thresholds, lengths, depth, rate = trees
    for feature in range(features.size):
        values[feature * GROUP_SIZE] = features[feature]
    total, n_leaves = 0.0, 1 << depth
    for tree in range(lengths.size // n_leaves):
        first = tree * (n_leaves - 1)
        node = np.uint64(0)
        for _ in range(depth):
            own = offsets[first : first + n_leaves - 1], thresholds[first : first + n_leaves - 1]
            node = descend(node, values, np.uint64(0), 0, own[0], own[1])
        total += lengths[tree * n_leaves + int(node) - (n_leaves - 1)]
    broken = 0.0
    for feature in range(features.size):
        broken += features[feature] * 0.0
    store(totals, 0, power_of_two(spread(total) * spread(rate)))
    return totals[0] + broken


sweep_trees = sweep_with(consume_trees)
# offsets, thresholds, lengths, depth and rate of complete trees; room for a group's features and path lengths
TREES = types.Tuple((FIXED_INTS_32, FIXED_FLOATS_32, FIXED_FLOATS, INT, FLOAT))
ROOM = types.Tuple((FLOATS_32, FLOATS))


@entry(source_type, WORK, SPAN, TREES, ROOM, OUTPUT)
def forest_range(source, work, span, trees, room, output):
    """Write the isolation scores of the windows that `span` wants; return whether all are finite.

    Trees are complete: node n of a tree compares the feature whose numbers start at `offsets[n]` in a group with
    `thresholds[n]`, and has its children at 2 n + 1 and 2 n + 2; leaves hold path lengths. `rate` is minus one over the
    number of trees and the expected length. `values` and `totals` are room for a group's features and path lengths.
    """
    return sweep_trees(Source(*source), Work(*work), Span(*span), trees + room, 1, Output(*output))


@entry(FIXED_MATRIX, TREES, ROOM, FLOATS)
def forest_rows(features, trees, room, scores):
    """Write the isolation scores of windows whose features are known, a line each."""
    for row in range(scores.size):
        scores[row] = score_of(features[row], trees, room[0], room[1])
