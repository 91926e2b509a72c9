"""A baseline that is too short says which way the share of flagged rows errs, as calibration bears out."""

from __future__ import annotations

import re

import pytest

import fastdrift as fd
from benchmarks import calibration
from benchmarks.calibration import Case, generated, healthy_rows, verdict_of
from fastdrift.fitting.advice import way_of_error

pytestmark = pytest.mark.filterwarnings("ignore::fastdrift.DriftWarning")

EITHER_WAY = "the share of flagged rows may err either way, from hardly any to about {} times what was asked for"


@pytest.mark.parametrize(
    ("n_independent", "rate", "most"),
    [(19.0, 0.05, 2), (80.0, 0.001, 25), (80.0, 0.01, 2), (1.0, 0.05, 20), (1_999.0, 0.0005, 2)],
)
def test_what_rests_on_less_than_one_window_may_err_either_way_and_how_far_is_told(n_independent, rate, most):
    assert way_of_error(n_independent, rate) == EITHER_WAY.format(most)


@pytest.mark.parametrize(("n_independent", "rate"), [(20.0, 0.05), (1_000.0, 0.001), (10.0, 0.2)])
def test_what_rests_on_a_window_and_more_errs_to_fewer(n_independent, rate):
    assert way_of_error(n_independent, rate) == "fewer rows are flagged than asked for"


@pytest.mark.parametrize(
    ("case", "ways"),
    [
        (Case(columns=64), ("fewer", "fewer", "either way")),
        (Case(baseline=2_000), ("fewer", "either way", "either way")),
        (Case(baseline=1_000, tails="t of 3"), ("either way",) * 3),
        (Case(baseline=1_000, phi=0.9), ("either way",) * 3),
        (Case(baseline=1_000, season=1.0), ("either way",) * 3),
        (Case(baseline=5_000, tails="t of 3"), ("fewer", "either way", "either way")),
    ],
    ids=str,
)
def test_the_way_that_is_told_is_the_way_it_errs(case, ways, monkeypatch):
    monkeypatch.setattr(calibration, "FRESH", 50_000)
    trials = generated(case, 3)
    assert tuple(calibration.said_by(trials, rate) for rate in calibration.RATES) == ways
    wrong = [str(found) for found in verdict_of(str(case), trials).off if found.is_clear and not found.is_told]
    assert wrong == []


@pytest.mark.parametrize("rate", [0.01, 0.001])
@pytest.mark.parametrize("tails", ["normal", "t of 3"])
def test_errors_are_about_as_large_as_is_told_at_most(tails, rate):
    case, shares = Case(baseline=1_000, tails=tails), []
    for seed in range(8):
        rows = healthy_rows(case, 51_000, seed)
        model = fd.fit(rows[:1_000], false_alarm_rate=rate)
        told = max(float(number) for note in model.warnings for number in re.findall(r"about ([\d.]+) times", note))
        shares.append((fd.score(model, rows[1_000:])[50:] > model.threshold).mean() / rate / told)
    assert sum(shares) / len(shares) < 1
    assert max(shares) > 0.02
