"""CSV and Parquet become tables of numbers with their time, and what is none is refused with its place."""

from __future__ import annotations

import gzip

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import fastdrift as fd
from fastdrift.files.read import column_names, read_table

from .samples import PACKED


def test_a_csv_is_read_with_its_time_as_index_and_its_numbers_to_the_last_bit(table):
    path = table("when,timestamp,cpu\n1,2024-01-01 00:00:00,0.30000000000000004\n2,2024-01-01T00:01:00,\n")
    frame = read_table(path)
    assert list(frame.columns) == ["when", "cpu"]
    assert frame.index.name == "timestamp"
    assert frame.index[1] == pd.Timestamp("2024-01-01 00:01")
    assert frame["cpu"].iloc[0] == 0.1 + 0.2
    assert np.isnan(frame["cpu"].iloc[1])


def test_a_table_without_a_time_gets_row_numbers(table):
    frame = read_table(table("a,b\n1,2\n3,4\n"))
    assert isinstance(frame.index, pd.RangeIndex)
    assert frame.to_numpy().tolist() == [[1, 2], [3, 4]]


def test_numbers_may_be_booleans_and_times_may_be_numbers(table):
    frame = read_table(table("Time,on\n0,true\n0.5,false\n0.5,true\n"))
    assert frame.index.tolist() == [0.0, 0.5, 0.5]
    assert frame["on"].tolist() == [1.0, 0.0, 1.0]


def test_the_time_can_be_named_and_a_metric_may_be_called_time(table):
    path = table("time,logged\n3,2024-01-01\n2,2024-01-02\n")
    frame = read_table(path, timestamp="logged")
    assert frame["time"].tolist() == [3, 2]
    assert isinstance(read_table(path, columns=["time"]).index, pd.RangeIndex)


def test_times_of_summer_and_winter_are_brought_to_utc(table):
    index = read_table(table("date,a\n2024-10-27T02:30:00+02:00,1\n2024-10-27T02:10:00+01:00,2\n")).index
    assert [str(time) for time in index] == ["2024-10-27 00:30:00+00:00", "2024-10-27 01:10:00+00:00"]


def test_columns_are_chosen_by_name_and_text_can_be_left_out(table):
    path = table("host,a,b\nweb,1,2\n")
    assert list(read_table(path, columns=["b", "a"]).columns) == ["b", "a"]
    assert list(read_table(path, drop=["host"]).columns) == ["a", "b"]
    assert column_names(path) == ["host", "a", "b"]


def test_columns_that_are_not_there_are_named_beside_those_that_are(table):
    path = table("a,b\n1,2\n")
    for options in ({"columns": ["c"]}, {"drop": ["c"]}, {"timestamp": "c"}):
        with pytest.raises(fd.DataError, match=r"column 'c'.* not there; there are 'a', 'b'"):
            read_table(path, **options)


def test_parquet_keeps_float32_and_time_zones(tmp_path):
    index = pd.date_range("2024-01-01", periods=4, freq="h", tz="Europe/Berlin")  # an index without a name
    frame = pd.DataFrame(np.arange(8, dtype=np.float32).reshape(4, 2), index=index, columns=["a", "b"])
    frame.to_parquet(tmp_path / "t.parquet")
    back = read_table(tmp_path / "t.parquet")
    assert set(back.dtypes) == {np.dtype(np.float32)}
    assert back.index.tz is not None
    assert back.index.name == "timestamp"


def test_an_index_of_parquet_that_holds_no_time_is_no_metric(tmp_path):
    pd.DataFrame({"a": [1.0, 2.0]}, index=[7, 3]).to_parquet(tmp_path / "t.parquet")
    frame = read_table(tmp_path / "t.parquet")
    assert list(frame.columns) == ["a"]
    assert isinstance(frame.index, pd.RangeIndex)


BAD_CSV = {
    "empty": (b"", fd.FileError, "it is empty"),
    "only blank lines": (b"\n\n", fd.FileError, "it is empty"),
    "no rows": (b"a,b\n", fd.DataError, "no row below"),
    "a picture": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", fd.FileError, "not a CSV, which is text in UTF-8"),
    "zeros": (bytes(100), fd.FileError, "binary"),
    "UTF-16": ("a,b\n1,2\n".encode("utf-16"), fd.FileError, "not a CSV, which is text in UTF-8"),
    "binary below a header": (b"a,b\n1,\xff\xfe\n", fd.FileError, "not a CSV"),
    "prose": (b"Dear all\nthe report is late\n", fd.DataError, "'Dear all', row 0: 'the report is late' is not a num"),
    "Parquet by another name": (b"PAR1" + bytes(100) + b"PAR1", fd.FileError, r"what ends in \.parquet: name it so"),
    "gzip by another name": (gzip.compress(b"a,b\n1,2\n"), fd.FileError, r"what ends in \.csv\.gz: name it so"),
    "a short row of semicolons": (b"a;b\n1;2\n3\n", fd.DataError, "line 3 has 1 values for 2 columns"),
    "thousands or decimals": (b"a;b\n5;1,500\n7;-12,345\n", fd.DataError, "'b', row 0: '1,500' may be thousands"),
    "points and commas": (b"a;b\n1,5;2\n2;2.5\n", fd.DataError, "'a', row 0: '1,5' has a comma.* 'b', row 1: '2.5'"),
    "a point for thousands": (b"a;b\n1.234,5;2,5\n", fd.DataError, "'a', row 0: '1.234,5' is not a number"),
    "decimal commas between commas": (b"a,b\n1,5,2,5\n", fd.DataError, "line 2 has 4 values for 2 columns"),
    "decimal commas without a header": (b"1,5;2\n3;4\n", fd.DataError, "first line holds numbers"),
    "a short row": (b"a,b\n1,2\n\n3\n", fd.DataError, "line 4 has 1 values for 2 columns"),
    "a long row": (b"a,b\n1,2\n3,4,5\n", fd.DataError, "line 3 has 3 values for 2 columns"),
    "no header": (b"1.5,2\n3,4\n", fd.DataError, "first line holds numbers"),
    "a name twice": (b"a,b,a\n1,2,3\n", fd.DataError, "column 'a' is there twice"),
    "no name": (b",a\n0,1\n", fd.DataError, "column 0 has no name"),
    "text": (b"a,b\n1,2\n3,oops\n4,worse\n", fd.DataError, r"column 'b', row 1: 'oops' is not a number.*--drop b"),
    "no times": (b"time,a\n2024-01-01,1\n31.12.2024,2\n", fd.DataError, "'time', row 1: '31.12.2024' is not a time"),
    "a missing time": (b"time,a\n2024-01-01,1\n,2\n", fd.DataError, "row 1 has no time in column 'time'"),
    "times that go back": (
        b"time,a\n2024-01-02,1\n2024-01-02,1\n2024-01-01,2\n",
        fd.DataError,
        "row 2 has 2024-01-01 00:00:00 after 2024-01-02 00:00:00",
    ),
    "numbers that go back": (b"time,a\n5,1\n4,2\n", fd.DataError, "row 1 has 4.0 after 5.0"),
    "only a time": (b"time\n1\n2\n", fd.DataError, "no column of numbers is left"),
}


@pytest.mark.parametrize("case", BAD_CSV)
def test_a_bad_csv_is_refused_with_its_place(table, case):
    content, error, message = BAD_CSV[case]
    path = table(content)
    with pytest.raises(error, match=message) as caught:
        read_table(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_text_far_down_a_long_column_is_found(table):
    rows = [str(value) for value in range(200_000)]
    rows[123_456] = "12a"
    with pytest.raises(fd.DataError, match=r"column 'a', row 123456: '12a' is not a number"):
        read_table(table("a\n" + "\n".join(rows)))


@pytest.mark.parametrize(("ending", "kind"), [(".gz", "gzip"), (".zst", "zstd")])
def test_a_packed_table_that_was_cut_short_or_is_none_is_refused(table, ending, kind):
    packed = PACKED[f".csv{ending}"](b"a,b\n" + b"1,2\n" * 100_000)
    for content in (packed[:-5], packed[: len(packed) // 2], b"a,b\n1,2\n"):
        path = table(content, f"table.csv{ending}")
        with pytest.raises(fd.FileError, match=rf"table\.csv\{ending}: it is not a whole {kind} file"):
            read_table(path)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"hello world" * 20, b"PAR1" + bytes(100) + b"PAR1"])
def test_what_is_no_parquet_is_refused(table, content):
    with pytest.raises(fd.FileError, match="it is not a Parquet file, or it is damaged"):
        read_table(table(content, "t.parquet"))


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (["web", "db"], "column 'a', row 0: 'web' is not a number"),
        (pd.to_datetime(["2024-01-01", "2024-01-02"]), r"column 'a' holds timestamp.*, not numbers"),
        ([[1.0], [2.0]], "column 'a' holds list.*, not numbers"),
    ],
)
def test_parquet_columns_that_hold_no_numbers_are_refused(tmp_path, column, message):
    pd.DataFrame({"a": column, "b": [1, 2]}).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(fd.DataError, match=message):
        read_table(tmp_path / "t.parquet")


def test_parquet_columns_may_be_missing_decimal_or_half(tmp_path):
    from pyarrow import parquet

    half = pa.array(np.array([1.5, 2.5], np.float16))
    table = pa.table(
        {
            "none": pa.nulls(2),
            "flag": pa.array([True, None]),
            "price": pa.array([1, 2]).cast(pa.decimal128(25, 2)),
            "half": half,
        }
    )
    parquet.write_table(table, tmp_path / "t.parquet")
    frame = read_table(tmp_path / "t.parquet")
    assert frame["price"].tolist() == [1.0, 2.0]
    assert frame["half"].tolist() == [1.5, 2.5]
    assert frame["flag"].isna().tolist() == [False, True]
    assert all(kind.kind == "f" for kind in frame.dtypes)


def test_files_that_are_not_there_or_not_tables_are_refused(tmp_path):
    with pytest.raises(fd.FileError, match="there is no such file"):
        read_table(tmp_path / "nowhere.csv")
    with pytest.raises(fd.FileError, match="there is no such file"):
        read_table(tmp_path / "nowhere.parquet")
    with pytest.raises(fd.FileError, match=r"ends in \.csv or \.tsv, with \.gz or \.zst if packed, or \.parquet"):
        read_table(tmp_path / "table.xlsx")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(fd.FileError, match="a directory"):
        read_table(tmp_path / "folder.csv")
