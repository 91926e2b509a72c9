"""fit learns centre, scale, correlation and threshold as the procedure says, from whatever baseline it gets."""

from __future__ import annotations

import re

import numpy as np
import oracle
import pandas as pd
import pytest
from oracle import relative_error, telemetry
from sklearn.covariance import ledoit_wolf_shrinkage

import fastdrift as fd
from fastdrift.detectors.moments import Moments
from fastdrift.detectors.shrinkage import ledoit_wolf, oas

WINDOW = 10
ARRAYS = ("centre", "scale", "cholesky", "constant_values")
NUMBERS = ("threshold", "shrinkage", "windows_used", "windows_left_out")


@pytest.fixture(scope="module")
def table():
    return telemetry(3_000, 4, seed=2)


def bytes_of(model):
    arrays = b"".join(getattr(model, name).tobytes() for name in ARRAYS)
    return arrays + repr([getattr(model, name) for name in NUMBERS]).encode()


# What is learnt


@pytest.mark.parametrize("n_columns", [1, 2, 3, 5, 8])
def test_centre_scale_and_correlation_are_those_of_the_features(fit, n_columns):
    table = telemetry(2_500, n_columns, seed=3)
    model = fit(table, window=WINDOW, shrinkage=0.25)
    features = oracle.rolling_features(table, WINDOW)
    assert relative_error(model.centre, features.mean(axis=0)) < 1e-9
    assert relative_error(model.scale, features.std(axis=0)) < 1e-9
    expected = 0.75 * np.corrcoef(features.T) + 0.25 * np.eye(2 * n_columns)
    assert np.abs(model.cholesky @ model.cholesky.T - expected).max() < 1e-9
    assert (np.triu(model.cholesky, 1) == 0).all()


def test_the_model_says_what_it_was_made_from(table):
    frame = pd.DataFrame(table, columns=list("abcd"))
    model = fd.fit(frame.assign(c=2.5), window=WINDOW, false_alarm_rate=0.02)
    assert model.columns == ("a", "b", "c", "d")
    assert model.varying_columns == ("a", "b", "d")
    assert model.constant_columns == ("c",)
    assert model.constant_values.tolist() == [2.5]
    assert model.n_features == 6
    assert (model.window, model.false_alarm_rate, model.threshold_rule) == (WINDOW, 0.02, "cross-fit")
    assert (model.baseline_rows, model.windows_used, model.windows_left_out) == (3_000, 2_991, 0)
    assert model.effective_windows == 299.1
    assert model.warnings == ()
    assert "4 columns, window=10" in repr(model)
    assert "c = 2.5" in model.summary()


# Shrinkage


@pytest.mark.parametrize("window", [2, 10, 50])
def test_the_ledoit_wolf_intensity_is_that_of_scikit_learn(fit, window):
    table = telemetry(2_000, 5, seed=4)
    model = fit(table, window=window)
    points = oracle.standardise(oracle.rolling_features(table, window))
    assert model.shrinkage_rule == "ledoit-wolf"
    assert 0 < model.shrinkage < 1
    assert model.shrinkage == pytest.approx(ledoit_wolf_shrinkage(points, assume_centered=True), rel=1e-9)
    covariance = points.T @ points / len(points)
    assert model.shrinkage == pytest.approx(oracle.ledoit_wolf(points, covariance), rel=1e-9)


def test_the_oas_intensity_is_that_of_the_formula_for_separate_windows(fit, table):
    model = fit(table, window=WINDOW, shrinkage="oas")
    points = oracle.standardise(oracle.rolling_features(table, WINDOW))
    assert model.shrinkage_rule == "oas"
    expected = oracle.oas(points.T @ points / len(points), len(points) / WINDOW)
    assert 0 < expected < 1
    assert model.shrinkage == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("rule", [ledoit_wolf, oas])
def test_a_correlation_that_is_the_target_already_is_shrunk_all_the_way(rule):
    moments = Moments(n_windows=100.0, n_left_out=0.0, quartic=1_500.0, sums=np.zeros(3), products=np.zeros(6))
    assert rule(moments, np.eye(3), WINDOW) == 1.0


@pytest.mark.parametrize("amount", [0.0, 0, 0.3, 1.0, 1, np.float32(0.5)])
def test_a_number_fixes_the_intensity(table, amount):
    model = fd.fit(table, window=WINDOW, shrinkage=amount)
    assert (model.shrinkage, model.shrinkage_rule) == (float(amount), "fixed")


def test_full_shrinkage_leaves_no_correlation(table):
    assert fd.fit(table, window=WINDOW, shrinkage=1.0).cholesky.tolist() == np.eye(8).tolist()


# The threshold


@pytest.mark.parametrize("shrinkage", ["ledoit-wolf", "oas", 0.1])
@pytest.mark.parametrize("rule", ["cross-fit", "in-sample"])
def test_the_threshold_is_that_of_the_whole_procedure_in_plain_loops(fit, shrinkage, rule):
    table = telemetry(1_203, 3, seed=5)
    for window, rate in ((10, 0.05), (37, 0.2)):
        model = fit(table, window=window, shrinkage=shrinkage, threshold=rule, false_alarm_rate=rate)
        expected = oracle.threshold(table, window, rate, shrinkage, rule)
        assert model.threshold == pytest.approx(expected, rel=1e-7)


def test_the_in_sample_threshold_is_lower_and_flags_its_rate_of_the_baseline(fit):
    table = telemetry(2_000, 8, seed=6)
    inside = fit(table, window=50, threshold="in-sample")
    across = fit(table, window=50)
    assert inside.threshold < across.threshold
    assert inside.threshold_rule == "in-sample"
    flagged = (fd.score(inside, table) > inside.threshold).sum()
    assert flagged == int(0.05 * (len(table) - 50))


def test_a_higher_rate_gives_a_lower_threshold(fit, table):
    thresholds = [fit(table, window=WINDOW, false_alarm_rate=rate).threshold for rate in (0.001, 0.01, 0.05, 0.5)]
    assert thresholds == sorted(thresholds, reverse=True)
    assert len(set(thresholds)) == 4


@pytest.mark.filterwarnings("ignore:the baseline's columns change slowly")
def test_folds_share_no_row_with_the_fit_that_scores_them():
    # were a fold's rows in the fit that scores it, the threshold would not notice how far this fold lies away
    table = telemetry(2_000, 2, seed=7)
    table[400:800] += 8 * table.std(axis=0)
    model = fd.fit(table, window=WINDOW)
    assert model.threshold == pytest.approx(oracle.threshold(table, WINDOW), rel=1e-7)
    assert model.threshold > 2 * fd.fit(table, window=WINDOW, threshold="in-sample").threshold


# Same bytes whatever the way


def test_the_model_is_the_same_bytes_for_any_layout_and_number_of_threads(rows):
    rows = rows[:45_000]  # more than stays on one thread
    expected = bytes_of(fd.fit(rows, window=50, threads=1))
    wide = np.zeros((2 * len(rows), 7))
    wide[::2, 1:6] = rows
    ways = [np.asfortranarray(rows), wide[::2, 1:6], rows[::-1].copy()[::-1], pd.DataFrame(rows)]
    ways.append(pd.DataFrame({name: rows[:, name].copy() for name in range(5)}))
    for way in ways:
        assert bytes_of(fd.fit(way, window=50, threads=2)) == expected
    for threads in (2, 3, 8):
        assert bytes_of(fd.fit(rows, window=50, threads=threads)) == expected


def test_a_float32_baseline_gives_the_model_of_the_same_values_in_float64(table):
    narrow = table.astype(np.float32)
    assert bytes_of(fd.fit(narrow, window=WINDOW)) == bytes_of(fd.fit(narrow.astype(np.float64), window=WINDOW))


@pytest.mark.parametrize("dtype", [np.int64, np.int8, np.uint16, bool])
def test_integers_and_booleans_give_the_model_of_the_same_values_in_float64(dtype):
    whole = (np.random.default_rng(8).integers(0, 9, (2_000, 3)) * 13).astype(dtype)
    whole[::2] = 0
    assert bytes_of(fd.fit(whole, window=WINDOW)) == bytes_of(fd.fit(whole.astype(np.float64), window=WINDOW))


# Columns that do not move, or move together


def test_near_duplicate_columns_do_not_blow_up():
    table = telemetry(4_000, 3, seed=9)
    noise = np.random.default_rng(9).normal(size=(4_000, 2))
    twins = np.hstack([table, table[:, :1], table[:, 1:2] * 1e6 + 3, table[:, :2] * (1 + 1e-12 * noise)])
    model = fd.fit(twins[:3_000], window=WINDOW)
    scores = fd.score(model, twins)
    assert np.isfinite(model.threshold)
    assert model.threshold < 20
    assert (scores[3_000:] > model.threshold).mean() < 0.15
    split = twins.copy()
    split[3_500:, 3] += 3 * table[:, 0].std()
    assert (fd.score(model, split)[3_500 + WINDOW :] > model.threshold).all()


@pytest.mark.parametrize("shrinkage", [0, 1e-9])
def test_columns_that_determine_each_other_are_an_error_without_shrinkage(table, shrinkage):
    twins = np.hstack([table, 2 * table[:, 3:]])
    with pytest.raises(fd.DataError, match=r"is determined by the columns before it .* drop it, or shrink"):
        fd.fit(twins, window=WINDOW, shrinkage=shrinkage)


def test_columns_of_which_some_never_moved_are_kept(table):
    rows = np.insert(table, [0, 2, 4], [5.0, -1.0, 0.0], axis=1)
    model = fd.fit(rows, window=WINDOW)
    assert model.columns == tuple(range(7))
    assert model.constant_columns == (0, 3, 6)
    assert model.constant_values.tolist() == [5.0, -1.0, 0.0]
    assert model.threshold == fd.fit(table, window=WINDOW).threshold


def test_a_column_whose_features_never_vary_does_no_harm(fit, table):
    rows = np.hstack([table, (np.arange(3_000) % WINDOW)[:, None] * 0.1, np.arange(3_000)[:, None] * 1e-3])
    model = fit(rows, window=WINDOW)
    assert (fd.score(model, rows) > model.threshold).mean() < 0.1


def test_no_feature_is_told_in_units_finer_than_the_rounding_of_its_centre(fit, table):
    # a cycle as long as the window: its means differ by rounding alone, and so would those of healthy rows to come
    rows = np.hstack([table, 1e9 + (np.arange(3_000) % WINDOW)[:, None] * 1e-3])
    model = fit(rows, window=WINDOW)
    assert (model.scale >= 8 * np.finfo(float).eps * np.abs(model.centre)).all()


# Baselines that cannot be used, or only in part


def test_windows_with_nan_or_inf_are_left_out_and_counted(table):
    rows = table.copy()
    rows[[0, 700, 705, 2_999], [0, 1, 2, 3]] = np.nan, np.inf, -np.inf, np.nan
    with pytest.warns(fd.DriftWarning, match="17 of the baseline's 2991 windows hold a NaN or inf and were left out"):
        model = fd.fit(rows, window=WINDOW)
    assert (model.windows_left_out, model.windows_used) == (17, 2_974)
    assert "17 of the baseline's" in model.warnings[0]
    features = oracle.rolling_features(rows, WINDOW)
    features = features[np.isfinite(features).all(axis=1)]
    assert relative_error(model.centre, features.mean(axis=0)) < 1e-9
    assert relative_error(model.scale, features.std(axis=0)) < 1e-9


@pytest.mark.parametrize("fold", range(5))
def test_a_column_that_moves_in_one_fold_alone_does_not_silence_the_detector(table, fold):
    rows = table.copy()
    still = np.ones(len(rows), bool)
    still[600 * fold : 600 * fold + 600] = False
    rows[still, 1] = rows[0, 1]
    model = fd.fit(rows, window=WINDOW)
    assert model.threshold < 30
    shifted = rows.copy()
    shifted[2_000:, 2] += 20 * table[:, 2].std()
    assert (fd.score(model, shifted)[2_000 + WINDOW :] > model.threshold).all()


@pytest.mark.filterwarnings("ignore:the baseline's columns change slowly")
def test_a_baseline_that_moves_in_one_fold_alone_still_gives_a_threshold_that_drift_passes(table):
    rows = table.copy()
    rows[600:] = rows[600]
    model = fd.fit(rows, window=WINDOW)
    assert 0 < model.threshold < 100
    assert (fd.score(model, rows + 100 * table.std(axis=0))[WINDOW:] > model.threshold).all()


@pytest.mark.filterwarnings("ignore::fastdrift.errors.DriftWarning")
def test_a_column_that_moves_only_where_windows_are_left_out_is_an_error_that_names_it(table):
    rows = table.copy()
    rows[:, 1] = 5.0
    rows[100:105, 1], rows[99:106, 2] = 6.0, np.nan
    with pytest.raises(fd.DataError, match="column 1 moves only in rows whose windows are left out"):
        fd.fit(rows, window=WINDOW)


def test_a_whole_fold_of_nan_is_left_out(table):
    rows = table.copy()
    rows[:600] = np.nan
    with pytest.warns(fd.DriftWarning, match="600 of the baseline's"):
        model = fd.fit(rows, window=WINDOW)
    assert np.isfinite(model.threshold)


def test_a_baseline_with_over_half_its_windows_broken_is_an_error_that_says_where(table):
    frame = pd.DataFrame(table, columns=list("abcd"), copy=True)
    frame.loc[3::15, "c"] = np.nan
    with pytest.raises(fd.DataError, match=r"windows of the baseline hold a NaN or inf \(first: column 'c', row 3\)"):
        fd.fit(frame, window=WINDOW)


def test_a_baseline_without_a_whole_window_is_an_error_that_says_where(table):
    rows = table.copy()
    rows[5::WINDOW, 2] = np.nan
    with pytest.raises(fd.DataError, match=r"2991 of 2991 windows .* \(first: column 2, row 5\)"):
        fd.fit(rows, window=WINDOW)


def test_a_column_of_nan_alone_is_named(table):
    frame = pd.DataFrame(table, columns=list("abcd")).assign(b=np.nan)
    with pytest.raises(fd.DataError, match="column 'b' holds no finite number in the baseline: drop it"):
        fd.fit(frame, window=WINDOW)


def test_a_baseline_that_never_moves_is_an_error():
    with pytest.raises(fd.DataError, match="no column of the baseline ever moves"):
        fd.fit(np.ones((1_000, 3)), window=WINDOW)


@pytest.mark.parametrize("window", [2, 3, 10, 50])
def test_too_short_a_baseline_to_cross_fit_is_an_error_that_says_what_is_enough(fit, window):
    table = telemetry(9 * window, 2, seed=10)
    with pytest.raises(fd.DataError, match=r"too few to cross-fit .* give at least (\d+) rows") as caught:
        fd.fit(table[: 2 * window], window=window)
    enough = int(re.search(r"at least (\d+) rows", str(caught.value))[1])
    assert np.isfinite(fit(table[:enough], window=window).threshold)
    assert np.isfinite(fit(table[: 2 * window], window=window, threshold="in-sample").threshold)


def test_a_thin_baseline_warns_and_says_what_is_enough():
    table = telemetry(9_000, 4, seed=11)
    with pytest.warns(fd.DriftWarning, match=r"the baseline is thin: .* (\d+) rows would be enough") as caught:
        model = fd.fit(table[:500], window=50)
    assert model.warnings == (str(caught[0].message),)
    enough = int(re.search(r"(\d+) rows would be enough", model.warnings[0])[1])
    assert fd.fit(table[:enough], window=50).warnings == ()


@pytest.mark.parametrize("columns", [(2, 0), range(0, 3, 2), np.array([2, 0])])
def test_columns_may_be_listed_in_any_kind_of_sequence(table, columns):
    assert fd.fit(table, window=WINDOW, columns=columns).columns == tuple(columns)


@pytest.mark.parametrize("rate", [0, -0.1, 0.51, 1, 5, np.nan, np.inf, None, "a", True])
def test_a_false_alarm_rate_outside_its_range_is_an_error(table, rate):
    with pytest.raises(fd.DataError, match=r"false_alarm_rate is .*: give a share above 0 and at most 0.5"):
        fd.fit(table, window=WINDOW, false_alarm_rate=rate)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threshold": "max"}, "threshold is 'max': it is 'cross-fit' or 'in-sample'"),
        ({"threshold": None}, "threshold is None"),
        ({"shrinkage": "none"}, "shrinkage is 'none': it is 'ledoit-wolf', 'oas' or a number from 0 to 1"),
        ({"shrinkage": 1.1}, "shrinkage is 1.1"),
        ({"shrinkage": np.nan}, "shrinkage is nan"),
        ({"shrinkage": True}, "shrinkage is True"),
        ({"window": 1}, "window is 1"),
        ({"window": 2.5}, "window is 2.5"),
        ({"window": 5_000}, "3000 rows hold no window of 5000"),
        ({"threads": 0}, "threads is 0"),
        ({"columns": []}, "no columns"),
        ({"columns": [4]}, "column 4 is not there"),
        ({"columns": [0, 0]}, "column 0 is there twice"),
    ],
)
def test_an_option_that_cannot_be_used_is_an_error(table, options, message):
    with pytest.raises(fd.DataError, match=re.escape(message)):
        fd.fit(table, **({"window": WINDOW} | options))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda frame: frame.assign(b="x").astype({"b": object}), "column 'b' holds object, not numbers (row 0: 'x')"),
        (lambda frame: frame.set_axis(list("abcb"), axis=1), "column 'b' is there twice"),
        (lambda frame: frame[[]], "the table has no columns"),
        (lambda frame: frame["a"], "the table is a pandas Series: make a frame with .to_frame()"),
        (lambda frame: frame[:5], "5 rows hold no window of 10"),
    ],
)
def test_a_baseline_that_is_no_table_of_numbers_is_an_error(table, change, message):
    with pytest.raises(fd.DataError, match=re.escape(message)):
        fd.fit(change(pd.DataFrame(table, columns=list("abcd"))), window=WINDOW)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("moving_columns", "varying_columns"),
        ("never_moved", "constant_columns"),
        ("never_moved_values", "constant_values"),
    ],
)
def test_an_old_name_of_a_model_still_works_and_says_the_new_one(fit, old, new):
    rows = np.random.default_rng(0).normal(size=(600, 3))
    rows[:, 1] = 4.0
    model = fit(rows, window=10)
    with pytest.warns(DeprecationWarning, match=f"Model.{old} is called {new} now"):
        assert getattr(model, old) is getattr(model, new) or getattr(model, old) == getattr(model, new)


def test_rows_that_alternate_are_all_told_of_by_the_statistics_of_rows(fit):
    rows = np.random.default_rng(4).normal(size=(20_000, 2))  # more than are looked at one by one
    rows[::2] += 3.0
    model = fit(rows, window=50)
    np.testing.assert_allclose(model.rows.mean, rows.mean(axis=0), atol=0.1)
    np.testing.assert_allclose(model.rows.spread, rows.std(axis=0), rtol=0.1)
