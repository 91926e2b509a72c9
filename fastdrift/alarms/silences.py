"""Missing data of a stream: columns that go silent, kept up as rows come."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastdrift.alarms.events import Event
from fastdrift.alarms.missing import Gap, blind_gaps, joined, most_lacking
from fastdrift.alarms.observing import Observing
from fastdrift.alarms.scene import moments_of
from fastdrift.alarms.silence import rows_of, silence
from fastdrift.arrays import Booleans, Integers
from fastdrift.detectors.model import Model
from fastdrift.evaluation.events import runs
from fastdrift.tables.table import Table


class Silences:
    """The stretches in which columns of a stream lack values; see `missing.silent_columns`."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.gaps: list[Gap] = []
        self.open: dict[int, int] = {}  # for each column that is silent now, which of the gaps that is
        self.stamps: dict[int, int] = {}  # times of the rows at which gaps begin and end
        self.timed = False

    def follow(self, table: Table, stamps: Integers | None, first: int, unscored: list[list[int]]) -> None:
        """Take the rows from `first` on in; two windows before them must be there. `unscored` is of all rows."""
        model = self.model
        assert model.rows is not None  # noqa: S101  # they come with the promise
        window, end = model.middle_window, table.end_row
        start = max(table.first_row, first - window + 1)
        rows = table.rows(start, end)
        self.timed = stamps is not None
        if not self.open and np.isfinite(rows).all():
            return
        n_before, were_open = len(self.gaps), [*self.open.values()]
        lacks = ~np.isfinite(rows)
        limit = most_lacking(window, model.rows.missing)
        ends = np.arange(first - start + 1, end - start + 1)
        for place in sorted({*np.flatnonzero(lacks.any(axis=0)).tolist(), *self.open}):
            count = np.append(0, np.cumsum(lacks[:, place]))
            is_silent = count[ends] - count[np.maximum(ends - window, 0)] > limit[place]
            self._note(place, is_silent, lacks[:, place], first, start)
        if stamps is not None:
            new = [*self.gaps[n_before:], *(self.gaps[place] for place in were_open), *self._blind(unscored, first)]
            for row in {row for gap in new for row in rows_of(gap) if table.first_row <= row < end}:
                self.stamps[row] = int(stamps[row - table.first_row])

    def _blind(self, unscored: list[list[int]], first: int) -> list[Gap]:
        """Return the stretches without a score that reach into rows from `first` on, if they may be gaps."""
        window, found = self.model.window, []
        for start, stop in reversed(unscored):
            if stop < first:
                break
            begin = max(start, window - 1)
            found += [Gap(begin, begin + window, stop, ())] if stop - begin > window else []
        return found

    def _note(self, place: int, is_silent: Booleans, lacks: Booleans, first: int, start: int) -> None:
        """Take in where a column is silent from row `first` on, by what it lacks from row `start` on."""
        window, held = self.model.middle_window, self.open.pop(place, None)
        for low, high in zip(*(rows.tolist() for rows in runs(is_silent)), strict=True):
            if low == 0 and held is not None:
                self.gaps[held] = self.gaps[held]._replace(stop=first + high)
            else:
                held, row = len(self.gaps), first + low
                begin = max(0, row - window + 1)
                onset = begin + int(lacks[begin - start : row - start + 1].argmax())
                self.gaps.append(Gap(onset, row, first + high, (place,)))
            if high == is_silent.size:
                self.open[place] = held

    def events(self, unscored: list[list[int]], n_rows: int, zone: Any, observing: Observing) -> list[Event]:
        """Return the events of missing data in so many rows, of which some stretches have no score."""
        model = self.model
        assert model.rows is not None  # noqa: S101  # they come with the promise
        head = model.window - 1
        blind = [(max(start, head), stop) for start, stop in unscored if stop > head]
        gaps = joined(self.gaps)
        gaps += blind_gaps(blind, model.window, model.rows.missing, gaps)
        rows = [row for gap in gaps for row in rows_of(gap)]
        moments: list[Any] = [None] * len(rows)
        if self.timed:
            moments = moments_of(np.array([self.stamps[row] for row in rows], np.int64).view("M8[ns]"), zone)
        return [
            silence(model, gap, moments[3 * place : 3 * place + 3], n_rows, observing.least(gap.start, gap.stop))
            for place, gap in enumerate(gaps)
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return everything ready for JSON."""
        pairs = [list(pair) for pair in self.open.items()], [list(pair) for pair in self.stamps.items()]
        return {"gaps": self.gaps, "open": pairs[0], "stamps": pairs[1], "timed": self.timed}

    def restore(self, known: dict[str, Any]) -> None:
        """Become what `to_dict` told."""
        self.gaps = [Gap(onset, start, stop, tuple(columns)) for onset, start, stop, columns in known["gaps"]]
        self.open, self.stamps = dict(known["open"]), dict(known["stamps"])
        self.timed = known["timed"]
