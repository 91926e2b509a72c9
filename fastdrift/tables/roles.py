"""Columns that are no metrics, known by their names and values: labels, times, and what only ever grows or falls."""

from __future__ import annotations

import re
from collections.abc import Hashable
from itertools import pairwise
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from fastdrift.arrays import Indices
from fastdrift.tables.table import CHUNK_NUMBERS, Table

LABEL = "label"

TimeUnit = Literal["s", "ms", "us", "ns"]
UNITS: dict[TimeUnit, int] = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
# 1990 and 2100, in seconds since 1970; no time in one unit is one in another
FIRST_TIME, END_TIME = 631_152_000, 4_102_444_800
# fewer that differ show no steps
LEAST_TIMES = 3
DAY = 86_400
TIME_WORDS = {"t", "ts", "at", "utc", "when", "clock", "date", "day", "unix", "epoch", "datetime", "timestamp"}
# a column that only grows does so in so many rows at least, and starts again once in so many
LEAST_STEPS, STEPS_A_RESET = 30, 100
FIRST_ROWS = 256


def is_label(name: Hashable, values: npt.ArrayLike) -> bool:
    """Return whether a column says where there is drift: it is called `label` and holds nothing but 0 and 1."""
    if name != LABEL:
        return False
    array = np.asarray(values)
    return array.dtype.kind in "biuf" and bool(((array == 0) | (array == 1)).all())


def time_unit(values: npt.ArrayLike, name: Hashable = None) -> TimeUnit | None:
    """Return the unit of a column of times since 1970, or None if it holds none; for files and frames alike.

    Times are whole numbers from 1990 to 2100 in one of the units that never go back, and three of them differ. Where
    the name does not speak of time they must also go on evenly, the middle half of their steps within a tenth of each
    other, and no more than a month at a time: a counter of bytes may have the size.
    """
    array = np.asarray(values)
    if array.ndim != 1 or array.dtype.kind not in "iuf" or array.size < LEAST_TIMES:
        return None
    unit = unit_of(array[0])
    if unit is None or unit != unit_of(array[-1]) or not (array[1:] >= array[:-1]).all():
        return None
    if np.count_nonzero(array[1:] > array[:-1]) < LEAST_TIMES - 1:
        return None
    if array.dtype.kind == "f" and (array != np.floor(array)).any():
        return None
    return unit if speaks_of_time(name) or _is_even(np.diff(array), UNITS[unit]) else None


def unit_of(value: Any) -> TimeUnit | None:
    """Return the unit in which a number would be a time from 1990 to 2100; there is but one, if any."""
    return next((unit for unit, parts in UNITS.items() if FIRST_TIME * parts <= value < END_TIME * parts), None)


def speaks_of_time(name: Hashable) -> bool:
    """Return whether a column's name has a word for time in it, such as ts, time_ms, eventTime or created_at."""
    words = re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", str(name)).lower())
    return any(word in TIME_WORDS or "time" in word for word in words)


def _is_even(steps: npt.NDArray[Any], second: int) -> bool:
    low, middle, high = np.quantile(steps, (0.25, 0.5, 0.75))
    return bool(0 < middle <= 31 * DAY * second and high - low <= 0.1 * middle)


class Growing(NamedTuple):
    """Columns that only ever grow, or only ever fall, and how often each starts again."""

    columns: Indices
    resets: Indices


def find_growing(table: Table) -> Growing:
    """Return the columns that move one way only, but for a few resets, and take many steps: no gauge does."""
    ups, downs = np.zeros((2, table.n_columns), np.int64)
    last = np.full(table.n_columns, np.nan)
    columns = np.arange(table.n_columns)
    step = max(1, CHUNK_NUMBERS // table.n_columns)
    # nearly all columns are decided by the first few rows
    for start, stop in pairwise(sorted({0, *range(FIRST_ROWS, table.n_rows, step), table.n_rows})):
        values = table.rows(start, stop).T[columns]
        before, after = values[:, :-1], values[:, 1:]
        ups[columns] += np.count_nonzero(after > before, axis=1) + (values[:, 0] > last[columns])
        downs[columns] += np.count_nonzero(after < before, axis=1) + (values[:, 0] < last[columns])
        last[columns] = values[:, -1]
        # one that has gone both ways often will not make up for it
        few, many = np.minimum(ups, downs)[columns], np.maximum(ups, downs)[columns]
        columns = columns[few <= 1 + many // (STEPS_A_RESET // 2)]
        if not columns.size:
            break
    few, many = np.minimum(ups, downs)[columns], np.maximum(ups, downs)[columns]
    found = (many >= LEAST_STEPS) & (few * STEPS_A_RESET <= many)
    return Growing(columns[found], few[found])
