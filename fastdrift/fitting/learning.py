"""What a detector learns from a baseline, and from what is left of it without its bursts."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from fastdrift.arrays import Floats, Indices
from fastdrift.detectors.blend import blend, blending_unit
from fastdrift.detectors.constant import check_scales
from fastdrift.detectors.learning import Baseline, Learnt
from fastdrift.detectors.moments import Folds, Moments, standardise
from fastdrift.fitting.bursts import bursts_note, find_bursts
from fastdrift.fitting.folds import by_fold, row_threshold, score_folds
from fastdrift.fitting.healthy import Healthy, leave_out, of_window
from fastdrift.tables.table import NO_ROWS

# how often a baseline is looked through for bursts: those that are left out may have hidden others
ROUNDS = 3


class Teaching(NamedTuple):
    """How a baseline is taught: to which detector, by windows of which lengths, and for what threshold."""

    learn: Callable[[Baseline], Learnt]
    windows: tuple[int, ...]
    folds: Folds  # of the longest windows, for all of them
    is_held_out: bool
    false_alarm_rate: float
    threads: int


class Lesson(NamedTuple):
    """What was learnt from windows of one length, what they add up to, and the threshold of their own scores."""

    window: int
    total: Moments
    learnt: Learnt
    threshold: float


class Taught(NamedTuple):
    """What a detector has learnt from the windows of a baseline, and what the scores of its folds, held out, show."""

    healthy: Healthy  # of the longest windows
    lessons: list[Lesson]
    scores: Floats
    bursts: Indices


def teach(healthy: Healthy, how: Teaching) -> Taught:
    """Learn from the windows of a baseline; anew without its bursts, if folds are held out and show some.

    What windows of any length show as a burst is left out of all. The blended scores would not tell: they stay high
    for longer than a burst and a window, so that half of its rows were kept, and the level of alarms 3 times too high.
    """
    taught = _teach_once(healthy, how)
    rows = NO_ROWS
    for _ in range(ROUNDS):
        if not taught.bursts.size:
            break
        rows = np.union1d(rows, taught.bursts)
        taught = _teach_once(leave_out(taught.healthy, taught.bursts, how.threads), how)
    if not rows.size:
        return taught
    left = taught.healthy
    note = bursts_note(left.sweep.table, rows, left.n_aside - healthy.n_aside)
    return taught._replace(healthy=left._replace(notes=(*left.notes, note)))


def _teach_once(healthy: Healthy, how: Teaching) -> Taught:
    lessons, scores, bursts = [], [], NO_ROWS
    for window in how.windows:
        one = healthy if window == healthy.sweep.window else of_window(healthy, window, how.threads)
        unit = standardise(one.sweep, one.start, one.total)
        check_scales(one.sweep.table, one.sweep.columns, unit)
        learnt = how.learn(Baseline(one.sweep, unit, how.folds, how.folds if how.is_held_out else [], how.threads))
        packed = learnt.packed_folds or [learnt.packed] * len(how.folds)
        scores.append(score_folds(one.sweep, packed, how.folds, how.threads))
        threshold = row_threshold(scores[-1], how.folds, one.sweep.table.bounds(), how.false_alarm_rate)
        lessons.append(Lesson(window, one.total, learnt, threshold))
        if how.is_held_out:
            found = find_bursts(by_fold(scores[-1], how.folds), how.folds, one.sweep, unit)
            bursts = np.union1d(bursts, found) if bursts.size else found
    if len(lessons) > 1:
        blend(scores[0], np.stack(scores[1:]), blending_unit(lesson.threshold for lesson in lessons))
    return Taught(healthy, lessons, scores[0], bursts)
