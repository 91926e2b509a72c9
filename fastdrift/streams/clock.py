"""Times of rows, each checked against the one before."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np

from fastdrift.arrays import Integers, Times
from fastdrift.errors import DataError


class Clock:
    """What is known of a stream's times: whether rows have some, the last one in ns, and the zone they are told in."""

    def __init__(self) -> None:
        self.timed = False
        self.last: int | None = None
        self.zone: Any = None

    def read(self, time: Any, number: int) -> int:
        """Return the time of one row in ns, in UTC; 0 if the stream has none.

        Raises
        ------
        DataError
            If it is no time or before the last one, or others have one and this has none.
        """
        stamp, zone = (0, None) if time is None else _stamp_of(time, number)
        stamps = None if time is None else np.array([stamp], np.int64)
        self.follow(stamps, zone, number)
        return stamp

    def follow(self, stamps: Integers | None, zone: Any, number: int) -> None:
        """Take the times of rows from `number` on, None if they have none; raise DataError if they cannot follow."""
        is_timed = stamps is not None
        if number and self.timed != is_timed:
            told = "has a time, and those before it have none" if is_timed else "has no time, and those before it have"
            raise DataError(f"row {number} {told}: push all rows with their times, or none")
        if stamps is not None and stamps.size:
            before = np.append(stamps[:1] if self.last is None else self.last, stamps[:-1])
            back = np.flatnonzero(stamps < before)
            if back.size:
                row = int(back[0])
                was, now = (np.datetime64(int(one), "ns") for one in (before[row], stamps[row]))
                raise DataError(
                    f"row {number + row} is of {now}, before the row ahead of it ({was}): sort rows by time"
                )
            self.last = int(stamps[-1])
        self.timed = is_timed
        self.zone = zone if self.zone is None else self.zone


def stamps_of(times: Times | None) -> Integers | None:
    """Return times in ns."""
    return None if times is None else times.astype("M8[ns]").astype(np.int64)


def _stamp_of(time: Any, number: int) -> tuple[int, Any]:
    """Return a time in ns, in UTC, and its zone."""
    zone = getattr(time, "tzinfo", None)
    if hasattr(time, "to_datetime64"):  # of pandas, which knows nanoseconds
        moment = time.to_datetime64()
    elif isinstance(time, datetime):
        moment = np.datetime64(time if zone is None else time.astimezone(UTC).replace(tzinfo=None), "ns")
    elif isinstance(time, np.datetime64):
        moment = time.astype("M8[ns]")
    else:
        raise DataError(f"the time of row {number} is a {type(time).__name__}: give a datetime, or pandas' or NumPy's")
    if np.isnat(moment):
        raise DataError(f"row {number} has no time (NaT): give one, or leave the row out")
    return int(moment.astype("M8[ns]").astype(np.int64)), zone
