"""Any kind of table in, the same kind out."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fastdrift.arrays import Floats, Indices
from fastdrift.errors import DataError
from fastdrift.tables.frames import frame_table, is_frame, is_series
from fastdrift.tables.table import Table, check_columns, listed, readable


def like(original: Any, values: Floats) -> Any:
    """Return values as a Series or frame with the index, and the names, of the original."""
    import pandas as pd  # it is loaded already: `original` is of it

    if is_series(original):
        return pd.Series(values, index=original.index, name=original.name, copy=False)
    return pd.DataFrame(values, index=original.index, columns=original.columns, copy=False)


def as_table(data: Any, columns: Sequence[Hashable] | None = None) -> Table:
    """Return `data`, or its columns named `columns`, as a table.

    Raises
    ------
    DataError
        If `data` is not a two-dimensional array or a DataFrame of numbers, or lacks a column.
    """
    if is_frame(data):
        return frame_table(data, columns)
    array = as_array(data)
    if array.ndim != 2:
        raise DataError(f"the table has {array.ndim} dimension(s): pass rows × columns, an array or a DataFrame")
    names: Sequence[Hashable] = range(array.shape[1])
    if columns is not None:
        names = indices = [_index_of(column, array.shape[1]) for column in columns]
        if indices != list(range(array.shape[1])):
            return _array_table(array, names, [array[:, place] for place in indices])
    return _array_table(array, names, [array[:, index] for index in range(array.shape[1])], array)


def as_array(data: Any) -> npt.NDArray[Any]:
    """Return `data` as an array; a masked one, whose mask numpy would drop, is an error."""
    if isinstance(data, np.ma.MaskedArray):
        raise DataError("the array is masked: fill it, as with data.filled(np.nan), so that what is missing is NaN")
    return np.asarray(data)


def _index_of(column: Hashable, n_columns: int) -> int:
    if isinstance(column, (int, np.integer)) and not isinstance(column, bool) and 0 <= column < n_columns:
        return int(column)
    raise DataError(f"column {column!r} is not there: an array's columns are 0 … {n_columns - 1}")


def _array_table(array: npt.NDArray[Any], names: Sequence[Hashable], arrays: Sequence[Any], whole: Any = None) -> Table:
    if array.dtype.kind not in "fiub" or array.dtype.itemsize > 8:
        raise DataError(f"the array holds {array.dtype}: convert it to float64")
    check_columns(names)
    if whole is not None and readable(whole):
        return Table(names, len(array), whole, arrays)
    return Table(names, len(array), None, arrays)


def match_columns(names: Sequence[Hashable], data: Any, *, named: bool, allow_extra: bool) -> tuple[Table, Indices]:
    """Return `data` as a table and the indices in it of the columns a model knows as `names`.

    A frame's columns are matched by name, in any order, if the model was fitted on a frame; else by place.
    """
    if not (named and is_frame(data)):
        if allow_extra and not named:
            table = as_table(data)
            if is_frame(data):
                raise DataError("the model was fitted on an array's columns: pass an array")
            indices = [_index_of(name, table.n_columns) for name in names]
            return table, np.array(indices, np.int64)
        table = as_table(data)
        if table.n_columns != len(names):
            raise DataError(f"the table has {table.n_columns} columns and the model {len(names)}")
        return table, np.arange(len(names), dtype=np.int64)
    present = list(data.columns)
    check_columns(present)
    missing = [name for name in names if name not in data.columns]
    if missing:
        raise DataError(f"column {missing[0]!r} of the model is missing; the table has {listed(present)}")
    known = set(names)
    extra = [name for name in present if name not in known]
    if extra and not allow_extra:
        raise DataError(
            f"column {extra[0]!r} is not the model's: drop it, or name the columns to use when fitting (columns=…)"
        )
    table = as_table(data, [name for name in present if name in known] if extra else None)
    place = {name: index for index, name in enumerate(table.names)}
    return table, np.array([place[name] for name in names], np.int64)
