"""Silence: events of missing data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from fastdrift.alarms.events import ALARM, MISSING, Event
from fastdrift.alarms.missing import Gap, blind_stretches, silent_columns
from fastdrift.alarms.reasons import Reason
from fastdrift.alarms.scene import Scene
from fastdrift.arrays import Booleans, Integers
from fastdrift.detectors.model import Model

if TYPE_CHECKING:
    import pandas as pd

Stretches = Sequence[tuple[int, int]]


def find_silences(scene: Scene, unscored: Booleans | None, since: int, ignored: Stretches) -> list[Event]:
    """Return where data are missing: columns that went silent, and rows that nothing can be said of.

    `unscored` says which rows have no score, None if all have one that can.
    """
    model = scene.model
    if unscored is None or model.rows is None:
        return []
    blind = unscored.copy()
    blind[: scene.head] = False
    for start, stop in ignored:
        blind[start : stop + model.window - 1] = False
    gaps = silent_columns(scene.table, scene.columns, model.middle_window, model.rows.missing)
    gaps += blind_stretches(blind, model.window, model.rows.missing, gaps)
    kept = [gap for gap in gaps if gap.stop > since and not _is_within(gap, ignored)]
    rows = np.array([row for gap in kept for row in rows_of(gap)], np.int64)
    moments = iter(scene.moments(rows))
    return [
        silence(
            model,
            gap,
            (next(moments), next(moments), next(moments)),
            scene.scores.size,
            scene.observed(gap.start, gap.stop),
            fills=scene.fills,
        )
        for gap in kept
    ]


def find_holes(scene: Scene, rows: Integers) -> list[Event]:
    """Return the holes in the times that lie before some rows."""
    if scene.times is None or not rows.size:
        return []
    import pandas as pd

    lengths = [pd.Timedelta(length) for length in scene.times[rows] - scene.times[rows - 1]]
    observed = [scene.observed(row, row + 1) for row in rows.tolist()]
    return [*map(hole, rows.tolist(), scene.moments(rows - 1), scene.moments(rows), lengths, observed)]


def hole(row: int, last: object, first: object, length: pd.Timedelta, observed: int) -> Event:
    """Return a hole before a row as an event; `last` and `first` are the times on either side."""
    moments = (last, first, first)
    return _event(Gap(row, row, row, ()), Reason((), f"no rows for {_told(length)}"), moments, observed, is_on=False)


def _told(length: pd.Timedelta) -> str:
    """Return a length of time as text: "23:01:00", "2 days 03:00:00"."""
    return str(length).removeprefix("0 days ")


def _is_within(gap: Gap, stretches: Stretches) -> bool:
    return any(start <= gap.onset and gap.start < stop for start, stop in stretches)


def rows_of(gap: Gap) -> tuple[int, int, int]:
    """Return the rows of a gap whose times are told."""
    return gap.onset, gap.start, max(gap.start, gap.stop - 1)


def silence(
    model: Model, gap: Gap, moments: Sequence[object], n_rows: int, observed: int, *, fills: bool = False
) -> Event:
    """Return a gap of so many rows as an event; `moments` are the times of `rows_of` it."""
    names = tuple(str(model.columns[place]) for place in gap.columns)
    if names:
        why = f"{_listed(names)} {'is' if len(names) == 1 else 'are'} missing"
    elif fills:
        why = "more than half of the columns are missing"
    else:
        why = "gaps scattered over the columns leave no window whole"
    is_on = gap.stop > gap.start and gap.stop == n_rows
    return _event(gap, Reason(names, why), moments, observed, is_on=is_on)


def _event(gap: Gap, reason: Reason, moments: Sequence[object], observed: int, *, is_on: bool) -> Event:
    rows = (gap.onset, gap.start, gap.start, gap.stop)
    onset, start, end = moments
    peak = math.nan, -1, math.nan
    return Event(MISSING, ALARM, *rows, is_on, *peak, reason, onset, start, end, observed)


def _listed(names: tuple[str, ...], most: int = 4) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
