"""The fused score, by shape, layout, dtype and number of threads."""

from __future__ import annotations

import numpy as np
import pytest

import fastdrift as fd
from benchmarks.conftest import model_of, rows_of


def naive_score(model: fd.Model, rows: np.ndarray) -> float:
    """Score one window by the definition."""
    features = np.concatenate([rows.mean(axis=0), rows.std(axis=0, ddof=1)])
    return float(np.linalg.norm(np.linalg.solve(model.cholesky, (features - model.centre) / model.scale)))


def test_score(benchmark, shape):
    n_columns, window = shape
    rows, model = rows_of(n_columns), model_of(n_columns, window)
    assert fd.score(model, rows, threads=1)[-1] == pytest.approx(naive_score(model, rows[-window:]), rel=1e-9)
    benchmark(fd.score, model, rows, threads=1)


@pytest.mark.parametrize("variant", ["float32", "fortran", "strided", "two-threads"])
def test_score_of_another_kind(benchmark, variant):
    rows, model, threads = rows_of(8), model_of(8, 50), 1
    expected = fd.score(model, rows)
    if variant == "float32":
        rows = rows_of(8, "float32")
        expected = fd.score(model, rows.astype(np.float64))
    elif variant == "fortran":
        rows = rows_of(8, order="F")
    elif variant == "strided":
        rows = np.repeat(rows, 2, axis=1)[:, ::2]
    else:
        threads = 2
    assert fd.score(model, rows, threads=threads).tobytes() == expected.tobytes()
    benchmark(fd.score, model, rows, threads=threads)


def test_score_of_a_hundred_rows(benchmark):
    rows, model = rows_of(8)[:100].copy(), model_of(8, 50)
    assert fd.score(model, rows)[-1] == pytest.approx(naive_score(model, rows[-50:]), rel=1e-9)
    benchmark(fd.score, model, rows)
