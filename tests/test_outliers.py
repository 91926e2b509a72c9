"""A few rows that hold no readings neither blind the detector nor cost healthy spikes their windows."""

from __future__ import annotations

import itertools
import os
import re
from pathlib import Path

import numpy as np
import oracle
import pandas as pd
import pytest

import fastdrift as fd
from fastdrift.fitting.healthy import rows_in_no_window

ROWS, COLUMNS, WINDOW = 10_000, 8, 50
SEEDS = range(3)
RATE = 0.05
ARRAYS = ("centre", "scale", "cholesky", "constant_values")
NUMBERS = ("threshold", "shrinkage", "windows_used", "windows_left_out", "constant_columns")
needs_data = pytest.mark.skipif("FASTDRIFT_DATA" not in os.environ, reason="FASTDRIFT_DATA names no folder")


def bytes_of(model):
    arrays = b"".join(getattr(model, name).tobytes() for name in ARRAYS)
    return arrays + repr([getattr(model, name) for name in NUMBERS]).encode()


def noise(seed, n_rows=ROWS):
    """Return normal rows in units and with offsets of very different sizes."""
    units = 10.0 ** (np.arange(COLUMNS) % 7 - 3)
    return (np.random.default_rng(seed).normal(size=(n_rows, COLUMNS)) + 3 * np.arange(COLUMNS)) * units


def telemetry(seed, n_rows=ROWS):
    return fd.generate(n_rows, columns=COLUMNS, seed=seed, drifts=()).frame.to_numpy()


# Which rows are at fault

FAULTS = {
    "a row": lambda _: np.array([5_000]),
    "the first row": lambda _: np.array([0]),
    "the last row": lambda _: np.array([ROWS - 1]),
    "1 % of the rows": lambda rng: np.sort(rng.choice(ROWS, ROWS // 100, replace=False)),
    "1 % in bursts": lambda rng: (np.sort(rng.choice(ROWS // 10, 10, replace=False)) * 10 + np.arange(10)[:, None]).T,
    "1 % at once": lambda _: np.arange(3_333, 3_433),
}


def with_faults(rows, which, sizes, columns, seed):
    """Replace values by others so many standard deviations away."""
    rng, rows = np.random.default_rng(100 + seed), rows.copy()
    places = FAULTS[which](rng).ravel()
    far = rng.choice(sizes, places.size) * rng.choice([-1, 1], places.size)
    values = rows.mean(axis=0) + far[:, None] * rows.std(axis=0)
    rows[places[:, None], columns] = values[:, columns]
    return rows


def shares_flagged(fit, make, which, sizes, columns):
    """Return the means over seeds of the share of clean rows that are flagged, and of rows 5 deviations away."""
    shares = []
    for seed in SEEDS:
        rows = make(seed, 3 * ROWS)
        faulty = with_faults(rows[:ROWS], which, sizes, columns, seed)
        model = fit(faulty, window=WINDOW, false_alarm_rate=RATE)
        clean, later = rows[ROWS : 2 * ROWS], rows[2 * ROWS :] + 5 * rows[:ROWS].std(axis=0)
        shares.append([(fd.score(model, each)[WINDOW:] > model.threshold).mean() for each in (clean, later)])
    return np.mean(shares, axis=0)


@pytest.mark.parametrize("make", [noise, telemetry])
@pytest.mark.parametrize("size", [1e4, 1e6, 1e12, 1e100])
@pytest.mark.parametrize("columns", [[2], range(COLUMNS)], ids=["one column", "all columns"])
@pytest.mark.parametrize("which", FAULTS)
def test_after_faults_a_shift_is_found_and_healthy_rows_are_flagged_at_the_rate(fit, make, which, columns, size):
    clean, shifted = shares_flagged(fit, make, which, [size], columns)
    assert shifted > 0.99
    assert 0.3 * RATE < clean < 1.5 * RATE


@pytest.mark.parametrize("size", [200, 1_000])
@pytest.mark.parametrize("which", ["1 % of the rows", "1 % in bursts", "1 % at once"])
def test_rows_that_are_faulty_in_every_column_are_found_at_far_smaller_sizes(fit, which, size):
    clean, shifted = shares_flagged(fit, noise, which, [size], range(COLUMNS))
    assert shifted > 0.99
    assert 0.3 * RATE < clean < 1.5 * RATE


def test_one_such_row_is_left_out_too(fit):
    assert fit(with_faults(noise(1), "a row", [100], range(COLUMNS), seed=0), window=WINDOW).windows_left_out == WINDOW


@pytest.mark.parametrize("sizes", [[30, 1e12], [10, 1e3, 1e6], 10.0 ** np.arange(3, 13)], ids=str)
@pytest.mark.parametrize("which", ["1 % of the rows", "1 % in bursts", "1 % at once"])
def test_faults_of_several_sizes_are_found(fit, which, sizes):
    clean, shifted = shares_flagged(fit, noise, which, sizes, range(COLUMNS))
    assert shifted > 0.99
    assert 0.3 * RATE < clean < 1.5 * RATE


@pytest.mark.parametrize("which", ["1 % of the rows", "1 % in bursts"])
def test_faults_of_every_size_are_found_if_half_of_them_are_such_as_no_system_reaches(fit, which):
    clean, shifted = shares_flagged(fit, noise, which, 10 ** np.linspace(1, 6, 26), range(COLUMNS))
    assert shifted > 0.99
    assert 0.3 * RATE < clean < 1.5 * RATE


def test_a_fault_costs_no_joint_spikes_that_are_more_than_it(fit):
    rows = with_faults(noise(1), "a row", [1e12], range(COLUMNS), seed=0)
    at = np.array([2_000, 4_000, 7_000])
    rows[at] += np.array([20, 60, 200])[:, None] * noise(1).std(axis=0)
    assert fit(rows, window=WINDOW).windows_left_out == WINDOW


@pytest.mark.parametrize("which", ["1 % of the rows", "1 % in bursts", "1 % at once"])
def test_a_few_rows_of_one_column_that_faults_and_jobs_reach_are_kept_and_said(fit, which):
    rows = with_faults(noise(1), which, [100], [2], seed=0)
    first = int(np.flatnonzero((rows != noise(1)).any(axis=1))[0])
    model = fit(rows, window=WINDOW)
    assert model.windows_left_out == 0
    (note,) = model.warnings
    assert re.match(rf"columns that a few far rows dominate, \d+ at most: 1 \(row {first}: column 2 is ", note)
    assert "fewer rows are flagged than asked for" in note


def test_columns_that_few_rows_dominate_are_said_beside_rows_that_are_left_out(fit):
    rows = with_faults(noise(1), "1 % at once", [100], [2], seed=0)
    rows = with_faults(rows, "a row", [1e9], [4], seed=0)
    model = fit(rows, window=WINDOW)
    assert model.windows_left_out == WINDOW
    assert [note[:44] for note in model.warnings] == [
        "1 of the baseline's 10,000 rows hold values ",
        "columns that a few far rows dominate, 100 at",
    ]


def test_no_more_is_said_of_jumps_that_have_a_slope_or_are_not_few(fit):
    sizes = [5, 10, 20, 40, 60, 100]
    assert fit(with_faults(noise(1), "1 % of the rows", sizes, [2], seed=0), window=WINDOW).warnings == ()
    rows = noise(1)
    rows[np.arange(ROWS) % 500 < 20, 2] += 100 * noise(1)[:, 2].std()
    assert fit(rows, window=WINDOW).warnings == ()


def test_a_few_values_on_the_way_to_many_faults_do_not_keep_them(fit):
    rows = with_faults(noise(1), "1 % of the rows", [2_000], [2], seed=0)
    rows[[10, 20, 30], 2] += 200 * noise(1)[:, 2].std()
    assert "100 of the baseline's 10,000 rows" in fit(rows, window=WINDOW).warnings[0]


# What is done about them


@pytest.mark.parametrize("which", FAULTS)
def test_the_model_is_that_of_a_baseline_in_which_those_rows_are_missing(fit, which):
    rows = telemetry(1)
    faulty = with_faults(rows, which, [1e6], [2], seed=0)
    missing = np.where((faulty != rows).any(axis=1)[:, None], np.nan, rows)
    model, expected = fit(faulty, window=WINDOW), fit(missing, window=WINDOW)
    assert (model.windows_used, model.windows_left_out) == (expected.windows_used, expected.windows_left_out)
    assert model.threshold == pytest.approx(expected.threshold, rel=1e-9)
    assert oracle.relative_error(model.centre, expected.centre) < 1e-9
    assert np.abs(model.cholesky - expected.cholesky).max() < 1e-9


def test_it_is_said_how_many_rows_where_and_what_was_done():
    frame = pd.DataFrame(noise(1), columns=list("abcdefgh"))
    frame.loc[[40, 700, 705, 9_000], "c"] = 1e12
    with pytest.warns(fd.DriftWarning, match="can be no readings") as caught:
        model = fd.fit(frame, window=WINDOW)
    (said,) = model.warnings
    assert said == str(caught[0].message)
    assert said.startswith("4 of the baseline's 10,000 rows hold values so far from all others")
    places = r"row 40: column 'c' is 1e\+12, usually [0-9.]+, row 700: [^,]+, usually [0-9.]+, row 705: [^,]+, usually"
    assert re.search(places, said)
    assert "row 9000" not in said
    assert "the 146 windows that hold them are left out" in said
    assert "clean with bounds=…, fastdrift prepare --bounds" in said
    assert (model.windows_left_out, model.windows_used) == (41 + 50 + 5 + 50, ROWS - WINDOW + 1 - 146)


def test_gaps_beside_faults_are_counted_apart():
    rows = noise(1)
    rows[2_000], rows[5_000, 3] = 1e9, np.nan
    with pytest.warns(fd.DriftWarning) as caught:
        model = fd.fit(rows, window=WINDOW)
    assert len(caught) == 2
    assert "1 of the baseline's 10,000 rows" in model.warnings[0]
    assert model.warnings[1] == "50 of the baseline's 9951 windows hold a NaN or inf and were left out"
    assert model.windows_left_out == 100


@pytest.mark.parametrize(("share", "window"), [(0.05, 20), (0.02, 100)])
def test_faults_that_would_cost_too_many_windows_are_said_to_dominate_and_all_windows_stay(fit, share, window):
    rows = noise(1)
    rows[np.random.default_rng(1).choice(ROWS, int(share * ROWS), replace=False)] += 1e12
    model = fit(rows, window=window)
    said = rf"{share * ROWS:.0f} of the baseline's 10,000 rows dominate it, .* \(row \d+: column 7 is 1e\+12, usually"
    assert re.match(said, model.warnings[0])
    assert model.windows_left_out == 0


def test_so_are_those_that_are_many_at_once(fit):
    rows = noise(1)
    rows[2_000:2_400] = 1e12
    model = fit(rows, window=20)
    assert "400 of the baseline's 10,000 rows dominate it" in model.warnings[0]
    assert model.windows_left_out == 0


@pytest.mark.parametrize("value", [1e150, 1e152, 1e153, 1e154, 1e200, 1e300, 1e307, 1.79e308])
def test_values_whose_squares_overflow_are_found(fit, value):
    rows = noise(1)
    rows[::400, 1] = value
    model = fit(rows, window=WINDOW)
    assert "25 of the baseline's 10,000 rows" in model.warnings[0]


def test_the_faults_are_the_same_for_any_layout_and_number_of_threads(fit):
    rows = np.tile(noise(1), (4, 1))
    rows[::401], rows[7, 3] = 1e7, -1e9
    expected = bytes_of(fit(rows, window=WINDOW, threads=1))
    frame = pd.DataFrame({name: rows[:, name].copy() for name in range(COLUMNS)})
    ways = [np.asfortranarray(rows), np.repeat(rows, 2, axis=0)[::2], frame, frame.astype("Float64")]
    assert [bytes_of(fit(way, window=WINDOW, threads=2)) == expected for way in ways] == [True] * len(ways)
    narrow = rows.astype(np.float32)
    assert bytes_of(fit(narrow, window=WINDOW)) == bytes_of(fit(narrow.astype(np.float64), window=WINDOW))


def test_the_baseline_itself_is_left_as_it_was(fit):
    rows = noise(1)
    rows[5_000] = 1e12
    before = rows.copy()
    fit(rows, window=WINDOW)
    assert rows.tobytes() == before.tobytes()


class Kept:
    """A detector that keeps what it learnt from."""

    def fit(self, features):
        self.features = features

    def score_samples(self, features):
        return -np.abs(features).sum(axis=1)


def test_every_detector_learns_from_the_other_windows_alone(fit):
    rows = noise(1)
    rows[5_000] = 1e12
    kept = fit(rows, window=WINDOW, detector=Kept()).estimator.features
    expected = oracle.rolling_features(noise(1), WINDOW)
    assert np.allclose(kept, np.delete(expected, range(5_000 - WINDOW + 1, 5_001), axis=0))


# Columns that move hardly ever


def test_a_column_that_moves_in_faulty_rows_alone_is_constant(fit):
    rows = noise(1)
    rows[:, 2] = 7.0
    rows[[3_000, 6_000]] = 1e12
    model = fit(rows, window=WINDOW)
    assert model.constant_columns == (2,)
    assert model.constant_values.tolist() == [7.0]
    later = noise(2)
    later[:, 2] = 7.001
    assert (fd.score(model, later)[WINDOW:] > model.threshold).all()


def test_so_is_one_that_moves_between_two_faults_that_leave_no_window(fit):
    rows = noise(1)
    rows[:, 2] = 7.0
    rows[[3_000, 3_040]], rows[3_020, 2] = 1e12, 8.0
    assert fit(rows, window=WINDOW).constant_columns == (2,)
    rows[3_041 + WINDOW // 2, 2] = 8.0
    assert fit(rows, window=WINDOW).constant_columns == ()


@pytest.mark.parametrize(
    ("outliers", "expected"),
    [
        ([10], [10]),
        ([4], [0, 1, 2, 3, 4]),
        ([5], [5]),
        ([10, 15], [10, 11, 12, 13, 14, 15]),
        ([10, 16], [10, 16]),
        ([17], [17, 18, 19]),
        ([10, 11], [10, 11]),
    ],
)
def test_rows_between_outliers_that_are_too_few_for_a_window_go_with_them(outliers, expected):
    assert rows_in_no_window(np.array(outliers), 20, 5)[: len(expected)].tolist() == expected[:20]


def test_a_column_that_moves_in_one_short_stretch_is_named():
    frame = pd.DataFrame(noise(1), columns=list("abcdefgh")).assign(d=0.0)
    frame.loc[4_321:4_325, "d"] = 1e12
    with pytest.warns(fd.DriftWarning, match="columns that move in one stretch of the baseline alone, .*: 1 "):
        model = fd.fit(frame, window=WINDOW)
    assert "(row 4321: column 'd' is 1e+12, usually 0)" in model.warnings[0]
    assert model.constant_columns == ()
    for row in (4_325 + WINDOW, 100, 9_999):
        assert fd.fit(frame.assign(d=frame["d"].where(frame.index != row, 1.0)), window=WINDOW).warnings == ()


# Healthy spikes stay


def spiky(n_columns, height):
    """Return a baseline whose last columns rise for some rows now and then, so many deviations at most."""
    rows = noise(1)
    spread = rows.std(axis=0)[-n_columns:]
    up = height ** np.linspace(0, 1, 8)
    spike = np.concatenate([up, up[-1:].repeat(3), up[::-1]])
    for start in range(200, ROWS, 1_000):
        rows[start : start + spike.size, -n_columns:] += spike[:, None] * spread
    return rows


@pytest.mark.parametrize(("n_columns", "height"), [(1, 1e3), (1, 1e5), (3, 1e5), (4, 1e3), (COLUMNS, 1e3)])
def test_spikes_that_have_a_slope_keep_their_windows(n_columns, height):
    model = fd.fit(spiky(n_columns, height), window=WINDOW)
    assert (model.windows_left_out, model.warnings) == (0, ())


def test_a_column_that_works_now_and_then_keeps_its_windows_and_that_is_said(fit):
    rows = noise(1)
    rows[np.arange(ROWS) % 1_000 < 10, 2] += 300 * rows[:, 2].std()
    model = fit(rows, window=WINDOW)
    assert model.windows_left_out == 0
    assert "a system may jump like that, so they are kept" in model.warnings[0]


def test_a_column_that_moves_too_seldom_to_tell_keeps_its_windows():
    rows = noise(1)
    rows[:, 2] = np.arange(ROWS) % 100 == 0
    rows[[3_000, 7_000], 2] = 1e5
    assert fd.fit(rows, window=WINDOW).windows_left_out == 0


def test_an_infinity_is_a_gap_and_no_fault(fit):
    rows = spiky(1, 1e5)
    rows[5_000, -1] = np.inf
    assert fit(rows, window=WINDOW).warnings == (
        "50 of the baseline's 9951 windows hold a NaN or inf and were left out",
    )


@pytest.mark.parametrize("tail", [1.5, 2, 3])
def test_heavy_tails_keep_their_windows(tail):
    for seed in range(10):
        rows = np.random.default_rng(seed).standard_t(tail, size=(ROWS, COLUMNS))
        assert fd.fit(rows, window=WINDOW).windows_left_out <= WINDOW  # at most a lone value, a thousand scales out


def train_files():
    return sorted(Path(os.environ.get("FASTDRIFT_DATA", ".")).glob("*/*_train.parquet"))


@needs_data
@pytest.mark.parametrize("path", train_files(), ids=lambda path: getattr(path, "stem", None))
def test_no_window_of_a_healthy_recording_is_left_out(fit, path):
    frame = pd.read_parquet(path).drop(columns="label", errors="ignore")
    assert fit(frame, window=20).windows_left_out == 0


@needs_data
def test_the_columns_of_a_healthy_recording_that_spike_most_keep_their_windows_by_themselves(fit):
    frame = pd.read_parquet(Path(os.environ["FASTDRIFT_DATA"]) / "smd" / "machine-1-3_train.parquet")
    for columns in itertools.combinations(["m08", "m11", "m12", "m13", "m14", "m15"], 4):
        assert fit(frame, window=WINDOW, columns=columns).windows_left_out == 0
