"""clean and aggregate: against plain loops, with every change told and nothing invented."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import re
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastdrift.errors import DataError
from fastdrift.prepare.cleaning import clean
from fastdrift.prepare.grid import aggregate

NAN, INF = np.nan, np.inf
VALUES = st.lists(st.sampled_from([NAN, -999.0, -5.0, 0.0, 1.0, 2.5, 40.0, INF, -INF]), min_size=1, max_size=30)


def seconds(*offsets):
    return pd.Timestamp("2024-01-01") + pd.to_timedelta(list(offsets), unit="s")


def frame_of(values, times=None):
    return pd.DataFrame({"a": values}, index=seconds(*(range(len(values)) if times is None else times)))


def cleaned(values, times=None, **options):
    return clean(frame_of(values, times), **options).frame["a"].to_list()


def same(left, right):
    return np.array_equal(left, right, equal_nan=True)


def found(report):
    return {(change.column, change.what): (change.count, change.first, change.value) for change in report.changes}


def filled_by_hand(values, times, fill, limit):
    out = list(values)
    for row, value in enumerate(values):
        before = next((k for k in range(row, -1, -1) if not np.isnan(values[k])), None)
        after = next((k for k in range(row, len(values)) if not np.isnan(values[k])), None)
        if not np.isnan(value) or before is None or after is None or after - before - 1 > limit:
            continue
        share = 0 if fill == "forward" else (times[row] - times[before]) / (times[after] - times[before])
        out[row] = values[before] + share * (values[after] - values[before])
    return out


@settings(deadline=None)
@given(VALUES, st.data())
def test_rows_in_any_order_come_out_in_time_order_the_last_logged_of_each_time(values, data):
    times = data.draw(st.lists(st.integers(0, 9), min_size=len(values), max_size=len(values)))
    values = np.arange(len(values), dtype=float)
    for duplicates, keep in (("last", dict), ("first", lambda pairs: dict(reversed(list(pairs))))):
        frame, report = clean(frame_of(values, times), duplicates=duplicates)
        expected = sorted(keep(list(zip(times, values, strict=True))).items())
        assert frame.index.equals(seconds(*(time for time, _ in expected)))
        assert frame["a"].to_list() == [value for _, value in expected]
        assert (report.rows_in, report.rows_out) == (len(values), len(expected))
    kept = sorted(zip(times, values, strict=True), key=lambda pair: pair[0])
    assert cleaned(values, times, duplicates="keep") == [value for _, value in kept]


def test_moved_and_dropped_rows_are_told_with_their_first_place():
    report = clean(frame_of([1.0, 2.0, 3.0, 4.0], [5, 3, 3, 9])).report
    three = pd.Timestamp("2024-01-01 00:00:03")
    assert found(report) == {(None, "out of order"): (2, three, None), (None, "duplicate timestamp"): (1, three, None)}
    assert clean(frame_of([1.0, 2.0])).report.changes == ()


def test_rows_without_timestamps_stay_where_they_are_and_the_report_says_so():
    frame, report = clean(pd.DataFrame({"a": [3.0, NAN, 1.0]}, index=[7, 7, 2]), fill="interpolate")
    assert frame.index.to_list() == [7, 7, 2]
    assert frame["a"].to_list() == [3.0, 2.0, 1.0]
    assert "without timestamps" in report.summary()


@settings(deadline=None)
@given(VALUES, st.data(), st.sampled_from(["forward", "interpolate"]), st.sampled_from([1, 2, 3, None]))
def test_gaps_are_filled_as_by_hand_whole_or_not_at_all_and_never_at_an_end(values, data, fill, limit):
    steps = data.draw(st.lists(st.integers(1, 5), min_size=len(values), max_size=len(values)))
    times = list(itertools.accumulate(steps))
    holes = [value if np.isfinite(value) else NAN for value in values]
    expected = filled_by_hand(holes, times, fill, limit or INF)
    frame, report = clean(frame_of(values, times), fill=fill, limit=limit)
    np.testing.assert_allclose(frame["a"], expected, rtol=1e-12, atol=1e-9)
    n_filled = sum(np.isnan(holes)) - sum(np.isnan(expected))
    assert found(report).get(("a", "filled"), (0,))[0] == n_filled


def test_gaps_are_left_by_default():
    assert same(cleaned([1.0, NAN, 3.0]), [1.0, NAN, 3.0])


@settings(deadline=None)
@given(VALUES)
def test_sentinels_infinities_and_impossible_values_are_no_values(values):
    values = [*values, 1.0]
    frame, report = clean(frame_of(values), sentinels=[-999, 40], bounds={"a": (0, 2.5)})
    assert same(frame["a"], [value if 0 <= value <= 2.5 else NAN for value in values])
    counts = {what: count for (_, what), (count, *_) in found(report).items()}
    assert counts.get("sentinel", 0) == sum(value in (-999, 40) for value in values)
    assert counts.get("infinite", 0) == sum(np.isinf(value) for value in values)
    assert counts.get("out of bounds", 0) == sum(value == -5 for value in values)


def test_sentinels_may_differ_by_column_and_bounds_be_open():
    frame = pd.DataFrame({"a": [-1.0, 5.0], "b": [-1.0, 5.0]}, index=seconds(0, 1))
    out = clean(frame, sentinels={"a": [-1]}, bounds={"b": (None, 4)}).frame
    assert same(out, [[NAN, -1.0], [5.0, NAN]])
    assert same(clean(frame, sentinels=iter([-1])).frame, [[NAN, NAN], [5.0, 5.0]])


def test_bounds_may_be_one_value_and_are_within():
    assert same(cleaned([1.0, 2.5, 2.6], bounds={"a": (2.5, 2.5)}), [NAN, 2.5, NAN])
    assert same(cleaned([1.0, 2.5, 2.6], bounds={"a": (1.0, 2.5)}), [1.0, 2.5, NAN])


def test_a_sentinel_of_float32_is_found_as_it_is_stored():
    frame = frame_of(np.array([1.0, -999.1, 2.0], np.float32))
    out = clean(frame, sentinels=[-999.1, 1e300], bounds={"a": (-1e300, 1e300)}).frame
    assert same(out["a"], [1.0, NAN, 2.0])
    assert out["a"].dtype == np.float32


def test_a_counter_becomes_increments_that_start_at_zero_after_a_reset_and_span_no_gap():
    frame, report = clean(frame_of([10, 12, 12, 3, 4, -999, 9, 11]), sentinels=[-999], counters=["a"])
    assert same(frame["a"], [NAN, 2, 0, 3, 1, NAN, NAN, 2])
    changes = found(report)
    assert changes["a", "counter reset"] == (1, seconds(3)[0], 3.0)
    assert changes["a", "increment unknown"][:2] == (2, seconds(0)[0])
    assert changes["a", "counter made into increments"][0] == 7


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(0, 50), min_size=1, max_size=6), min_size=1, max_size=4))
def test_increments_add_up_to_what_was_counted(lives):
    counts = [total for life in lives for total in itertools.accumulate(life)]
    lost = sum(before for before, after in itertools.pairwise(counts) if after < before)
    assert sum(cleaned(counts, counters=["a"])[1:]) == counts[-1] - counts[0] + lost


@pytest.mark.parametrize("dtype", [object, "str", "string[pyarrow]", "category"])
def test_text_is_read_as_numbers_and_what_is_lost_is_told(dtype):
    frame = frame_of(pd.Series(["1.5", None, "bad", "3", "worse"], dtype=dtype).array)
    out, report = clean(frame)
    assert same(out["a"], [1.5, NAN, NAN, 3.0, NAN])
    assert found(report) == {("a", "not a number"): (2, seconds(2)[0], "bad")}


@pytest.mark.parametrize(
    "dtype",
    ["Int64", "boolean", "Float32", "int64[pyarrow]", "bool[pyarrow]", "bool", "int8", pd.SparseDtype("float64")],
)
def test_numbers_of_every_kind_become_floats(dtype):
    frame = frame_of(pd.Series([1, 0, 1]).astype(dtype).array)
    assert clean(frame).frame["a"].to_list() == [1.0, 0.0, 1.0]
    assert aggregate(frame, "1s").frame["a"].to_list() == [1.0, 0.0, 1.0]


def test_a_missing_value_of_a_nullable_column_is_nan():
    assert same(cleaned(pd.array([1, None, 3], dtype="Int64")), [1.0, NAN, 3.0])


def test_the_input_is_left_as_it_was():
    frame = pd.DataFrame({"a": [-999.0, 2.0, 4.0, 9.0], "b": ["x", "1", "2", "3"]}, index=seconds(3, 1, 1, 0))
    before = frame.copy(deep=True)
    clean(frame, sentinels=[-999], bounds={"a": (0, 5)}, counters=["b"], fill="forward")
    ordered = frame_of([-999.0, NAN, 3.0])
    for result in (clean(ordered, sentinels=[-999], fill="interpolate"), aggregate(ordered, "1s")):
        result.frame.iloc[:] = 7.0
    assert frame.equals(before)
    assert same(ordered["a"], [-999.0, NAN, 3.0])


@settings(deadline=None)
@given(VALUES, st.data(), st.sampled_from(["mean", "min", "max", "last", "count"]))
def test_a_bin_is_made_of_its_own_values_alone(values, data, how):
    values = [value if np.isfinite(value) else NAN for value in values]
    times = sorted(data.draw(st.lists(st.integers(0, 60), min_size=len(values), max_size=len(values))))
    frame, report = aggregate(frame_of(values, times), "10s", how=how)
    by_hand = {"mean": np.mean, "min": min, "max": max, "last": lambda own: own[-1]}
    expected = []
    for start in range(times[0] // 10 * 10, times[-1] + 1, 10):
        own = [v for v, t in zip(values, times, strict=True) if start <= t < start + 10 and not np.isnan(v)]
        expected.append(len(own) if how == "count" else by_hand[how](own) if own else NAN)
    np.testing.assert_allclose(frame["a"], expected, rtol=1e-12, atol=1e-12)
    assert frame.index[0] == seconds(times[0] // 10 * 10)[0]
    assert (report.rows_in, report.rows_out) == (len(values), len(expected))


def test_every_column_may_have_its_own_way_and_the_mean_is_the_default():
    frame = pd.DataFrame({"a": [1.0, 3.0], "b": [1.0, 3.0]}, index=seconds(0, 1))
    assert aggregate(frame, dt.timedelta(minutes=1), how={"b": "max"}).frame.to_numpy().tolist() == [[2.0, 3.0]]


def test_empty_bins_are_told_apart_from_bins_of_missing_values():
    report = aggregate(frame_of([1.0, NAN, 2.0], [0, 10, 30]), "10s").report
    assert found(report) == {
        (None, "bin without rows"): (1, seconds(20)[0], None),
        ("a", "bin of rows without a value"): (1, seconds(10)[0], None),
    }


def test_times_with_a_zone_and_nanoseconds_are_kept():
    index = pd.date_range("2024-03-31", periods=4, freq="h", tz="Europe/Berlin")
    frame = pd.DataFrame({"a": [1.0, NAN, 3.0, 4.0]}, index=index)
    assert clean(frame, fill="interpolate").frame.equals(frame.interpolate("time"))
    assert aggregate(frame, "2h").frame.index.tz is not None


def test_a_report_is_safe_for_json_and_readable():
    frame = pd.DataFrame({0: [INF, 1.0], "b": ["bad", "2"]}, index=seconds(1, 0))
    report = clean(frame).report
    record = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert record["rows_in"] == 2
    assert record["changes"][1] == {
        "column": 0, "what": "infinite", "count": 1, "first": "2024-01-01 00:00:01", "value": "inf"
    }  # fmt: skip
    assert report.summary().splitlines() == [
        "rows: 2 in, 2 out",
        "rows, out of order: 1 (first: 2024-01-01 00:00:00)",
        "column 0, infinite: 1 (first: 2024-01-01 00:00:01, inf)",
        "column 'b', not a number: 1 (first: 2024-01-01 00:00:01, 'bad')",
    ]


def test_memory_beyond_input_and_output_is_that_of_a_few_columns():
    n_rows, n_columns = 20_000, 40
    values = np.asfortranarray(np.random.default_rng(1).normal(size=(n_rows, n_columns)))
    frame = pd.DataFrame(values, index=seconds(*range(n_rows)), copy=False)
    clean(frame[:10], fill="interpolate")
    tracemalloc.start()
    clean(frame, sentinels=[-999], fill="interpolate")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < values.nbytes * 1.3


TIMED = frame_of([1.0, 2.0, 3.0])
COMPLAINTS = [
    (None, {}, "the table is a NoneType"),
    (TIMED[:0], {}, "the table has 0 rows"),
    (pd.DataFrame({"a": [1.0]}, index=["2024"]), {}, "not timestamps (row 0: '2024')"),
    (TIMED.set_axis(pd.DatetimeIndex(["2024", None, "2025"])), {}, "row 1 has no timestamp (NaT)"),
    (pd.concat([TIMED, TIMED], axis=1), {}, "column 'a' is there twice"),
    (TIMED.assign(a=TIMED.index), {}, "column 'a' holds datetime64"),
    (TIMED.assign(a=1j), {}, "column 'a' holds complex128"),
    (TIMED, {"duplicates": "mean"}, "duplicates is 'mean': give 'last', 'first', 'keep'"),
    (TIMED, {"fill": "cubic"}, "fill is 'cubic'"),
    (TIMED, {"limit": 0}, "limit is 0"),
    (TIMED, {"limit": True}, "limit is True"),
    (TIMED, {"limit": 2.5}, "limit is 2.5"),
    (TIMED, {"sentinels": ["n/a"]}, "a sentinel of column 'a' is 'n/a'"),
    (TIMED, {"sentinels": [NAN]}, "a sentinel of column 'a' is nan"),
    (TIMED, {"sentinels": {"z": [1]}}, "sentinels names column 'z', which is missing; the table has 'a'"),
    (TIMED, {"counters": "z"}, "counters names column 'z'"),
    (TIMED, {"counters": 3}, "counters names column 3"),
    (frame_of([1, -2]), {"counters": ["a"]}, "row 2024-01-01 00:00:01 holds -2.0, and a counter is never below 0"),
    (TIMED, {"bounds": {"z": (0, 1)}}, "bounds names column 'z'"),
    (TIMED, {"bounds": {"a": (2, 1)}}, "the bounds of column 'a' are (2, 1): give (low, high)"),
    (TIMED, {"bounds": {"a": 3}}, "the bounds of column 'a' are 3"),
    (TIMED, {"bounds": {"a": (0, NAN)}}, "the bounds of column 'a' are (0, nan)"),
    (TIMED, {"bounds": {"a": (0, "1")}}, "the bounds of column 'a' are (0, '1')"),
    (TIMED, {"bounds": {"a": (7, 9)}}, "of column 'a' exclude all its values (row 2024-01-01 00:00:00: 1.0)"),
]
GRID_COMPLAINTS = [
    (pd.DataFrame({"a": [1.0]}), {}, "not timestamps (row 0: 0)"),
    (TIMED[::-1], {}, "time goes back in row 1: 2024-01-01 00:00:01 after 2024-01-01 00:00:02"),
    (TIMED.astype(str).astype(object), {}, "column 'a' holds object, not numbers (row 2024-01-01 00:00:00: '1.0')"),
    (TIMED, {"freq": "soon"}, "freq is 'soon': give a fixed length of time"),
    (TIMED, {"freq": "ME"}, "freq is 'ME'"),
    (TIMED, {"freq": "0min"}, "freq is '0min'"),
    (TIMED, {"freq": "-1min"}, "freq is '-1min'"),
    (TIMED, {"freq": None}, "freq is None"),
    (TIMED, {"freq": 5}, "freq is 5"),
    (TIMED, {"how": "median"}, "how is 'median'"),
    (TIMED, {"how": {"z": "mean"}}, "how names column 'z'"),
    (frame_of([1.0, 2.0], [0, 1e9]), {"freq": "1s"}, "freq '1s' makes 1000000000 bins of 2 rows"),
]


@pytest.mark.parametrize(("frame", "options", "message"), COMPLAINTS)
def test_what_cannot_be_cleaned_is_refused_with_the_reason(frame, options, message):
    with pytest.raises(DataError, match=re.escape(message)):
        clean(frame, **options)


@pytest.mark.parametrize(("frame", "options", "message"), GRID_COMPLAINTS)
def test_what_cannot_be_put_on_a_grid_is_refused_with_the_reason(frame, options, message):
    with pytest.raises(DataError, match=re.escape(message)):
        aggregate(frame, **{"freq": "1min"} | options)
