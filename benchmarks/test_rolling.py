"""rolling_mean and rolling_std, written out."""

from __future__ import annotations

import numpy as np
import pytest

import fastdrift as fd
from benchmarks.conftest import rows_of


@pytest.mark.parametrize("statistic", ["mean", "std"])
def test_rolling(benchmark, shape, statistic):
    n_columns, window = shape
    rows = rows_of(n_columns)
    rolling = fd.rolling_mean if statistic == "mean" else fd.rolling_std
    last = rolling(rows, window)[-1]
    expected = rows[-window:].mean(axis=0) if statistic == "mean" else rows[-window:].std(axis=0, ddof=1)
    np.testing.assert_allclose(last, expected, rtol=1e-9, atol=1e-12)
    benchmark(rolling, rows, window)
