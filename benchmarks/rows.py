"""Rows that benchmarks are run on."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def make_rows(n_rows: int, n_columns: int, seed: int = 0) -> Floats:
    """Return correlated, autocorrelated rows of unit scale, which no library loses digits on."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n_rows, n_columns)) @ rng.normal(size=(n_columns, n_columns)) / np.sqrt(n_columns)
    rows[1:] += 0.5 * rows[:-1]
    return np.ascontiguousarray(rows)
