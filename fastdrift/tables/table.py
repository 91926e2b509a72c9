"""Table: rows of numeric columns, read piece by piece."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fastdrift.arrays import Indices, Rows
from fastdrift.errors import DataError

# numbers in a piece that is looked at, or converted, at once
CHUNK_NUMBERS = 1 << 19
FIRST_CHUNK = 64


class Table:
    """Rows of numeric columns, read piece by piece.

    Attributes
    ----------
    names : tuple
        The columns' names; 0, 1, … for an array.
    n_rows : int
    first_row : int
        Absolute number of the first row: a table may be a chunk of a stream.
    dtype : numpy.dtype
        float32 or float64: what pieces are made of.
    """

    def __init__(self, names: Sequence[Hashable], n_rows: int, whole: Rows | None, arrays: Sequence[Any]) -> None:
        self.names = tuple(names)
        self.n_rows = n_rows
        self.first_row = 0
        self._whole = whole
        self._arrays = arrays
        self.dtype = np.dtype(np.float64) if whole is None else whole.dtype

    def starting_at(self, first_row: int) -> Table:
        """Return the same rows as a chunk of a stream whose first is absolute row `first_row`."""
        table = Table(self.names, self.n_rows, self._whole, self._arrays)
        table.first_row = first_row
        return table

    @property
    def end_row(self) -> int:
        """Absolute number of the row after the last."""
        return self.first_row + self.n_rows

    @property
    def n_columns(self) -> int:
        """Number of columns."""
        return len(self.names)

    def rows(self, start: int, stop: int) -> Rows:
        """Return absolute rows `start` … `stop` - 1, a view where that is possible."""
        start, stop = start - self.first_row, stop - self.first_row
        if self._whole is not None:
            return self._whole[start:stop]
        piece = np.empty((stop - start, self.n_columns), order="F")
        for column, array in enumerate(self._arrays):
            piece[:, column] = _numbers(array[start:stop])
        return piece

    def chunks(self) -> Iterator[tuple[int, Rows]]:
        """Yield the first row of each piece of a bounded size, counted from the table's own first, and the piece.

        Pieces grow: the first few rows answer most questions.
        """
        start, step = 0, FIRST_CHUNK
        while start < self.n_rows:
            rows = self.rows(self.first_row + start, self.first_row + min(start + step, self.n_rows))
            yield start, rows
            start, step = start + step, max(1, min(2 * step, CHUNK_NUMBERS // self.n_columns))

    def first_finite(self) -> npt.NDArray[np.float64]:
        """Return the first finite number of every column; NaN where there is none."""
        first = np.full(self.n_columns, np.nan)
        for _, rows in self.chunks():
            for column in np.flatnonzero(np.isnan(first)):
                finite = np.isfinite(rows[:, column])
                if finite.any():
                    first[column] = rows[finite.argmax(), column]
            if not np.isnan(first).any():
                break
        return first

    def place_of_broken(self, indices: Indices) -> str:
        """Say in which row, and which of the columns `indices`, the first NaN or inf stands."""
        for start, rows in self.chunks():
            broken = ~np.isfinite(rows[:, indices])
            if broken.any():
                row = int(broken.any(axis=1).argmax())
                return f"column {self.names[indices[broken[row].argmax()]]!r}, row {start + row}"
        return "nowhere"


def _numbers(array: Any) -> npt.NDArray[Any]:
    if isinstance(array, np.ndarray):
        return array
    # a nullable or Arrow-backed column
    return np.asarray(array.to_numpy(dtype=np.float64, na_value=np.nan))


def readable(array: npt.NDArray[Any]) -> bool:
    """Return whether kernels can read an array where it lies."""
    return array.dtype in (np.float64, np.float32) and array.dtype.isnative and array.flags.aligned


def check_columns(names: Sequence[Hashable]) -> None:
    """Raise DataError if there are no columns, or two of one name."""
    if not names:
        raise DataError("the table has no columns")
    seen = set()
    for name in names:
        if name in seen:
            raise DataError(f"column {name!r} is there twice: rename or drop one")
        seen.add(name)


def listed(names: Sequence[Hashable] | Any, limit: int = 8) -> str:
    """Return names as text, the first few of them."""
    shown = ", ".join(repr(name) for name in list(names)[:limit])
    return shown + (f" and {len(names) - limit} more" if len(names) > limit else "")
