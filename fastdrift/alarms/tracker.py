"""Events of a stream: those of `detect`, kept up as rows come, with what is known of the last rows alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from fastdrift.alarms.clusters import QUIET_WINDOWS, Clusters, find_clusters, is_parted
from fastdrift.alarms.drifts import is_persistent, looks_beside
from fastdrift.alarms.events import ALARM, DRIFT, NOTICE, PERSISTENT, Event, Events
from fastdrift.alarms.observing import Observing
from fastdrift.alarms.onset import WINDOWS_BACK, find_onsets
from fastdrift.alarms.reasons import LOOKS, PeakReason, Reason, find_reasons
from fastdrift.alarms.scene import moments_of
from fastdrift.alarms.silences import Silences
from fastdrift.alarms.timing import Timing
from fastdrift.arrays import Floats, Integers
from fastdrift.detectors.model import Model
from fastdrift.detectors.promise import Promise
from fastdrift.evaluation.events import runs
from fastdrift.tables.table import Table

# windows before a row that may be asked for once it is followed, at most
WINDOWS_KEPT = 5


class Seen(NamedTuple):
    """The last rows of a stream: a chunk with the model's columns in order, their scores, and times in ns or None."""

    table: Table
    scores: Floats
    stamps: Integers | None

    def place(self, row: int) -> int:
        """Return where a row of the stream is."""
        return row - self.table.first_row

    def stamp(self, row: int) -> int:
        """Return the time of a row, 0 if there is none."""
        return 0 if self.stamps is None else int(self.stamps[self.place(row)])


@dataclass
class Drift:
    """A cluster of flagged rows that passed the level of a notice."""

    start: int
    floor: int  # the row after the last such cluster, before which it cannot have begun
    stop: int
    alarm_row: int = -1
    peak: float = -np.inf
    peak_row: int = -1
    onset: int = -1
    reason: Reason | PeakReason | None = None  # once no row to come can change it
    stamps: list[int] = field(default_factory=lambda: [0, 0, 0])  # of onset, start and last row


class Tracker:
    """The events of a stream so far; what is kept grows with the events alone."""

    def __init__(self, model: Model, promise: Promise) -> None:
        self.model, self.promise = model, promise
        self.n_rows = self.n_flagged = self.n_broken = 0
        self.last_flagged = -1
        self.drifts: list[Drift] = []
        self.is_open = False  # whether the last flagged rows are the last drift's
        self.unscored: list[list[int]] = []  # stretches without a score: first row, and the row after the last
        self.observing, self.silences = Observing(model), Silences(model)
        self.timing = Timing(model.window, promise.step)

    def follow(self, seen: Seen) -> None:
        """Take the rows in that are new; the five longest windows before them must be there."""
        first, end = self.n_rows, seen.table.end_row
        if first == end:
            return
        scores = seen.scores[seen.place(first) : seen.place(end)]
        self.n_rows = end
        unscored = np.isnan(scores)
        self._note_unscored(unscored, first)
        self.observing.follow(seen.table, unscored, first)
        self.silences.follow(seen.table, seen.stamps, first, self.unscored)
        self.timing.follow(None if seen.stamps is None else seen.stamps[seen.place(first) :], first)
        window = self.model.window
        clusters = find_clusters(scores, self.model.threshold, QUIET_WINDOWS * window, blind=window)
        if clusters.rows.size:
            self._note_clusters(seen, scores, clusters, first)
        if self.drifts and self.drifts[-1].reason is None and end > self.drifts[-1].peak_row + LOOKS * window:
            self.drifts[-1].reason = self._reason(seen, self.drifts[-1])

    def _note_unscored(self, unscored: Any, first: int) -> None:
        self.n_broken += int(np.count_nonzero(unscored[max(0, self.model.window - 1 - first) :]))
        for start, stop in zip(*(rows.tolist() for rows in runs(unscored)), strict=True):
            if self.unscored and self.unscored[-1][1] == first + start:
                self.unscored[-1][1] = first + stop
            else:
                self.unscored.append([first + start, first + stop])

    def _note_clusters(self, seen: Seen, scores: Floats, clusters: Clusters, first: int) -> None:
        """Take clusters of flagged rows in, of which the first may go on with the last one so far."""
        bounds = [*clusters.heads.tolist(), clusters.rows.size]
        for start, stop in pairwise(bounds):
            rows = clusters.rows[start:stop]
            goes_on = start == 0 and not self._is_apart(first + int(rows[0]))
            if not goes_on and self.is_open:
                self._close(seen)
            self._note_rows(seen, rows + first, scores[rows])
            self.n_flagged += rows.size

    def _is_apart(self, row: int) -> bool:
        """Return whether a flagged row begins a cluster of its own."""
        if self.last_flagged < 0:
            return True
        lengths = []
        for start, stop in reversed(self.unscored):
            if stop <= self.last_flagged:
                break
            lengths += [stop - start] if start < row else []
        window = self.model.window
        return is_parted(row - self.last_flagged - 1, lengths, QUIET_WINDOWS * window, window)

    def _close(self, seen: Seen) -> None:
        drift, self.is_open = self.drifts[-1], False
        if drift.reason is None:
            drift.reason = self._reason(seen, drift)

    def _note_rows(self, seen: Seen, rows: Integers, scores: Floats) -> None:
        """Take flagged rows of one cluster in."""
        self.last_flagged = int(rows[-1])
        above = scores > self.promise.notice_level
        if not self.is_open:
            if not above.any():
                return
            floor = self.drifts[-1].stop if self.drifts else 0
            self.drifts.append(Drift(int(rows[above.argmax()]), floor, 0))
        drift, is_new, self.is_open = self.drifts[-1], not self.is_open, True
        drift.stop = self.last_flagged + 1
        drift.stamps[2] = seen.stamp(self.last_flagged)
        peak = int(scores.argmax())
        if scores[peak] > drift.peak and above[peak]:
            drift.peak, drift.peak_row, drift.reason = float(scores[peak]), int(rows[peak]), None
        is_alarm = scores > self.promise.alarm_level
        becomes_alarm = drift.alarm_row < 0 and bool(is_alarm.any())
        if becomes_alarm:
            drift.alarm_row = int(rows[is_alarm.argmax()])
        if is_new:
            drift.stamps[1] = seen.stamp(drift.start)
        if is_new or becomes_alarm:
            drift.onset = self._onset(seen, drift)
            # of an alarm that came late the start may be too long ago to be looked up
            drift.stamps[0] = drift.stamps[1] if drift.onset == drift.start else seen.stamp(drift.onset)

    def _onset(self, seen: Seen, drift: Drift) -> int:
        model = self.model
        assert model.rows is not None  # noqa: S101  # they come with the promise
        end = max(drift.start, drift.alarm_row) + 1
        first = max(drift.floor, end - WINDOWS_BACK * model.middle_window)
        ends = np.array([first]), np.array([end])
        found = find_onsets(seen.table, np.flatnonzero(model.varies), model.rows, *ends, threads=1)
        return min(int(found[0]), drift.start)

    def _reason(self, seen: Seen, drift: Drift) -> Reason | PeakReason:
        """Return the reason of a drift by the rows so far."""

        def is_flagged(rows: Integers) -> Any:
            return seen.scores[rows - seen.table.first_row] > self.model.threshold

        ends = np.array([drift.start]), np.array([drift.stop])
        looks = looks_beside(np.array([drift.peak_row]), *ends, self.model.window, is_flagged)
        return find_reasons(self.model, seen.table, np.arange(len(self.model.columns)), looks, threads=1)[0]

    def events(self, seen: Seen, zone: Any) -> Events:
        """Return what `detect` finds in the rows so far, all of which must have been followed."""
        found = self._drifts(seen, zone)
        found += self.silences.events(self.unscored, self.n_rows, zone, self.observing) if self.n_broken else []
        found += self.timing.events(zone, self.observing)
        note = f"{self.n_broken:,} windows hold a NaN or inf and have no score"
        return Events(
            tuple(sorted(found, key=lambda event: (event.start, event.kind))),
            n_rows=self.n_rows,
            n_scored=self.n_rows - sum(stop - start for start, stop in self.unscored),
            n_flagged=self.n_flagged,
            n_ignored=0,
            unscored=tuple((start, stop) for start, stop in self.unscored),
            window=self.model.window,
            promise=self.promise,
            has_times=seen.stamps is not None,
            notes=tuple([note] * (self.n_broken > 0) + self.timing.notes(self.n_rows)),
            seconds=self.timing.seconds,
        )

    def _drifts(self, seen: Seen, zone: Any) -> list[Event]:
        stamps = np.array([drift.stamps for drift in self.drifts], np.int64).reshape(-1).view("M8[ns]")
        moments = iter([None] * stamps.size if seen.stamps is None else moments_of(stamps, zone))
        window = self.model.window
        return [
            Event(
                PERSISTENT if is_persistent(drift.stop - drift.start, window) else DRIFT,
                NOTICE if drift.alarm_row < 0 else ALARM,
                *(drift.onset, drift.start, drift.alarm_row, drift.stop),
                self.n_rows - drift.stop < QUIET_WINDOWS * window,
                drift.peak,
                drift.peak_row,
                self.promise.once_in_rows(drift.peak),
                self._reason(seen, drift) if drift.reason is None else drift.reason,
                *(next(moments), next(moments), next(moments)),
                len(self.model.columns),  # a window with a score is whole
            )
            for drift in self.drifts
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return everything ready for JSON."""
        own = ("n_rows", "n_flagged", "n_broken", "last_flagged", "is_open", "unscored")
        drifts = []
        for drift in self.drifts:
            reason = drift.reason
            told = None if reason is None else [list(reason.columns), reason.why]
            drifts.append(vars(drift) | {"peak": drift.peak.hex(), "reason": told})
        parts = {name: getattr(self, name).to_dict() for name in ("observing", "silences", "timing")}
        return {name: getattr(self, name) for name in own} | parts | {"drifts": drifts}

    def restore(self, known: dict[str, Any]) -> None:
        """Become what `to_dict` told."""
        for name in ("n_rows", "n_flagged", "n_broken", "last_flagged", "is_open", "unscored"):
            setattr(self, name, known[name])
        self.drifts = []
        for one in known["drifts"]:
            told = one["reason"]
            reason = None if told is None else Reason(tuple(told[0]), told[1])
            self.drifts.append(Drift(**one | {"peak": float.fromhex(one["peak"]), "reason": reason}))
        for name in ("observing", "silences", "timing"):
            getattr(self, name).restore(known[name])
