"""Forward substitution and the Cholesky factor it needs."""

from __future__ import annotations

import numpy as np

from fastdrift.kernels.jitting import FIXED_MATRIX, FLOAT, MATRIX, entry, inline, jit
from fastdrift.kernels.layout import GROUP_SIZE, LANES
from fastdrift.kernels.loading import prefetch_part
from fastdrift.kernels.vectors import fma, load, roots_of_group, spread, spread_from, store


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
    return roots_of_group(four[0], four[1], four[2], four[3])


@inline
def solve_group(features, n_features, factor, ahead):
    """Return the squared distances of a group's windows by forward substitution, which overwrites the features.

    `factor` holds the panels of `detectors.mahalanobis.pack_factor`: rows of the Cholesky factor over their diagonal,
    negated, so that four features of four windows live in 16 registers and each factor entry is read once for four
    windows.
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


@entry(FIXED_MATRIX, FLOAT, MATRIX)
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
