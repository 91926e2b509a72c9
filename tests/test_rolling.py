"""rolling_mean and rolling_std are exact to the last digits, and forget what has left the window."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import relative_error, rolling_exact, rolling_features, telemetry

import fastdrift as fd
from fastdrift.engine.plan import CACHED_NUMBERS

WINDOWS = (2, 3, 4, 5, 7, 10, 50, 51, 128, 129, 193, 500)
MEAN_TOLERANCE = 5e-16
STD_TOLERANCE = 1e-14


def length_for(window):
    """Return a number of rows that fills all lanes for short windows and ends inside a block."""
    return 17 * window + window // 2 + 1 if window < 100 else 4 * window + 3


# Exact to the last digits


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("offset", [0.0, 1e9, -1e12])
def test_mean_and_std_agree_with_exact_arithmetic(window, offset):
    column = np.random.default_rng(window).normal(offset, 1.0, length_for(window))
    mean, std = rolling_exact(column, window)
    assert relative_error(fd.rolling_std(column, window), std) < STD_TOLERANCE
    if offset:
        assert relative_error(fd.rolling_mean(column, window), mean) < MEAN_TOLERANCE
    else:
        assert np.nanmax(np.abs(fd.rolling_mean(column, window) - mean)) < 4 * MEAN_TOLERANCE * np.abs(column).max()


def test_a_window_longer_than_the_cache_is_as_exact():
    window, n_columns = 5_000, 2
    assert window * n_columns * 20 > CACHED_NUMBERS
    rows = np.random.default_rng(0).normal(1e9, 1.0, (13_000, n_columns))
    std = fd.rolling_std(rows, window)
    for column in range(n_columns):
        assert relative_error(std[:, column], rolling_exact(rows[:, column], window)[1]) < STD_TOLERANCE


@pytest.mark.parametrize("exponent", [-498, -120, -60, 60, 120, 498])  # about 1e-150 to 1e150
def test_units_do_not_matter(exponent):
    column = np.random.default_rng(1).normal(size=300)
    unit = 2.0**exponent
    assert fd.rolling_std(column * unit, 10).tobytes() == (fd.rolling_std(column, 10) * unit).tobytes()
    assert fd.rolling_mean(column * unit, 10).tobytes() == (fd.rolling_mean(column, 10) * unit).tobytes()


@pytest.mark.parametrize("exponent", [-1000, -600, 600, 1000])
def test_units_do_not_matter_even_where_squares_leave_the_range_of_doubles(exponent):
    column = np.random.default_rng(1).normal(size=300)
    unit = 2.0**exponent
    assert relative_error(fd.rolling_std(column * unit, 10), fd.rolling_std(column, 10) * unit) < STD_TOLERANCE


numbers = st.floats(1e-100, 1e100) | st.floats(-1e100, -1e-100) | st.just(0.0) | st.integers(-9, 9).map(float)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(numbers, min_size=9, max_size=60), st.integers(2, 9))
def test_any_numbers_at_all_give_what_exact_arithmetic_gives(values, window):
    mean, std = rolling_exact(values, window)
    largest = fd.rolling_mean(np.abs(values), window)
    assert relative_error(fd.rolling_std(values, window), std) < STD_TOLERANCE
    with np.errstate(invalid="ignore"):
        assert not np.any(np.abs(fd.rolling_mean(values, window) - mean) > 1e-15 * window * largest)


def test_the_oracle_itself_would_notice_an_error_in_the_last_digits():
    column = np.random.default_rng(2).normal(1e9, 1.0, 200)
    naive = rolling_features(column[:, None], 50)[:, 0]
    assert relative_error(rolling_exact(column, 50)[0][49:], naive) < 1e-15
    two_sums = pd.Series(column**2).rolling(50).mean() - pd.Series(column).rolling(50).mean() ** 2
    assert relative_error(np.sqrt(np.abs(two_sums))[49:], rolling_exact(column, 50)[1][49:]) > STD_TOLERANCE


@pytest.mark.parametrize("n_columns", [1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 33])
@pytest.mark.parametrize("window", [2, 5, 7, 50, 150])
def test_a_column_among_others_gives_the_bytes_it_gives_alone(n_columns, window):
    rows = telemetry(length_for(window), n_columns, seed=n_columns)
    mean, std = fd.rolling_mean(rows, window), fd.rolling_std(rows, window)
    assert mean.shape == std.shape == rows.shape
    for column in range(n_columns):
        alone = np.ascontiguousarray(rows[:, column])
        assert mean[:, column].tobytes() == fd.rolling_mean(alone, window).tobytes()
        assert std[:, column].tobytes() == fd.rolling_std(alone, window).tobytes()
    assert relative_error(std[window - 1 :], rolling_features(rows, window)[:, n_columns:]) < 1e-9


@pytest.mark.parametrize("window", [50, 129, 130, 192, 193, 321])
def test_a_block_read_tile_by_tile_changes_no_bit(tiles, window):
    rows = telemetry(20 * window + 7, 3, seed=window)
    whole = fd.rolling_std(rows, window), fd.rolling_mean(rows, window)
    tiles(1)
    assert fd.rolling_std(rows, window).tobytes() == whole[0].tobytes()
    assert fd.rolling_mean(np.asfortranarray(rows), window).tobytes() == whole[1].tobytes()


# Constants and signs


@pytest.mark.parametrize("value", [0.0, 0.1, -3.3e-300, 1e9 + 0.1, 1.7e308, 5e-324])
@pytest.mark.parametrize("window", [2, 7, 50])
def test_a_constant_window_has_its_value_as_mean_and_exactly_no_std(value, window):
    column = np.full(9 * window, value)
    assert (fd.rolling_mean(column, window)[window - 1 :] == value).all()
    assert fd.rolling_std(column, window)[window - 1 :].tobytes() == np.zeros(8 * window + 1).tobytes()


def test_a_stretch_of_constants_has_exactly_no_std_after_wild_numbers():
    column = np.random.default_rng(3).normal(0, 1e6, 400)
    column[150:300] = 0.1
    std = fd.rolling_std(column, 50)
    assert (std[199:300] == 0.0).all()
    assert (std[49:199] > 0).all()
    assert (std[300:] > 0).all()


def test_a_std_is_never_negative():
    rng = np.random.default_rng(4)
    for scale in (1e-12, 1.0, 1e12):
        column = 1e6 + scale * np.round(rng.normal(size=5_000) * rng.integers(0, 2, 5_000), 3)
        std = fd.rolling_std(column, 10)[9:]
        assert (std >= 0).all()
        assert not np.signbit(std).any()


# Nothing lingers


@pytest.mark.parametrize("value", [1e12, -1e300, np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("window", [2, 7, 50, 200])
def test_what_has_left_the_window_leaves_no_trace(value, window):
    clean = np.random.default_rng(5).normal(1e9, 1.0, 20 * window)
    for place in (0, window - 1, window, 5 * window + 1, len(clean) - 1):
        spoiled = clean.copy()
        spoiled[place] = value
        free = np.ones(len(clean), bool)
        free[place : place + window] = False
        for rolling in (fd.rolling_mean, fd.rolling_std):
            assert rolling(spoiled, window)[free].tobytes() == rolling(clean, window)[free].tobytes()


def test_std_is_exact_after_a_spike_an_inf_and_a_nan():
    column = np.random.default_rng(6).normal(1e9, 1.0, 1_000)
    column[[100, 300, 600]] = 1e12, np.inf, np.nan
    assert relative_error(fd.rolling_std(column, 50), rolling_exact(column, 50)[1]) < STD_TOLERANCE


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("rolling", [fd.rolling_mean, fd.rolling_std])
def test_exactly_the_windows_that_hold_a_nan_or_inf_are_nan(rolling, value):
    rows = np.random.default_rng(7).normal(size=(400, 2))
    places = [0, 6, 7, 8, 13, 100, 101, 399]
    rows[places, 1] = value
    held = np.zeros(400, bool)
    for place in places:
        held[place : place + 7] = True
    held[:6] = True
    out = rolling(rows, 7)
    assert (np.isnan(out[:, 1]) == held).all()
    assert np.isfinite(out[6:, 0]).all()


@pytest.mark.parametrize("window", [2, 7, 50])
def test_a_table_that_starts_at_a_multiple_of_the_window_gives_the_same_bytes(window):
    column = telemetry(40 * window, 1, seed=8)[:, 0]
    whole = fd.rolling_std(column, window)
    for block in (1, 2, 9, 30):
        part = fd.rolling_std(column[block * window :], window)
        assert part[window - 1 :].tobytes() == whole[(block + 1) * window - 1 :].tobytes()


# Kinds of input


def test_kinds_and_labels_are_those_of_the_input():
    frame = pd.DataFrame(telemetry(60, 2, seed=9), columns=["a", "b"], index=pd.date_range("2020", periods=60))
    table = fd.rolling_mean(frame, 5)
    assert list(table.columns) == ["a", "b"]
    assert table.index.equals(frame.index)
    series = fd.rolling_mean(frame["b"], 5)
    assert series.name == "b"
    assert series.index.equals(frame.index)
    assert series.to_numpy().tobytes() == fd.rolling_mean(frame["b"].to_numpy(), 5).tobytes()
    assert table["b"].to_numpy().tobytes() == series.to_numpy().tobytes()
    assert fd.rolling_mean([1, 2, 6], 2)[1:].tolist() == [1.5, 4.0]
    assert fd.rolling_mean(np.zeros((6, 1)), 2).shape == (6, 1)


@pytest.mark.parametrize("window", [1, 0, -3, 2.0, "3", None, True, np.True_, np.float64(3)])
def test_a_window_that_is_no_whole_number_of_at_least_two_is_an_error(window):
    with pytest.raises(fd.DataError, match=r"window is .*: give a whole number of rows, at least 2"):
        fd.rolling_mean(np.zeros(10), window)


@pytest.mark.parametrize("window", [np.int64(3), np.int8(3), np.uint16(3)])
def test_a_numpy_integer_is_a_window(window):
    assert fd.rolling_std(np.arange(9.0), window).tobytes() == fd.rolling_std(np.arange(9.0), 3).tobytes()


@pytest.mark.parametrize("n_rows", [0, 1, 6])
def test_too_few_rows_are_an_error_that_says_how_many_are_needed(n_rows):
    with pytest.raises(fd.DataError, match=rf"{n_rows} rows hold no window of 7: give at least 7 rows"):
        fd.rolling_std(np.zeros(n_rows), 7)


def test_a_table_of_just_one_window_gives_one_number():
    assert np.isfinite(fd.rolling_std(np.arange(7.0), 7)).tolist() == [False] * 6 + [True]


@pytest.mark.parametrize("threads", [0, -1, True, 2.0, "2"])
def test_threads_must_be_a_whole_number_of_at_least_one(threads):
    with pytest.raises(fd.DataError, match=r"threads is .*: give a whole number of at least 1"):
        fd.rolling_mean(np.zeros(10), 3, threads=threads)
