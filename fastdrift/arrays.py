"""Names for the arrays that go from room to room."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]
Times = npt.NDArray[np.datetime64]
# which columns of a table are meant, counted from 0
Indices = npt.NDArray[np.int64]
# rows of a table as a kernel reads them
Rows = npt.NDArray[np.float64] | npt.NDArray[np.float32]


_Numbers = TypeVar("_Numbers", Floats, Integers)


def freeze(array: _Numbers) -> _Numbers:
    """Make an array read-only and return it."""
    array.setflags(write=False)
    return array
