"""clean and aggregate: from telemetry as it was logged to rows that a model can read, with a report of every change.

Columns are worked on one at a time: beyond input and output the memory is that of a few columns.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeGuard, cast, get_args

import numpy as np

from fastdrift.errors import DataError
from fastdrift.frames import is_frame
from fastdrift.repairs import (
    Change,
    Duplicates,
    Fill,
    Marks,
    Record,
    Report,
    blank_values,
    fill_gaps,
    floats,
    order_rows,
    read_values,
    take_increments,
)

if TYPE_CHECKING:
    import pandas as pd

How = Literal["mean", "min", "max", "last", "count"]

# a grid of more bins than this, and than a hundred a row, comes of a wrong timestamp
MANY_BINS = 10_000_000


class Cleaned(NamedTuple):
    """What `clean` returns."""

    frame: pd.DataFrame
    report: Report


class Aggregated(NamedTuple):
    """What `aggregate` returns."""

    frame: pd.DataFrame
    report: Report


def clean(
    frame: pd.DataFrame,
    *,
    duplicates: Duplicates = "last",
    sentinels: Iterable[float] | Mapping[Hashable, Iterable[float]] = (),
    bounds: Mapping[Hashable, tuple[float | None, float | None]] | None = None,
    counters: Iterable[Hashable] = (),
    fill: Fill = "leave",
    limit: int | None = None,
) -> Cleaned:
    """Put rows into time order and make every value a finite number of its time or NaN.

    Parameters
    ----------
    frame : DataFrame
        Telemetry, with timestamps as its index; without them the rows are taken in the order they stand in.
    duplicates : {"last", "first", "keep"}
        Which of the rows with one timestamp stays, whole; the last is the one that was logged last.
    sentinels : numbers, or mapping of column to numbers
        Values that mean "no value", such as -999, in every column or in those named.
    bounds : mapping of column to (low, high), optional
        The lowest and highest possible value, in the column's units; None for no bound.
    counters : columns, optional
        Columns that only grow until they start again: made into increments per row. A value below the one before it is
        a reset, and the increment that value itself: counted from zero. No increment spans a gap.
    fill : {"leave", "forward", "interpolate"}
        What to do with gaps: leave them NaN, repeat the value before, or draw a line in time to the value after.
    limit : int, optional
        The longest gap that is filled, in rows; a longer one is left whole. By default any.

    Returns
    -------
    Cleaned
        ``(frame, report)``: a new frame of float64 (float32 if all columns are), and what was changed and where.

    Raises
    ------
    DataError
        If the table or an option cannot be used; the message says which column and row and what would do.

    Notes
    -----
    In this order: rows are sorted, duplicates dropped, text read as numbers, sentinels, infinities and values out of
    bounds made NaN, counters made increments, gaps filled. No gap at either end is ever filled. Rows that were never
    logged are no gap yet: `aggregate` makes them one. A filled stretch has no noise, which a model takes for drift:
    fill short gaps only.

    Examples
    --------
    >>> import pandas as pd
    >>> times = pd.to_datetime(["2024-01-01 00:02", "2024-01-01 00:00", "2024-01-01 00:01"])
    >>> logged = pd.DataFrame({"load": [3.0, 1.0, -999.0], "sent": ["7", "5", "?"]}, index=times)
    >>> cleaned, report = clean(logged, sentinels=[-999], fill="interpolate", limit=5)
    >>> cleaned["load"].to_list(), cleaned["sent"].to_list()
    ([1.0, 2.0, 3.0], [5.0, 6.0, 7.0])
    >>> print(report.summary())
    rows: 3 in, 3 out
    rows, out of order: 2 (first: 2024-01-01 00:00:00)
    column 'load', sentinel: 1 (first: 2024-01-01 00:01:00, -999.0)
    column 'load', filled: 1 (first: 2024-01-01 00:01:00)
    column 'sent', not a number: 1 (first: 2024-01-01 00:01:00, '?')
    column 'sent', filled: 1 (first: 2024-01-01 00:01:00)
    """
    import pandas as pd

    _check_frame(frame)
    _check_known("duplicates", duplicates, Duplicates)
    _check_known("fill", fill, Fill)
    _check_limit(limit)
    marks, limits = _read_sentinels(frame, sentinels), _read_bounds(frame, bounds or {})
    counted = _check_names(frame, "counters", counters)
    changes: list[Change] = []
    kept = order_rows(frame.index, duplicates, Record(frame.index, None, changes))
    labels = frame.index if kept is None else frame.index[kept]
    dtype = np.float32 if all(dtype == np.float32 for dtype in frame.dtypes) else np.float64
    # in Fortran order it becomes a frame of one block, which the other rooms read where it lies
    table = np.empty((len(labels), frame.shape[1]), dtype, order="F")
    for place, name in enumerate(frame.columns):
        column, record = frame.iloc[:, place], Record(labels, name, changes)
        values = read_values(column if kept is None else column.iloc[kept], record)
        blank_values(values, marks.get(name, ()), limits.get(name, (-np.inf, np.inf)), record)
        if name in counted:
            take_increments(values, record)
        if fill != "leave":
            fill_gaps(values, fill, limit or len(values), record)
        table[:, place] = values
    cleaned = pd.DataFrame(table, index=labels, columns=frame.columns, copy=False)
    return Cleaned(cleaned, Report(len(frame), len(cleaned), tuple(changes)))


def aggregate(frame: pd.DataFrame, freq: str | timedelta, *, how: How | Mapping[Hashable, How] = "mean") -> Aggregated:
    """Put rows onto a regular grid of times; where there are no values there is NaN.

    Parameters
    ----------
    frame : DataFrame
        Columns of numbers, with timestamps in order as its index.
    freq : str or timedelta
        Length of a bin, as pandas writes it: "10s", "1min", "2h", "1D".
    how : {"mean", "min", "max", "last", "count"} or mapping of column to one
        What becomes of the values of a bin; NaN among them are passed over. Columns that a mapping does not name are
        averaged.

    Returns
    -------
    Aggregated
        ``(frame, report)``: a new frame of float64 with a row for every bin from the first value's to the last's, and
        how many bins were empty. A row is labelled with the start of its bin, and a bin holds its start but not its
        end; they are counted from midnight of the first day. A bin without values is NaN, its count 0.

    Raises
    ------
    DataError
        If there are no timestamps or they go back, a column is not of numbers, or an option cannot be used.

    Examples
    --------
    >>> import pandas as pd
    >>> times = pd.to_datetime(["2024-01-01 00:00:10", "2024-01-01 00:00:50", "2024-01-01 00:02:30"])
    >>> coarse, report = aggregate(pd.DataFrame({"load": [1.0, 2.0, 5.0]}, index=times), "1min")
    >>> coarse["load"].to_list()
    [1.5, nan, 5.0]
    >>> print(report.summary())
    rows: 3 in, 3 out
    rows, bin without rows: 1 (first: 2024-01-01 00:01:00)
    """
    import pandas as pd

    _check_frame(frame)
    index = _check_times(frame.index)
    hows = _read_hows(frame, how)
    step = _read_step(freq, index)
    sizes = pd.Series(True, index=index).resample(step).size()
    record = Record(sizes.index)
    record.add("bin without rows", (sizes == 0).to_numpy())
    table = np.empty((len(sizes), frame.shape[1]), order="F")
    for place, name in enumerate(frame.columns):
        series = pd.Series(floats(frame.iloc[:, place], name), index=index, copy=False)
        table[:, place] = series.resample(step).agg(hows[name])
        own = Record(sizes.index, name, record.changes)
        own.add("bin of rows without a value", np.isnan(table[:, place]) & (sizes > 0).to_numpy())
    coarse = pd.DataFrame(table, index=sizes.index, columns=frame.columns, copy=False)
    return Aggregated(coarse, Report(len(frame), len(coarse), tuple(record.changes)))


def _check_frame(frame: object) -> None:
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


def _check_times(index: pd.Index[Any]) -> pd.DatetimeIndex:
    import pandas as pd

    if not isinstance(index, pd.DatetimeIndex):
        raise DataError(_no_times(index))
    if not index.is_monotonic_increasing:
        row = int(np.argmax(index[1:] < index[:-1])) + 1
        raise DataError(f"time goes back in row {row}: {index[row]} after {index[row - 1]}; sort the rows with clean")
    return index


def _check_known(option: str, value: object, known: Any) -> None:
    if value not in get_args(known):
        raise DataError(f"{option} is {value!r}: give {', '.join(map(repr, get_args(known)))}")


def _check_limit(limit: object) -> None:
    if limit is None or (isinstance(limit, (int, np.integer)) and not isinstance(limit, bool) and limit >= 1):
        return
    raise DataError(f"limit is {limit!r}: give the longest gap to fill in rows, at least 1, or None for any")


def _check_names(frame: pd.DataFrame, option: str, names: Iterable[Hashable]) -> list[Hashable]:
    wanted: list[Hashable] = [names] if isinstance(names, str) else list(_tuple(names))
    for name in wanted:
        if name not in frame.columns:
            present = ", ".join(map(repr, frame.columns[:8]))
            raise DataError(f"{option} names column {name!r}, which is missing; the table has {present}")
    return wanted


def _tuple(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, Iterable) else (value,)


def _is_number(value: object) -> TypeGuard[float]:
    is_real = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    return is_real and not math.isnan(cast("float", value))


def _read_sentinels(frame: pd.DataFrame, sentinels: Any) -> dict[Hashable, Marks]:
    own = sentinels if isinstance(sentinels, Mapping) else dict.fromkeys(frame.columns, _tuple(sentinels))
    marks = {name: _tuple(own[name]) for name in _check_names(frame, "sentinels", own)}
    for name, values in marks.items():
        for value in values:
            if not _is_number(value):
                raise DataError(f"a sentinel of column {name!r} is {value!r}: give numbers, such as -999")
    return marks


def _read_bounds(frame: pd.DataFrame, bounds: Mapping[Hashable, Any]) -> dict[Hashable, tuple[float, float]]:
    limits = {}
    for name in _check_names(frame, "bounds", bounds):
        low, high = ends if len(ends := _tuple(bounds[name])) == 2 else (np.nan, np.nan)
        low, high = -np.inf if low is None else low, np.inf if high is None else high
        if not (_is_number(low) and _is_number(high) and low <= high):
            raise DataError(
                f"the bounds of column {name!r} are {bounds[name]!r}: give (low, high), the lower first, None for none"
            )
        limits[name] = (float(low), float(high))
    return limits


def _read_hows(frame: pd.DataFrame, how: How | Mapping[Hashable, How]) -> dict[Hashable, How]:
    own = how if isinstance(how, Mapping) else dict.fromkeys(frame.columns, how)
    _check_names(frame, "how", own)
    for value in own.values():
        _check_known("how", value, How)
    return {name: own.get(name, "mean") for name in frame.columns}


def _read_step(freq: Any, index: pd.DatetimeIndex) -> Any:
    """Return a bin's length as a pandas offset."""
    import pandas as pd

    try:
        step = pd.tseries.frequencies.to_offset(freq)
        bins = (index[-1] - index[0]) / pd.Timedelta(step)
    except (TypeError, ValueError, ZeroDivisionError):
        bins = math.nan
    if not (bins >= 0 and step.n > 0):
        raise DataError(f"freq is {freq!r}: give a fixed length of time, such as '10s', '1min', '2h' or '1D'")
    if bins > max(MANY_BINS, 100 * len(index)):
        raise DataError(
            f"freq {freq!r} makes {bins:.0f} bins of {len(index)} rows from {index[0]} to {index[-1]}: give a longer "
            f"freq, or drop rows with a wrong timestamp"
        )
    return step
