"""Scores and windows by the definition, for checks before timing."""

from __future__ import annotations

import importlib.util

import numpy as np

import fastdrift as fd
from benchmarks import ROOT
from benchmarks.rows import Floats


def naive_score(model: fd.Model, rows: Floats) -> float:
    """Score one window by the definition."""
    features = np.concatenate([rows.mean(axis=0), rows.std(axis=0, ddof=1)])
    return float(np.linalg.norm(np.linalg.solve(model.cholesky, (features - model.centre) / model.scale)))


def assert_right(model: fd.Model, rows: Floats, scores: Floats) -> None:
    """Check that every window has a score and that the last one's is the definition's."""
    assert np.isfinite(scores[model.window - 1 :]).all()
    np.testing.assert_allclose(scores[-1], naive_score(model, rows[-model.window :]), rtol=1e-9)


def exact_std(column: Floats, window: int) -> Floats:
    """Return the std of every whole window by the tests' exact arithmetic."""
    specification = importlib.util.spec_from_file_location("oracle", ROOT / "tests" / "oracle.py")
    assert specification is not None
    assert specification.loader is not None
    oracle = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(oracle)
    std: Floats = oracle.rolling_exact(column, window)[1][window - 1 :]
    return std
