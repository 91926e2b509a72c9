"""`generate` makes telemetry that is healthy first and then drifts just as it says."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from fastdrift.errors import DataError
from fastdrift.synthetic import Drift, generate

KINDS = ("mean-shift", "slow-ramp", "variance-inflation", "correlation-break", "stuck-sensor", "missing")
WINDOW = 50


def stretch_of(data, drift, rows=slice(None)):
    return data.frame[list(drift.columns)].to_numpy()[drift.start : drift.stop][rows]


def healthy_std(data, drift):
    return data.frame[list(drift.columns)].to_numpy()[: int(0.3 * len(data.frame))].std(axis=0)


def with_twin(kind, n=20_000, seed=3):
    data = generate(n, seed=seed, drifts=kind)
    return data, generate(n, seed=seed, drifts="none"), data.drifts[0]


# What healthy telemetry looks like


def test_the_frame_has_a_row_a_minute_and_named_float_columns():
    frame = generate(500, columns=30, drifts="none").frame
    assert frame.shape == (500, 30)
    assert frame.index.name == "timestamp"
    assert (frame.index.diff()[1:] == pd.Timedelta(minutes=1)).all()
    assert set(frame.dtypes) == {np.dtype(np.float64)}
    assert frame.columns.is_unique
    assert {"cpu_percent", "cpu_percent_2", "cpu_percent_3"} <= set(frame.columns)


def test_units_differ_by_many_orders_of_magnitude():
    std = generate(5_000, drifts="none").frame.std()
    assert std.min() < 0.02
    assert std.max() > 5e8


def test_columns_are_correlated_autocorrelated_and_heavy_tailed():
    values = generate(200_000, seed=1, drifts="none").frame.to_numpy()
    z = (values - values.mean(axis=0)) / values.std(axis=0)
    assert np.corrcoef(z[:, 0], z[:, 1])[0, 1] == pytest.approx(0.9, abs=0.02)
    assert (z[1:] * z[:-1]).mean(axis=0) == pytest.approx(0.5, abs=0.03)
    assert (z[50:] * z[:-50]).mean(axis=0) == pytest.approx(0.0, abs=0.03)
    assert ((z**4).mean(axis=0) > 3.5).all()  # 3 for a normal distribution


def test_the_day_shows_in_the_long_mean_and_is_small():
    cpu = generate(100 * 1440, seed=1, drifts="none").frame["cpu_percent"]
    day = cpu.groupby(cpu.index.hour).mean()
    assert 0.2 < (day.max() - day.min()) / cpu.std() < 0.4


# Seeds and twins


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not():
    first, again, other = (generate(3_000, seed=seed) for seed in (5, 5, 6))
    assert first.frame.to_numpy().tobytes() == again.frame.to_numpy().tobytes()
    assert first.labels.tobytes() == again.labels.tobytes()
    assert first.drifts == again.drifts
    assert first.frame.to_numpy().tobytes() != other.frame.to_numpy().tobytes()


@pytest.mark.parametrize("kind", KINDS)
def test_a_drift_changes_its_columns_in_its_rows_and_nothing_else(kind):
    data, twin, drift = with_twin(kind)
    changed = data.frame.ne(twin.frame)
    fading = 31 if kind == "correlation-break" else 0
    inside = changed.iloc[drift.start : drift.stop + fading]
    assert changed.to_numpy().sum() == inside[list(drift.columns)].to_numpy().sum()
    assert inside.iloc[1 : drift.stop - drift.start][list(drift.columns)].to_numpy().all()


def test_given_the_drifts_of_a_run_it_comes_out_the_same():
    data = generate(5_000, seed=9)
    again = generate(5_000, seed=9, drifts=data.drifts[::-1])
    assert again.frame.to_numpy().tobytes() == data.frame.to_numpy().tobytes()
    assert again.drifts == data.drifts


# Where drifts lie


@pytest.mark.parametrize("n", [200, 999, 10_000, 300_000])
def test_drifts_come_after_the_healthy_30_percent_with_healthy_rows_around_each(n):
    data = generate(n, seed=n)
    edges = np.array([[drift.start, drift.stop] for drift in data.drifts]).ravel()
    assert edges[0] > 0.3 * n
    assert edges[-1] < n
    assert (np.diff(edges) > 0).all()
    assert {drift.kind for drift in data.drifts} == set(KINDS)
    assert 0.27 <= data.labels.sum() / (0.7 * n) <= 0.40


def test_labels_are_true_in_the_drifts_and_nowhere_else():
    data = generate(5_000, seed=2)
    rows = np.concatenate([np.arange(drift.start, drift.stop) for drift in data.drifts])
    assert data.labels.dtype == np.bool_
    np.testing.assert_array_equal(np.flatnonzero(data.labels), rows)


def test_a_long_series_drifts_in_every_way_several_times():
    kinds = [drift.kind for drift in generate(300_000, columns=2).drifts]
    assert all(kinds.count(kind) == 3 for kind in KINDS)


@pytest.mark.parametrize("nothing", ["none", (), []])
def test_without_drifts_all_rows_are_healthy(nothing):
    data = generate(10, drifts=nothing)
    assert data.drifts == ()
    assert not data.labels.any()
    assert repr(data) == "Telemetry(10 rows x 8 columns, 0.0% drifted: healthy)"


# What each kind does


def test_a_mean_shift_is_its_size_in_every_row():
    data, twin, drift = with_twin("mean-shift")
    shift = (stretch_of(data, drift) - stretch_of(twin, drift)) / healthy_std(twin, drift)
    assert shift == pytest.approx(drift.size, rel=0.1)
    assert np.ptp(shift, axis=0) == pytest.approx(0.0, abs=1e-5)


def test_a_slow_ramp_climbs_evenly_to_its_size():
    data, twin, drift = with_twin("slow-ramp")
    ramp = (stretch_of(data, drift) - stretch_of(twin, drift)) / healthy_std(twin, drift)
    assert ramp[-1] == pytest.approx(drift.size, rel=0.1)
    assert np.diff(ramp, axis=0) == pytest.approx(drift.size / len(ramp), rel=0.1)


def test_variance_inflation_widens_a_column_by_its_size_about_the_same_mean():
    data, twin, drift = with_twin("variance-inflation")
    wide, usual = stretch_of(data, drift), stretch_of(twin, drift)
    assert wide.std(axis=0) / usual.std(axis=0) == pytest.approx(drift.size, rel=1e-6)
    assert (wide.mean(axis=0) - usual.mean(axis=0)) / healthy_std(twin, drift) == pytest.approx(0.0, abs=0.3)


def test_a_stuck_sensor_repeats_one_value_to_the_bit():
    data, twin, drift = with_twin("stuck-sensor")
    assert np.unique(stretch_of(data, drift)).tolist() == [stretch_of(twin, drift)[0, 0]]


def test_missing_rows_are_nan_and_no_others_are():
    data, _, drift = with_twin("missing")
    assert np.isnan(stretch_of(data, drift)).all()
    assert data.frame.isna().to_numpy().sum() == (drift.stop - drift.start) * len(drift.columns)


# The silent one: the correlation breaks and no column's own distribution moves

BREAK_ROWS = slice(100_000, 300_000)
PAIR_HALVES = ("cpu_percent", "network_bytes_per_s", "queue_length", "error_ratio")


def long_stretch(drifts, columns=slice(None)):
    rows = generate(BREAK_ROWS.stop, seed=11, drifts=drifts).frame.to_numpy()[BREAK_ROWS]
    return rows[:, columns]


def breaking(size):
    return [Drift("correlation-break", BREAK_ROWS.start, BREAK_ROWS.stop, PAIR_HALVES, size)]


def largest_ks_distance(one, other):
    grid = np.sort(np.concatenate([one, other]))
    shares = [np.searchsorted(np.sort(side), grid, side="right") / side.size for side in (one, other)]
    return np.abs(shares[0] - shares[1]).max()


def laws_that_moved(stretch, twin):
    """Name what moved in any column, in the twin's standard deviations.

    A row of AR(1) with 0.5 is worth a third of an independent one, so an estimate from either side has a standard
    error of about sqrt(1 / independent) and five of the difference's are allowed. For the distribution
    functions the limit is Kolmogorov's at one in a million.
    """
    independent = len(twin) / 3
    limits = {"mean": 5.0, "std": 5.0, "lag-1": 5.0, "distribution": 2.69}
    centre, scale = twin.mean(axis=0), twin.std(axis=0)
    moved = {}
    for one, other in zip(((stretch - centre) / scale).T, ((twin - centre) / scale).T, strict=True):
        by = {
            "mean": abs(one.mean() - other.mean()),
            "std": abs(one.std() - other.std()),
            "lag-1": abs(np.corrcoef(one[1:], one[:-1])[0, 1] - np.corrcoef(other[1:], other[:-1])[0, 1]),
            "distribution": largest_ks_distance(one, other),
        }
        moved |= {name: value for name, value in by.items() if value > limits[name] * np.sqrt(2 / independent)}
    return moved


@pytest.fixture(scope="module")
def clean_stretch():
    return long_stretch("none")


@pytest.mark.parametrize("size", [0.5, 1.0])
def test_a_correlation_break_moves_no_column_of_its_own(clean_stretch, size):
    assert laws_that_moved(long_stretch(breaking(size)), clean_stretch) == {}


def test_a_tenth_of_a_standard_deviation_does_not_escape_that_check(clean_stretch):
    shifted = clean_stretch + 0.1 * clean_stretch.std(axis=0)
    assert set(laws_that_moved(shifted, clean_stretch)) == {"mean", "distribution"}
    assert "std" in laws_that_moved(1.1 * clean_stretch, clean_stretch)
    assert "lag-1" in laws_that_moved(np.random.default_rng(0).permutation(clean_stretch), clean_stretch)


@pytest.mark.parametrize(("size", "left"), [(0.5, 0.0), (1.0, -0.9)])
def test_a_correlation_break_turns_or_cuts_the_correlation_of_a_pair(clean_stretch, size, left):
    pair = [0, 1]
    assert np.corrcoef(clean_stretch[:, pair].T)[0, 1] == pytest.approx(0.9, abs=0.02)
    assert np.corrcoef(long_stretch(breaking(size), pair).T)[0, 1] == pytest.approx(left, abs=0.03)


@pytest.mark.parametrize(("kind", "jumps"), [("correlation-break", False), ("mean-shift", True)])
def test_a_correlation_break_begins_and_ends_without_a_jump(kind, jumps):
    edges = np.arange(30_000, 100_000, 20)
    drifts = [Drift(kind, start, start + 10, PAIR_HALVES, 1.0) for start in edges]
    steps = generate(100_000, seed=4, drifts=drifts).frame[list(PAIR_HALVES)].diff().to_numpy()
    usual = steps[1:30_000].std(axis=0)
    at_edges = np.stack([steps[edges].std(axis=0), steps[edges + 10].std(axis=0)])
    natural = np.abs(at_edges / usual - 1.0) < 0.1  # 3,500 edges: a standard error of about 0.02
    centred = np.abs(np.stack([steps[edges].mean(axis=0), steps[edges + 10].mean(axis=0)])) < 0.1 * usual
    assert (natural & centred).all() != jumps


# A plain detector on window means and standard deviations


def window_features(data):
    rolling = data.frame.rolling(WINDOW)
    return np.hstack([rolling.mean().to_numpy(), rolling.std().to_numpy()])


def flagged_by_plain_detector(data):
    """Flag by Mahalanobis distance: fitted on the first 20 % of the rows, 95th percentile on the next 10 %."""
    features = window_features(data)
    n = len(features)
    fitted = features[WINDOW - 1 : n // 5]
    standard = (features - fitted.mean(axis=0)) / fitted.std(axis=0)
    inverse = np.linalg.inv(np.cov(standard[WINDOW - 1 : n // 5].T))
    score = np.einsum("ij,jk,ik->i", standard, inverse, standard)
    return score > np.quantile(score[n // 5 + WINDOW : 3 * n // 10], 0.95)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "missing"])
def test_a_plain_detector_finds_most_rows_of_every_kind(kind):
    data = generate(100_000, seed=8, drifts=kind)
    assert flagged_by_plain_detector(data)[data.labels].mean() > 0.5


def test_a_plain_detector_leaves_healthy_rows_alone():
    flagged = [flagged_by_plain_detector(generate(100_000, seed=seed, drifts="none"))[30_000:] for seed in range(4)]
    assert 0.03 < np.mean(flagged) < 0.07


# Bad arguments

CPU = ("cpu_percent",)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": 0}, "n must be 1 or more, not 0"),
        ({"n": 1e3}, "n must be a whole number, not 1000.0"),
        ({"columns": 0}, "columns must be 1 or more"),
        ({"seed": -1}, "seed must be 0 or more"),
        ({"seed": None}, "seed must be a whole number"),
        ({"drifts": "meanshift"}, "unknown drift 'meanshift'.*mean-shift.*correlation-break"),
        ({"drifts": ["missing", "mixed"]}, "unknown drift 'mixed'"),
        ({"drifts": None}, "unknown drift None"),
        ({"columns": 1}, "a correlation break needs 2 columns"),
        ({"n": 100}, "n=100 is too short for 6 drifts: ask for 172 rows"),
        ({"drifts": [Drift("missing", 200, 400, CPU)]}, "out of place: rows 300 to 1000 are free"),
        ({"drifts": [Drift("missing", 900, 1001, CPU)]}, "out of place"),
        ({"drifts": [Drift("missing", 400, 500, CPU), Drift("missing", 499, 600, CPU)]}, "rows 500 to 1000"),
        ({"drifts": [Drift("missing", 400.0, 500, CPU)]}, "start must be a whole number"),
        ({"drifts": [Drift("lost", 400, 500, CPU)]}, "unknown drift 'lost'"),
        ({"drifts": [Drift("missing", 400, 500, ("gpu",))]}, "must name one column or more.*cpu_percent"),
        ({"drifts": [Drift("missing", 400, 500, CPU + CPU)]}, "each once"),
        ({"drifts": [Drift("missing", 400, 500, ())]}, "one column or more"),
        ({"drifts": [Drift("mean-shift", 400, 500, CPU, float("nan"))]}, "finite size other than 0"),
        ({"drifts": [Drift("variance-inflation", 400, 500, CPU, -2.0)]}, "finite size above 0"),
        ({"drifts": [Drift("correlation-break", 400, 500, CPU, 1.5)]}, "be 1 at most"),
        ({"columns": 1, "drifts": [Drift("correlation-break", 400, 500, CPU)]}, "leave a column as it was"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(DataError, match=message):
        generate(**{"n": 1_000, **arguments})


@pytest.mark.parametrize(("kinds", "enough"), [("missing", 29), (["missing"] * 4, 115), ("mixed", 172)])
def test_the_length_that_the_error_asks_for_is_enough_and_one_less_is_not(kinds, enough):
    assert generate(enough, drifts=kinds).labels.any()
    with pytest.raises(DataError, match=f"ask for {enough} rows"):
        generate(enough - 1, drifts=kinds)


def test_importing_it_does_not_import_pandas():
    check = "import sys, fastdrift.synthetic; sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
