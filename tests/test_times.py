"""A column of times is no metric, and a table knows its times."""

from __future__ import annotations

import datetime as dt
import re

import numpy as np
import pandas as pd
import pytest
from kinds import KINDS, NAMES, WINDOW, as_polars, named, numbers, pa, polars

import fastdrift as fd
from fastdrift.tables.convert import as_table, reader_of


def with_time(kind, table, times):
    """Return a frame of a kind with a column "ts" of times among the others."""
    pl = polars()
    columns = named(table)
    frame = pd.DataFrame({"flow": columns["flow"], "ts": times, **columns})
    if kind == "pandas":
        return frame
    arrow = pa.Table.from_pandas(frame, preserve_index=False)
    return {"polars": pl.from_arrow, "table": lambda one: one, "batch": lambda one: one.to_batches()[0]}[kind](arrow)


time_kinds = pytest.mark.parametrize("kind", ["pandas", "polars", "table", "batch"])


@time_kinds
def test_a_time_column_is_no_metric(fit, table, kind):
    frame = with_time(kind, table, pd.date_range("2024", periods=len(table), freq="s"))
    model = fit(frame, window=WINDOW, time="ts")
    assert model.columns == tuple(NAMES)
    expected = fd.score(fit(table, window=WINDOW), table)
    scores = fd.score(model, frame, time="ts")
    assert numbers(scores).tobytes() == expected.tobytes()
    for other in ("pandas", "polars", "table"):
        bare = KINDS[{"pandas": "pandas of one block", "table": "an Arrow table"}.get(other, other)](named(table))
        assert numbers(fd.score(model, bare)).tobytes() == expected.tobytes()
    with pytest.raises(
        fd.DataError, match=re.escape("'ts' is not the model's: if it holds the rows' times say time='ts'")
    ):
        fd.score(model, frame)
    by_place = fit(table, window=WINDOW)
    assert numbers(fd.score(by_place, frame, time="ts")).tobytes() == expected.tobytes()


def test_a_time_column_becomes_the_index_of_pandas_scores(fit, table):
    times = pd.date_range("2024", periods=len(table), freq="s")
    model = fit(pd.DataFrame(named(table)), window=WINDOW)
    scores = fd.score(model, with_time("pandas", table, times), time="ts")
    assert scores.index.equals(pd.DatetimeIndex(times, name="ts"))
    assert (scores.name, scores.index.name) == ("score", "ts")
    assert fd.events(scores, model.threshold).index is not None


@time_kinds
def test_rolling_windows_keep_the_time_column(table, kind):
    times = pd.date_range("2024", periods=len(table), freq="s")
    frame = with_time(kind, table, times)
    result = fd.rolling_mean(frame, WINDOW, time="ts")
    assert type(result) is type(frame)
    if kind == "pandas":
        assert result.index.equals(pd.DatetimeIndex(times, name="ts"))
        assert list(result.columns) == NAMES
        means = result.to_numpy()
    else:
        assert list(getattr(result, "column_names", None) or result.columns) == ["flow", "ts", *NAMES[1:]]
        assert np.array_equal(np.asarray(result["ts"]), times.to_numpy())
        means = np.stack([np.asarray(result[name]) for name in NAMES], axis=1)
    assert means.tobytes() == fd.rolling_mean(table, WINDOW).tobytes()


@time_kinds
@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin"])
def test_a_table_knows_its_times_in_utc(table, kind, zone):
    times = pd.date_range("2024-03-31 00:30", periods=len(table), freq="min", tz=zone).as_unit("us")
    whole = reader_of(with_time(kind, table, times)).table(time="ts")
    assert whole.times.dtype == np.dtype("M8[ns]")
    expected = times if zone is None else times.tz_convert("UTC").tz_localize(None)
    assert np.array_equal(whole.times, expected.as_unit("ns").to_numpy())
    assert whole.starting_at(5).times is not None


def test_a_table_takes_its_times_from_an_index_and_has_none_without(table):
    times = pd.date_range("2024", periods=len(table), freq="h", tz="Asia/Tokyo")
    frame = pd.DataFrame(named(table), index=times)
    assert np.array_equal(as_table(frame).times, times.tz_convert(None).as_unit("ns").to_numpy())
    for stored in (table, pd.DataFrame(named(table)), pa.table(named(table)), as_polars(named(table))):
        assert as_table(stored).times is None


def test_dates_are_times_and_missing_ones_are_known_as_such(table):
    days = [dt.date(2024, 1, 1), None, dt.date(2024, 1, 3)]
    for stored in (pa.table({"a": [1.0] * 3, "day": days}), polars().DataFrame({"a": [1.0] * 3, "day": days})):
        times = reader_of(stored).table(time="day").times
        assert times.astype(str).tolist() == ["2024-01-01T00:00:00.000000000", "NaT", "2024-01-03T00:00:00.000000000"]


def test_times_that_nanoseconds_cannot_tell_are_an_error():
    stored = pa.table({"a": [1.0] * 2, "ts": [dt.datetime(2024, 1, 1), dt.datetime(9999, 12, 31)]})
    whole = reader_of(stored).table(time="ts")
    with pytest.raises(fd.DataError, match=r"column 'ts', row 1: 9999-12-31.* is out of the range of times"):
        _ = whole.times


def test_a_time_column_that_is_none_is_an_error(fit, table):
    model = fit(pd.DataFrame(named(table)), window=WINDOW)
    frame = pa.table(named(table) | {"note": ["x"] * len(table)})
    times = pd.date_range("2024", periods=len(table), freq="s")
    for call, message in [
        (lambda: fd.score(model, frame, time="ts"), "column 'ts', named as time, is missing; the table has 'flow'"),
        (lambda: fd.score(model, frame, time="note"), "column 'note' holds string, not times (row 0: 'x'): convert it"),
        (lambda: fd.score(model, frame, time="flow"), "column 'flow' is a metric of the model: it can't be the rows'"),
        (lambda: fd.score(model, table, time="ts"), "time is 'ts', but an array has no column of times: pass a frame"),
        (lambda: fd.fit(frame, time="flow"), "column 'flow' holds double, not times"),
        (lambda: fd.fit(with_time("table", table, times), columns=["ts"], time="ts"), "both as"),
        (lambda: fd.mahalanobis(with_time("polars", table, times), [0], [[1]]), "): drop it"),
    ]:
        with pytest.raises(fd.DataError, match=re.escape(message)):
            call()
