"""Batched Mahalanobis distances of plain rows."""

from __future__ import annotations

import numpy as np
import pytest

import fastdrift as fd
from benchmarks.conftest import rows_of


@pytest.mark.parametrize("n_columns", [4, 16, 32])
def test_mahalanobis(benchmark, n_columns):
    rows = rows_of(n_columns)
    mean, covariance = rows.mean(axis=0), np.cov(rows, rowvar=False)
    centred = rows[:100] - mean
    expected = np.sqrt(np.sum(centred * np.linalg.solve(covariance, centred.T).T, axis=1))
    np.testing.assert_allclose(fd.mahalanobis(rows, mean, covariance)[:100], expected, rtol=1e-9)
    benchmark(fd.mahalanobis, rows, mean, covariance, threads=1)
