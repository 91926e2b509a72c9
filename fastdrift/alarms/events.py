"""Events: what was found, since when, in which columns, and how rare it is."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fastdrift.alarms.reasons import PeakReason, Reason
from fastdrift.detectors.promise import Promise
from fastdrift.evaluation.events import Runs
from fastdrift.evaluation.lines import counted

if TYPE_CHECKING:
    import pandas as pd

# events that a repr shows, and letters of a reason in it
SHOWN, LETTERS = 10, 60
DRIFT, PERSISTENT, MISSING = "drift", "persistent drift", "missing data"
ALARM, NOTICE = "alarm", "notice"
# of what has moved for good
REMEDY = "If it is meant to be so from now on, accept healthy rows of it (fastdrift accept): else they stay flagged."


class Event(NamedTuple):
    """One event.

    Rows are those of the table, counted from 0. Times are those of rows, in the table's zone; None if there are none.
    """

    kind: str  # "drift", "persistent drift" or "missing data"
    level: str  # "alarm" or "notice"
    onset: int  # the row in which it most likely began
    start: int  # the row in which it opened
    alarm_row: int  # the row in which it became an alarm; -1 for a notice
    stop: int  # the row after its last
    still_on: bool  # whether it had not ended when the rows did
    peak_score: float
    peak_row: int  # -1 for missing data
    once_in_rows: float  # in how many healthy rows such a peak comes once; inf past what the baseline can tell
    reason: Reason | PeakReason  # in which columns, and why
    onset_time: Any = None
    start_time: Any = None
    end_time: Any = None  # of its last row
    observed: int = -1  # of how many columns its highest window has half or more; at least, of missing data

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns that add most to its peak, the first most."""
        return self.reason.columns

    @property
    def why(self) -> str:
        """What those columns do, in words."""
        return self.reason.why

    @property
    def rows(self) -> int:
        """Its length."""
        return self.stop - self.start

    @property
    def is_alarm(self) -> bool:
        """Whether the promise is about it, or it is missing data."""
        return self.level == ALARM

    @property
    def has_moved(self) -> bool:
        """Whether it may have moved for good: a persistent drift that is still on."""
        return self.kind == PERSISTENT and self.still_on

    def to_dict(self) -> dict[str, Any]:
        """Return it by the names of `Events.to_frame`, ready for JSON: no inf or NaN, times as text."""
        fields: dict[str, Any] = {name: getattr(self, name) for name in COLUMNS} | {"columns": list(self.columns)}
        for name in ("peak_score", "once_in_rows"):
            fields[name] = fields[name] if math.isfinite(fields[name]) else None
        for name in ("onset_time", "start_time", "end_time"):
            fields[name] = None if fields[name] is None else str(fields[name])
        return fields


COLUMNS = (
    "kind", "level", "onset", "start", "alarm_row", "stop", "rows", "still_on", "peak_score", "peak_row",
    "once_in_rows", "observed", "columns", "why", "onset_time", "start_time", "end_time",
)  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class Events:
    """What `detect` found, in order of time; small, however long the table.

    Attributes
    ----------
    events : tuple of Event
    n_rows, n_scored, n_flagged, n_ignored : int
        Rows of the table; those with a score, those flagged among them, and those left out as asked.
    since : int
        The first row in which events were looked for; those before it count as without a score.
    ignored : tuple of (int, int)
        The stretches that were left out as asked: first row, and the row after the last.
    unscored : tuple of (int, int)
        First row of each stretch without a score, and the row after its last.
    window : int
        Rows in a window of the model.
    promise : Promise
        How often alarms may come falsely.
    has_times : bool
        Whether rows have times.
    seconds : float or None
        From the first row's time to the last one's.
    """

    events: tuple[Event, ...]
    n_rows: int
    n_scored: int
    n_flagged: int
    n_ignored: int
    unscored: tuple[tuple[int, int], ...]
    window: int
    promise: Promise
    has_times: bool = False
    seconds: float | None = None
    since: int = 0
    notes: tuple[str, ...] = field(default=())
    ignored: tuple[tuple[int, int], ...] = ()

    def __len__(self) -> int:
        return len(self.events)

    def __iter__(self) -> Iterator[Event]:
        return iter(self.events)

    def __getitem__(self, index: int) -> Event:
        return self.events[index]

    @property
    def alarms(self) -> tuple[Event, ...]:
        """The events that are alarms."""
        return tuple(event for event in self.events if event.is_alarm)

    @property
    def notices(self) -> tuple[Event, ...]:
        """The events that stayed below the level of an alarm."""
        return tuple(event for event in self.events if not event.is_alarm)

    def as_runs(self, level: str = NOTICE) -> Runs:
        """Return the events as runs of rows, from where they reached a level: "notice" or "alarm"."""
        chosen = self.events if level == NOTICE else self.alarms
        is_scored = np.ones(self.n_rows, bool)
        for start, stop in self.unscored:
            is_scored[start:stop] = False
        starts = [event.start if level == NOTICE else event.alarm_row for event in chosen]
        return Runs(
            np.array(starts, np.int64),
            np.array([event.stop for event in chosen], np.int64),
            np.array([event.peak_score for event in chosen]),
            np.array([event.peak_row for event in chosen], np.int64),
            is_scored,
            step=self.promise.step if self.has_times else None,
        )

    def to_frame(self) -> pd.DataFrame:
        """Return a row an event; `columns` are names joined by commas, times are there if the rows have some."""
        import pandas as pd

        shown = COLUMNS if self.has_times else COLUMNS[:-3]
        rows = [
            {name: getattr(event, name) for name in shown} | {"columns": ", ".join(event.columns)}
            for event in self.events
        ]
        frame = pd.DataFrame(rows, columns=list(shown))
        whole = ["onset", "start", "alarm_row", "stop", "rows", "peak_row", "observed"]
        return frame.astype(
            dict.fromkeys(whole, "int64") | {"still_on": bool, "peak_score": float, "once_in_rows": float}
        )

    def to_dict(self) -> dict[str, Any]:
        """Return everything ready for JSON."""
        return {
            "alarms": len(self.alarms),
            "notices": len(self.notices),
            "rows": self.n_rows,
            "scored_rows": self.n_scored,
            "flagged_rows": self.n_flagged,
            "ignored_rows": self.n_ignored,
            "expected_false_alarms": self.expected_false_alarms,
            "events": [event.to_dict() for event in self.events],
            "notes": list(self.notes),
        }

    @property
    def expected_false_alarms(self) -> float:
        """The most false alarms that are promised in the rows that have a score."""
        return self.promise.rate * self.n_scored

    def answer(self) -> str:
        """Return what was found in a sentence."""
        if not self.n_scored and not self.events:
            return f"Nothing could be scored: {self.n_rows:,} rows hold no whole window of {self.window}."
        if not self.events:
            unsaid = self.n_rows - self.since - self.n_scored
            but = f" {unsaid:,} rows have no score." if unsaid >= self.window else ""
            return f"No drift: nothing was above the level of a notice.{but}"
        on = [event for event in self.alarms if event.still_on]
        if not self.alarms:
            return f"No alarm; {counted(len(self.notices), 'notice')}, the last {_began(self.notices[-1])}."
        counts = counted(len(self.alarms), "alarm") + (
            f" and {counted(len(self.notices), 'notice')}" if self.notices else ""
        )
        if on:
            lead = "Data missing now" if on[-1].kind == MISSING else "Drifting now"
            return f"{lead}, since {_when(on[-1])}: {_short(on[-1].why)} ({counts} in all)."
        return f"{counts}; the last began {_began(self.alarms[-1])} and is over: {_short(self.alarms[-1].why, '.')}"

    def remedy(self) -> str:
        """Return in a sentence what makes a level that moved for good part of what is healthy; nothing if none did."""
        return REMEDY if any(event.has_moved for event in self.events) else ""

    def __repr__(self) -> str:
        """Return the answer, what helps if that is the new normal, the first events as a table, and the promise."""
        lines = [text for text in (self.answer(), self.remedy()) if text]
        if self.events:
            frame = self.to_frame().drop(columns=["peak_row", "observed", "onset_time", "end_time"], errors="ignore")
            frame["why"] = [text if len(text) <= LETTERS else f"{text[: LETTERS - 1]}…" for text in frame["why"]]
            lines.append(frame.drop(columns="columns").head(SHOWN).to_string(index=False))
        if len(self) > SHOWN:
            lines.append(f"… and {len(self) - SHOWN} more")
        lines.append(f"Promised: {self.promise.text()} ({self.expected_false_alarms:.2g} in these).")
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes)])


def _short(why: str, end: str = "") -> str:
    """Return the first two reasons of several; the dots that stand for the others end a sentence too."""
    parts = why.split(", ")
    return ", ".join(parts[:2]) + (", …" if len(parts) > 2 else end)


def _began(event: Event) -> str:
    return f"{'in' if event.onset_time is None else 'at'} {_when(event)}"


def _when(event: Event) -> str:
    return f"row {event.onset:,}" if event.onset_time is None else f"{event.onset_time} (row {event.onset:,})"
