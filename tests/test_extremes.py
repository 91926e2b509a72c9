"""Numbers whose squares leave the range of doubles: their windows are exact, and no others are touched."""

from __future__ import annotations

import platform
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import relative_error, rolling_exact, telemetry

import fastdrift as fd

STD_TOLERANCE = 1e-14
LARGEST = np.finfo(float).max
HUGE = 0.9 * LARGEST


def check_exact(column, window):
    """Compare with exact arithmetic: means to a share of the largest number, stds of their own."""
    column = np.asarray(column)
    mean, std = rolling_exact(column, window)
    ours_mean, ours_std = fd.rolling_mean(column, window), fd.rolling_std(column, window)
    assert (np.isnan(ours_mean) == np.isnan(mean)).all()
    assert (np.isnan(ours_std) == ~np.isfinite(std)).all()
    for end in range(window - 1, len(column)):
        largest = np.abs(column[end - window + 1 : end + 1]).max()
        if np.isfinite(largest):
            assert abs(ours_mean[end] / 2 - mean[end] / 2) <= window * 2e-16 * largest + 5e-324
        if np.isfinite(std[end]):
            assert abs(ours_std[end] - std[end]) <= STD_TOLERANCE * std[end] + 5e-324


@pytest.mark.parametrize("window", [2, 3, 5, 10, 50, 130, 200])
@pytest.mark.parametrize("size", [5e-324, 1e-310, 1e-170, 1e-151, 1e-149, 1e150, 1e153, 1e200, 4e307])
def test_a_std_has_its_digits_at_every_size(size, window):
    column = np.random.default_rng(window).uniform(-4, 4, 18 * window if window < 100 else 4 * window) * size
    check_exact(column, window)


@pytest.mark.parametrize("window", [2, 7, 50, 150])
def test_the_largest_and_smallest_doubles_of_both_signs_have_a_mean_and_a_std(window):
    rng = np.random.default_rng(window)
    for values in ([-HUGE, HUGE, 0.0], [-5e-324, 5e-324, 0.0], [-HUGE, 5e-324, 1.0], [1e-200, 1e-300, 0.0]):
        column = rng.choice(values, 10 * window, p=[0.2, 0.2, 0.6])
        if window > 2 or np.abs(column).max() < HUGE:  # of two such the std is beyond the largest double
            check_exact(column, window)


def test_the_largest_doubles_have_a_mean():
    assert (fd.rolling_mean(np.array([LARGEST, -LARGEST] * 20), 2)[1:] == 0.0).all()
    assert (fd.rolling_mean(np.full(40, -LARGEST), 7)[6:] == -LARGEST).all()


sizes = st.sampled_from([5e-324, 1e-300, 1e-160, 1e-150, 1e-100, 1.0, 1e100, 1e149, 1e160, 1e300])
numbers = st.just(0.0) | st.builds(lambda size, factor: size * factor, sizes, st.integers(-9, 9))


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(numbers, min_size=9, max_size=60), st.integers(2, 9))
def test_numbers_of_all_sizes_side_by_side_give_what_exact_arithmetic_gives(values, window):
    check_exact(values, window)


@pytest.mark.parametrize("window", [2, 5, 50, 130, 193])
@pytest.mark.parametrize("value", [LARGEST, -1e200, 1e-200, 5e-324])
def test_a_huge_or_tiny_number_leaves_no_trace_in_the_windows_that_do_not_hold_it(window, value):
    clean = telemetry(12 * window, 2, seed=window)
    clean[4 * window : 7 * window, 1] = 0.0
    clean[8 * window, 1] = np.nan
    expected = fd.rolling_mean(clean, window), fd.rolling_std(clean, window)
    for place in (0, window, 5 * window + 1, 8 * window + 1, len(clean) - 1):
        spoiled = clean.copy()
        spoiled[place, 1] = value
        touched = slice(place, place + window)
        for rolling, before in zip((fd.rolling_mean, fd.rolling_std), expected, strict=True):
            after = rolling(spoiled, window)
            assert after[:, 0].tobytes() == before[:, 0].tobytes()
            after[touched, 1] = before[touched, 1]
            assert after.tobytes() == before.tobytes()


@pytest.mark.parametrize("value", [3e-200, -5e-324, 1e-155])
@pytest.mark.parametrize("window", [2, 7, 50])
def test_a_tiny_constant_stretch_has_its_value_and_no_std(value, window):
    column = np.random.default_rng(3).normal(size=8 * window) * 1e-200
    column[3 * window : 6 * window] = value
    ends = slice(4 * window - 1, 6 * window)
    assert (fd.rolling_mean(column, window)[ends] == value).all()
    assert (fd.rolling_std(column, window)[ends] == 0.0).all()


def wild(n_rows, n_columns):
    """Return rows of which some hold tiny, some huge numbers, and columns with stretches of zeros."""
    rng = np.random.default_rng(n_columns)
    rows = rng.normal(size=(n_rows, n_columns)) * 10.0 ** rng.choice([-200, -30, 0, 30], (n_rows, n_columns))
    rows[n_rows // 3 : n_rows // 2, ::2] = 0.0
    rows[n_rows // 5, :2] = 1e300
    return rows


@pytest.mark.parametrize("window", [4, 50, 131, 600])
def test_every_way_of_reading_gives_the_same_bytes(window):
    rows = wild(9 * window + 3, 40 if window == 600 else 3)
    for rolling in (fd.rolling_mean, fd.rolling_std):
        expected = rolling(rows, window)
        assert np.isfinite(expected[window - 1 :]).all()
        for way in (
            np.asfortranarray(rows),
            np.repeat(rows, 2, axis=0)[::2],
            np.hstack([rows, rows])[:, : rows.shape[1]],
        ):
            assert rolling(way, window, threads=2).tobytes() == expected.tobytes()
        for first in (1, window, 2 * window + 5):
            part = rolling(rows[first:], window, first_row=first)
            assert part[window - 1 :].tobytes() == expected[first + window - 1 :].tobytes()


def test_float32_has_its_smallest_and_largest_numbers_too():
    column = np.array([1e-45, 3e38, -3e38, 0.0, 1e-40] * 20, np.float32)
    assert fd.rolling_std(column, 4).tobytes() == fd.rolling_std(column.astype(float), 4).tobytes()


# Scores


@pytest.mark.parametrize("exponent", [-900, -560, 560, 900])
def test_distances_do_not_depend_on_a_columns_unit(exponent):
    rows = np.random.default_rng(1).normal(size=(3_000, 3))
    model = fd.fit(rows[:1_500], window=10)
    units = np.array([1.0, 2.0**exponent, 1.0])
    fields = {name: np.tile(units, 2) * getattr(model, name) for name in ("centre", "scale")}
    other = replace(model, **fields)
    assert relative_error(fd.score(other, rows * units), fd.score(model, rows)) < 1e-12


HASHES = """
import hashlib, numpy as np, fastdrift as fd
rng = np.random.default_rng(0)
rows = rng.normal(size=(2_000, 3)) * 10.0 ** rng.choice([-250, -160, 0, 200], (2_000, 3))
rows[300:700, 0], rows[800, 1] = 0.0, np.nan
for window in (2, 5, 50, 131):
    digest = hashlib.sha256(fd.rolling_std(rows, window).tobytes())
    digest.update(fd.rolling_mean(rows, window).tobytes())
    print(digest.hexdigest())
"""


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="names x86 processors")
def test_a_processor_with_half_the_registers_gives_the_same_bytes(run_python, tmp_path):
    options = {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": "", "FASTDRIFT_CACHE_DIR": str(tmp_path)}
    assert run_python(HASHES, **options) == run_python(HASHES)
