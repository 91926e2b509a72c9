"""fit with its cross-fitted threshold, and generate."""

from __future__ import annotations

import numpy as np

import fastdrift as fd
from benchmarks.conftest import rows_of


def test_fit(benchmark):
    rows = rows_of(8)
    model = fd.fit(rows, threads=1)
    features = np.hstack([fd.rolling_mean(rows, 50), fd.rolling_std(rows, 50)])[49:]
    np.testing.assert_allclose(model.centre, features.mean(axis=0), rtol=1e-9, atol=1e-12)
    benchmark(fd.fit, rows, threads=1)


def test_generate(benchmark):
    data = benchmark(fd.generate, 50_000, seed=42)
    assert data.frame.equals(fd.generate(50_000, seed=42).frame)
    assert not data.labels[:15_000].any()
