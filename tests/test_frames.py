"""A table's values decide the result; how they are stored does not."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from oracle import telemetry

import fastdrift as fd
from fastdrift.tables.convert import as_table

WINDOW = 7
N_COLUMNS = 5


@pytest.fixture(scope="module")
def table():
    return telemetry(3_001, N_COLUMNS, seed=12)


def wide(table):
    out = np.full((2 * len(table) + 3, N_COLUMNS + 4), np.nan)
    out[1 : 2 * len(table) : 2, 2 : 2 + N_COLUMNS] = table
    return out[1 : 2 * len(table) : 2, 2 : 2 + N_COLUMNS]


def read_only(table):
    out = table.copy()
    out.flags.writeable = False
    return out


def unaligned(table):
    return np.ndarray(table.shape, table.dtype, buffer=b"x" + table.tobytes(), offset=1)


def in_blocks(table):
    return pd.DataFrame({f"column {place}": table[:, place].copy() for place in range(N_COLUMNS)})


LAYOUTS = {
    "C": np.ascontiguousarray,
    "Fortran": np.asfortranarray,
    "strided": wide,
    "strided Fortran": lambda table: np.asfortranarray(wide(table))[:, :],
    "every other row of Fortran": lambda table: np.asfortranarray(np.repeat(table, 2, axis=0))[::2],
    "rows reversed": lambda table: table[::-1].copy()[::-1],
    "columns reversed": lambda table: table[:, ::-1].copy()[:, ::-1],
    "all reversed": lambda table: table[::-1, ::-1].copy()[::-1, ::-1],
    "part of a wider table": lambda table: np.hstack([table, table])[:, :N_COLUMNS],
    "read-only": read_only,
    "unaligned": unaligned,
    "big-endian": lambda table: table.astype(">f8"),
    "a list": lambda table: table.tolist(),
    "a frame of one block": pd.DataFrame,
    "a frame of several blocks": in_blocks,
    "a Fortran frame": lambda table: pd.DataFrame(np.asfortranarray(table)),
    "a strided frame": lambda table: pd.DataFrame(np.repeat(table, 2, axis=0))[::2],
    "a frame of nullable columns": lambda table: pd.DataFrame(table).astype("Float64"),
    "a frame of Arrow columns": lambda table: pd.DataFrame(table).astype("float64[pyarrow]"),
    "a frame of sparse columns": lambda table: pd.DataFrame(table).astype(pd.SparseDtype("float64")),
    "a frame with columns of columns": lambda table: pd.DataFrame(
        table, columns=pd.MultiIndex.from_product([["a"], range(N_COLUMNS)])
    ),
    "a frame whose index repeats": lambda table: pd.DataFrame(table, index=np.zeros(len(table))),
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_a_layout_changes_no_byte(fit, table, layout):
    model = fit(table, window=WINDOW)
    stored = layout(table)
    assert np.asarray(fd.score(model, stored)).tobytes() == fd.score(model, table).tobytes()
    expected = fd.rolling_std(table, WINDOW).tobytes()
    assert np.ascontiguousarray(fd.rolling_std(stored, WINDOW)).tobytes() == expected
    assert fit(stored, window=WINDOW).cholesky.tobytes() == model.cholesky.tobytes()


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_a_layout_of_float32_gives_the_bytes_of_the_same_values_in_float64(fit, table, layout):
    narrow = table.astype(np.float32)
    model = fit(narrow.astype(np.float64), window=WINDOW)
    expected = fd.score(model, narrow.astype(np.float64)).tobytes()
    assert np.asarray(fd.score(model, layout(narrow))).tobytes() == expected


@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "?", "f2", ">i4", ">f4"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_whole_numbers_and_booleans_give_the_bytes_of_the_same_values_in_float64(fit, dtype, order):
    values = np.random.default_rng(13).integers(0, 100, (2_000, 3)) % (2 if dtype == "?" else 100)
    stored = np.array(values, dtype=dtype, order=order)
    doubles = stored.astype(np.float64)
    model = fit(doubles, window=WINDOW)
    assert fd.score(model, stored).tobytes() == fd.score(model, doubles).tobytes()
    assert fd.rolling_std(stored, WINDOW).tobytes() == fd.rolling_std(doubles, WINDOW).tobytes()
    frame = pd.DataFrame(stored.astype(stored.dtype.newbyteorder("=")))
    assert fd.score(model, frame).to_numpy().tobytes() == fd.score(model, doubles).tobytes()


@pytest.mark.parametrize("dtype", ["Int64", "int64[pyarrow]", "boolean", "bool[pyarrow]", "UInt8", "Float32"])
def test_nullable_columns_give_the_bytes_of_the_same_values_in_float64(dtype):
    values = pd.DataFrame(np.random.default_rng(14).integers(0, 2, (500, 2)))
    expected = fd.rolling_mean(values.astype(np.float64), WINDOW)
    assert fd.rolling_mean(values.astype(bool).astype(dtype), WINDOW).equals(expected)


def test_a_masked_value_is_a_nan_or_an_error():
    values = np.ma.masked_greater(telemetry(100, 2, seed=15), 0.0)
    try:
        means = fd.rolling_mean(values, WINDOW)
    except fd.DataError:
        return
    assert np.array_equal(means, fd.rolling_mean(values.filled(np.nan), WINDOW), equal_nan=True)


@pytest.mark.parametrize("dtype", ["Float64", "float64[pyarrow]"])
def test_a_missing_value_is_a_nan(dtype):
    frame = pd.DataFrame(telemetry(100, 2, seed=15))
    frame.iloc[40, 1] = np.nan
    stored = frame.astype(dtype)
    assert stored[1].isna().sum() == 1
    assert fd.rolling_mean(stored, WINDOW).equals(fd.rolling_mean(frame, WINDOW))


def test_columns_of_mixed_kinds_give_the_bytes_of_the_same_values_in_float64(fit):
    frame = pd.DataFrame(telemetry(1_000, 4, seed=16), columns=list("abcd"))
    frame = frame.assign(a=frame["a"].astype(np.float32), b=frame["b"].round().astype("int16"), c=frame["c"] > 0)
    model = fit(frame, window=WINDOW)
    doubles = frame.astype(np.float64)
    assert fit(doubles, window=WINDOW).cholesky.tobytes() == model.cholesky.tobytes()
    assert fd.score(model, frame).equals(fd.score(model, doubles))


def test_numbers_that_repeat_without_being_stored_are_read_like_any_others():
    row = np.arange(4.0)
    assert (fd.rolling_std(np.broadcast_to(row, (50, 4)), WINDOW)[WINDOW - 1 :] == 0).all()
    column = telemetry(50, 1, seed=17)
    repeated = np.broadcast_to(column, (50, 4))
    assert fd.rolling_std(repeated, WINDOW).tobytes() == fd.rolling_std(repeated.copy(), WINDOW).tobytes()


def test_floats_are_read_where_they_lie(table):
    for stored in (table, np.asfortranarray(table), wide(table), table.astype(np.float32), pd.DataFrame(table)):
        assert np.shares_memory(as_table(stored).rows(0, 10), np.asarray(stored))


def test_input_is_left_as_it_was(fit, table):
    frame = in_blocks(table)
    before = table.copy(), frame.copy(deep=True)
    model = fit(table, window=WINDOW)
    for stored in (table, frame):
        fit(stored, window=WINDOW)
        fd.score(model, stored)
        fd.rolling_mean(stored, WINDOW)
        fd.mahalanobis(stored, np.zeros(N_COLUMNS), np.eye(N_COLUMNS))
    assert table.tobytes() == before[0].tobytes()
    assert frame.equals(before[1])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((9, 2), complex), "the array holds complex128: convert it to float64"),
        (np.zeros((9, 2), "m8[s]"), "the array holds timedelta64[s]"),
        (np.zeros((9, 2), object), "the array holds object"),
        (np.array([["1", "2"]] * 9), "the array holds <U1"),
        (np.zeros(9, [("a", "f8"), ("b", "f8")]), "the array holds"),
        (np.zeros((9, 2, 2)), "3 dimension(s)"),
        (np.zeros((9, 0)), "the table has no columns"),
        (pd.DataFrame(), "the table has no columns"),
        (pd.DataFrame({"a": ["x"] * 9}, dtype=object), "column 'a' holds object, not numbers (row 0: 'x')"),
        (pd.DataFrame({"a": ["x"] * 9}), ", not numbers (row 0: 'x')"),  # str from pandas 3 on
        (pd.DataFrame({"a": [1j] * 9}), "column 'a' holds complex128"),
        (pd.DataFrame({"a": pd.Categorical([1, 2, 3] * 3)}), "column 'a' holds category"),
        (pd.DataFrame({"a": pd.date_range("2020", periods=9)}), "column 'a' holds datetime64"),
        (pd.DataFrame({"a": [1, 2, "x"] * 3}), "column 'a' holds object, not numbers (row 2: 'x')"),
        (pd.DataFrame(np.zeros((9, 2)), columns=["a", "a"]), "column 'a' is there twice: rename or drop one"),
        (np.float64(1.0), "0 dimension(s)"),
        (None, "the table is a NoneType: pass rows × columns"),
        ("text", "the table is a str: pass rows × columns"),
    ],
)
def test_what_is_no_table_of_numbers_is_an_error_that_says_why(values, message):
    with pytest.raises(fd.DataError, match=re.escape(message)):
        fd.rolling_mean(values, 3)
