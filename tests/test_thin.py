"""A thousand rows are thin: the window that is chosen for them keeps the promise and still finds drift."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import fastdrift as fd
from fastdrift.cli.main import cli
from fastdrift.fitting.advice import LEAST_WINDOW, WINDOW, count_varying, usable_window

pytestmark = pytest.mark.filterwarnings("ignore::fastdrift.DriftWarning")

SEEDS = range(50)
SHARE = 0.3


def monitored(n_rows, window, columns, seed, **drifts):
    """Return which monitored rows are flagged and which are labelled, less those without a score."""
    data = fd.generate(n_rows, columns=columns, seed=seed, **drifts)
    n_baseline = round(SHARE * n_rows)
    model = fd.fit(data.frame[:n_baseline], window=window, threads=1)
    scores = fd.score(model, data.frame, threads=1).to_numpy()[n_baseline:]
    known = np.isfinite(scores)
    return scores[known] > model.threshold, data.labels[n_baseline:][known]


def clean_share(n_rows, window, columns):
    return np.mean([monitored(n_rows, window, columns, seed, drifts=())[0].mean() for seed in SEEDS])


def found_share(n_rows, window, columns):
    found = (monitored(n_rows, window, columns, seed) for seed in SEEDS)
    return np.mean([flagged[labelled].mean() for flagged, labelled in found])


@pytest.mark.parametrize("columns", [5, 8])
def test_of_clean_rows_few_are_flagged_in_a_thousand(columns):
    assert 0.02 <= clean_share(1_000, usable_window(300, columns), columns) <= 0.08


@pytest.mark.parametrize("n_rows", [200, 300, 500])
def test_of_clean_rows_few_are_flagged_in_fewer_than_a_thousand(n_rows):
    assert 0.02 <= clean_share(n_rows, usable_window(round(SHARE * n_rows), 8), 8) <= 0.08


@pytest.mark.parametrize("columns", [5, 8])
def test_the_shorter_window_finds_far_more_than_the_usual_one(columns):
    found = found_share(1_000, usable_window(300, columns), columns)
    assert found > 0.5
    assert found > 1.5 * found_share(1_000, WINDOW, columns)


@pytest.mark.parametrize("n_columns", [1, 5, 8, 40])
def test_the_window_is_the_longest_that_leaves_two_separate_windows_a_feature(n_columns):
    enough = 2 * 2 * n_columns
    windows = [usable_window(n_rows, n_columns) for n_rows in range(1, 20_000, 7)]
    assert windows == sorted(windows)
    assert (windows[0], windows[-1]) == (LEAST_WINDOW, WINDOW)
    for n_rows, window in zip(range(1, 20_000, 7), windows, strict=True):
        assert window == LEAST_WINDOW or (n_rows - window + 1) / window >= enough
        assert window == WINDOW or (n_rows - window) / (window + 1) < enough


# What is said of a baseline that is thin


def said_of(n_rows, window, columns, rate=0.05):
    """Return what `fit` says of a baseline of noise, which has no memory, as text."""
    rows = np.random.default_rng(1).normal(size=(n_rows, columns))
    return "\n".join(fd.fit(rows, window=window, false_alarm_rate=rate).warnings)


@pytest.mark.parametrize(("columns", "window"), [(1, 50), (2, 20), (8, 50), (8, 10)])
def test_a_baseline_is_thin_below_eight_separate_windows_a_feature(columns, window):
    enough = max(8 * 2 * columns, 20) * window + window - 1
    assert said_of(enough, window, columns) == ""
    said = said_of(enough - 1, window, columns)
    assert said.endswith(f"{enough} rows would be enough")


def test_it_is_said_which_way_a_thin_baseline_errs():
    said = said_of(1_000, 20, 8)
    assert said.startswith("the baseline is thin: its effective sample size is 49 separate windows for 16 features; ")
    assert "fewer rows are flagged than asked for, and real drift may be missed" in said


def test_of_a_thin_baseline_fewer_rows_are_flagged_than_were_asked_for():
    assert np.mean([monitored(33_333, 50, 32, seed, drifts=())[0].mean() for seed in range(3)]) < 0.7 * 0.05


@pytest.mark.parametrize("rate", [0.001, 0.002, 0.01])
def test_a_rate_below_one_separate_window_is_said_to_rest_on_too_few(rate):
    enough = round(1 / rate) * 20 + 19
    assert said_of(enough, 20, 2, rate) == ""
    said = said_of(enough - 1, 20, 2, rate)
    assert said.startswith(
        f"a false-alarm rate of {rate:g} is the share of less than one window in an effective sample "
    )
    assert said.endswith(f"{enough} rows would be enough")


def test_a_thin_baseline_is_told_once_with_the_rows_that_are_enough_for_the_rate_too():
    said = said_of(1_000, 20, 8, 0.001)
    assert said.startswith("the baseline is thin")
    assert said.endswith("; 20019 rows would be enough")
    assert "\n" not in said


def test_constant_columns_need_no_windows():
    frame = fd.generate(1_000, columns=3, seed=1, drifts=()).frame.assign(constant=1.0)
    assert count_varying(frame, None, None) == 3
    assert count_varying(frame, None, [frame.columns[0]]) == 2
    assert count_varying(frame, list(frame.columns[:1]), None) == 1


@pytest.fixture
def call(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(command, *, code=0):
        result = CliRunner().invoke(cli, command.split())
        assert result.exit_code == code, result.output
        return result

    return run


@pytest.mark.parametrize(("n_rows", "window"), [(1_000, 9), (500, 5), (300, 5), (200, 5)])
def test_run_takes_a_shorter_window_for_few_rows_and_says_so(call, n_rows, window):
    result = call(f"run --n {n_rows} --seed 42 --train --eval --output-dir ./output")
    n_baseline = round(SHARE * n_rows)
    assert [line for line in result.stderr.splitlines() if line.startswith("note:")] == [
        f"note: {n_baseline} rows are few for windows of 50: those of {window} rows are used instead (--window for "
        f"others)"
    ]
    assert result.stderr.count("the baseline is thin") == 1
    assert fd.load("output/model.fastdrift").window == window
    assert json.loads(Path("output/metrics.json").read_text())["model"]["window"] == window


def test_run_keeps_the_usual_window_where_there_are_rows_enough(call):
    result = call("run --n 6000 --train")
    assert fd.load("output/model.fastdrift").window == 50
    assert "are used instead" not in result.stderr


def test_a_window_that_is_asked_for_is_never_changed(call):
    call("run --n 1000 --train --window 50")
    assert fd.load("output/model.fastdrift").window == 50
    result = call("run --n 300 --train --window 50 --output-dir other", code=1)
    assert "90 rows are too few to cross-fit a threshold with windows of 50: give at least 235 rows" in result.stderr
    assert not Path("other").exists()


def test_too_few_rows_for_any_window_say_how_many_would_do(call):
    assert "ask for 172 rows" in call("run --n 100 --train", code=1).stderr
    result = call("run --n 200 --train --baseline 20", code=1)
    assert "20 rows are too few to cross-fit" in result.stderr
    assert "give at least 22 rows" in result.stderr
    call("run --n 200 --train --baseline 22")
