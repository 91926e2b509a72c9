"""pandas frames as tables."""

from __future__ import annotations

import sys
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np

from fastdrift.arrays import Rows
from fastdrift.errors import DataError
from fastdrift.tables.table import Table, check_columns, listed, readable

if TYPE_CHECKING:
    import pandas as pd


def is_frame(data: object) -> TypeGuard[pd.DataFrame]:
    """Return whether `data` is a pandas DataFrame, without importing pandas."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(data, pandas.DataFrame)


def is_series(data: object) -> TypeGuard[pd.Series[Any]]:
    """Return whether `data` is a pandas Series, without importing pandas."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(data, pandas.Series)


def frame_table(frame: pd.DataFrame, columns: Sequence[Hashable] | None) -> Table:
    """Return a frame, or its columns named `columns`, as a table."""
    names = list(frame.columns) if columns is None else list(columns)
    check_columns(list(frame.columns))
    check_columns(names)
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise DataError(f"column {missing[0]!r} is missing; the table has {listed(frame.columns)}")
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
    return values if readable(values) else None


def with_named_index(table: pd.DataFrame) -> pd.DataFrame:
    """Return a frame whose index has a name, "row" if it had none."""
    return table if table.index.name is not None else table.rename_axis(index="row")
