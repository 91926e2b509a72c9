"""Moments of every fourth window: what stands for what, who takes every window, and that the same bytes come out."""

from __future__ import annotations

import math

import numpy as np
import pytest
from oracle import rolling_features, telemetry

import fastdrift as fd
from fastdrift.detectors import moments
from fastdrift.engine.windows import Sweep, feature_scales
from fastdrift.fitting.folds import upper_quantile
from fastdrift.kernels import distances, features, parts, trees
from fastdrift.kernels import moments as kernels
from fastdrift.tables.convert import reader_of

# remainders modulo four, groups of four groups that the window fills and does not, and several tiles
WINDOWS = (16, 17, 18, 19, 50, 64, 130, 193)


@pytest.fixture
def always(monkeypatch):
    """Let baselines of any length take every fourth window."""
    monkeypatch.setattr(moments, "LEAST_ROWS", 0)


def sweep_of(rows, window):
    table = reader_of(rows).table(None)
    return Sweep(table, np.arange(table.n_columns), window)


def moments_of(rows, window, *, diagonal=False, start=0, unit=1.0):
    """Return the moments of the windows that end in row `start` and later, told from 5 and from 0, in units."""
    sweep, n_columns = sweep_of(rows, window), rows.shape[1]
    units = np.tile(np.ones(n_columns) * unit, 2)
    centre = np.repeat([5.0, 0.0], n_columns) * units
    scales = feature_scales(window, centre, 1.0 / units)
    parts = moments.sweep_moments(sweep, sweep.spans(start), scales, 2 * n_columns, 1, diagonal=diagonal)
    return moments.Moments.total(parts), centre


def stood_for(n_rows, window):
    """Return for how many windows that of each row stands: the last of every four rows of a block, or of fewer."""
    offsets = np.arange(n_rows) % window
    counts = np.where(offsets % 4 == 3, 4, 0)
    counts[offsets == window - 1] = (window - 1) % 4 + 1
    counts[: window - 1] = 0
    return counts


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("diagonal", [True, False])
def test_moments_are_those_of_the_last_of_every_four_windows_as_often_as_it_stands_for(always, window, diagonal):
    rows = np.random.default_rng(window).normal(5.0, 1.0, (21 * window + 3, 3))
    found, centre = moments_of(rows, window, diagonal=diagonal)
    counts = stood_for(len(rows), window)
    points, counts = rolling_features(rows, window) - centre, counts[window - 1 :]
    products = points.T @ (counts[:, None] * points)
    expected = np.diag(products) if diagonal else products[np.tril_indices(len(products))]
    assert found.n_windows == counts.sum()
    assert found.n_left_out == 0
    # where signs cancel, what is left is as exact as the terms were
    largest = counts @ np.abs(points)
    np.testing.assert_allclose(found.sums / largest, counts @ points / largest, rtol=0, atol=1e-13)
    scale = np.abs(expected) + expected.max()
    np.testing.assert_allclose(found.products / scale, expected / scale, rtol=0, atol=1e-13)
    np.testing.assert_allclose(found.quartic, counts @ (points**2).sum(axis=1) ** 2, rtol=1e-12)


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("unit", [2.0**-560, 2.0**505])
def test_windows_whose_squares_leave_the_range_of_doubles_teach_what_others_do(always, window, unit):
    rows = np.random.default_rng(window).normal(5.0, 1.0, (21 * window + 3, 2))
    units = np.array([unit, 1.0])
    plain, _ = moments_of(rows, window)
    found, _ = moments_of(rows * units, window, unit=units)
    assert (found.n_windows, found.n_left_out) == (plain.n_windows, 0)
    np.testing.assert_allclose(found.products, plain.products, rtol=1e-11, atol=1e-11 * np.abs(plain.products).max())
    np.testing.assert_allclose(found.quartic, plain.quartic, rtol=1e-11)


def test_windows_that_are_not_wanted_stand_for_none(always):
    rows = telemetry(4_000, 2, seed=1)
    all_windows, _ = moments_of(rows, 50)
    for start in (1_000, 1_001, 1_002, 1_003, 1_004, 1_049):
        found, _ = moments_of(rows, 50, start=start)
        assert found.n_windows == stood_for(len(rows), 50)[start:].sum()
        assert abs(found.n_windows - (len(rows) - start)) <= 3
    assert found.n_windows < all_windows.n_windows


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_baseline_that_lacks_something_takes_every_window(always, value):
    rows = telemetry(3_000, 2, seed=2)
    for place in (700, 701, 702, 703, 2_999):  # the last is in one window alone
        spoiled = rows.copy()
        spoiled[place, 1] = value
        found, _ = moments_of(spoiled, 50)
        n_broken = min(50, len(rows) - place)
        assert (found.n_windows, found.n_left_out) == (3_000 - 49 - n_broken, n_broken)


@pytest.mark.parametrize(("n_rows", "window", "taken"), [(49_999, 50, 1), (50_000, 50, 4), (50_000, 15, 1)])
def test_short_baselines_and_short_windows_take_every_window(n_rows, window, taken):
    rows = telemetry(n_rows, 1, seed=3)
    centre = fd.fit(rows, window=window, threshold="in-sample").centre
    counts = stood_for(n_rows, window) if taken == 4 else (np.arange(n_rows) >= window - 1)
    other = stood_for(n_rows, window) if taken == 1 else (np.arange(n_rows) >= window - 1)
    points = np.hstack([fd.rolling_mean(rows, window), fd.rolling_std(rows, window)])
    for weights, is_it in ((counts, True), (other, False)):
        mean = weights[window - 1 :] @ points[window - 1 :] / weights[window - 1 :].sum()
        assert np.allclose(mean, centre, rtol=1e-11, atol=0) is is_it


def test_a_model_is_of_all_windows_and_the_same_bytes_in_any_layout_and_on_any_threads(tmp_path):
    rows = telemetry(60_001, 4, seed=4).astype(np.float32)
    ways = rows, np.asfortranarray(rows), np.repeat(rows, 2, axis=0)[::2], rows.astype(np.float64)
    files = set()
    for number, way in enumerate(ways):
        for threads in (1, 3):
            model = fd.fit(way, threads=threads)
            assert (model.windows_used, model.windows_left_out) == (59_952, 0)
            path = tmp_path / f"{number}.fastdrift"
            model.save(path)
            files.add(path.read_bytes())
            assert fd.load(path).threshold == model.threshold
    assert len(files) == 1


def test_every_fourth_window_teaches_what_every_window_does(monkeypatch):
    frame = fd.generate(60_000, seed=5, drifts=()).frame
    fourth = fd.fit(frame)
    monkeypatch.setattr(moments, "LEAST_ROWS", 100_000)
    every = fd.fit(frame)
    assert fourth.threshold != every.threshold
    assert fourth.threshold == pytest.approx(every.threshold, rel=0.005)
    assert fourth.promise.alarm_level == pytest.approx(every.promise.alarm_level, rel=0.01)
    assert fourth.shrinkage == pytest.approx(every.shrinkage, rel=0.05)
    assert np.abs((fourth.centre - every.centre) / every.scale).max() < 0.01
    assert np.abs(fourth.scale / every.scale - 1).max() < 0.01


def test_no_two_sweeps_have_a_name_in_common():
    # compiled in different processes they may get the same number, and one would run in place of the other
    sweeps = [
        kernels.sweep_moments,
        kernels.sweep_lasts,
        distances.sweep_scores,
        features.sweep_features,
        trees.sweep_trees,
        parts.sweep_parts,
    ]
    assert len({sweep.py_func.__qualname__ for sweep in sweeps}) == len(sweeps)


@pytest.mark.parametrize("kind", ["normal", "ties", "with NaN", "sorted"])
def test_a_quantile_of_many_scores_is_the_one_that_sorting_gives(kind):
    scores = np.random.default_rng(6).normal(size=50_000)
    if kind == "ties":
        scores = np.round(scores)
    if kind == "with NaN":
        scores[::7] = np.nan
    if kind == "sorted":
        scores.sort()
    finite = np.sort(scores[np.isfinite(scores)])
    for share in (1e-9, 0.001, 0.05, 0.2, 0.5, 0.99):
        expected = finite[math.ceil((1 - share) * (finite.size - 1))]
        assert upper_quantile(scores, share) == expected
