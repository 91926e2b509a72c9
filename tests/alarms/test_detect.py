"""Events open and close as said, and say since when and why; missing data are events too."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import fastdrift as fd
from fastdrift.alarms.events import COLUMNS
from fastdrift.alarms.missing import silent_columns, time_holes
from fastdrift.alarms.onset import best_split
from fastdrift.tables.convert import as_table

from .spoiled import WINDOW, quiet, spoil, up

# Onset


def test_the_onset_of_a_shift_or_a_change_of_spread_is_found_to_a_few_rows():
    rng = np.random.default_rng(0)
    errors = []
    for _ in range(200):
        rows = rng.normal(size=(250, 6))
        start = int(rng.integers(150, 240))
        rows[start:, 0] = rows[start:, 0] * 3 if rng.random() < 0.5 else rows[start:, 0] + 3
        errors.append(abs(best_split(rows) - start))
    assert np.median(errors) <= 1
    assert np.quantile(errors, 0.9) <= 8


def test_rows_with_gaps_tell_nothing_of_the_onset():
    rows = np.random.default_rng(1).normal(size=(100, 3))
    rows[60:] += 5
    spoiled = rows.copy()
    spoiled[::7, 1] = np.nan
    assert abs(best_split(spoiled) - 60) <= 1
    assert best_split(np.full((10, 3), np.nan)) == 0


# What is found


def test_a_shift_is_an_alarm_that_says_since_when_in_which_column_and_how_rare(telemetry, model):
    column = telemetry.columns[2]
    found = fd.detect(model, spoil(telemetry[15_000:], 4_000, 4_300, **{column: up(6)}))
    (event,) = [event for event in found.alarms if 3_980 <= event.start < 4_300]
    assert abs(event.onset - 4_000) <= 3
    assert event.onset <= event.start <= event.alarm_row < event.peak_row
    assert event.columns[0] == column
    assert event.why.startswith(f"{column} up by ")
    assert 4_300 <= event.stop <= 4_300 + WINDOW
    assert not event.still_on
    assert event.once_in_rows == math.inf
    assert event.onset_time == telemetry.index[15_000 + event.onset]


def test_what_goes_on_is_still_on_and_long_is_persistent(telemetry, model):
    column = telemetry.columns[0]
    found = fd.detect(model, spoil(telemetry[15_000:20_000], 3_000, 5_000, **{column: up(8)}))
    event = found.alarms[-1]
    assert (event.kind, event.still_on, event.stop) == ("persistent drift", True, 5_000)
    assert "Drifting now" in found.answer()
    assert len([one for one in found if one.start >= 3_000]) == 1


def test_columns_that_part_ways_are_named_as_a_pair():
    rng = np.random.default_rng(4)
    base = rng.normal(size=20_000)
    rows = pd.DataFrame({"a": base, "b": base + 0.1 * rng.normal(size=20_000), "c": rng.normal(size=20_000)})
    model = fd.fit(rows[:10_000], window=WINDOW)
    later = rows[10_000:].reset_index(drop=True)
    later.loc[5_000:5_059, "b"] = later.loc[5_000:5_059, "b"].to_numpy()[::-1]
    (event,) = [event for event in fd.detect(model, later).alarms if 5_000 <= event.start < 5_080]
    assert set(event.columns[:2]) == {"a", "b"}
    assert event.why in ("a and b no longer move together", "b and a no longer move together")


def test_a_constant_column_that_moves_is_the_reason(telemetry):
    healthy = telemetry[:15_000].assign(fixed=4.0)
    model = fd.fit(healthy, window=WINDOW)
    later = telemetry[15_000:17_000].assign(fixed=4.0)
    later.iloc[1_000:1_010, -1] = 5.0
    event = fd.detect(model, later).alarms[0]
    assert event.columns == ("fixed",)
    assert event.why == "fixed moved from 4, where it had always been"


def test_rows_to_ignore_are_left_out_and_counted(telemetry, model):
    spoiled = spoil(telemetry[15_000:20_000], 1_000, 1_200, **{telemetry.columns[1]: up(9)})
    assert any(1_000 <= event.start < 1_220 for event in fd.detect(model, spoiled))
    found = fd.detect(model, spoiled, ignore=[(990, 1_200), (1_100, 1_210)])
    assert not any(900 <= event.start < 1_300 for event in found)
    assert found.n_ignored == 220


@pytest.mark.parametrize("stretch", [(5, 5), (-1, 4), (0, 10**9), (3,), "ab", 7])
def test_rows_to_ignore_that_do_not_exist_are_an_error(telemetry, model, stretch):
    with pytest.raises(fd.DataError, match="ignore holds"):
        fd.detect(model, telemetry[:100], ignore=[stretch])


@quiet
def test_a_column_that_goes_silent_is_an_alarm_with_its_name_and_since_when(telemetry, model):
    rows = telemetry[15_000:20_000].copy()
    rows.iloc[2_000:2_500, [1, 3]] = np.nan
    found = fd.detect(model, rows)
    (event,) = [event for event in found if event.kind == "missing data"]
    assert event.columns == (telemetry.columns[1], telemetry.columns[3])
    assert event.onset == 2_000
    assert event.start == 2_000 + WINDOW // 2
    assert event.is_alarm
    assert 2_500 <= event.stop < 2_500 + WINDOW
    assert "missing" in event.why


@quiet
def test_gaps_that_leave_no_window_whole_are_not_silent(telemetry, model):
    rows = telemetry[15_000:20_000].copy()
    for column in range(5):
        rows.iloc[1_000 + 7 * column : 2_000 : 35, column] = np.nan
    (event,) = [event for event in fd.detect(model, rows) if event.kind == "missing data"]
    assert event.onset == 1_000
    assert event.columns == ()
    assert fd.detect(model, rows.iloc[1_000:1_900]).n_scored == 0


@quiet
def test_what_the_baseline_lacked_as_well_is_no_event(telemetry):
    rows = telemetry.copy()
    rows.iloc[100:113, 0] = np.nan
    model = fd.fit(rows[:15_000], window=WINDOW)
    assert model.rows.missing.tolist() == [13, 0, 0, 0, 0]
    later = rows[15_000:16_000].copy()
    later.iloc[500:512, [0]] = np.nan
    assert not [event for event in fd.detect(model, later) if event.kind == "missing data"]
    later.iloc[500:512, [1]] = np.nan
    (event,) = [event for event in fd.detect(model, later) if event.kind == "missing data"]
    assert event.columns == (telemetry.columns[1],)


def test_a_hole_in_the_times_longer_than_a_window_is_an_event(telemetry, model):
    rows = pd.concat([telemetry[15_000:16_000], telemetry[16_500:17_000]])
    (event,) = [event for event in fd.detect(model, rows) if event.kind == "missing data"]
    assert (event.start, event.rows) == (1_000, 0)
    assert event.onset_time == telemetry.index[15_999]
    assert "no rows for" in event.why
    short = pd.concat([telemetry[15_000:16_000], telemetry[16_010:17_000]])
    assert not [event for event in fd.detect(model, short) if event.kind == "missing data"]


def test_holes_are_found_by_the_usual_step():
    minute = 60 * 10**9
    times = np.cumsum(np.array([0, 1, 1, 21, 1, 20, 1])) * minute
    assert time_holes(times, 60.0, 20).tolist() == [3]


def test_silent_columns_are_those_of_a_plain_count():
    rng = np.random.default_rng(8)
    rows = np.where(rng.random((400, 3)) < np.linspace(0, 1, 400)[:, None], np.nan, 1.0)
    rows[:, 2] = 1.0
    gaps = silent_columns(as_table(rows), np.arange(3), WINDOW, np.array([0.0, 14.0, 0.0]))
    limits = (WINDOW // 2, 14, WINDOW // 2)
    loud = np.zeros((400, 3), bool)
    for row in range(400):
        lacks = np.isnan(rows[max(0, row - WINDOW + 1) : row + 1]).sum(axis=0)
        loud[row] = lacks > limits
    expected = np.flatnonzero(loud.any(axis=1))
    covered = np.unique(np.concatenate([np.arange(gap.start, gap.stop) for gap in gaps]))
    assert covered.tolist() == expected.tolist()


def test_nothing_found_is_said_as_good_news(telemetry, model):
    found = fd.detect(model, telemetry[15_000:15_400])
    assert len(found) == 0
    assert "No drift" in repr(found)
    assert "at most 1 false alarm in 10,000 rows" in repr(found)
    assert list(found.to_frame().columns) == list(COLUMNS)
    assert found.to_dict()["events"] == []


def test_arrays_have_events_without_times(telemetry, model):
    plain = fd.fit(telemetry[:15_000].to_numpy(), window=WINDOW)
    rows = spoil(telemetry[15_000:20_000], 1_000, 1_100, **{telemetry.columns[1]: up(9)})
    found = fd.detect(plain, rows.to_numpy())
    named = fd.detect(model, rows)
    assert not {"onset_time", "start_time", "end_time"} & set(found.to_frame().columns)
    assert [event[2:7] for event in found] == [event[2:7] for event in named]
    json.dumps(named.to_dict(), allow_nan=False)


def test_events_are_small_however_long_the_table(model, telemetry):
    found = fd.detect(model, telemetry)
    arrays = [value for value in vars(found).values() if isinstance(value, np.ndarray)]
    assert arrays == []


def test_a_model_from_an_old_file_says_how_to_get_a_promise(telemetry):
    old = fd.load(Path(__file__).parents[2] / "bench_data" / "plain.v1.fastdrift")
    rows = np.zeros((1_000, len(old.columns)))
    with pytest.raises(fd.ModelError, match="before there were promises about events: fit it anew"):
        fd.detect(old, pd.DataFrame(rows, columns=list(old.columns)))


def test_the_forest_has_events_without_reasons(telemetry):
    model = fd.fit(telemetry[:6_000], window=WINDOW, detector="isolation-forest")
    spoiled = spoil(telemetry[15_000:18_000], 1_000, 1_200, **{name: up(9) for name in telemetry.columns})
    event = next(event for event in fd.detect(model, spoiled) if 1_000 <= event.start < 1_220)
    assert event.columns == ()
    assert event.why == "a model of isolation-forest gives no reasons"
    with pytest.raises(fd.DataError, match="has no reasons for its scores"):
        fd.explain(model, spoiled, rows=[1_100])


@pytest.mark.parametrize("call", [fd.detect, fd.explain])
def test_the_arguments_in_the_wrong_order_are_an_error(telemetry, model, call):
    with pytest.raises(fd.DataError, match="not a Model"):
        call(telemetry, model)


def test_rows_before_the_first_that_matters_only_fill_windows(telemetry, model):
    rows = spoil(telemetry[14_000:18_000], 500, 600, **{telemetry.columns[1]: up(9)})
    rows = spoil(rows, 2_000, 2_100, **{telemetry.columns[1]: up(9)})
    whole, later = fd.detect(model, rows), fd.detect(model, rows, since=1_000)
    assert [event for event in whole if event.start >= 1_000] == list(later)
    assert any(event.start < 1_000 for event in whole)
    assert later.n_scored == 3_000
    with pytest.raises(fd.DataError, match="since is 4001, but there are 4000 rows"):
        fd.detect(model, rows, since=4_001)


def test_holes_that_windows_span_are_said_with_the_remedy(telemetry, model):
    rows = pd.concat([telemetry[15_000:16_000], telemetry[16_010:17_000], telemetry[18_400:18_800]])
    (note,) = fd.detect(model, rows).notes
    assert "2 holes of more than 5 usual steps: the first before row 1,000 (660 seconds)" in note
    assert "the longest before row 1,990 (84060 seconds); 38 windows span one" in note
    assert "prepare --freq" in note
    assert fd.detect(model, telemetry[15_000:16_000]).notes == ()
