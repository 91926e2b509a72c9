"""Shapes and data that the benchmarks share."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

import fastdrift as fd
from benchmarks.rows import make_rows

N_ROWS = 200_000
SHAPES = [(4, 10), (8, 50), (32, 100), (8, 5000)]


@functools.cache
def rows_of(n_columns: int, dtype: str = "float64", order: str = "C") -> Any:
    """Return the rows of a benchmark, made once."""
    return np.asarray(make_rows(N_ROWS, n_columns), dtype=dtype, order=order)


@functools.cache
def model_of(n_columns: int, window: int) -> fd.Model:
    """Return a model of the first rows."""
    return fd.fit(rows_of(n_columns)[: max(20_000, 36 * window)], window=window, threshold="in-sample")


@pytest.fixture(params=SHAPES, ids=lambda shape: f"d{shape[0]}-w{shape[1]}")
def shape(request: pytest.FixtureRequest) -> tuple[int, int]:
    """Return columns and window."""
    return request.param
