"""Columns of files as numbers and times."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fastdrift.errors import DataError

if TYPE_CHECKING:
    import pandas as pd


def numbers(path: Path, column: Any, name: str, *, text: bool) -> Any:
    """Return an Arrow column as numbers, or name the first value that is none unless text may stay."""
    import pyarrow as pa
    from pyarrow import types

    kind = column.type
    if types.is_integer(kind) or types.is_floating(kind) or (types.is_boolean(kind) and not column.null_count):
        return column
    if types.is_boolean(kind) or types.is_decimal(kind) or types.is_null(kind):
        return column.cast(pa.float64())
    if not _is_text(kind):
        raise DataError(f"{path}: column {name!r} holds {kind}, not numbers: leave it out (fit with --drop {name})")
    for target in (pa.float64(), pa.bool_()):
        with contextlib.suppress(pa.ArrowInvalid):
            return column.cast(target).cast(pa.float64())
    if text:
        return column
    row = _first_text(column)
    raise DataError(
        f"{path}: column {name!r}, row {row}: {column[row].as_py()!r} is not a number: "
        f"correct it, leave the column out (fit with --drop {name}), or make it a gap with `fastdrift prepare`"
    )


def _is_text(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_string(kind) or types.is_large_string(kind))


def _first_text(column: Any) -> int:
    """Return the first row of a column of text that holds no number, by halving."""
    import pyarrow as pa

    low, high = 0, len(column)
    while high - low > 1:
        middle = (low + high) // 2
        try:
            column[low:middle].cast(pa.float64())
            low = middle
        except pa.ArrowInvalid:
            high = middle
    return low


def time_index(path: Path, column: Any, name: str, *, any_order: bool) -> pd.Index[Any]:
    """Return a column as an index of times, or of numbers, that never goes back unless its times may."""
    import pandas as pd

    is_unnamed = name.startswith("__index_level_")  # what pandas calls it in Parquet
    index: pd.Index[Any] = pd.Index(_times(path, column, name), name="timestamp" if is_unnamed else name)
    missing = np.flatnonzero(index.isna())
    if missing.size:
        raise DataError(f"{path}: row {missing[0]} has no time in column {name!r}: fill it in, or drop the row")
    is_sortable = isinstance(index, pd.DatetimeIndex)
    if any_order and is_sortable:
        return index
    backward = np.flatnonzero(np.asarray(index[1:] < index[:-1]))
    if backward.size:
        row = int(backward[0]) + 1
        raise DataError(
            f"{path}: time goes back in column {name!r}: row {row} has {index[row]} after {index[row - 1]}: "
            f"sort the rows by time{', as `fastdrift prepare` does' if is_sortable else ''}"
        )
    return index


def _times(path: Path, column: Any, name: str) -> Any:
    import pandas as pd
    import pyarrow as pa

    if pa.types.is_date(column.type):
        return column.cast(pa.timestamp("s")).to_pandas()
    if not _is_text(column.type):
        return column.to_pandas()
    with contextlib.suppress(pa.ArrowInvalid):
        return column.cast(pa.float64()).to_pandas()
    texts = column.to_pandas()
    with contextlib.suppress(ValueError):
        return pd.to_datetime(texts, format="ISO8601")
    # some are no times, or they are of summer and winter
    times = pd.to_datetime(texts, format="ISO8601", errors="coerce", utc=True)
    wrong = np.flatnonzero(times.isna() & texts.notna())
    if wrong.size:
        raise DataError(
            f"{path}: column {name!r}, row {wrong[0]}: {texts[wrong[0]]!r} is not a time such as 2024-01-31 12:00:00: "
            f"correct it, or name the column that holds the time (--timestamp)"
        )
    return times
