"""The calibration benchmark: its telemetry, its verdicts on made-up trials, the warnings that it reads, its command."""

from __future__ import annotations

import numpy as np
import pytest

import fastdrift as fd
from benchmarks import calibration
from benchmarks.calibration import CENTRE, RATES, Case, Trial, cases, healthy_rows, said, time_of, verdict_of


def trial(separate=4_000.0, said=(), **changed):
    """Return a trial of 16 features that keeps all that is asked for, but for what is changed."""
    shares = {rate: changed.get(f"at_{rate}", 1.0) for rate in RATES}
    events = {"notices": (changed.get("notices", 75), 100.0), "alarms": (changed.get("alarms", 5), 10.0)}
    return Trial(separate, 16, shares, {rate: set(said) for rate in RATES}, events)


def off(*trials):
    return [str(found) for found in verdict_of("made up", trials).off]


def test_noise_has_unit_spread_and_the_memory_that_is_asked_for():
    rows = healthy_rows(Case(phi=0.9, columns=3), 50_000, 0)
    assert rows.std(axis=0) == pytest.approx(np.ones(3), rel=0.1)
    assert [np.corrcoef(column[1:], column[:-1])[0, 1] for column in rows.T] == pytest.approx([0.9] * 3, abs=0.01)
    assert np.abs(np.corrcoef(rows.T)[np.triu_indices(3, 1)]).max() > 0.1
    heavy = healthy_rows(Case(phi=0.0, tails="t of 3"), 50_000, 0)
    assert np.abs(heavy).max() > 10 > np.abs(healthy_rows(Case(phi=0.0), 50_000, 0)).max()


def test_a_season_repeats_each_day_and_is_the_same_for_a_seed():
    case = Case(season=5.0, columns=2)
    rows = healthy_rows(case, 4 * calibration.DAY, 3)
    assert np.corrcoef(rows[calibration.DAY :, 0], rows[: -calibration.DAY, 0])[0, 1] > 0.8
    assert rows.tobytes() == healthy_rows(case, 4 * calibration.DAY, 3).tobytes()


def test_the_time_of_noise_is_one_and_of_slow_noise_what_theory_says():
    rng = np.random.default_rng(0)
    assert time_of(rng.normal(size=100_000)) == pytest.approx(1.0, abs=0.1)
    slow = healthy_rows(Case(phi=0.9, columns=1), 200_000, 1)[:, 0]
    assert time_of(slow) == pytest.approx((1 + 0.9) / (1 - 0.9), rel=0.15)


def test_the_table_varies_one_thing_at_a_time_before_its_corners():
    singles = [case for case in cases() if len(case.changed()) <= 1]
    assert singles[0] == CENTRE
    assert {name for case in singles for name, _ in case.changed()} == set(Case._fields)
    assert len(set(cases())) == len(cases())
    assert str(Case(baseline=100_000, phi=0.99)) == "phi 0.99, baseline 100,000"


def test_what_keeps_its_rates_is_not_off_and_few_events_break_no_promise():
    assert off(trial(), trial(alarms=0, notices=0)) == []


def test_what_leaves_its_bounds_is_told_with_its_way_and_what_was_said():
    many, few = {"at_0.05": 2.0}, {"at_0.01": 0.5}
    assert off(trial(**many), trial(**many)) == ["5 % more (–)"]
    assert off(trial(said=["fewer"], **few), trial(said=["fewer"], **few)) == ["1 % fewer (fewer)"]
    assert off(trial(**{"at_0.001": 0.1}), trial(**{"at_0.001": 9.0})) == ["0.1 % more? (–)"]
    assert off(trial(alarms=40), trial(alarms=40)) == ["alarms more (–)"]


def test_there_are_to_be_eight_separate_windows_a_feature_and_one_over_the_rate():
    changed = dict.fromkeys(("at_0.05", "at_0.001"), 3.0)
    for separate, expected in ((4_000, [True, True]), (500, [True, False]), (100, [False, False])):
        found = verdict_of("made up", [trial(separate, **changed)] * 2).off
        assert [one.is_enough for one in found] == expected


def test_the_words_of_warnings_are_those_that_fit_uses():
    rows = healthy_rows(CENTRE, 1_000, 0)
    with pytest.warns(fd.DriftWarning, match="thin"):
        assert "fewer" in said(fd.fit(rows))
    rows = healthy_rows(Case(columns=1, phi=0.0), 5_000, 0)
    with pytest.warns(fd.DriftWarning, match="too few"):
        assert "unsure" in said(fd.fit(rows, false_alarm_rate=0.001))
    assert said(fd.fit(healthy_rows(Case(columns=1, phi=0.0), 20_000, 0))) == set()


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(calibration, "FRESH", 5_000)
    monkeypatch.delenv("FASTDRIFT_DATA", raising=False)


@pytest.mark.filterwarnings("ignore::fastdrift.errors.DriftWarning")
def test_the_command_prints_a_line_a_case(small, capsys):
    calibration.main(["--quick", "--seeds", "2"])
    printed = capsys.readouterr().out
    lines = [line for line in printed.splitlines() if line.startswith("|")]
    assert len(lines) == 2 + len(calibration.QUICK)
    assert all(line.count("|") == lines[0].count("|") for line in lines)
    assert "off though worth 8 separate windows" in printed


@pytest.mark.filterwarnings("ignore::fastdrift.errors.DriftWarning")
def test_the_command_fails_where_a_baseline_that_is_worth_it_is_off_without_a_word(small, monkeypatch):
    score = fd.score
    monkeypatch.setattr(calibration.fd, "score", lambda model, rows: score(model, rows) * 1.3)
    with pytest.raises(SystemExit, match="centre: 5 % more"):
        calibration.main(["--quick", "--seeds", "2"])


def test_one_seed_tells_no_error(capsys):
    with pytest.raises(SystemExit) as left:
        calibration.main(["--seeds", "1"])
    assert left.value.code == 2
    assert "give at least 2" in capsys.readouterr().err


@pytest.mark.filterwarnings("ignore::fastdrift.errors.DriftWarning")
def test_a_baseline_worth_eight_windows_a_feature_keeps_its_row_rate(monkeypatch):
    monkeypatch.setattr(calibration, "FRESH", 50_000)
    for case in (CENTRE, Case(phi=0.99, baseline=50_000), Case(window=10), Case(season=1.0)):
        verdict = verdict_of(str(case), calibration.generated(case, 3))
        assert [str(found) for found in verdict.off if found.is_enough and found.is_clear] == []
