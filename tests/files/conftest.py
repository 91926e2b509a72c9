"""Small tables: one at hand, and others from text."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from .samples import TIMES


@pytest.fixture
def frame():
    values = {"cpu": [0.1 + 0.2, np.nan, -np.inf], "memory": [1e-300, 2**53 + 1.0, 5.0]}
    return pd.DataFrame(values, index=TIMES)


@pytest.fixture
def table(tmp_path):
    """Return a function that writes text to a CSV and returns its path."""

    def write(text, name="table.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write
