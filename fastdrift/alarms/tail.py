"""The promise about events: levels from the tail of the baseline's clusters of flagged rows."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np

from fastdrift.alarms.clusters import QUIET_WINDOWS, find_clusters
from fastdrift.arrays import Floats
from fastdrift.detectors.promise import DAY, LEAST_CLUSTERS, Promise, notice_rate
from fastdrift.errors import DataError

# one alarm in so many rows is promised unless another rate is asked for: about one a week at a row a minute
USUAL_RATE = 1e-4
# alarms are to come at half the promised rate, which keeps the worst of many seeds within twice the promise; notices,
# which promise nothing, at three quarters of theirs: at half, incidents of public sets are lost without need
ALARM_SAFETY, NOTICE_SAFETY = 2.0, 4 / 3
# the share of cluster peaks that the tail is fitted to, and the quantile of their excesses that gives its slope: the
# mean would follow outliers in the baseline (3 % of them moved an alarm level from 7.4 to 15)
TAIL_SHARE, SLOPE_QUANTILE = 3, 0.7
# peaks that a heavier top of the tail holds, by how many deviations its slope is greater, and how many times at most.
# The median of the excesses tells it, as outliers make the top heavier, too: 3 % of them among 300 peaks move an alarm
# level from 10.1 to 11.4, and moved it to 15 where the 70 % quantile told it
LEAST_HIGH, CLEARLY, MOST_HEAVY, HIGH_QUANTILE = 12, 2.0, 2.0, 0.5

SECONDS = {
    "second": 1.0,
    "minute": 60.0,
    "hour": 3600.0,
    "day": DAY,
    "week": 7 * DAY,
    "month": 30 * DAY,
    "year": 365 * DAY,
}


def read_rate(rate: Any, step: float | None) -> float:
    """Return false alarm events a row from a number, or from text such as "1/day" where rows have times."""
    if isinstance(rate, str):
        match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(?:/|per|an?)\s*(\w+?)s?\s*", rate)
        if not match or match[2] not in SECONDS or float(match[1]) <= 0:
            raise DataError(
                f"false_event_rate is {rate!r}: give events a row such as 1 / 10_000, or text such as '1/day'"
            )
        if step is None:
            raise DataError(
                f"false_event_rate is {rate!r}, but the rows have no times: give events a row, as 1 / 10_000"
            )
        by_row: float = float(match[1]) * step / SECONDS[match[2]]
        if by_row >= 1:
            raise DataError(f"false_event_rate is {match[0]!r}, which is {by_row:.3g} a row: give less than 1 a row")
        return by_row
    is_number = isinstance(rate, (int, float, np.number)) and not isinstance(rate, bool)
    if not is_number or not 0 < float(rate) < 1:
        raise DataError(f"false_event_rate is {rate!r}: give false alarm events a row, above 0 and below 1")
    return float(rate)


class Seen(NamedTuple):
    """What a stretch of the baseline shows: its clusters' peaks, highest first, and how many rows have a score."""

    peaks: Floats
    n_scored: int


def clusters_seen(scores: Sequence[Floats], threshold: float, window: int) -> Seen:
    """Return what the held-out scores of a stretch's folds show."""
    n_scored = sum(int(np.isfinite(part).sum()) for part in scores)
    return Seen(fold_peaks(scores, threshold, window), n_scored)


def highest_by_chance(n_stretches: int) -> float:
    """Return how many standard deviations the highest of equal stretches lies above what they share, as a median.

    One of them may be a level of its own, such as rows that were accepted, and only the others are chance: 0 of two.
    """
    return NormalDist().inv_cdf(0.5 ** (1 / max(1, n_stretches - 1)))


def fold_peaks(scores: Iterable[Floats], threshold: float, window: int) -> Floats:
    """Return the peaks of the clusters of flagged rows, highest first; none goes on across folds or broken windows."""
    peaks = [find_clusters(part, threshold, QUIET_WINDOWS * window, blind=0).peaks(part) for part in scores]
    return _highest_first(peaks)


def _highest_first(peaks: Sequence[Floats]) -> Floats:
    return np.sort(np.concatenate(peaks))[::-1]


def learn_promise(
    seen: Sequence[Seen], threshold: float, asked: float | None, step: float | None
) -> tuple[Promise, list[str]]:
    """Return a promise from the baseline's cluster peaks, and what is to be said of it.

    The level at which N events of the baseline come is u + slope · ln(m / N), m the peaks above u (an exponential tail:
    Pickands 1975 with shape 0). Where the tail cannot be known the promise is widened to what can.
    """
    peaks = _highest_first([one.peaks for one in seen])
    n_scored = sum(one.n_scored for one in seen)
    if asked is not None and peaks.size >= LEAST_CLUSTERS and asked / ALARM_SAFETY > peaks.size / n_scored:
        raise DataError(
            f"false_event_rate is {asked:.3g} a row, looser than the {peaks.size} clusters of flagged rows that the "
            f"baseline has in {n_scored} rows: at most {ALARM_SAFETY * peaks.size / n_scored:.3g}"
        )
    wanted = USUAL_RATE if asked is None else asked
    strictest = 1 / n_scored if peaks.size >= LEAST_CLUSTERS else ALARM_SAFETY / n_scored
    rate = max(wanted, strictest)
    start, slope, count = _fit_tail(peaks, seen)
    alarm, notice = (
        max(threshold, _level(seen, start, slope, count, share))
        for share in (rate / ALARM_SAFETY, notice_rate(wanted, rate) / NOTICE_SAFETY)
    )
    promise = Promise(
        wanted, rate, max(alarm, notice), notice, start, slope, count / n_scored, int(peaks.size), n_scored, step
    )
    # unasked, the strictest promise there can be is what is wanted
    is_short = asked is not None and rate > asked
    return promise, [f"false_event_rate: {promise.shortfall()}"] if is_short else []


def _fit_tail(peaks: Floats, seen: Sequence[Seen]) -> tuple[float, float, float]:
    """Return where the tail starts, the mean excess over that, and how many peaks are in it.

    Of several stretches, as many as if all were like the one in which they come most often, beyond chance.
    """
    if peaks.size < LEAST_CLUSTERS:
        return float(peaks[-1]) if peaks.size else 0.0, 0.0, peaks.size
    count, slope = _top(peaks)
    start = float(peaks[count])
    return start, slope, max([count, *_counts_as_in_each(seen, start)])


def _top(peaks: Floats) -> tuple[int, float]:
    """Return how many peaks to fit the tail to, and its slope: the top third's, or the top ninth's if clearly heavier.

    An exponential tail has the same slope wherever it starts. That of Student's t with 3 degrees of freedom is the
    heavier the higher: of 100,000 rows, with windows of 10, its alarms came 1.6 times as often as promised, now 1.1;
    20,000 rows have too few peaks to tell for sure, 1.7 times before and 1.3 to 1.7 now.
    """
    count, few = peaks.size // TAIL_SHARE, peaks.size // TAIL_SHARE**2
    slope = _slope(peaks, count, SLOPE_QUANTILE)
    if few < LEAST_HIGH:
        return count, slope
    high, deviation = _slope(peaks, few, HIGH_QUANTILE), 1 / math.sqrt(few) / math.log(2)
    return (few, min(high, MOST_HEAVY * slope)) if high > (1 + CLEARLY * deviation) * slope else (count, slope)


def _slope(peaks: Floats, count: int, quantile: float) -> float:
    """Return the mean excess of so many peaks over the next, told by a quantile."""
    return float(np.quantile(peaks[:count] - peaks[count], quantile)) / math.log(1 / (1 - quantile))


def _counts_as_in_each(seen: Sequence[Seen], start: float) -> Iterator[float]:
    """Yield how many peaks would lie above the start of the tail if all of several stretches were like one of them."""
    chance, n_scored = highest_by_chance(len(seen)), sum(one.n_scored for one in seen)
    for one in seen if len(seen) > 1 else ():
        own = np.count_nonzero(one.peaks > start)
        yield float(own - chance * math.sqrt(own)) * n_scored / one.n_scored


def _level(seen: Sequence[Seen], start: float, slope: float, count: float, share: float) -> float:
    """Return the level that so many events a row pass, in each stretch; one of its peaks if there is no tail to fit."""
    n_events = share * sum(one.n_scored for one in seen)
    if slope > 0 and n_events < count:
        return start + slope * math.log(count / n_events)
    # chance is not taken off: of 5 equal stretches of 1,000 rows alarms came 1.5 times as often as promised, not 0.5
    return max(_peak(one.peaks, share * one.n_scored) for one in seen)


def _peak(peaks: Floats, n_events: float) -> float:
    """Return the peak that so many events pass: to the nearest, and down from the middle, which no digit must miss."""
    if not peaks.size:
        return 0.0
    # always down, the notices of short baselines came at half of their rate
    return float(peaks[min(math.ceil(n_events - 0.5 - 1e-9), peaks.size - 1)])
