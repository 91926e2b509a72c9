"""What stands out in the columns of a baseline, one thing at a time, and nothing where there is nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import fastdrift as fd

N_ROWS = 12_000


@pytest.fixture
def noise():
    """Return rows without anything to tell of, a minute apart."""
    index = pd.date_range("2024-01-01", periods=N_ROWS, freq="min")
    return pd.DataFrame(np.random.default_rng(3).normal(size=(N_ROWS, 4)), index, columns=list("abcd"))


def findings(frame, kind):
    return [finding for finding in fd.suggest(frame).findings if finding.kind == kind]


def test_of_plain_noise_there_is_nothing_to_tell(noise):
    assert fd.suggest(noise).findings == ()
    for seed in range(5):
        rows = np.random.default_rng(seed).standard_t(3, size=(N_ROWS, 6))
        assert [one for one in fd.suggest(rows).findings if one.kind != "note"] == []


@pytest.mark.parametrize("memory", [0.9, 0.99])
def test_slow_noise_has_no_jumps_and_hardly_a_season(memory):
    n_seasons = 0
    for seed in range(5):
        rows = np.random.default_rng(seed).normal(size=(N_ROWS, 8))
        for row in range(1, N_ROWS):
            rows[row] += memory * rows[row - 1]
        kinds = [one.kind for one in fd.suggest(rows).findings]
        assert "jump" not in kinds
        assert "trend" not in kinds
        n_seasons += kinds.count("season")
    assert n_seasons <= 1


def test_a_jump_is_told_with_its_row_and_levels(noise):
    noise.iloc[7_321:, 1] += 3
    (jump,) = findings(noise, "jump")
    assert jump.columns == ("b",)
    assert abs(jump.rows[0] - 7_321) <= 3
    assert "begin the baseline there" in jump.text


def test_a_level_that_comes_back_is_told_with_both_rows(noise):
    noise.iloc[4_000:5_200, [0, 3]] -= 4
    (jump,) = findings(noise, "jump")
    assert sorted(jump.columns) == ["a", "d"]
    assert np.abs(np.array(jump.rows) - [4_000, 5_200]).max() <= 3
    assert "and back in row" in jump.text


def test_two_jumps_are_two_findings(noise):
    noise.iloc[3_000:, 0] += 5
    noise.iloc[9_000:, 2] += 5
    assert [(one.columns, round(one.rows[0], -2)) for one in findings(noise, "jump")] == [
        (("a",), 3_000), (("c",), 9_000),
    ]  # fmt: skip


def test_a_short_burst_is_no_level(noise):
    noise.iloc[5_000:5_100, 0] += 6
    assert findings(noise, "jump") == []


def test_a_slow_ramp_is_a_trend_and_no_jump(noise):
    noise["c"] += np.linspace(0, 3, N_ROWS)
    (trend,) = findings(noise, "trend")
    assert trend.columns == ("c",)
    assert "by +" in trend.text
    assert findings(noise, "jump") == []


@pytest.mark.parametrize("period", [300, 1_440])
def test_a_season_is_told_with_its_length(noise, period):
    wave = np.sin(2 * np.pi * np.arange(N_ROWS) / period)
    noise["a"] += wave
    noise["d"] += np.where(wave > 0.9, 2.0, 0.0)  # a job that runs once a round
    (season,) = findings(noise, "season")
    assert set(season.columns) == {"a", "d"}
    told = float(season.text.split("about ")[1].split(" rows")[0].replace(",", ""))
    assert told == pytest.approx(period, rel=0.03)
    assert f"holds {N_ROWS / period:.0f}" in season.text
    assert ("1 day" in season.text) == (period == 1_440)


def test_a_day_in_the_week_is_a_day():
    # weekends differ, so that a week later rows are more alike than a day later
    rows = np.random.default_rng(1).normal(size=(60_000, 2)) / 2
    time = np.arange(60_000)
    weekend = (time // 1_440) % 7 >= 5
    rows += (np.sin(2 * np.pi * time / 1_440) * np.where(weekend, 0.6, 1.0))[:, None]
    (season,) = findings(rows, "season")
    assert "about 1,4" in season.text


def test_a_baseline_of_less_than_a_day_lacks_hours(noise):
    (season,) = findings(noise[:1_000], "season")
    assert "covers 17 hours" in season.text


def test_constant_duplicate_and_coarse_columns_are_told(noise):
    frame = noise.assign(still=1.0, twin=-2 * noise["b"] + 5, coarse=noise["a"].round(), fine=noise["a"].round(3))
    assert findings(frame, "constant")[0].columns == ("still",)
    (duplicate,) = findings(frame.drop(columns=["coarse", "fine"]), "duplicate")
    assert duplicate.columns == ("twin",)
    assert "'twin' as 'b'" in duplicate.text
    assert findings(frame, "few values")[0].columns == ("coarse",)


def test_a_counter_is_told_once(noise):
    frame = noise.assign(total=np.arange(N_ROWS) * 3.0 + noise["a"].abs().to_numpy())
    found = fd.suggest(frame)
    growing = [finding for finding in found.findings if "only ever growing" in finding.text]
    assert [finding.kind for finding in growing] == ["growing"]
    assert growing[0].columns == ("total",)
    assert not [finding for finding in found.findings if finding.kind == "trend"]
    assert "some columns only ever grow" in found.answer()


def test_missing_values_are_told_with_their_share(noise):
    noise.iloc[2_000:2_060, 1] = np.nan
    (missing,) = findings(noise, "missing")
    assert missing.columns == ("b",)
    assert "'b' 0.50 %" in missing.text


def test_rows_between_stretches_are_not_missing(noise):
    found = fd.suggest([noise[:6_000], noise[6_000:]])
    assert found.findings == ()


def test_holes_in_the_times_are_told(noise):
    (hole,) = findings(noise.drop(noise.index[3_000:3_200]), "times")
    assert hole.rows == (3_000,)
    assert "1 hole" in hole.text


def test_levels_of_two_stretches_are_no_jump(noise):
    assert findings([noise[:6_000], noise[6_000:] + 9], "jump") == []
