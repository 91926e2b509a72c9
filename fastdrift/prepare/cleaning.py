"""clean and aggregate: from telemetry as it was logged to rows that a model can read, with a report of every change.

Columns are worked on one at a time: beyond input and output the memory is that of a few columns.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fastdrift.errors import DataError
from fastdrift.prepare.checks import as_tuple, check_frame, check_known, check_limit, check_names, is_number
from fastdrift.prepare.report import Change, Record, Report
from fastdrift.prepare.values import (
    Duplicates,
    Fill,
    Marks,
    blank_values,
    fill_gaps,
    order_rows,
    read_values,
    take_increments,
)

if TYPE_CHECKING:
    import pandas as pd


class Cleaned(NamedTuple):
    """What `clean` returns."""

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

    check_frame(frame)
    check_known("duplicates", duplicates, Duplicates)
    check_known("fill", fill, Fill)
    check_limit(limit)
    marks, limits = _read_sentinels(frame, sentinels), _read_bounds(frame, bounds or {})
    counted = check_names(frame, "counters", counters)
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


def _read_sentinels(frame: pd.DataFrame, sentinels: Any) -> dict[Hashable, Marks]:
    own = sentinels if isinstance(sentinels, Mapping) else dict.fromkeys(frame.columns, as_tuple(sentinels))
    marks = {name: as_tuple(own[name]) for name in check_names(frame, "sentinels", own)}
    for name, values in marks.items():
        for value in values:
            if not is_number(value):
                raise DataError(f"a sentinel of column {name!r} is {value!r}: give numbers, such as -999")
    return marks


def _read_bounds(frame: pd.DataFrame, bounds: Mapping[Hashable, Any]) -> dict[Hashable, tuple[float, float]]:
    limits = {}
    for name in check_names(frame, "bounds", bounds):
        low, high = ends if len(ends := as_tuple(bounds[name])) == 2 else (np.nan, np.nan)
        low, high = -np.inf if low is None else low, np.inf if high is None else high
        if not (is_number(low) and is_number(high) and low <= high):
            raise DataError(
                f"the bounds of column {name!r} are {bounds[name]!r}: give (low, high), the lower first, None for none"
            )
        limits[name] = (float(low), float(high))
    return limits
