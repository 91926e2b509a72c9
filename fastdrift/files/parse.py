"""Columns of files as numbers and times."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fastdrift.errors import DataError
from fastdrift.files.source import Source
from fastdrift.tables.roles import TimeUnit, speaks_of_time, time_unit, unit_of

if TYPE_CHECKING:
    import pandas as pd

UNIT_NAMES: dict[TimeUnit, str] = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
# values that show whether a column may hold times
_SHOWN = 20


def may_be_time(name: str, texts: Sequence[str]) -> bool:
    """Return whether a column of which some values are shown may hold times; all of its values then say whether."""
    shown = [_as_float(text) for text in texts]
    if any(value is not None and unit_of(value) for value in shown):
        return True
    return speaks_of_time(name) and all(value is None for value in shown)


def _as_float(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def is_time(texts: Sequence[str]) -> bool:
    """Return whether all of some texts are times: as of ISO 8601, or counted since 1970."""
    import pyarrow as pa

    column = pa.chunked_array([texts], pa.string())
    return bool(texts) and (epoch_of(column, "time") is not None or _is_iso(column))


def holds_times(column: Any, name: str) -> bool:
    """Return whether an Arrow column is one of times: by its values alone, or by its name too."""
    return epoch_of(column, name) is not None or (speaks_of_time(name) and _is_iso(column))


def epoch_of(column: Any, name: str) -> TimeUnit | None:
    """Return the unit of an Arrow column of times since 1970, gaps aside, or None if it is none.

    Those of a column that is called like one of times may be in any order.
    """
    if not may_be_time(name, [str(value) for value in column[:_SHOWN].to_pylist()]):
        return None
    whole = _whole(column)
    if whole is None:
        return None
    counts = whole.drop_null().to_numpy()
    # whether they are in order is another question, with an answer that names the row
    return time_unit(np.sort(counts) if speaks_of_time(name) else counts, name)


def _whole(column: Any) -> Any:
    """Return an Arrow column of whole numbers as such, all their digits kept and NaN a gap, or None."""
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import types

    kind = column.type
    if not (_is_text(kind) or types.is_integer(kind) or types.is_floating(kind)):
        return None
    with contextlib.suppress(pa.ArrowInvalid):
        if not types.is_floating(kind):
            return column.cast(pa.int64())
    with contextlib.suppress(pa.ArrowInvalid):
        floats = column.cast(pa.float64())
        return pc.if_else(pc.is_nan(floats), None, floats).cast(pa.int64())
    return None


def _is_iso(column: Any) -> bool:
    import pandas as pd
    import pyarrow as pa

    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        return True
    known = column.drop_null()
    if not _is_text(column.type) or not len(known):
        return False
    with contextlib.suppress(pa.ArrowInvalid):
        known[:1].cast(pa.float64())  # 2024 is a number
        return False
    try:
        pd.to_datetime(known.to_pandas(), format="ISO8601", utc=True)
    except ValueError:
        return False
    return True


def numbers(source: Source, column: Any, name: str, *, text: bool) -> Any:
    """Return an Arrow column as numbers, or name the first value that is none unless text may stay."""
    import pyarrow as pa
    from pyarrow import types

    kind = column.type
    if types.is_integer(kind) or types.is_floating(kind) or (types.is_boolean(kind) and not column.null_count):
        return column
    if types.is_boolean(kind) or types.is_decimal(kind) or types.is_null(kind):
        return column.cast(pa.float64())
    if not _is_text(kind):
        raise DataError(f"{source}: column {name!r} holds {kind}, not numbers: leave it out (fit with --drop {name})")
    for target in (pa.float64(), pa.bool_()):
        with contextlib.suppress(pa.ArrowInvalid):
            return column.cast(target).cast(pa.float64())
    if text:
        return column
    row = _first_text(column)
    raise DataError(
        f"{source}: column {name!r}, row {row}: {column[row].as_py()!r} is not a number: "
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


def time_index(source: Source, column: Any, name: str, unit: str | None, *, any_order: bool) -> pd.Index[Any]:
    """Return a column as an index of times, or of numbers, that never goes back unless its times may.

    With a unit the column is one of times since 1970, and the index in UTC.
    """
    import pandas as pd

    is_unnamed = name == "" or name.startswith("__index_level_")  # what pandas calls it in Parquet
    times = _times(source, column, name) if unit is None else _since_1970(column, unit)
    index: pd.Index[Any] = pd.Index(times, name="timestamp" if is_unnamed else name)
    missing = np.flatnonzero(index.isna())
    if missing.size:
        raise DataError(f"{source}: row {missing[0]} has no time in column {name!r}: fill it in, or drop the row")
    is_sortable = isinstance(index, pd.DatetimeIndex)
    if any_order and is_sortable:
        return index
    backward = np.flatnonzero(np.asarray(index[1:] < index[:-1]))
    if backward.size:
        row = int(backward[0]) + 1
        raise DataError(
            f"{source}: time goes back in column {name!r}: row {row} has {index[row]} after {index[row - 1]}: "
            f"sort the rows by time{', as `fastdrift prepare` does' if is_sortable else ''}"
        )
    return index


def _since_1970(column: Any, unit: str) -> Any:
    import pyarrow as pa

    return _whole(column).cast(pa.timestamp(unit, "UTC")).to_pandas()


def _times(source: Source, column: Any, name: str) -> Any:
    import pandas as pd
    import pyarrow as pa

    if pa.types.is_date(column.type):
        return column.cast(pa.timestamp("s")).to_pandas()
    if not _is_text(column.type):
        return column.to_pandas()
    with contextlib.suppress(pa.ArrowInvalid):
        return column.cast(pa.float64()).to_pandas()
    texts = column.to_pandas()
    # before pandas 3 those of summer and winter are a warning, and no times
    with contextlib.suppress(ValueError, FutureWarning), warnings.catch_warnings():
        warnings.simplefilter("error", FutureWarning)
        return pd.to_datetime(texts, format="ISO8601")
    # some are no times, or they are of summer and winter
    times = pd.to_datetime(texts, format="ISO8601", errors="coerce", utc=True)
    wrong = np.flatnonzero(times.isna() & texts.notna())
    if wrong.size:
        raise DataError(
            f"{source}: column {name!r}, row {wrong[0]}: {texts[wrong[0]]!r} is not a time such as 2024-01-31 "
            f"12:00:00: correct it, or name the column that holds the time (--timestamp)"
        )
    return times
