"""What clean and aggregate are given."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable
from typing import TYPE_CHECKING, Any, TypeGuard, cast, get_args

import numpy as np

from fastdrift.errors import DataError
from fastdrift.tables.frames import is_frame

if TYPE_CHECKING:
    import pandas as pd


def check_frame(frame: object) -> None:
    """Raise DataError unless it is a frame with rows, columns of different names and an index of times or numbers."""
    import pandas as pd

    if not is_frame(frame):
        raise DataError(f"the table is a {type(frame).__name__}: pass a DataFrame with timestamps as its index")
    if not frame.size:
        raise DataError(f"the table has {len(frame)} rows and {frame.shape[1]} columns: there is nothing to prepare")
    if not frame.columns.is_unique:
        name = frame.columns[frame.columns.duplicated()][0]
        raise DataError(f"column {name!r} is there twice: rename or drop one")
    if not (isinstance(frame.index, pd.DatetimeIndex) or pd.api.types.is_numeric_dtype(frame.index.dtype)):
        raise DataError(_no_times(frame.index))
    if frame.index.hasnans:
        row = int(frame.index.isna().argmax())
        raise DataError(f"row {row} has no timestamp ({frame.index[row]}): drop it, frame[frame.index.notna()]")


def _no_times(index: pd.Index[Any]) -> str:
    return (
        f"the index holds {index.dtype}, not timestamps (row 0: {index[0]!r}): frame.set_index(…) makes a column the "
        f"index, pandas.to_datetime makes timestamps of text"
    )


def check_times(index: pd.Index[Any]) -> pd.DatetimeIndex:
    """Return an index of times that never go back, or raise DataError."""
    import pandas as pd

    if not isinstance(index, pd.DatetimeIndex):
        raise DataError(_no_times(index))
    if not index.is_monotonic_increasing:
        row = int(np.argmax(index[1:] < index[:-1])) + 1
        raise DataError(f"time goes back in row {row}: {index[row]} after {index[row - 1]}; sort the rows with clean")
    return index


def check_known(option: str, value: object, known: Any) -> None:
    """Raise DataError unless an option has one of its values."""
    if value not in get_args(known):
        raise DataError(f"{option} is {value!r}: give {', '.join(map(repr, get_args(known)))}")


def check_limit(limit: object) -> None:
    """Raise DataError unless a limit is a whole number of at least 1, or None."""
    if limit is None or (isinstance(limit, (int, np.integer)) and not isinstance(limit, bool) and limit >= 1):
        return
    raise DataError(f"limit is {limit!r}: give the longest gap to fill in rows, at least 1, or None for any")


def check_names(frame: pd.DataFrame, option: str, names: Iterable[Hashable]) -> list[Hashable]:
    """Return the columns that an option names, or raise DataError if one is missing."""
    wanted: list[Hashable] = [names] if isinstance(names, str) else list(as_tuple(names))
    for name in wanted:
        if name not in frame.columns:
            present = ", ".join(map(repr, frame.columns[:8]))
            raise DataError(f"{option} names column {name!r}, which is missing; the table has {present}")
    return wanted


def as_tuple(value: Any) -> tuple[Any, ...]:
    """Return values as a tuple, one alone as well."""
    return tuple(value) if isinstance(value, Iterable) else (value,)


def is_number(value: object) -> TypeGuard[float]:
    """Return whether a value is a real number and no NaN."""
    is_real = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    return is_real and not math.isnan(cast("float", value))
