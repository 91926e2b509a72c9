"""What is done to rows and columns that were logged badly, and the record of it.

Functions change a column's values where they lie and add what they did to its record.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from fastdrift.errors import DataError
from fastdrift.prepare.report import Booleans, Record, Values

if TYPE_CHECKING:
    import pandas as pd


Marks = tuple[float, ...]
Duplicates = Literal["last", "first", "keep"]
Fill = Literal["leave", "forward", "interpolate"]


def order_rows(index: pd.Index[Any], duplicates: Duplicates, record: Record) -> npt.NDArray[np.int64] | None:
    """Return the rows to keep, in time order; None for all, as they stand."""
    import pandas as pd

    if not isinstance(index, pd.DatetimeIndex):
        record.add("without timestamps, taken as they stand", np.ones(len(index), bool))
        return None
    times: npt.NDArray[np.int64] = index.asi8
    order: npt.NDArray[np.int64] | None = None
    if record.add("out of order", times < np.maximum.accumulate(times)):
        order = np.argsort(times, kind="stable")
        times = times[order]
    repeats = times[1:] == times[:-1]
    if duplicates == "keep" or not repeats.any():
        return order
    order = np.arange(times.size, dtype=np.int64) if order is None else order
    dropped: Booleans = np.append(repeats, False) if duplicates == "last" else np.append(False, repeats)
    Record(index[order], None, record.changes).add("duplicate timestamp", dropped)
    return order[~dropped]


def read_values(column: pd.Series[Any], record: Record) -> Values:
    """Return a column's values as floats of their own; text that is no number is NaN."""
    import pandas as pd

    if not (pd.api.types.is_string_dtype(column.dtype) or isinstance(column.dtype, pd.CategoricalDtype)):
        return floats(column, record.column, copy=True)
    values = floats(pd.to_numeric(column, errors="coerce"), record.column, copy=True)
    record.add("not a number", np.isnan(values) & column.notna().to_numpy(), column.array)
    return values


def floats(column: pd.Series[Any], name: Hashable, *, copy: bool = False) -> Values:
    """Return a column of numbers as float64, or float32 if it is that; what is no number is an error."""
    import pandas as pd

    dtype, types = column.dtype, pd.api.types
    if types.is_complex_dtype(dtype) or not (types.is_numeric_dtype(dtype) or types.is_bool_dtype(dtype)):
        raise DataError(
            f"column {name!r} holds {dtype}, not numbers (row {column.index[0]}: {column.iloc[0]!r}): make times the "
            f"index, read text with clean, or drop it"
        )
    return column.to_numpy(np.float32 if dtype == np.float32 else np.float64, copy=copy, na_value=np.nan)


def blank_values(values: Values, sentinels: Marks, bounds: tuple[float, float], record: Record) -> None:
    """Put NaN where a value is none or cannot be."""
    with np.errstate(over="ignore"):
        # as the column holds them: the -999.1 of float32 is not that of float64
        marks, (low, high) = np.array(sentinels, values.dtype), np.array(bounds, values.dtype)
    record.blank("sentinel", np.isin(values, marks), values)
    record.blank("infinite", np.isinf(values), values)
    if record.blank("out of bounds", (values < low) | (values > high), values) and np.isnan(values).all():
        last = record.changes[-1]
        raise DataError(
            f"the bounds {bounds} of column {last.column!r} exclude all its values (row {last.first}: {last.value}): "
            f"give them in the column's units"
        )


def take_increments(values: Values, record: Record) -> None:
    """Turn a counter into its increments, which start at zero after a reset."""
    negative, known = values < 0, ~np.isnan(values)
    if negative.any():
        row = int(np.argmax(negative))
        raise DataError(
            f"column {record.column!r} is no counter: row {record.labels[row]} holds {values[row]}, and a counter is "
            f"never below 0; if that means no value, name it in sentinels or bounds"
        )
    increments = np.diff(values, prepend=np.nan)
    resets = increments < 0
    record.add("counter made into increments", known)
    record.add("counter reset", resets, values)
    np.copyto(values, increments, where=~resets)
    record.add("increment unknown", known & np.isnan(values))


def fill_gaps(values: Values, fill: Fill, limit: int, record: Record) -> None:
    """Fill the gaps of at most `limit` rows that have a value on both sides."""
    import pandas as pd

    missing = np.isnan(values)
    edges = np.flatnonzero(np.diff(missing, prepend=False, append=False))
    starts, stops = edges[::2], edges[1::2]
    wanted = (starts > 0) & (stops < values.size) & (stops - starts <= limit)
    before, after = starts[wanted] - 1, stops[wanted]
    if not after.size:
        return
    lengths = after - before - 1
    rows = np.arange(lengths.sum()) + np.repeat(after - np.cumsum(lengths), lengths)
    if fill == "forward":
        values[rows] = np.repeat(values[before], lengths)
    else:
        index, ends = record.labels, np.stack([before, after], axis=1).ravel()
        times = index.asi8 if isinstance(index, pd.DatetimeIndex) else np.arange(values.size)
        values[rows] = np.interp(times[rows] - times[0], times[ends] - times[0], values[ends])
    record.add("filled", missing & ~np.isnan(values))
