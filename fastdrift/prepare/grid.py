"""aggregate: rows onto a regular grid."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from fastdrift.errors import DataError
from fastdrift.prepare.checks import check_frame, check_known, check_names, check_times
from fastdrift.prepare.report import Record, Report
from fastdrift.prepare.values import floats

if TYPE_CHECKING:
    import pandas as pd


How = Literal["mean", "min", "max", "last", "count"]

# a grid of more bins than this, and than a hundred a row, comes of a wrong timestamp
MANY_BINS = 10_000_000


class Aggregated(NamedTuple):
    """What `aggregate` returns."""

    frame: pd.DataFrame
    report: Report


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

    check_frame(frame)
    index = check_times(frame.index)
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


def _read_hows(frame: pd.DataFrame, how: How | Mapping[Hashable, How]) -> dict[Hashable, How]:
    own = how if isinstance(how, Mapping) else dict.fromkeys(frame.columns, how)
    check_names(frame, "how", own)
    for value in own.values():
        check_known("how", value, How)
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
