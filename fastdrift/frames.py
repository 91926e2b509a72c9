"""Tables at the border: arrays and frames in, pieces that a kernel can read out.

A table is never copied whole. Floating arrays, and frames that hold one block of them, are read where they lie;
anything else is converted in pieces, as its rows are needed.
"""

from __future__ import annotations

import sys
from collections.abc import Hashable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
import numpy.typing as npt

from fastdrift.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

# numbers in a piece that is looked at, or converted, at once
CHUNK_NUMBERS = 1 << 19
FIRST_CHUNK = 64

Rows = npt.NDArray[np.float64] | npt.NDArray[np.float32]


def is_frame(data: object) -> TypeGuard[pd.DataFrame]:
    """Return whether `data` is a pandas DataFrame, without importing pandas."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(data, pandas.DataFrame)


def is_series(data: object) -> TypeGuard[pd.Series[Any]]:
    """Return whether `data` is a pandas Series, without importing pandas."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(data, pandas.Series)


class Table:
    """Rows of numeric columns, read piece by piece.

    Attributes
    ----------
    names : tuple
        The columns' names; 0, 1, … for an array.
    n_rows : int
    dtype : numpy.dtype
        float32 or float64: what pieces are made of.
    """

    def __init__(self, names: Sequence[Hashable], n_rows: int, whole: Rows | None, arrays: Sequence[Any]) -> None:
        self.names = tuple(names)
        self.n_rows = n_rows
        self._whole = whole
        self._arrays = arrays
        self.dtype = np.dtype(np.float64) if whole is None else whole.dtype

    @property
    def n_columns(self) -> int:
        """Number of columns."""
        return len(self.names)

    def rows(self, start: int, stop: int) -> Rows:
        """Return rows `start` … `stop` - 1, a view where that is possible."""
        if self._whole is not None:
            return self._whole[start:stop]
        piece = np.empty((stop - start, self.n_columns), order="F")
        for column, array in enumerate(self._arrays):
            piece[:, column] = _numbers(array[start:stop])
        return piece

    def chunks(self) -> Iterator[tuple[int, Rows]]:
        """Yield the first row of each piece of a bounded size, and the piece.

        Pieces grow: the first few rows answer most questions.
        """
        start, step = 0, FIRST_CHUNK
        while start < self.n_rows:
            yield start, self.rows(start, min(start + step, self.n_rows))
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

    def place_of_broken(self, places: npt.NDArray[np.int64]) -> str:
        """Say in which row, and which of the columns at `places`, the first NaN or inf stands."""
        for start, rows in self.chunks():
            broken = ~np.isfinite(rows[:, places])
            if broken.any():
                row = int(broken.any(axis=1).argmax())
                return f"column {self.names[places[broken[row].argmax()]]!r}, row {start + row}"
        return "nowhere"


def _numbers(array: Any) -> npt.NDArray[Any]:
    if isinstance(array, np.ndarray):
        return array
    # a nullable or Arrow-backed column
    return np.asarray(array.to_numpy(dtype=np.float64, na_value=np.nan))


def as_table(data: Any, columns: Sequence[Hashable] | None = None) -> Table:
    """Return `data`, or its columns named `columns`, as a table.

    Raises
    ------
    DataError
        If `data` is not a two-dimensional array or a DataFrame of numbers, or lacks a column.
    """
    if is_frame(data):
        return _frame_table(data, columns)
    array = as_array(data)
    if array.ndim != 2:
        raise DataError(f"the table has {array.ndim} dimension(s): pass rows × columns, an array or a DataFrame")
    names: Sequence[Hashable] = range(array.shape[1])
    if columns is not None:
        names = places = [_place(column, array.shape[1]) for column in columns]
        if places != list(range(array.shape[1])):
            return _array_table(array, names, [array[:, place] for place in places])
    return _array_table(array, names, [array[:, place] for place in range(array.shape[1])], array)


def as_array(data: Any) -> npt.NDArray[Any]:
    """Return `data` as an array; a masked one, whose mask numpy would drop, is an error."""
    if isinstance(data, np.ma.MaskedArray):
        raise DataError("the array is masked: fill it, as with data.filled(np.nan), so that what is missing is NaN")
    return np.asarray(data)


def _place(column: Hashable, n_columns: int) -> int:
    if isinstance(column, (int, np.integer)) and not isinstance(column, bool) and 0 <= column < n_columns:
        return int(column)
    raise DataError(f"column {column!r} is not there: an array's columns are 0 … {n_columns - 1}")


def _array_table(array: npt.NDArray[Any], names: Sequence[Hashable], arrays: Sequence[Any], whole: Any = None) -> Table:
    if array.dtype.kind not in "fiub" or array.dtype.itemsize > 8:
        raise DataError(f"the array holds {array.dtype}: convert it to float64")
    _check_columns(names)
    if whole is not None and _readable(whole):
        return Table(names, len(array), whole, arrays)
    return Table(names, len(array), None, arrays)


def _readable(array: npt.NDArray[Any]) -> bool:
    return array.dtype in (np.float64, np.float32) and array.dtype.isnative and array.flags.aligned


def _check_columns(names: Sequence[Hashable]) -> None:
    if not names:
        raise DataError("the table has no columns")
    seen = set()
    for name in names:
        if name in seen:
            raise DataError(f"column {name!r} is there twice: rename or drop one")
        seen.add(name)


def _frame_table(frame: pd.DataFrame, columns: Sequence[Hashable] | None) -> Table:
    names = list(frame.columns) if columns is None else list(columns)
    _check_columns(list(frame.columns))
    _check_columns(names)
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise DataError(f"column {missing[0]!r} is missing; the table has {_listed(frame.columns)}")
    arrays = [_column_array(frame[name], name) for name in names]
    whole = _one_block(frame, arrays) if names == list(frame.columns) else None
    return Table(names, len(frame), whole, arrays)


def _column_array(series: pd.Series[Any], name: Hashable) -> Any:
    dtype = series.dtype
    if isinstance(dtype, np.dtype):
        if dtype.kind in "fiub":
            return series.to_numpy()
    elif getattr(dtype, "_is_numeric", False) or getattr(dtype, "_is_boolean", False):
        return series.array
    row = next((row for row, value in enumerate(series) if isinstance(value, str)), 0)
    value = series.iloc[row] if len(series) else None
    raise DataError(
        f"column {name!r} holds {dtype}, not numbers (row {row}: {value!r}): convert it with pandas.to_numeric, "
        f"or drop it"
    )


def _one_block(frame: pd.DataFrame, arrays: Sequence[Any]) -> Rows | None:
    """Return the frame's values if they lie in one block, which costs no copy."""
    head = frame.iloc[:2].to_numpy() if len(frame) else np.empty(0)
    if not all(isinstance(array, np.ndarray) and np.shares_memory(head, array[:2]) for array in arrays):
        return None
    values = frame.to_numpy()
    return values if _readable(values) else None


def _listed(names: Sequence[Hashable] | Any, limit: int = 8) -> str:
    shown = ", ".join(repr(name) for name in list(names)[:limit])
    return shown + (f" and {len(names) - limit} more" if len(names) > limit else "")


def match_columns(
    names: Sequence[Hashable], data: Any, *, named: bool, allow_extra: bool
) -> tuple[Table, npt.NDArray[np.int64]]:
    """Return `data` as a table and the places in it of the columns a model knows as `names`.

    A frame's columns are matched by name, in any order, if the model was fitted on a frame; else by place.
    """
    if not (named and is_frame(data)):
        if allow_extra and not named:
            table = as_table(data)
            if is_frame(data):
                raise DataError("the model was fitted on an array's columns: pass an array")
            places = [_place(name, table.n_columns) for name in names]
            return table, np.array(places, np.int64)
        table = as_table(data)
        if table.n_columns != len(names):
            raise DataError(f"the table has {table.n_columns} columns and the model {len(names)}")
        return table, np.arange(len(names), dtype=np.int64)
    present = list(data.columns)
    _check_columns(present)
    missing = [name for name in names if name not in data.columns]
    if missing:
        raise DataError(f"column {missing[0]!r} of the model is missing; the table has {_listed(present)}")
    known = set(names)
    extra = [name for name in present if name not in known]
    if extra and not allow_extra:
        raise DataError(
            f"column {extra[0]!r} is not the model's: drop it, or name the columns to use when fitting (columns=…)"
        )
    table = as_table(data, [name for name in present if name in known] if extra else None)
    place = {name: index for index, name in enumerate(table.names)}
    return table, np.array([place[name] for name in names], np.int64)
