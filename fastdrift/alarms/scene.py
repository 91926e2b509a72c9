"""Scene: what events are looked for in."""

from __future__ import annotations

from typing import Any, NamedTuple

from fastdrift.arrays import Floats, Indices, Integers, Times
from fastdrift.detectors.model import Model
from fastdrift.detectors.promise import Promise
from fastdrift.scoring.gaps import observed_columns
from fastdrift.tables.table import Table


class Scene(NamedTuple):
    """A table, its scores, and what its times are."""

    model: Model
    promise: Promise
    table: Table
    columns: Indices  # those of the table that are the model's
    scores: Floats
    head: int  # the first row that can have a score
    threads: int
    times: Times | None  # of the rows, in UTC
    zone: Any  # that times are told in; None where they have none
    fills: bool = False  # whether windows that lack values have scores, told by what they have
    lacks: bool = False  # whether there are any

    def observed(self, row: int, stop: int) -> int:
        """Return of how many columns each of the windows of rows `row` … `stop` - 1 has half or more, at least."""
        row = max(row, self.model.window - 1)
        if not self.lacks or row >= stop:
            return self.columns.size
        return int(observed_columns(self.model, self.table, self.columns, self.threads, row, stop).min())

    def moments(self, rows: Integers) -> list[Any]:
        """Return the times of rows in the zone of the data, None where there are none."""
        return [None] * rows.size if self.times is None else moments_of(self.times[rows], self.zone)


def moments_of(times: Times, zone: Any) -> list[Any]:
    """Return times that are in UTC, told in a zone if there is one."""
    import pandas as pd

    index = pd.DatetimeIndex(times)
    return list(index if zone is None else index.tz_localize("UTC").tz_convert(zone))
