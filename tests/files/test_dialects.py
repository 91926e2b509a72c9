"""Tables as others write them: separators, decimal commas, gaps, names, and times in many forms."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastdrift as fd
from fastdrift.files.csv import GAPS
from fastdrift.files.read import column_names, read_noted_table, read_table
from fastdrift.tables.roles import UNITS, time_unit

from .samples import PACKED, TIMES


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
