"""The kernel of plain rows' moments."""

from __future__ import annotations

import numpy as np

from fastdrift.kernels.jitting import FIXED_FLOATS, FLOATS, INDICES, INT, MATRIX, entry, rows_type


@entry(rows_type, INDICES, INT, INT, FIXED_FLOATS, FLOATS, MATRIX)
def row_moments(rows, columns, first, step, centre, sums, products):
    """Add every `step`-th whole row from `first` on to sums and products of differences from `centre`.

    Return how many rows were added. Sums go row by row, so that no machine pairs them up in another way.
    """
    count = 0
    values = sums[columns.size :]
    for row in range(first, rows.shape[0], step):
        finite = True
        for column in range(columns.size):
            values[column] = rows[row, columns[column]] - centre[column]
            finite = finite and abs(values[column]) < np.inf
        if not finite:
            continue
        count += 1
        for column in range(columns.size):
            sums[column] += values[column]
            for other in range(column + 1):
                products[column, other] += values[column] * values[other]
    return count
