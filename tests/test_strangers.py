"""What is no table of numbers is an error that names its kind, where it went wrong, and what to do."""

from __future__ import annotations

import datetime as dt
import re

import numpy as np
import pandas as pd
import pytest
from kinds import WINDOW, Capsule, pa, polars

import fastdrift as fd

TIMES = pd.date_range("2024-03-01", periods=50, freq="min")
CLOCK = [time.to_pydatetime() for time in TIMES]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: polars().DataFrame({"a": [None, "x", "y"] * 9}),
            "column 'a' holds String, not numbers (row 1: 'x'): convert it with .cast(polars.Float64), or drop it",
        ),
        (
            lambda: pa.table({"a": [None, "x", "y"] * 9}),
            "column 'a' holds string, not numbers (row 1: 'x'): convert it with pyarrow.compute.cast, or drop it",
        ),
        (lambda: polars().DataFrame({"a": [[1.0]] * 9}), "column 'a' holds List(Float64), not numbers (row 0: "),
        (lambda: pa.table({"a": [[1.0]] * 9}), "column 'a' holds list<"),
        (lambda: polars().DataFrame({"a": ["x"] * 9}, schema={"a": polars().Categorical}), "column 'a' holds Categ"),
        (lambda: pa.table({"a": pa.array(["x"] * 9).dictionary_encode()}), "column 'a' holds dictionary<"),
        (lambda: pa.table({"a": [dt.timedelta(1)] * 9}), "column 'a' holds duration[us], not numbers (row 0: "),
        (lambda: polars().DataFrame({"a": [dt.timedelta(1)] * 9}), "column 'a' holds Duration"),
        (
            lambda: polars().DataFrame({"a": [1.0] * 50, "ts": CLOCK}),
            "column 'ts' holds Datetime(time_unit='us', time_zone=None), not numbers (row 0: "
            "datetime.datetime(2024, 3, 1, 0, 0)): if these are the rows' times say time='ts', else drop it",
        ),
        (lambda: pa.table({"a": [1.0] * 50, "ts": CLOCK}), "if these are the rows' times say time='ts', else drop it"),
        (lambda: pa.table({"day": [dt.date(2024, 1, 1)] * 9}), "say time='day'"),
        (lambda: pd.DataFrame({"a": [1.0] * 50, "ts": TIMES}), "say time='ts'"),
        (lambda: pa.table([[1.0], [2.0]], names=["a", "a"]), "column 'a' is there twice: rename or drop one"),
        (lambda: pa.table({"a": pa.array([], pa.string())}), "column 'a' holds string, not numbers (row 0: None)"),
        (lambda: polars().DataFrame({"a": []}, schema={"a": str}), "column 'a' holds String, not numbers (row 0: None"),
        (lambda: pa.table({"a": pa.chunked_array([], pa.float64())}), "0 rows hold no window of 3"),
        (
            lambda: pa.table({"a": pa.array(range(1, 9), pa.timestamp("ns"))}),
            "(row 0: '1970-01-01 00:00:00.000000001')",
        ),
        (lambda: polars().DataFrame(), "the table has no columns"),
        (lambda: pa.table({}), "the table has no columns"),
        (
            lambda: polars().DataFrame({"a": [1.0]}).lazy(),
            "the table is a polars LazyFrame: make a DataFrame of it with",
        ),
        (lambda: Capsule(pa.chunked_array([[1.0]])), "kinds.Capsule, which pyarrow can't read as a table: "),
    ],
)
def test_columns_that_are_no_numbers_are_errors_that_say_where_and_what_to_do(make, message):
    with pytest.raises(fd.DataError, match=re.escape(message)):
        fd.rolling_mean(make(), 3)


class Stranger:
    """A frame of a library that nobody here knows."""

    columns = ("a", "b")

    def __array__(self, dtype=None, copy=None):
        return np.zeros((9, 2))


class Delayed(Stranger):
    def compute(self):
        raise AssertionError("nobody asked for the result")


class Distributed:
    @property
    def columns(self):
        raise AssertionError("nobody asked the cluster")

    def toPandas(self):  # noqa: N802  # as Spark calls it
        raise AssertionError("nobody asked for the result")


class Interchange:
    def __dataframe__(self):
        raise AssertionError("the protocol has been given up")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"a": [1.0, 2.0]}, "the table is a dict: make a frame of it, as with pandas.DataFrame(data)"),
        ([{"a": 1.0}, {"a": 2.0}], "the table is a list of dicts: make a frame of it, as with pandas.DataFrame(data)"),
        (
            Stranger(),
            "the table is a test_strangers.Stranger, not a frame of pandas, polars or Arrow: make one of it first",
        ),
        (
            Delayed(),
            "the table is a test_strangers.Delayed, not a frame of pandas, polars or Arrow: make one of it first, as",
        ),
        (Distributed(), "make one of it first, as with .toPandas()"),
        (Interchange(), "the table is a test_strangers.Interchange, not a frame"),
        (pd.Series([1.0, 2.0]), "the table is a pandas Series: make a frame with .to_frame()"),
        (pa.array([1.0, 2.0]), "the table is a pyarrow Array: make a table of it"),
        ((number for number in [1.0]), "the table is a generator: pass rows × columns"),
        ({1.0, 2.0}, "the table is a set: pass rows × columns"),
        (object(), "the table is a object: pass rows × columns"),
        ([[1.0, 2.0], [3.0]], "row 1 holds 1 numbers and row 0 2: give every row as many"),
        ([[1.0, 2.0], 3.0], "the table is a list, and no array"),
        ([[1.0, None]] * 9, "the array holds object: convert it to float64"),
        (np.full((9, 2), 1.0, object), "the array holds object: convert it to float64"),
        ([["x", "y"]] * 9, "the array holds <U1: convert it to float64"),
        ([1.0] * 9, "the table has 1 dimension(s): pass rows × columns"),
    ],
)
def test_what_is_no_table_is_an_error_that_names_its_kind_and_is_never_read_by_place(fit, table, data, message):
    model = fit(table, window=WINDOW)
    for call in (lambda: fd.score(model, data), lambda: fd.fit(data, window=2)):
        with pytest.raises(fd.DataError, match=re.escape(message)):
            call()


def test_a_polars_series_is_no_table():
    with pytest.raises(fd.DataError, match=re.escape("the table is a polars Series: make a frame with .to_frame()")):
        fd.fit(polars().Series([1.0, 2.0]))
