"""Of several stretches each keeps the rate of flagged rows that was asked for."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest

import fastdrift as fd
from fastdrift.fitting.folds import row_threshold, upper_quantile

RATE, WINDOW = 0.05, 10


def shares_flagged(noise, seed, window):
    """Return how many later rows of an old and of an accepted level are flagged."""
    old = fd.generate(20_000, seed=seed, drifts=()).frame.to_numpy()
    shift = np.random.default_rng(seed).normal(size=8) * 3 * old.std(axis=0)
    new = (old[10_000:] - old.mean(axis=0)) * noise + old.mean(axis=0) + shift
    model = fd.fit([old[:6_000], new[:1_000]], window=window, false_alarm_rate=RATE)
    later = (fd.score(model, rows)[99:] > model.threshold for rows in (old[7_000:10_000], new[2_000:]))
    return [float(flagged.mean()) for flagged in later]


@pytest.mark.filterwarnings("ignore::fastdrift.DriftWarning")
@pytest.mark.parametrize("window", [50, (20, 50)])
@pytest.mark.parametrize("noise", [1.0, 1.5])
def test_a_short_stretch_does_not_pay_for_a_long_one(noise, window):
    shares = np.mean([shares_flagged(noise, seed, window) for seed in range(4)], axis=0)
    assert (shares <= 1.2 * RATE).all()  # pooled, .11 and .25 of the accepted level


def test_the_threshold_is_the_highest_of_those_of_two_stretches():
    rng = np.random.default_rng(1)
    scores, stretches, folds = rng.gamma(4.0, size=991), [(0, 700), (701, 1_000)], [(9, 700), (710, 1_000)]
    scores[691:701] = np.nan  # their windows reach over the gap
    parts = scores[:691], scores[701:]
    expected = max(upper_quantile(part, RATE) for part in parts)
    assert row_threshold(scores, folds, stretches, RATE, WINDOW) == expected
    assert all((part > expected).mean() <= RATE for part in parts)
    assert row_threshold(scores[:691], folds[:1], stretches[:1], RATE, WINDOW) == upper_quantile(scores[:691], RATE)


def test_of_more_stretches_each_may_exceed_the_threshold_by_what_the_highest_of_equal_ones_would_by_chance():
    rng, n_rows, ends = np.random.default_rng(1), 1_000, range(1_000, 6_001, 1_000)
    stretches = [(end - n_rows, end) for end in ends]
    scores = rng.gamma(4.0, size=6_000)
    scores[4_000:5_000] *= 1.5
    # half of all maxima of 5 lie within, and a stretch is worth 100 windows
    allowed = RATE + NormalDist().inv_cdf(0.5**0.2) * np.sqrt(RATE * (1 - RATE) / (n_rows / WINDOW))
    found = row_threshold(scores, stretches, stretches, RATE, WINDOW)
    assert found == upper_quantile(scores[4_000:5_000], allowed) > 1.1 * upper_quantile(scores, RATE)


def test_the_threshold_is_never_below_that_of_all_rows():
    stretches = [(start, start + 100) for start in range(0, 2_000, 100)]
    scores = np.random.default_rng(2).permutation(2_000).astype(float)
    assert row_threshold(scores, stretches, stretches, RATE, 50) == upper_quantile(scores, RATE)


def test_a_stretch_without_a_score_says_nothing():
    scores = np.append(np.arange(100.0), np.full(31, np.nan))
    found = row_threshold(scores, [(9, 109), (130, 140)], [(0, 109), (110, 140)], RATE, WINDOW)
    assert found == upper_quantile(scores, RATE)


def share_of_equal(n_stretches, n_rows, seed):
    """Return realised over nominal of fresh rows of the noise that all stretches hold."""
    rows = np.random.default_rng(seed).normal(size=(n_stretches * n_rows + 30_000, 8))
    model = fd.fit([rows[n * n_rows : (n + 1) * n_rows] for n in range(n_stretches)], window=20)
    return np.mean(fd.score(model, rows[n_stretches * n_rows :])[WINDOW:] > model.threshold) / RATE


@pytest.mark.filterwarnings("ignore::fastdrift.DriftWarning")
@pytest.mark.parametrize(("n_stretches", "n_rows"), [(2, 4_000), (5, 1_600), (20, 400)])
def test_equal_stretches_are_flagged_as_often_as_was_asked_for(n_stretches, n_rows):
    shares = [share_of_equal(n_stretches, n_rows, seed) for seed in range(6)]
    assert 0.7 <= np.mean(shares) <= 1.3
