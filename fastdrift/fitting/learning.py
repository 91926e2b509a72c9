"""What a detector learns from a baseline, and from what is left of it without its bursts."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from fastdrift.arrays import Floats
from fastdrift.detectors.constant import check_scales
from fastdrift.detectors.model import Baseline, Learnt
from fastdrift.detectors.moments import Folds, Standardisation, standardise
from fastdrift.fitting.bursts import bursts_note, find_bursts
from fastdrift.fitting.folds import by_fold, score_folds
from fastdrift.fitting.healthy import Healthy, leave_out
from fastdrift.fitting.kept import NO_ROWS

# how often a baseline is looked through for bursts: those that are left out may have hidden others
ROUNDS = 3


class Taught(NamedTuple):
    """The windows of a baseline, what a detector has learnt from them, and the scores of the folds, held out."""

    healthy: Healthy
    learnt: Learnt
    scores: Floats
    unit: Standardisation


def teach(
    healthy: Healthy, learn: Callable[[Baseline], Learnt], folds: Folds, is_held_out: bool, threads: int
) -> Taught:
    """Learn from the windows of a baseline; anew without its bursts, if folds are held out and show some."""
    taught = _teach_once(healthy, learn, folds, is_held_out, threads)
    rows = NO_ROWS
    for _ in range(ROUNDS if is_held_out else 0):
        found = find_bursts(by_fold(taught.scores, folds), folds, taught.healthy.sweep, taught.unit)
        if not found.size:
            break
        rows = np.union1d(rows, found)
        taught = _teach_once(leave_out(taught.healthy, found, threads), learn, folds, is_held_out, threads)
    if not rows.size:
        return taught
    left = taught.healthy
    note = bursts_note(rows, left.n_aside - healthy.n_aside)
    return taught._replace(healthy=left._replace(notes=(*left.notes, note)))


def _teach_once(
    healthy: Healthy, learn: Callable[[Baseline], Learnt], folds: Folds, is_held_out: bool, threads: int
) -> Taught:
    sweep = healthy.sweep
    unit = standardise(sweep, healthy.start, healthy.total)
    check_scales(sweep.table, sweep.columns, unit)
    learnt = learn(Baseline(sweep, unit, folds, folds if is_held_out else [], threads))
    scores = score_folds(sweep, learnt.packed_folds or [learnt.packed] * len(folds), folds, threads)
    return Taught(healthy, learnt, scores, unit)
