"""Scoring by the isolation forest, beside scikit-learn's own scoring of the same features."""

from __future__ import annotations

import numpy as np
from sklearn.ensemble import IsolationForest

import fastdrift as fd
from benchmarks.conftest import rows_of
from benchmarks.timing import interleaved_minima

WINDOW = 50


def test_forest(benchmark):
    rows = rows_of(8)
    model = fd.fit(rows, window=WINDOW, detector="isolation-forest", threshold="in-sample")
    features = np.hstack([fd.rolling_mean(rows, WINDOW), fd.rolling_std(rows, WINDOW)])[WINDOW - 1 :]
    grown = IsolationForest(n_estimators=100, max_samples=256, random_state=1).fit(features)
    calls = {"ours": lambda: fd.score(model, rows), "scikit-learn": lambda: grown.score_samples(features)}
    if not benchmark.disabled:
        best = interleaved_minima(calls, rounds=3)
        benchmark.extra_info["times faster than scikit-learn"] = round(best["scikit-learn"] / best["ours"], 1)
    assert np.isfinite(fd.score(model, rows)[WINDOW - 1 :]).all()
    benchmark(fd.score, model, rows)
