"""Tables come in clean or with a clear error, files are written whole or not at all, and model files cannot lie."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import pickle
import stat
import tempfile
import tracemalloc
import zipfile
import zlib

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastdrift as fd
from fastdrift.detectors import store
from fastdrift.detectors.store import load_model
from fastdrift.files import disk
from fastdrift.files.archive import DIGEST_LENGTH
from fastdrift.files.csv import GAPS
from fastdrift.files.disk import staged, write_bytes, write_json
from fastdrift.files.read import column_names, read_noted_table, read_table
from fastdrift.files.source import spooled
from fastdrift.files.write import write_table
from fastdrift.tables.roles import UNITS, time_unit

TIMES = pd.date_range("2024-01-01", periods=3, freq="min", name="timestamp")


@pytest.fixture
def frame():
    values = {"cpu": [0.1 + 0.2, np.nan, -np.inf], "memory": [1e-300, 2**53 + 1.0, 5.0]}
    return pd.DataFrame(values, index=TIMES)


@pytest.fixture
def table(tmp_path):
    """Return a function that writes text to a CSV and returns its path."""

    def write(text, name="table.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


@pytest.fixture(scope="module")
def named_model():
    data = fd.generate(4_000, columns=3, seed=3, drifts=())
    return fd.fit(data.frame.assign(still=7.5), window=20)


@pytest.fixture
def model_file(named_model, tmp_path):
    path = tmp_path / "m.fastdrift"
    named_model.save(path)
    return path


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


def zstd(content):
    return pa.Codec("zstd").compress(content, asbytes=True)


PACKED = {".csv": bytes, ".csv.gz": gzip.compress, ".csv.zst": zstd}
WRITTEN = ["t.csv", "t.csv.gz", "t.csv.zst", "t.tsv", "t.tsv.gz", "t.tsv.zst", "t.parquet"]


@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_written_is_read_back_to_the_last_bit(frame, tmp_path, name):
    write_table(frame, tmp_path / name)
    back = read_table(tmp_path / name)
    assert back.to_numpy().tobytes() == frame.to_numpy().tobytes()
    assert list(back.columns) == list(frame.columns)
    assert back.index.equals(TIMES)


@pytest.mark.parametrize("name", WRITTEN)
def test_the_same_table_gives_the_same_bytes_whole_or_in_pieces(frame, tmp_path, name):
    whole, pieces = tmp_path / name, tmp_path / f"pieces_{name}"
    write_table(frame, whole)
    write_table((frame.iloc[row : row + 1] for row in range(3)), pieces)
    if name in ("t.csv", "t.tsv"):
        assert pieces.read_bytes() == whole.read_bytes()
    pd.testing.assert_frame_equal(read_table(pieces), read_table(whole))
    first = whole.read_bytes()
    write_table(frame, whole)
    assert whole.read_bytes() == first


def test_a_csv_has_no_more_digits_than_it_needs(frame, tmp_path):
    write_table(frame, tmp_path / "t.csv")
    lines = (tmp_path / "t.csv").read_text().splitlines()
    assert lines[:2] == ["timestamp,cpu,memory", "2024-01-01 00:00:00,0.30000000000000004,1e-300"]
    write_table(frame, tmp_path / "t.tsv")
    assert (tmp_path / "t.tsv").read_text().splitlines() == [line.replace(",", "\t") for line in lines]


def test_a_packed_table_has_the_same_bytes_tomorrow(frame, tmp_path, monkeypatch):
    write_table(frame, tmp_path / "t.csv.gz")
    monkeypatch.setattr("time.time", lambda: 2e9)
    write_table(frame, tmp_path / "tomorrow.csv.gz")
    assert (tmp_path / "tomorrow.csv.gz").read_bytes() == (tmp_path / "t.csv.gz").read_bytes()


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
    import pyarrow as pa
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


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".csv.zst", ".tsv", ".tsv.gz"])
def test_what_separates_columns_is_seen(table, separator, ending):
    lines = ["time, in UTC|core 0", '"2024-01-01 00:00:00"|1.5', "2024-01-01 00:01:00|", "2024-01-01 00:02:00|-2e-3"]
    text = "\n".join(lines).replace("time, in UTC", "time").replace("|", separator)
    frame = read_table(table(PACKED[ending.replace(".tsv", ".csv")](text.encode()), f"table{ending}"))
    assert frame["core 0"].fillna(9).tolist() == [1.5, 9.0, -0.002]
    assert frame.index[2] == pd.Timestamp("2024-01-01 00:02")


def test_names_may_hold_what_separates_other_tables(table):
    assert column_names(table("cpu|user,cpu;sys\n1,2\n")) == ["cpu|user", "cpu;sys"]
    assert column_names(table("cpu,user\tcpu,sys\n1\t2\n")) == ["cpu,user", "cpu,sys"]
    assert column_names(table("cpu,user\tcpu\n1,5\t2\n", "table.tsv")) == ["cpu,user", "cpu"]


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_decimal_commas_are_read_beside_other_separators_and_told(table, separator):
    rows = [("0,30000000000000004", "1,500"), ("-7", "None"), ("2,5e-3", "20,")]
    text = "\n".join(separator.join(row) for row in [("a", "b"), *rows])
    frame, notes = read_noted_table(table(text))
    assert frame["a"].tolist() == [0.1 + 0.2, -7.0, 0.0025]
    assert frame["b"].fillna(9).tolist() == [1.5, 9.0, 20.0]
    assert notes == ("commas in numbers are taken for decimal points",)
    assert read_table(table("time;a\n0,5;1\n1;2\n")).index.tolist() == [0.5, 1.0]
    assert read_table(table("time_s;a\n0,5;1\n1;2\n"))["time_s"].tolist() == [0.5, 1.0]
    late = "a;b\n" + "1;2\n" * 300_000 + "1,5;2\n"
    assert read_table(table(late))["a"].iloc[-1] == 1.5


def test_text_beside_decimal_commas_stays_for_cleaning(table):
    frame = read_table(table("a;b\n1,5;2,x\n2,5;3,5\n"), text=True)
    assert frame["a"].tolist() == [1.5, 2.5]
    assert frame["b"].tolist() == ["2,x", "3.5"]


@pytest.mark.parametrize("word", GAPS)
def test_words_for_nothing_are_gaps(table, word):
    frame = read_table(table(f"a,b\n1,{word}\n{word},2\n"))
    assert frame.isna().to_numpy().tolist() == [[False, True], [True, False]]
    with pytest.raises(fd.DataError, match="row 1 has no time"):
        read_table(table(f"time,a\n2024-01-01,1\n{word},2\n"))


@pytest.mark.parametrize("ending", PACKED)
def test_a_byte_order_mark_is_no_part_of_a_name(table, ending):
    path = table(PACKED[ending](b"\xef\xbb\xbftimestamp,a\n2024-01-01,1\n"), f"table{ending}")
    assert column_names(path) == ["timestamp", "a"]
    frame = read_table(path)
    assert list(frame.columns) == ["a"]
    assert frame.index.name == "timestamp"


def test_a_first_column_of_times_needs_no_name(frame, table):
    frame = frame.rename_axis(index=None)
    path = table(frame.to_csv())
    back, notes = read_noted_table(path)
    assert back.to_numpy().tobytes() == frame.to_numpy().tobytes()
    assert back.index.equals(TIMES)
    assert back.index.name == "timestamp"
    assert notes == ("the first column, which has no name, is taken as the time",)
    assert read_noted_table(path, timestamp="").notes == ()


def test_a_time_may_be_called_as_log_shippers_call_it(table):
    frame = read_table(table("a,@timestamp\n1,2024-01-01T00:00:00Z\n"))
    assert list(frame.columns) == ["a"]
    assert frame.index.name == "@timestamp"


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize(
    "name", ["ts", "TS", "time_ms", "timestampNs", "epoch", "unixtime", "timestamp", "event_time", ""]
)
def test_times_since_1970_are_the_index_in_utc_and_told(table, tmp_path, name, unit):
    counts = [1_735_686_000 * UNITS[unit] + 7, 1_735_686_000 * UNITS[unit] + 7, 1_735_686_060 * UNITS[unit], 10**9 * 4]
    counts[3] *= UNITS[unit]
    rows = pd.DataFrame({name: counts, "a": [1.0, 2.0, 3.0, 4.0]})
    paths = [table(rows.to_csv(index=False))]
    if name:
        rows.to_parquet(tmp_path / "t.parquet")
        paths.append(tmp_path / "t.parquet")
    for path in paths:
        frame, notes = read_noted_table(path)
        assert list(frame.columns) == ["a"]
        assert frame.index.equals(pd.to_datetime(counts, unit=unit, utc=True).as_unit(frame.index.unit))
        assert frame.index.as_unit("ns").astype("int64").tolist() == [n * 10**9 // UNITS[unit] for n in counts]
        assert len(notes) == 1
        assert notes[0].endswith(f"is taken as the time: {fd.files.parse.UNIT_NAMES[unit]} since 1970, in UTC")


def plain_unit(values):
    """Return the unit of times since 1970 by the definition, value by value."""
    if len({*values}) < 3 or values != sorted(values) or any(value != value // 1 for value in values):
        return None
    first, last = (pd.Timestamp(f"{year}-01-01", tz="UTC").timestamp() for year in (1990, 2100))
    return next((u for u, n in UNITS.items() if all(first * n <= value < last * n for value in values)), None)


@settings(deadline=None)
@given(
    st.lists(st.sampled_from([0, 1, 59.5, 60, 631_151_999, 631_152_000, 2e9, 2e9 + 60, 4_102_444_799, 4_102_444_800])),
    st.sampled_from([*UNITS.values()]),
    st.booleans(),
)
def test_a_unit_is_that_of_the_definition(seconds, factor, is_sorted):
    values = [second * factor for second in (sorted(seconds) if is_sorted else seconds)]
    assert time_unit(np.array(values, float), "ts") == plain_unit(values)
    assert time_unit(np.array(values, float), "bytes_total") is None
    assert time_unit(np.array([*values, np.nan]), "ts") is None


@pytest.mark.parametrize("unit", UNITS)
def test_times_since_1970_are_those_from_1990_to_2099(unit):
    first, after = 631_152_000 * UNITS[unit], 4_102_444_800 * UNITS[unit]
    assert time_unit(np.array([first, first + 1, after - 1]), "ts") == unit
    assert time_unit(np.array([first - 1, first, first + 1]), "ts") is None
    assert time_unit(np.array([after - 2, after - 1, after]), "ts") is None
    assert time_unit(np.array([], np.int64), "ts") is None


def test_whole_numbers_are_a_metric_unless_they_are_called_and_look_like_times(table):
    grows = "1735686000,1\n1735686060,2\n1735686120,3\n"
    uneven = "1735686000,1\n1735686060,2\n1735696120,3\n"
    for text in (f"bytes_total,a\n{uneven}", "ts,a\n5,1\n6,2\n7,3\n", "ts,a\n1735686000,1\n1735686060,2\n"):
        frame, notes = read_noted_table(table(text))
        assert isinstance(frame.index, pd.RangeIndex)
        assert (len(frame.columns), notes) == (2, ())
    for options in ({"metrics": ["ts"]}, {"columns": ["ts", "a"]}):
        assert list(read_table(table(f"ts,a\n{grows}"), **options).columns) == ["ts", "a"]
    assert list(read_table(table(f"ts,a\n{grows}"), columns=["a"]).index) == list(
        read_table(table(f"ts,a\n{grows}")).index
    )
    assert isinstance(read_table(table(f"when,a\n{grows}"), timestamp="when").index, pd.DatetimeIndex)


def test_times_since_1970_keep_the_rules_of_times(table):
    text = "ts,a\n1735686060,1\n1735686000,2\n1735686120,3\n"
    with pytest.raises(fd.DataError, match="time goes back in column 'ts': row 1 has 2024-12-31 23:00:00"):
        read_table(table(text))
    assert read_table(table(text), any_order=True).index[1] == pd.Timestamp("2024-12-31 23:00", tz="UTC")
    with pytest.raises(fd.DataError, match="row 1 has no time in column 'ts'"):
        read_table(table("ts,a\n1735686000,1\n,2\n1735686060,2\n1735686120,3\n"))
    with pytest.raises(fd.DataError, match="no column of numbers is left"):
        read_table(table("ts\n1735686000\n1735686060\n1735686120\n"))


def test_times_as_text_may_be_called_like_times(table):
    frame, notes = read_noted_table(table("log_ts,ts,a\n1,2024-01-01,1\n2,2024-01-02,2\n"))
    assert list(frame.columns) == ["log_ts", "a"]
    assert frame.index.name == "ts"
    assert notes == ("column 'ts' is taken as the time",)


class Pipe(io.RawIOBase):
    """A stream that gives so many rows and cannot go back."""

    def __init__(self, content, n_rows=0):
        self.content, self.n_rows = content, n_rows

    def readable(self):
        return True

    def readinto(self, buffer):
        piece = self.content[: len(buffer)]
        self.content = self.content[len(piece) :]
        if not piece and self.n_rows:
            piece = b"1.5,2.5\n" * min(len(buffer) // 8, self.n_rows)
            self.n_rows -= len(piece) // 8
        buffer[: len(piece)] = piece
        return len(piece)


@pytest.mark.parametrize("name", WRITTEN)
def test_a_stream_is_read_as_often_as_needed_and_known_by_its_first_bytes(frame, tmp_path, name):
    write_table(frame, tmp_path / name)
    with spooled(Pipe((tmp_path / name).read_bytes())) as source:
        assert column_names(source) == ["timestamp", "cpu", "memory"] or name == "t.parquet"
        assert read_table(source).to_numpy().tobytes() == read_table(tmp_path / name).to_numpy().tobytes()
        assert read_table(source).index.equals(TIMES)


def test_what_is_wrong_with_a_stream_is_said_of_the_stream():
    for content, message in (
        (b"", "it is empty"),
        (b"a;b\n1;x\n", "column 'b', row 0: 'x'"),
        (b"PAR1", "no Parquet|not a P"),
    ):
        with (
            spooled(Pipe(content)) as source,
            pytest.raises((fd.DataError, fd.FileError), match=f"standard input: .*{message}"),
        ):
            read_table(source)


def test_a_long_stream_is_kept_on_the_disk_and_not_in_memory():
    tracemalloc.start()
    with spooled(Pipe(b"a,b\n", 8_000_000)) as source:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 8 << 20
        assert source.place.seek(0, 2) == 4 + 64_000_000


def test_a_stream_that_is_a_file_is_not_copied(table, monkeypatch):
    monkeypatch.setattr(tempfile, "TemporaryFile", None)
    with table("a,b\n1,2\n").open("rb") as stream, spooled(stream) as source:
        assert column_names(source) == ["a", "b"]
        assert read_table(source)["b"].tolist() == [2.0]


def test_a_stream_for_which_there_is_no_room_is_an_error(monkeypatch):
    def full(**_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    message = r"standard input: it cannot be kept in a temporary file \(No space left on device\): set TMPDIR"
    with pytest.raises(fd.FileError, match=message), spooled(Pipe(b"a\n1\n")):
        pass


def test_columns_that_are_not_there_are_named_beside_those_that_are(table):
    path = table("a,b\n1,2\n")
    for options in ({"columns": ["c"]}, {"drop": ["c"]}, {"timestamp": "c"}):
        with pytest.raises(fd.DataError, match=r"column 'c'.* not there; there are 'a', 'b'"):
            read_table(path, **options)


def test_a_file_is_replaced_whole_or_not_at_all(frame, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("old")

    def pieces():
        yield frame
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        write_table(pieces(), path)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["t.csv"]  # noqa: PTH208


def test_a_full_disk_is_an_error_and_leaves_nothing(tmp_path, monkeypatch):
    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(disk.os, "fsync", full)
    with pytest.raises(fd.FileError, match=r"m\.bin: it cannot be written \(No space left on device\)"):
        write_bytes(b"new", tmp_path / "m.bin")
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_is_an_error(tmp_path):
    with pytest.raises(fd.FileError, match="it cannot be written"):
        write_bytes(b"", tmp_path / "no" / "where")
    (tmp_path / "file").write_text("")
    with pytest.raises(fd.FileError, match="it cannot be written"), staged(tmp_path / "file" / "below"):
        pass
    with pytest.raises(fd.FileError, match=r"ends in \.csv"):
        write_table(pd.DataFrame({"a": [1]}), tmp_path / "t.xlsx")


def test_replacing_keeps_links_modes_and_devices(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("old")
    target.chmod(0o640)
    link.symlink_to(target)
    write_bytes(b"new", link)
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    write_bytes(b"gone", os.devnull)
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)  # noqa: PTH116


def test_json_holds_no_nan(tmp_path):
    write_json({"a": 1.5, "b": None}, tmp_path / "m.json")
    assert json.loads((tmp_path / "m.json").read_text()) == {"a": 1.5, "b": None}
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json({"a": float("nan")}, tmp_path / "other.json")
    assert not (tmp_path / "other.json").exists()


def test_a_staged_directory_appears_whole_or_not_at_all(tmp_path):
    out = tmp_path / "deep" / "out"

    def stop_in_the_middle():
        with staged(out) as stage:
            (stage / "a").write_text("1")
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        stop_in_the_middle()
    assert not list(tmp_path.iterdir())
    with staged(out) as stage:
        (stage / "sub").mkdir()
        (stage / "sub" / "a").write_text("1")
    (out / "mine").write_text("kept")
    with staged(out, replaces=["sub/a"]) as stage:
        (stage / "b").write_text("2")
    assert sorted(path.name for path in out.rglob("*") if path.is_file()) == ["b", "mine"]
    assert [path.name for path in tmp_path.iterdir()] == ["deep"]


def test_a_model_read_back_scores_byte_for_byte_the_same(named_model, model_file):
    rows = fd.generate(3_000, columns=3, seed=4, drifts=()).frame.assign(still=7.5)
    rows.iloc[2_000:, 3] = 7.6
    loaded = fd.load(model_file)
    assert fd.score(loaded, rows).to_numpy().tobytes() == fd.score(named_model, rows).to_numpy().tobytes()
    assert loaded.summary() == named_model.summary()
    assert repr(loaded) == repr(named_model)


def test_saving_twice_gives_the_same_bytes(named_model, model_file, tmp_path):
    fd.load(model_file).save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == model_file.read_bytes()


def test_a_model_of_an_array_keeps_its_places(fit, tmp_path):
    rows = np.random.default_rng(0).normal(size=(2_000, 3))
    fit(rows, window=10).save(tmp_path / "m")
    assert fd.load(tmp_path / "m").columns == (0, 1, 2)
    fit(pd.DataFrame(rows, columns=np.arange(3)), window=10).save(tmp_path / "m")
    assert fd.score(fd.load(tmp_path / "m"), pd.DataFrame(rows)).notna().sum() == 1_991


def test_the_arrays_of_a_model_can_be_read_by_numpy_alone(named_model, model_file):
    with np.load(model_file, allow_pickle=False) as archive:
        np.testing.assert_array_equal(archive["cholesky"], named_model.cholesky)
        assert json.loads(archive["header.json"])["schema"] == "fastdrift-model"


def test_a_column_with_a_name_that_cannot_be_kept_is_named(fit, tmp_path):
    rows = pd.DataFrame(np.random.default_rng(0).normal(size=(2_000, 2)), columns=["a", ("b", 1)])
    with pytest.raises(fd.ModelError, match=r"column \('b', 1\) cannot be saved"):
        fit(rows, window=10).save(tmp_path / "m")
    assert not (tmp_path / "m").exists()


def test_any_byte_that_is_changed_or_missing_is_noticed(model_file):
    content = model_file.read_bytes()
    for place in range(0, len(content), 7):
        flipped = bytearray(content)
        flipped[place] ^= 0x20
        with pytest.raises(fd.ModelError, match=r"not a model|damaged"):
            store.decode(bytes(flipped))
        with pytest.raises(fd.ModelError, match=r"not a model|damaged"):
            store.decode(content[:place])


def sealed(entries, compression=zipfile.ZIP_STORED):
    """Return an archive of entries, as a mapping or pairs, with the checksum of one of ours."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, entry in entries.items() if isinstance(entries, dict) else entries:
            archive.writestr(name, entry)
        archive.comment = bytes(DIGEST_LENGTH)
    body = buffer.getvalue()[:-DIGEST_LENGTH]
    return body + hashlib.sha256(body).hexdigest().encode()


def entries_of(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def with_header(entries, change):
    """Return entries whose header's text is another."""
    return entries | {"header.json": change(entries["header.json"].decode()).encode()}


def test_the_forger_of_these_tests_can_make_a_model(model_file):
    assert store.decode(sealed(entries_of(model_file))).window == 20


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("a model file ran code",))


def foreign_files():
    npz = io.BytesIO()
    np.savez(npz, centre=np.zeros(3))
    return {
        "nothing": b"",
        "text": b"hello",
        "a pickle": pickle.dumps(Bomb()),
        "a zip cut short": b"PK\x03\x04",
        "a foreign npz": npz.getvalue(),
        "a sealed foreign npz": sealed({"centre.npy": npy(np.zeros(3))}),
        "a header of nonsense": sealed({"header.json": b"[" * 100_000}),
        "a foreign header": sealed({"header.json": b'{"schema": "other", "version": 1}'}),
    }


@pytest.mark.parametrize("case", foreign_files())
def test_a_foreign_file_is_refused(tmp_path, case):
    path = tmp_path / "m"
    path.write_bytes(foreign_files()[case])
    with pytest.raises(fd.ModelError, match="it is not a model of fastdrift: name a file that") as caught:
        load_model(path)
    assert str(path) in str(caught.value)


def test_a_model_file_that_is_missing_or_too_large_is_refused(model_file, monkeypatch):
    with pytest.raises(fd.FileError, match="there is no such file"):
        load_model(model_file.with_name("nowhere"))
    monkeypatch.setattr(store, "MAX_MODEL_BYTES", model_file.stat().st_size)
    assert load_model(model_file).window == 20
    monkeypatch.setattr(store, "MAX_MODEL_BYTES", model_file.stat().st_size - 1)
    with pytest.raises(fd.ModelError, match="not a model"):
        load_model(model_file)


def test_a_model_of_a_newer_version_says_to_upgrade(model_file):
    entries = entries_of(model_file)
    header = json.loads(entries["header.json"])
    header["version"] = 3
    entries["header.json"] = json.dumps(header).encode()
    with pytest.raises(fd.ModelError, match="it has version 3, and this fastdrift reads 2: upgrade"):
        store.decode(sealed(entries))


def test_a_zip_bomb_does_not_go_off(model_file):
    entries = entries_of(model_file)
    entries["cholesky.npy"] = bytes(100_000_000)
    bomb = sealed(entries, zipfile.ZIP_DEFLATED)
    assert len(bomb) < 200_000
    with pytest.raises(fd.ModelError, match="not a model"):
        store.decode(bomb)


def test_an_array_that_claims_to_be_huge_is_not_believed(model_file):
    entries = entries_of(model_file)
    entries["centre.npy"] = entries["centre.npy"].replace(b"(6,)", b"(600000000000,)")
    with pytest.raises(fd.ModelError, match=r"its centre is not float64 numbers of shape \(6,\)"):
        store.decode(sealed(entries))


@pytest.mark.parametrize(
    "array",
    [
        np.array([Bomb()] * 6, dtype=object),
        np.zeros(6, np.float32),
        np.zeros(6, ">f8"),
        np.zeros((6, 1)),
        np.zeros(5),
        np.full(6, np.nan),
        np.full(6, np.inf),
    ],
)
def test_arrays_of_another_kind_shape_or_with_nan_are_refused(model_file, array):
    entries = entries_of(model_file)
    entries["centre.npy"] = npy(array)
    with pytest.raises(fd.ModelError, match="its centre"):
        store.decode(sealed(entries))


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("scale", np.zeros(6)),
        ("cholesky", np.ones((6, 6))),
        ("cholesky", np.zeros((6, 6))),
        ("never_moved_values", np.zeros(0)),
    ],
)
def test_arrays_that_cannot_be_a_model_are_refused(model_file, name, array):
    entries = entries_of(model_file)
    entries[f"{name}.npy"] = npy(array)
    with pytest.raises(fd.ModelError, match="fit the model anew"):
        store.decode(sealed(entries))


def test_a_missing_array_is_refused(model_file):
    entries = entries_of(model_file)
    del entries["scale.npy"]
    with pytest.raises(fd.ModelError, match="its scale"):
        store.decode(sealed(entries))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("columns", []),
        ("columns", ["a", "a"]),
        ("columns", [["a"]]),
        ("columns", "abcd"),
        ("named", 1),
        ("window", 1),
        ("window", True),
        ("window", 20.0),
        ("window", 30),
        ("false_alarm_rate", 0.0),
        ("false_alarm_rate", 0.6),
        ("threshold", float("nan")),
        ("threshold", float("inf")),
        ("threshold", "5"),
        ("threshold", -1.0),
        ("threshold_rule", "guess"),
        ("threshold_rule", ["cross-fit"]),
        ("shrinkage", 1.5),
        ("shrinkage_rule", None),
        ("never_moved", ["no such column"]),
        ("windows_used", 0),
        ("baseline_rows", 10),
        ("warnings", [1]),
        ("unheard of", 1),
    ],
)
def test_a_header_that_makes_no_sense_is_refused(model_file, field, value):
    entries = entries_of(model_file)
    header = json.loads(entries["header.json"])
    header["model"][field] = value
    entries["header.json"] = json.dumps(header).encode()
    with pytest.raises(fd.ModelError, match="fit the model anew"):
        store.decode(sealed(entries))


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", ["header.json", "centre.npy", "cholesky.npy"])
def test_an_entry_that_is_there_twice_is_refused(model_file, name):
    entries = entries_of(model_file)
    for pairs in ([*entries.items(), (name, entries[name])], [(name, b""), *entries.items()]):
        with pytest.raises(fd.ModelError, match=f"it holds '{name}' twice: fit the model anew"):
            store.decode(sealed(pairs))


@pytest.mark.parametrize("name", ["readme.txt", "cholesky.npy.npy", "trees.npy", "../cholesky.npy", "folder/"])
def test_an_entry_that_no_model_has_is_refused(model_file, name):
    with pytest.raises(fd.ModelError, match=r"it holds .*, which none of its kind does: fit the model anew"):
        store.decode(sealed(entries_of(model_file) | {name: b""}))


@pytest.mark.parametrize("field", ["schema", "detector", "model", "window", "columns"])
def test_a_header_that_says_something_twice_is_refused(model_file, field):
    forged = with_header(entries_of(model_file), lambda text: text.replace(f'"{field}"', f'"{field}": 1, "{field}"', 1))
    with pytest.raises(fd.ModelError, match=f"it holds '{field}' twice: fit the model anew"):
        store.decode(sealed(forged))


def test_a_header_that_says_more_than_a_model_has_is_refused(model_file):
    forged = with_header(entries_of(model_file), lambda text: text.replace("{", '{"comment": "mine", ', 1))
    with pytest.raises(fd.ModelError, match="it holds 'comment', which none of its kind does: fit the model anew"):
        store.decode(sealed(forged))


@pytest.mark.parametrize("detector", [{}, [], ["mahalanobis"], {"mahalanobis": 1}, None, 1, True, "", "svm"])
def test_a_detector_that_is_none_of_ours_is_refused(model_file, detector):
    forged = with_header(entries_of(model_file), lambda text: json.dumps(json.loads(text) | {"detector": detector}))
    with pytest.raises(fd.ModelError, match="its detector cannot be"):
        store.decode(sealed(forged))


def test_entries_that_lie_in_one_another_are_not_read(model_file):
    header = entries_of(model_file)["header.json"]
    content, infos = b"", []
    for name in (*(f"{number}.npy" for number in reversed(range(50))), "header.json"):
        inside = header if name == "header.json" else content or bytes(1_000_000)
        info = zipfile.ZipInfo(name)
        info.file_size = info.compress_size = len(inside)
        info.CRC = zlib.crc32(inside)
        content = info.FileHeader() + inside + (content if name == "header.json" else b"")
        infos.append((info, len(content)))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.fp.write(content)
        archive.start_dir, archive.comment = len(content), bytes(DIGEST_LENGTH)
        for info, place in infos:
            info.header_offset = len(content) - place
            archive.filelist.append(info)
    body = buffer.getvalue()[:-DIGEST_LENGTH]
    assert len(body) < 1_100_000 < sum(info.file_size for info, _ in infos) / 40
    with pytest.raises(fd.ModelError, match="not a model"):
        store.decode(body + hashlib.sha256(body).hexdigest().encode())


def test_a_model_at_the_largest_rate_of_false_alarms_is_read_back(fit, tmp_path):
    model = fit(np.random.default_rng(0).normal(size=(2_000, 2)), window=10, false_alarm_rate=0.5)
    model.save(tmp_path / "m")
    assert fd.load(tmp_path / "m").false_alarm_rate == 0.5


def test_a_model_that_cannot_be_written_leaves_the_old_one(named_model, model_file, monkeypatch):
    before = model_file.read_bytes()

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(disk.os, "fsync", full)
    with pytest.raises(fd.FileError, match="No space left"):
        named_model.save(model_file)
    assert model_file.read_bytes() == before
