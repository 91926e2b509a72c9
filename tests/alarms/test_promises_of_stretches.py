"""The promise of events holds in each of several stretches that is long enough to tell, and equal ones cost nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest

import fastdrift as fd
from fastdrift.alarms.tail import Seen, clusters_seen, highest_by_chance, learn_promise


def peaks_of(count, seed, scale=1.0):
    return np.sort(5 + scale * np.random.default_rng(seed).exponential(size=count))[::-1]


def test_what_one_stretch_shows_is_its_peaks_and_its_rows_with_a_score():
    seen = clusters_seen([np.array([0.0, np.nan, 9.0]), np.array([7.0, 0.0, 0.0])], 5.0, 1)
    assert (seen.peaks.tolist(), seen.n_scored) == ([9.0, 7.0], 5)


def test_the_highest_of_one_or_two_stretches_is_no_chance_and_of_more_it_is_the_median_of_maxima():
    assert highest_by_chance(1) == highest_by_chance(2) == 0
    highest = np.random.default_rng(1).normal(size=(20_000, 19)).max(axis=1)
    assert highest_by_chance(20) == pytest.approx(np.median(highest), abs=0.02)


def test_a_stretch_in_which_peaks_come_more_often_sets_the_levels():
    busy, calm = Seen(peaks_of(60, 1), 3_000), Seen(peaks_of(60, 2), 30_000)
    both, _ = learn_promise([calm, busy], 5.0, None, None)
    own = np.count_nonzero(busy.peaks > both.tail_start)
    assert both.tail_rate == pytest.approx(own / busy.n_scored)
    assert own / busy.n_scored * math.exp(-(both.alarm_level - both.tail_start) / both.tail_slope) == pytest.approx(
        both.rate / 2
    )
    pooled, _ = learn_promise([Seen(np.sort(np.append(busy.peaks, calm.peaks))[::-1], 33_000)], 5.0, None, None)
    assert both.alarm_level > pooled.alarm_level + pooled.tail_slope
    assert (both.tail_start, both.tail_slope) == (pooled.tail_start, pooled.tail_slope)


def test_many_equal_stretches_have_the_levels_of_one():
    levels = []
    for seed in range(20):
        parts = np.split(np.random.default_rng(seed).permutation(peaks_of(600, seed)), 20)
        whole, _ = learn_promise([Seen(peaks_of(600, seed), 60_000)], 5.0, None, None)
        cut, _ = learn_promise([Seen(np.sort(part)[::-1], 3_000) for part in parts], 5.0, None, None)
        levels.append((cut.alarm_level - whole.alarm_level) / whole.tail_slope)
    assert min(levels) >= 0
    assert np.mean(levels) < 0.3  # alarms come at least 0.75 times as often


def test_where_clusters_are_few_the_level_is_the_highest_of_those_that_the_stretches_tell():
    few = [Seen(np.array([6.0, 5.5]), 20_000), Seen(np.array([9.0, 8.0, 7.0]), 3_000)]
    assert learn_promise(few, 5.0, None, None)[0].alarm_level == 9.0
    assert learn_promise([Seen(np.array([9.0, 8.0, 7.0, 6.0, 5.5]), 23_000)], 5.0, None, None)[0].alarm_level == 8.0


def alarms_over_promised(n_accepted, noise, seeds):
    """Return alarms among later rows of a level that was accepted, over those promised."""
    came = promised = 0.0
    for seed in seeds:
        rng = np.random.default_rng(seed)
        old, new = rng.normal(size=(20_000, 8)), rng.normal(size=(n_accepted + 30_000, 8)) * noise + 3
        model = fd.fit([old, new[:n_accepted]])
        found = fd.detect(model, new[n_accepted:])
        came, promised = came + len(found.alarms), promised + found.expected_false_alarms
    return came / promised


@pytest.mark.filterwarnings("ignore::fastdrift.DriftWarning")
def test_alarms_of_an_accepted_level_come_no_more_often_than_promised():
    assert alarms_over_promised(5_000, 1.5, range(6)) <= 1
