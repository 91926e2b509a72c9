"""Bursts of a baseline do not decide what is an alarm; jobs that recur, and heavy tails, are no bursts."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import fastdrift as fd
from fastdrift.fitting.bursts import BREAK, count_apart

ROWS, COLUMNS, WINDOW = 20_000, 8, 50
needs_data = pytest.mark.skipif("FASTDRIFT_DATA" not in os.environ, reason="FASTDRIFT_DATA names no folder")


def telemetry(seed, n_rows=ROWS):
    return fd.generate(n_rows, columns=COLUMNS, seed=seed, drifts=()).frame.to_numpy().copy()


def burst_starts(rng, share):
    return np.sort(rng.choice(ROWS // WINDOW - 1, int(share * ROWS / WINDOW), replace=False)) * WINDOW


def spoiled(rows, seed, size, share=0.03, length=WINDOW):
    """Return rows with bursts so many spreads off, in every column up or down as it falls, and where they begin."""
    rng, rows, spread = np.random.default_rng(seed), rows.copy(), rows.std(axis=0)
    starts = burst_starts(rng, share)
    for start in starts:
        rows[start : start + length] += size * spread * rng.choice([-1, 1], COLUMNS)
    return rows, starts


def quiet_fit(rows, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fd.DriftWarning)
        return fd.fit(rows, window=WINDOW, **options)


def notes_on_bursts(model):
    return [note for note in model.warnings if "bursts" in note]


@pytest.mark.parametrize("share", [0.01, 0.03, 0.05])
@pytest.mark.parametrize("size", [5, 10, 30])
@pytest.mark.parametrize("seed", range(2))
def test_levels_are_those_of_the_baseline_without_its_bursts(seed, size, share):
    clean = quiet_fit(telemetry(seed))
    model = quiet_fit(spoiled(telemetry(seed), seed, size, share)[0])
    for level in ("alarm_level", "notice_level"):
        assert getattr(model.promise, level) == pytest.approx(getattr(clean.promise, level), rel=0.15)
    assert model.threshold == pytest.approx(clean.threshold, rel=0.05)
    # after a third of the windows is left out, what is left knows each of them less well
    assert 0.3 < np.nanmean(fd.score(model, telemetry(seed + 100)) > model.threshold) / 0.05 < 1.3


def test_a_drift_no_larger_than_the_bursts_is_an_alarm():
    rows, later = telemetry(3), telemetry(4, 2_000)
    later[1_000:] += 2 * rows.std(axis=0)
    model = quiet_fit(spoiled(rows, 3, 30)[0])
    assert any(1_000 <= event.alarm_row < 1_100 for event in fd.detect(model, later).alarms)


def test_what_is_left_out_is_said_with_the_rows_and_is_little_more_than_the_bursts():
    rows, starts = spoiled(telemetry(5), 5, 10)
    with pytest.warns(fd.DriftWarning, match=f"{len(starts)} bursts of the baseline stand far apart") as caught:
        model = fd.fit(rows, window=WINDOW)
    (said,) = [str(each.message) for each in caught if "bursts" in str(each.message)]
    first = int(said.split("(rows ")[1].split(" ")[0])
    assert abs(first - starts[0]) < WINDOW / 2
    assert model.windows_left_out < 2.7 * len(starts) * WINDOW
    assert f"{model.windows_left_out:,} windows" in said
    assert not any("NaN or inf" in note for note in model.warnings)


def test_rows_that_are_broken_stay_so_beside_bursts():
    rows, _ = spoiled(telemetry(6), 6, 10)
    whole = quiet_fit(rows)
    rows[777, 3] = np.nan
    model = quiet_fit(rows)
    assert any(f"{WINDOW} of the baseline's" in note for note in model.warnings)
    assert len(notes_on_bursts(model)) == 1
    assert model.windows_left_out == whole.windows_left_out + WINDOW


@pytest.mark.parametrize("kinds", [1, 3])
@pytest.mark.parametrize("size", [5, 30])
@pytest.mark.parametrize("n_columns", [1, COLUMNS])
def test_jobs_that_run_every_night_are_part_of_the_baseline(kinds, size, n_columns):
    rng, rows = np.random.default_rng(kinds), telemetry(7)
    spread = rows.std(axis=0)
    for kind in range(kinds):
        move = np.zeros(COLUMNS)
        move[rng.choice(COLUMNS, n_columns, replace=False)] = rng.choice([-1, 1], n_columns)
        for start in range(300 + 400 * kind, ROWS - WINDOW, 1_440):
            rows[start : start + WINDOW] += size * spread * move * rng.uniform(0.8, 1.2)
    assert not notes_on_bursts(quiet_fit(rows))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("size", [10, 30])
def test_a_job_of_one_column_is_known_again_among_the_noise_of_others(seed, size):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(30_000, COLUMNS))
    for start in range(300, 30_000 - 200, 1_440):
        rows[start + rng.integers(0, 20) :][:WINDOW, seed] += size * rng.uniform(0.8, 1.2)
    assert not notes_on_bursts(quiet_fit(rows))


@pytest.mark.parametrize("degrees", [2, 3])
@pytest.mark.parametrize("seed", range(3))
def test_heavy_tails_lose_no_window(seed, degrees):
    rows = np.random.default_rng(seed).standard_t(degrees, size=(ROWS, COLUMNS))
    assert quiet_fit(rows).windows_left_out == 0


def test_in_sample_thresholds_leave_bursts_in():
    assert quiet_fit(spoiled(telemetry(8), 8, 10)[0], threshold="in-sample").windows_left_out == 0


@pytest.mark.parametrize("more", [-0.5, 0.5])
def test_a_break_is_told_by_the_steps_below_it(more):
    # steps of 1 each, place by place, and one of the limit's size after the fifth
    places = np.arange(1, 60)
    steps = np.where(places == 5, BREAK + more, 1.0) / places
    peaks = np.exp(-np.append(0.0, np.cumsum(steps)))
    assert count_apart(peaks * 1e3) == (5 if more > 0 else 0)


def test_few_peaks_and_none_have_no_break():
    assert count_apart(np.zeros(0)) == 0
    assert count_apart(np.array([1e6, *np.linspace(2, 1, 9)])) == 0


@needs_data
@pytest.mark.parametrize("kind", ["smd", "asd", "jumpstarter"])
def test_no_healthy_recording_loses_a_window_to_bursts(kind):
    paths = sorted((Path(os.environ["FASTDRIFT_DATA"]) / kind).glob("*_train.parquet"))
    assert paths
    for path in paths:
        frame = pd.read_parquet(path)
        for rows in (frame, frame[: len(frame) * 7 // 10]):
            assert not notes_on_bursts(quiet_fit(rows)), path
