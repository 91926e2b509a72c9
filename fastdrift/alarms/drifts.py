"""Drifts: clusters of flagged rows that pass a level, when they began, and what they show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from fastdrift.alarms.clusters import QUIET_WINDOWS, Clusters, find_clusters
from fastdrift.alarms.events import ALARM, DRIFT, NOTICE, PERSISTENT, Event
from fastdrift.alarms.filling import filled_table, groups
from fastdrift.alarms.onset import WINDOWS_BACK, find_onsets
from fastdrift.alarms.reasons import LOOKS, find_reasons
from fastdrift.alarms.scene import Scene
from fastdrift.arrays import Booleans, Floats, Integers

# an event longer than so many windows, and so many rows, is persistent
PERSISTENT_WINDOWS, PERSISTENT_ROWS = 20, 1_000


class _Drifts(NamedTuple):
    """Clusters that pass the level of a notice."""

    starts: Integers  # the first row of each that does
    alarm_rows: Integers  # the first row that passes the level of an alarm, -1 for none
    stops: Integers
    peaks: Floats
    peak_rows: Integers


def flagged_clusters(scene: Scene) -> Clusters:
    """Return the clusters of flagged rows."""
    window, threshold = scene.model.window, scene.model.threshold
    clusters = find_clusters(scene.scores[scene.head :], threshold, QUIET_WINDOWS * window, blind=window)
    return clusters._replace(rows=clusters.rows + scene.head)


def find_drifts(scene: Scene, clusters: Clusters) -> list[Event]:
    """Return the clusters of flagged rows that pass the level of a notice, as events.

    All of them at once: one by one, 500 in a million rows took four times as long as the scores.
    """
    window, threshold = scene.model.window, scene.model.threshold
    starts, alarm_rows, stops, peaks, peak_rows = drifts = _above_notice(scene, clusters)
    if not starts.size:
        return []
    onsets = _onsets(scene, drifts)
    looks = looks_beside(peak_rows, starts, stops, window, lambda rows: scene.scores[rows] > threshold)
    fields = (
        [PERSISTENT if long else DRIFT for long in is_persistent(stops - starts, window).tolist()],
        [NOTICE if row < 0 else ALARM for row in alarm_rows.tolist()],
        *(rows.tolist() for rows in (onsets, starts, alarm_rows, stops)),
        (scene.scores.size - stops < QUIET_WINDOWS * window).tolist(),
        peaks.tolist(),
        peak_rows.tolist(),
        [scene.promise.once_in_rows(peak) for peak in peaks.tolist()],
        _reasons(scene, looks),
        *(scene.moments(rows) for rows in (onsets, starts, stops - 1)),
        [scene.observed(row, row + 1) for row in peak_rows.tolist()],
    )
    return [Event(*values) for values in zip(*fields, strict=True)]


def _above_notice(scene: Scene, clusters: Clusters) -> _Drifts:
    scores = scene.scores[clusters.rows]
    places = np.flatnonzero(scores > scene.promise.notice_level)
    rows, scores = clusters.rows[places], scores[places]
    clusters_of = np.searchsorted(clusters.heads, places, side="right") - 1
    is_first = np.diff(clusters_of, prepend=-1) > 0
    heads, drift_of = np.flatnonzero(is_first), np.cumsum(is_first) - 1
    peaks = np.maximum.reduceat(scores, heads) if heads.size else np.zeros(0)
    _, peak_rows = _first_rows(rows, drift_of, scores == peaks[drift_of])
    alarm_rows = np.full(heads.size, -1)
    alarms, first_rows = _first_rows(rows, drift_of, scores > scene.promise.alarm_level)
    alarm_rows[alarms] = first_rows
    return _Drifts(rows[heads], alarm_rows, clusters.stops[clusters_of[heads]], peaks, peak_rows)


def _first_rows(rows: Integers, drift_of: Integers, is_meant: Booleans) -> tuple[Integers, Integers]:
    """Return which drifts have a row that is meant, and the first such row of each."""
    drifts, first = np.unique(drift_of[is_meant], return_index=True)
    return drifts, rows[is_meant][first]


def _onsets(scene: Scene, drifts: _Drifts) -> Integers:
    """Return in which row each most likely began; what came before the last one's end was that one."""
    model = scene.model
    assert model.rows is not None  # noqa: S101  # they come with the promise
    ends = np.maximum(drifts.starts, drifts.alarm_rows) + 1
    firsts = np.maximum(np.append(0, drifts.stops[:-1]), ends - WINDOWS_BACK * model.middle_window)
    if not scene.fills:
        found = find_onsets(scene.table, scene.columns[model.varies], model.rows, firsts, ends, scene.threads)
        return np.minimum(found, drifts.starts)
    onsets, varying = drifts.starts.copy(), np.flatnonzero(model.varies)
    for part in groups(scene, ends - firsts):
        table, begins = filled_table(scene, firsts[part], ends[part])
        stops = begins + (ends - firsts)[part]
        found = find_onsets(table, varying, model.rows, begins, stops, scene.threads) - begins + firsts[part]
        onsets[part] = np.minimum(found, onsets[part])
    return onsets


def _reasons(scene: Scene, looks: Integers) -> list[Any]:
    """Return why each event scores high; `looks` are the rows in which its highest window and some others end."""
    if not scene.fills:
        return find_reasons(scene.model, scene.table, scene.columns, looks, scene.threads)
    reasons: list[Any] = []
    window, is_there = scene.model.window, looks >= 0
    for part in groups(scene, is_there.sum(axis=1) * window):
        ends = looks[part][is_there[part]]
        table, begins = filled_table(scene, ends - window + 1, ends + 1)
        there = looks[part].copy()
        there[is_there[part]] = begins + window - 1
        reasons += find_reasons(scene.model, table, np.arange(scene.columns.size), there, scene.threads)
    return reasons


def is_persistent(length: Any, window: int) -> Any:
    """Return whether events of so many rows are persistent."""
    return length > max(PERSISTENT_WINDOWS * window, PERSISTENT_ROWS)


def looks_beside(
    peak_rows: Integers, starts: Integers, stops: Integers, window: int, is_flagged: Callable[[Integers], Booleans]
) -> Integers:
    """Return the row of the highest score of each, then those of flagged windows of it beside that one, -1 for none."""
    beside = [place for place in range(-LOOKS, LOOKS + 1) if place]
    rows = peak_rows[:, None] + window * np.array([0, *beside])
    is_within = (rows >= starts[:, None]) & (rows < stops[:, None])
    flagged = is_flagged(np.where(is_within, rows, peak_rows[:, None]))
    looks: Integers = np.where(is_within & flagged, rows, -1)
    return looks
