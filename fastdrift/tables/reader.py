"""Reader: a table of some library, read by its columns' names, and results given back in the same kind."""

from __future__ import annotations

import functools
from collections.abc import Hashable, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np

from fastdrift.arrays import Floats, Rows, Times
from fastdrift.errors import DataError
from fastdrift.tables.columns import Column
from fastdrift.tables.table import Table, check_columns, listed

# what nanoseconds in 64 bits can tell
FIRST_TIME, END_TIME = np.datetime64("1678-01-01", "us"), np.datetime64("2262-01-01", "us")


class Sample(NamedTuple):
    """What a column that is not numbers holds."""

    dtype: Any
    row: int  # the first that shows it
    value: Any


class Reader:
    """A table of some library; a subclass a library, an object a table.

    Attributes
    ----------
    names : list
        Names of all columns, in their order.
    n_rows : int
    named : bool
        Whether the columns have names to be matched by; an array's have places alone.
    remedy : str
        How that library makes numbers of what is none.
    """

    named: ClassVar[bool] = True
    remedy: ClassVar[str]

    def __init__(self, names: Sequence[Hashable], n_rows: int) -> None:
        self.names, self.n_rows = list(names), n_rows

    def table(
        self, columns: Sequence[Hashable] | None = None, *, time: Hashable | None = None, takes_time: bool = True
    ) -> Table:
        """Return all columns but `time`, or those named `columns`, as a table.

        `takes_time` says whether the caller has an option `time`, which errors may then name.
        """
        check_columns(self.names)
        self.check_time(time)
        names = [name for name in self.names if time is None or name != time] if columns is None else list(columns)
        check_columns(names)
        if time is not None and time in names:
            raise DataError(f"column {time!r} is named both as time and among columns: drop it from one")
        known = set(self.names)
        missing = [name for name in names if name not in known]
        if missing:
            raise DataError(f"column {missing[0]!r} is missing; the table has {listed(self.names)}")
        numbers = [self._numbers(name, takes_time) for name in names]
        whole = self.whole(numbers) if names == self.names else None
        of_time = functools.partial(self.times, time), functools.partial(self.zone, time)
        return Table(names, self.n_rows, whole, numbers, *of_time)

    @property
    def readers(self) -> Sequence[Reader]:
        """What reads each stretch of the table: itself, but for several stretches."""
        return (self,)

    def check_time(self, time: Hashable | None) -> None:
        """Raise DataError unless `time` is None or names a column of times."""
        if time is None:
            return
        if time not in self.names:
            raise DataError(f"column {time!r}, named as time, is missing; the table has {listed(self.names)}")
        if not self.is_time(time):
            raise DataError(f"{self._told(time, 'times')}: convert it first, or name another as time")

    def times(self, time: Hashable | None) -> Times | None:
        """Return the rows' times from column `time`, or from the table's own index if it has one of times."""
        return self.index_times() if time is None else self.column_times(time)

    def zone(self, _time: Hashable | None) -> Any:
        """Return the time zone of column `time`, or of the index, as pandas takes it; None if there is none."""
        return None

    def _numbers(self, name: Hashable, takes_time: bool) -> Column:
        numbers = self.column(name)
        if numbers is not None:
            return numbers
        remedy = f"convert it with {self.remedy}, or drop it"
        if self.is_time(name):
            remedy = f"if these are the rows' times say time={name!r}, else drop it" if takes_time else "drop it"
        raise DataError(f"{self._told(name, 'numbers')}: {remedy}")

    def _told(self, name: Hashable, wanted: str) -> str:
        dtype, row, value = self.sample(name)
        return f"column {name!r} holds {dtype}, not {wanted} (row {row}: {value!r})"

    def column(self, name: Hashable) -> Column | None:
        """Return a column's numbers, None if it holds something else."""
        raise NotImplementedError

    def whole(self, _numbers: Sequence[Column]) -> Rows | None:
        """Return the numbers of all columns as one array, if that is how they lie."""
        return None

    def sample(self, name: Hashable) -> Sample:
        """Return what a column holds that is no number, and where first."""
        raise NotImplementedError

    def is_time(self, name: Hashable) -> bool:
        """Return whether a column holds dates, or dates and times of day."""
        raise NotImplementedError

    def index_times(self) -> Times | None:
        """Return the times of an index, None if there is none of times."""
        return None

    def column_times(self, name: Hashable) -> Times:
        """Return the times of a column that `is_time`, in UTC, as datetime64[ns]."""
        raise NotImplementedError

    def scores(self, values: Floats, time: Hashable | None, name: str = "score") -> Any:
        """Return a number a row, by name, in this kind."""
        raise NotImplementedError

    def like(self, values: Floats, time: Hashable | None) -> Any:
        """Return a number for each of the table's in this kind, with its names, and column `time` as it was."""
        raise NotImplementedError


def nanoseconds(times: Times, name: Hashable) -> Times:
    """Return times of any unit in nanoseconds; raise DataError if there is one that these can't tell."""
    outside = (times < FIRST_TIME) | (times >= END_TIME)
    if outside.any():
        row = int(outside.argmax())
        raise DataError(f"column {name!r}, row {row}: {times[row]} is out of the range of times, 1678 … 2261: drop it")
    return times.astype("M8[ns]")
