"""Of several stretches each keeps the rate of flagged rows that was asked for."""

from __future__ import annotations

import numpy as np
import pytest

import fastdrift as fd
from fastdrift.fitting.folds import row_threshold, upper_quantile

RATE = 0.05


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


def test_the_threshold_is_the_highest_of_those_of_the_stretches():
    rng = np.random.default_rng(1)
    scores, stretches, folds = rng.gamma(4.0, size=991), [(0, 700), (701, 1_000)], [(9, 700), (710, 1_000)]
    scores[691:701] = np.nan  # their windows reach over the gap
    parts = scores[:691], scores[701:]
    expected = max(upper_quantile(part, RATE) for part in parts)
    assert row_threshold(scores, folds, stretches, RATE) == expected
    assert all((part > expected).mean() <= RATE for part in parts)
    assert row_threshold(scores[:691], folds[:1], stretches[:1], RATE) == upper_quantile(scores[:691], RATE)


def test_a_stretch_without_a_score_says_nothing():
    scores = np.append(np.arange(100.0), np.full(31, np.nan))
    assert row_threshold(scores, [(9, 109), (130, 140)], [(0, 109), (110, 140)], RATE) == upper_quantile(scores, RATE)
