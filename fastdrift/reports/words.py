"""How a report tells rows, times, lengths and numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from fastdrift.alarms.events import Event
from fastdrift.arrays import Times
from fastdrift.detectors.promise import DAY, FORESIGHT, Promise
from fastdrift.evaluation.lines import UNDEFINED, counted

# letters of a name, and of a sentence, that are shown: a table may bring names of any length
MOST_LETTERS, MOST_SENTENCE = 60, 400
LARGE = ((1e6, " M"), (1e9, " G"), (1e12, " T"))
LENGTHS = ((DAY, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"))


class Clock(NamedTuple):
    """How the rows of a table are told: by their times, in the table's own zone, or by their numbers."""

    times: Times | None  # in UTC
    zone: Any = None
    step: float | None = None

    def at(self, row: int) -> str:
        """Return when a row was, or its number."""
        return f"row {row:,}" if self.times is None else self.stamp(self.times[row])

    def stamp(self, time: Any) -> str:
        """Return a time as text, one without a zone taken for UTC."""
        import pandas as pd

        moment = pd.Timestamp(time)
        if moment.tzinfo is None and self.zone is not None:
            moment = moment.tz_localize("UTC").tz_convert(self.zone)
        return f"{moment:%Y-%m-%d %H:%M:%S}" if self.step is not None and self.step < 60 else f"{moment:%Y-%m-%d %H:%M}"

    def when(self, row: int, time: Any) -> str:
        """Return the time of an event's row, if it has one, and its number."""
        return f"row {row:,}" if time is None else f"{self.stamp(time)} (row {row:,})"

    def length(self, rows: float) -> str:
        """Return how long so many rows are."""
        text = counted(round(rows), "row")
        return text if self.times is None or self.step is None else f"{text} ({duration(rows * self.step)})"

    def about(self, rows: float) -> str:
        """Return how long so many rows are, with two digits."""
        count = _two_digits(rows)
        days = None if self.times is None or self.step is None else count * self.step / DAY
        return counted(count, "row") if days is None else f"{counted(count, 'row')} ({_roughly(days)})"


def duration(seconds: float) -> str:
    """Return a length of time with its two largest units."""
    if seconds < 1:
        return f"{seconds:.2g} s"
    if seconds >= 1000 * DAY:
        return f"{seconds / (365.25 * DAY):,.3g} years"
    parts: list[str] = []
    left = round(seconds)
    for length, unit in LENGTHS:
        count, left = divmod(left, int(length))
        if count or parts:
            parts.append(f"{count} {unit}" if count else "")
        if len(parts) == 2:
            break
    return " ".join(filter(None, parts))


def figure(value: float | None) -> str:
    """Return a column's value with four digits, in millions and so on where it is large."""
    if value is None or not math.isfinite(value):
        return UNDEFINED
    size = abs(float(f"{value:.4g}"))
    unit, letter = next(((unit, letter) for unit, letter in LARGE if unit <= size < 1000 * unit), (1.0, ""))
    return f"{value:,.0f}" if 1e4 <= size < 1e6 else f"{value / unit:.4g}{letter}"


def short(name: object) -> str:
    """Return a name, without its middle where it is long: names of metrics differ at their ends."""
    whole = str(name)
    half = MOST_LETTERS // 2
    return whole if len(whole) <= MOST_LETTERS else f"{whole[: half - 1]}…{whole[-half:]}"


def cut(text: str, most: int = MOST_SENTENCE) -> str:
    """Return a sentence, without its end where it is longer than anybody reads."""
    return text if len(text) <= most else text[: most - 1] + "…"


def listed(names: Sequence[object], most: int = 6) -> str:
    """Return the first of several names, and how many more there are."""
    shown = ", ".join(short(name) for name in names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")


def rarity(event: Event, promise: Promise, clock: Clock) -> str:
    """Return in how many healthy rows such an event comes once; nothing for missing data, which none is like."""
    rows = event.once_in_rows
    if math.isnan(rows):
        return ""
    if math.isinf(rows):
        return f"less than once in {clock.about(FORESIGHT * promise.rows)}"
    return f"about once in {clock.about(rows)}"


def _roughly(days: float) -> str:
    """Return a length of time with one unit."""
    for length, name in ((365.25, "year"), (1.0, "day"), (1 / 24, "hour")):
        if days >= 2 * length:
            return counted(round(days / length), name)
    return counted(max(1, round(1440 * days)), "minute")


def _two_digits(value: float) -> int:
    return int(float(f"{value:.1e}"))


def is_ordered(times: Times | None) -> bool:
    """Return whether rows lie in the order of their times, and all have one."""
    return times is not None and not np.isnat(times).any() and bool((times[1:] >= times[:-1]).all())
