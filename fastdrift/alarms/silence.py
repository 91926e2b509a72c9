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
    return [_silence(scene, gap) for gap in gaps if gap.stop > since and not _is_within(gap, ignored)]


def find_holes(scene: Scene, rows: Integers) -> list[Event]:
    """Return the holes in the times that lie before some rows."""
    if scene.times is None or not rows.size:
        return []
    import pandas as pd

    lengths = [pd.Timedelta(length) for length in scene.times[rows] - scene.times[rows - 1]]
    ends = zip(rows.tolist(), scene.moments(rows - 1), scene.moments(rows), lengths, strict=True)
    return [
        _event(
            Gap(row, row, row, ()),
            Reason((), f"no rows for {_told(length)}"),
            (last, first, first),
            scene.observed(row, row + 1),
            is_on=False,
        )
        for row, last, first, length in ends
    ]


def _told(length: pd.Timedelta) -> str:
    """Return a length of time as text: "23:01:00", "2 days 03:00:00"."""
    return str(length).removeprefix("0 days ")


def _is_within(gap: Gap, stretches: Stretches) -> bool:
    return any(start <= gap.onset and gap.start < stop for start, stop in stretches)


def _silence(scene: Scene, gap: Gap) -> Event:
    names = tuple(str(scene.model.columns[place]) for place in gap.columns)
    if names:
        why = f"{_listed(names)} {'is' if len(names) == 1 else 'are'} missing"
    elif scene.fills:
        why = "more than half of the columns are missing"
    else:
        why = "gaps scattered over the columns leave no window whole"
    moments = scene.moments(np.array([gap.onset, gap.start, max(gap.start, gap.stop - 1)]))
    is_on = gap.stop > gap.start and gap.stop == scene.scores.size
    return _event(gap, Reason(names, why), moments, scene.observed(gap.start, gap.stop), is_on=is_on)


def _event(gap: Gap, reason: Reason, moments: Sequence[object], observed: int, *, is_on: bool) -> Event:
    rows = (gap.onset, gap.start, gap.start, gap.stop)
    onset, start, end = moments
    peak = math.nan, -1, math.nan
    return Event(MISSING, ALARM, *rows, is_on, *peak, reason, onset, start, end, observed)


def _listed(names: tuple[str, ...], most: int = 4) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
