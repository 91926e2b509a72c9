"""The level of alarms where the tail of the baseline's peaks is heavier than an exponential one."""

from __future__ import annotations

import numpy as np
import pytest

from fastdrift.alarms.tail import Seen, learn_promise

N_PEAKS, N_ROWS = 300, 30_000


def level(peaks):
    """Return the alarm level that peaks above 5 give, and where its tail starts."""
    promise, _ = learn_promise([Seen(np.sort(peaks)[::-1], N_ROWS)], 5.0, None, None)
    return promise.alarm_level, promise.tail_rate


def peaks_of(seed, shape):
    """Return peaks whose excess over 5 has a generalised Pareto tail of a shape."""
    uniform = np.random.default_rng(seed).uniform(size=N_PEAKS)
    return 5 + (-np.log(uniform) if shape == 0 else (uniform**-shape - 1) / shape)


def alarms_over_promised(shape, n_seeds=200):
    """Return how often the levels of many baselines are passed by peaks of such a tail, over what is promised."""
    excess = np.array([level(peaks_of(seed, shape))[0] for seed in range(n_seeds)]) - 5
    passed = np.exp(-excess) if shape == 0 else (1 + shape * excess) ** (-1 / shape)
    return np.mean(passed) * N_PEAKS / N_ROWS / 1e-4


def test_alarms_of_a_power_tail_come_at_most_half_as_often_again_as_promised():
    assert 0.8 < alarms_over_promised(0.3) <= 1.45  # 1.65 by the top third alone


def test_alarms_of_an_exponential_tail_come_as_often_as_before():
    assert 0.5 < alarms_over_promised(0.0) < 0.65  # half of the promise is aimed at


def test_an_exponential_tail_is_seldom_taken_for_a_heavier_one():
    rates = [level(peaks_of(seed, 0.0))[1] for seed in range(400)]
    assert np.mean(np.array(rates) < 0.9 * N_PEAKS / 3 / N_ROWS) < 0.1


@pytest.mark.parametrize("n_outliers", [3, 6, 9])
def test_outliers_are_not_taken_for_a_heavier_tail(n_outliers):
    clean = peaks_of(2, 0.0)
    spoiled = np.append(clean, np.linspace(40, 80, n_outliers))
    assert level(spoiled)[0] < 1.25 * level(clean)[0]


def test_few_peaks_tell_no_heavier_tail():
    peaks = np.sort(peaks_of(1, 0.9)[:100])[::-1]
    promise, _ = learn_promise([Seen(peaks, N_ROWS)], 5.0, None, None)
    assert promise.tail_start == peaks[33]
