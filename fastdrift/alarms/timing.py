"""Times of a stream: holes in them, kept up as rows come."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastdrift.alarms.events import Event
from fastdrift.alarms.missing import HOLE_STEPS, holes_text, time_holes
from fastdrift.alarms.observing import Observing
from fastdrift.alarms.scene import moments_of
from fastdrift.alarms.silence import hole
from fastdrift.arrays import Integers


class Timing:
    """Holes in the times of a stream; see `detect`."""

    def __init__(self, window: int, step: float | None) -> None:
        self.window, self.step = window, step
        self.first: int | None = None  # of all times, in ns
        self.last: int | None = None
        self.long: list[list[int]] = []  # holes longer than a window: row, and the times on either side
        self.count = self.n_spanned = self.span_end = 0
        self.first_hole: list[int] = [0, 0]  # row and length
        self.longest: list[int] = [0, 0]

    def follow(self, stamps: Integers | None, first: int) -> None:
        """Take the times of the rows from `first` on in."""
        if stamps is None:
            return
        known = stamps if self.last is None else np.append(self.last, stamps)
        shift = first if self.last is None else first - 1
        self.first = int(stamps[0]) if self.first is None else self.first
        self.last = int(stamps[-1])
        if self.step is None:
            return
        step = 1e9 * self.step
        for place in time_holes(known, self.step, min(HOLE_STEPS, self.window)).tolist():
            before, after = int(known[place - 1]), int(known[place])
            if after - before > self.window * step:
                self.long.append([place + shift, before, after])
            if after - before > HOLE_STEPS * step:
                self._note(place + shift, after - before)

    def _note(self, row: int, length: int) -> None:
        """Take a hole in, and count the windows that span one."""
        self.first_hole = self.first_hole if self.count else [row, length]
        self.longest = [row, length] if length > self.longest[1] else self.longest
        self.count += 1
        start, self.span_end = max(row, self.span_end, self.window - 1), max(row + self.window - 1, self.span_end)
        self.n_spanned += max(0, self.span_end - start)

    @property
    def seconds(self) -> float | None:
        """From the first row's time to the last one's."""
        if self.first is None or self.last is None:
            return None
        return float(np.timedelta64(self.last - self.first, "ns") / np.timedelta64(1, "s"))

    def notes(self, n_rows: int) -> list[str]:
        """Return what is to be said of holes in the times of so many rows."""
        if not self.count:
            return []
        n_windows = self.n_spanned - max(0, self.span_end - max(n_rows, self.window - 1))
        first, longest = ((row, length) for row, length in (self.first_hole, self.longest))
        return [holes_text(self.count, first, longest, n_windows)]

    def events(self, zone: Any, observing: Observing) -> list[Event]:
        """Return the holes that are longer than a window."""
        if not self.long:
            return []
        import pandas as pd

        stamps = np.array([pair for _, *pair in self.long], np.int64)
        moments = moments_of(stamps.reshape(-1).view("M8[ns]"), zone)
        lengths = [pd.Timedelta(length) for length in (stamps[:, 1] - stamps[:, 0]).view("m8[ns]")]
        rows = [row for row, *_ in self.long]
        observed = [observing.least(row, row + 1) for row in rows]
        return [*map(hole, rows, moments[::2], moments[1::2], lengths, observed)]

    def to_dict(self) -> dict[str, Any]:
        """Return everything ready for JSON."""
        return {name: value for name, value in vars(self).items() if name not in ("window", "step")}

    def restore(self, known: dict[str, Any]) -> None:
        """Become what `to_dict` told."""
        vars(self).update({name: known[name] for name in self.to_dict()})
