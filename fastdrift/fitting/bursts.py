"""Bursts of a baseline: stretches that stand apart from all others, each in its own way.

They make the covariance, the row threshold and the levels of events their own: 18 bursts of 50 rows, 5 spreads off, in
30,000 rows raised the level of alarms 5.5 times, as 6 % of the windows held one. Peaks of healthy scores thin out
upwards without a break, so it is a break that tells bursts, and the peaks below it tell what is one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from fastdrift.alarms.tail import fold_peaks
from fastdrift.arrays import Floats, Indices
from fastdrift.detectors.moments import Folds, Standardisation
from fastdrift.engine.windows import Sweep
from fastdrift.evaluation.events import runs
from fastdrift.evaluation.lines import counted
from fastdrift.fitting.folds import upper_quantile
from fastdrift.fitting.kept import few_of_stretches
from fastdrift.tables.table import NO_ROWS, Table

# the share of scores whose clusters are looked at: more than bursts may hold, so that there are healthy ones below them
LOOKED_AT = 0.2
# scores that a fold's quantiles are taken from, and how far above the usual some must reach for a closer look
DRAWN, LEAST_HEIGHT = 1_024, 2.0
# a break is so unlikely, as minus the log of its chance, and made of so many steps. Of 22 healthy recordings (smd, asd,
# jumpstarter, tep), at windows of 10, 20 and 50, whole, their first 70 % and half, none has one of more than 19; of
# generated ones none of more than 7; their bursts of 3 spreads and more make at least 35
BREAK, MOST_STEPS = 25.0, 3
# peaks below a break that there must be to tell how wide it would be by chance
LEAST_BELOW = 10
# as a share of the rows, what bursts may hold: more is part of what the system does
MOST_ROWS = 0.1
# a burst that moves the features as so many others do, by the cosine, recurs. If most do, they are part of what the
# system does, as a job is that runs every night
RECURRENCES, ALIKE, MOST = 3, 0.8, 0.5
# spreads below which a feature rests
STILL = 2.0
# the part of a window that bursts may reach beyond what shows of them: without it, what was left of them kept the level
# of alarms a quarter too high
BEYOND = 4
# bursts that a note names
SHOWN = 3


def find_bursts(scores: Sequence[Floats], folds: Folds, sweep: Sweep, unit: Standardisation) -> Indices:
    """Return the rows of the bursts that the held-out scores of folds show; none if they recur, or are too many."""
    rng = np.random.default_rng(0)
    drawn = [part if part.size <= DRAWN else part[rng.integers(part.size, size=DRAWN)] for part in scores]
    highest = max(np.fmax.reduce(part) for part in scores)
    if not highest > LEAST_HEIGHT * upper_quantile(np.concatenate(drawn), LOOKED_AT):
        return NO_ROWS
    # bursts that only one fold holds are news to its model alone, and all its scores are higher
    middles = [upper_quantile(part, 0.5) for part in drawn]
    scores, drawn = ([part / middle for part, middle in zip(parts, middles, strict=True)] for parts in (scores, drawn))
    usual = upper_quantile(np.concatenate(drawn), LOOKED_AT)
    peaks = fold_peaks(scores, usual, sweep.window)
    n_apart = count_apart(peaks)
    if not n_apart:
        return NO_ROWS
    starts, stops = np.concatenate(list(_reaching(scores, folds, usual, peaks[n_apart])), axis=1)
    if _recur(_moves((starts + stops) // 2, sweep, unit)):
        return NO_ROWS
    # the rows without which none of these windows is left; of a stretch shorter than a window, some that all of them
    # hold. A burst shows when it fills enough of a window, so it reaches a little beyond
    edges = np.sort([starts, stops - sweep.window], axis=0)
    firsts, lasts = edges[0] - sweep.window // BEYOND, edges[1] + sweep.window // BEYOND
    of_stretch = np.searchsorted(sweep.table.gaps, starts)
    least, end = np.array(sweep.table.bounds())[of_stretch].T
    firsts, stops = np.maximum(firsts, least), np.minimum(lasts + 1, end)
    rows = np.unique(np.concatenate([np.arange(first, stop) for first, stop in zip(firsts, stops, strict=True)]))
    return few_of_stretches(sweep.table, rows, MOST_ROWS)


def count_apart(peaks: Floats) -> int:
    """Return how many of some peaks, highest first, stand apart from the others.

    A peak's place times the log of its ratio to the next lower one is exponential with one mean for all places where
    the tail is a power law (Renyi 1953), and falls upwards where it is lighter. A few steps in a row whose sum is
    beyond chance, by the mean of all those below them, are a break, and the most unlikely counts.
    """
    steps = np.arange(1, peaks.size) * np.log(peaks[:-1] / peaks[1:]) if peaks.size and peaks[-1] > 0 else np.zeros(0)
    n_looked_at = min(peaks.size // 2, peaks.size - LEAST_BELOW)
    if n_looked_at <= 0 or not steps.size:
        return 0
    n_below = np.arange(steps.size - 1, 0, -1)[:n_looked_at]
    means = np.cumsum(steps[:0:-1])[::-1][:n_looked_at] / n_below
    rarest, count = BREAK, 0
    for n_steps in range(1, min(MOST_STEPS, n_looked_at) + 1):
        sums = np.convolve(steps[:n_looked_at], np.ones(n_steps), "valid") / means[n_steps - 1 :]
        # minus the log of the chance that the sum of so many exponentials is larger, to its first term
        rarity = sums - (n_steps - 1) * np.log(np.maximum(sums, 1.0)) + math.lgamma(n_steps)
        if rarity.max() > rarest:
            rarest, count = rarity.max(), int(np.argmax(rarity)) + n_steps
    return count


def _reaching(scores: Sequence[Floats], folds: Folds, usual: float, limit: float) -> Iterator[Indices]:
    """Yield, fold by fold, the runs of unusual windows that reach beyond a limit: in which rows they end, and after."""
    for part, (first, _) in zip(scores, folds, strict=True):
        edges = np.stack(runs(part > usual))
        beyond = np.append(0, np.cumsum(part > limit))[edges]
        yield first + edges[:, beyond[1] > beyond[0]]


def _moves(ends: Indices, sweep: Sweep, unit: Standardisation) -> Floats:
    """Return in which direction the windows that end in some rows move the features, as vectors of length 1."""
    features = []
    for end in ends + 1:
        rows = sweep.table.rows(end - sweep.window, end)[:, sweep.columns].astype(np.float64)
        features.append(np.append(rows.mean(axis=0), rows.std(axis=0, ddof=1)))
    moves = (np.array(features) - unit.centre) / unit.scale
    # the noise of many features that rest would hide that two bursts move the same one
    moves[np.abs(moves) < STILL] = 0.0
    directions: Floats = moves / np.maximum(np.linalg.norm(moves, axis=1, keepdims=True), STILL)
    return directions


def _recur(directions: Floats) -> bool:
    """Return whether most bursts move the features as several others do."""
    n_alike = (directions @ directions.T >= ALIKE).sum(axis=1) - 1
    return bool((n_alike >= min(RECURRENCES, len(directions) - 1)).mean() >= MOST)


def bursts_note(table: Table, rows: Indices, n_windows: float) -> str:
    """Return what is to be said of bursts that are left out."""
    heads = np.flatnonzero(np.diff(rows, prepend=-2) > 1)
    lasts = rows[np.append(heads[1:], rows.size) - 1]
    places = ", ".join(
        f"{table.told(first).split()[1]} … {table.told(last).removeprefix('row ')}"
        for first, last in zip(rows[heads][:SHOWN], lasts[:SHOWN], strict=True)
    )
    more = ", …" if heads.size > SHOWN else ""
    stand = "stands" if heads.size == 1 else "stand"
    return (
        f"{counted(heads.size, 'burst')} of the baseline {stand} far apart from all its other rows, in no common way "
        f"(rows {places}{more}): the {n_windows:,.0f} windows that hold them are left out, so that alarms come for "
        f"their like; look at the rows, and drop them if they are faults"
    )
