"""Plain rows of a baseline: what onset and missing data are told by."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fastdrift.arrays import Floats, Indices
from fastdrift.detectors.shrinkage import MIN_PIVOT
from fastdrift.engine.compiled import kernel
from fastdrift.tables.table import Table

# rows that the moments are taken from, spread evenly; more tell nothing new of means and correlations
SAMPLE_ROWS = 16_384
# how far rows' correlation is shrunk: columns that say the same must not turn rounding into distance
SHRINKAGE = 0.02


class RowStatistics(NamedTuple):
    """Mean, spread and correlation of single rows, over the columns that vary.

    `factor` is the lower Cholesky factor of the shrunk correlation; `missing` the most values that any window of the
    baseline lacked, for every column of the table.
    """

    mean: Floats
    spread: Floats
    factor: Floats
    missing: Floats

    def whitener(self) -> Floats:
        """Return what rows, told from the mean, are multiplied by to have spread 1 and no correlation if healthy."""
        inverse: Floats = np.linalg.inv(self.factor).T / self.spread[:, None]
        return inverse

    def correlation(self) -> Floats:
        """Return the correlation of the rows' columns, before it was shrunk."""
        correlation: Floats = self.factor @ self.factor.T / (1 - SHRINKAGE)
        np.fill_diagonal(correlation, 1.0)
        return correlation


def learn_rows(table: Table, varying: Indices, window: int, *, lacking: Table | None) -> RowStatistics:
    """Return the statistics of a baseline's rows; the same bytes in any layout.

    `lacking` is the table if it lacks values, and without what was set aside.
    """
    centre = table.first_finite()[varying]
    size = varying.size
    sums = np.zeros(2 * size)  # and room for a row
    products, count = np.zeros((size, size)), 0
    # odd: of two rows that alternate, as machines' do, every second would show one kind alone
    step = -(-table.n_rows // SAMPLE_ROWS) | 1
    for start, rows in table.chunks():
        count += kernel("row_moments", table.dtype)(rows, varying, -start % step, step, centre, sums, products)
    mean = sums[:size] / count
    covariance: Floats = products / count - np.tril(mean[:, None] * mean)
    spread: Floats = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    spread[spread == 0] = 1.0  # it moved in no row of the sample
    correlation = (1 - SHRINKAGE) * covariance / (spread[:, None] * spread)
    np.fill_diagonal(correlation, 1.0)
    factor = np.zeros((size, size))
    failed, _ = kernel("cholesky")(correlation, MIN_PIVOT, factor)
    if failed >= 0:
        factor = np.eye(size)
    missing = (
        np.zeros(table.n_columns)
        if lacking is None
        else np.max([most_missing(one, window) for one in lacking.stretches], axis=0)
    )
    return RowStatistics(centre + mean, spread, factor, missing)


def most_missing(table: Table, window: int) -> Floats:
    """Return for every column the most values that a window of the table lacks."""
    most = np.zeros(table.n_columns)
    tail = np.zeros((0, table.n_columns), bool)
    for _, rows in table.chunks():
        lacks = np.concatenate([tail, ~np.isfinite(rows)])
        counts = np.concatenate([np.zeros((1, table.n_columns), np.int64), np.cumsum(lacks, axis=0)])
        width = min(window, len(lacks))
        most = np.maximum(most, (counts[width:] - counts[:-width]).max(axis=0))
        tail = lacks[-(window - 1) :]
    return most
