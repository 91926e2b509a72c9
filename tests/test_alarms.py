"""Events keep their promise, open and close as said, and say since when and why."""

from __future__ import annotations

import json
import math
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastdrift as fd
from fastdrift.alarms.clusters import find_clusters
from fastdrift.alarms.events import COLUMNS
from fastdrift.alarms.missing import silent_columns, time_holes
from fastdrift.alarms.onset import best_split
from fastdrift.alarms.tail import fold_peaks, learn_promise, read_rate
from fastdrift.tables.convert import as_table

WINDOW = 20
quiet = pytest.mark.filterwarnings("ignore::fastdrift.errors.DriftWarning")


def slow_clusters(scores, threshold, window, blind):
    """Follow scores one by one: a cluster ends after a window of quiet rows, or too many in a row without a score."""
    found, first, last, calm, unscored = [], None, None, 0, 0
    for row, score in enumerate(scores):
        if math.isnan(score):
            unscored += 1
        elif score > threshold:
            unscored = calm = 0
            first, last = (row if first is None else first), row
        else:
            unscored, calm = 0, calm + 1
        if first is not None and (calm >= window or unscored > blind):
            found.append((first, last + 1))
            first, calm = None, 0
        if first is None:
            calm = 0
    return found if first is None else [*found, (first, last + 1)]


@given(
    st.lists(st.sampled_from([0.0, 2.0, math.nan]), max_size=60),
    st.integers(2, 6),
    st.integers(0, 6),
)
@settings(max_examples=400, deadline=None)
def test_clusters_are_those_of_a_tracker_that_sees_a_score_at_a_time(scores, window, blind):
    clusters = find_clusters(np.array(scores), 1.0, window, blind=blind)
    assert list(zip(clusters.starts, clusters.stops, strict=True)) == slow_clusters(scores, 1.0, window, blind)


def test_a_cluster_s_peak_is_its_highest_score():
    scores = np.array([3.0, 0.0, 5.0, np.nan, 0.0, 0.0, 0.0, 0.0, 2.0])
    clusters = find_clusters(scores, 1.0, 3, blind=3)
    assert clusters.peaks(scores).tolist() == [5.0, 2.0]


# The promise


def exponential_peaks(n_peaks, seed, start=5.0, slope=0.7):
    return np.sort(start + np.random.default_rng(seed).exponential(slope, n_peaks))[::-1]


def test_the_slope_of_an_exponential_tail_is_found():
    slopes = [learn_promise(exponential_peaks(300, seed), 30_000, 5.0, None, None)[0].tail_slope for seed in range(50)]
    assert np.mean(slopes) == pytest.approx(0.7, rel=0.05)


def test_alarms_are_to_come_at_half_the_promised_rate():
    promise, notes = learn_promise(exponential_peaks(300, 1), 30_000, 5.0, 1e-4, None)
    assert notes == []
    per_row = promise.tail_rate * math.exp(-(promise.alarm_level - promise.tail_start) / promise.tail_slope)
    assert per_row == pytest.approx(0.5e-4)
    assert promise.once_in_rows(promise.alarm_level) == pytest.approx(20_000)
    assert promise.notice_level < promise.alarm_level


def test_outliers_in_the_baseline_do_not_move_the_level():
    clean = exponential_peaks(300, 2)
    spoiled = np.sort(np.append(clean, [40.0, 60.0, 80.0]))[::-1]
    levels = [learn_promise(peaks, 30_000, 5.0, 1e-4, None)[0].alarm_level for peaks in (clean, spoiled)]
    assert levels[1] == pytest.approx(levels[0], rel=0.05)


def test_a_rate_past_what_the_baseline_can_tell_is_inf():
    promise, _ = learn_promise(exponential_peaks(300, 3), 30_000, 5.0, None, None)
    assert promise.once_in_rows(promise.alarm_level + 20) == math.inf
    reach = 10 * promise.rows
    assert (
        max(promise.once_in_rows(score) for score in np.linspace(5, 12, 500) if promise.once_in_rows(score) < math.inf)
        <= reach
    )


@pytest.mark.parametrize(("n_peaks", "n_rows", "every"), [(30, 3_000, 3_000), (12, 60_000, 30_000), (0, 500, 250)])
def test_a_promise_that_the_baseline_cannot_support_is_widened_and_said(n_peaks, n_rows, every):
    peaks = exponential_peaks(n_peaks, 4)
    promise, notes = learn_promise(peaks, n_rows, 5.0, 1e-6, None)
    assert 1 / promise.rate == pytest.approx(every)
    assert len(notes) == 1
    assert "rows would be enough" in notes[0]
    assert promise.alarm_level >= (peaks[1] if n_peaks == 12 else 5.0)
    unasked, notes = learn_promise(peaks, min(n_rows, 5_000), 5.0, None, None)
    assert notes == []
    assert "no more can be promised" in unasked.shortfall()


def test_a_level_never_lies_below_the_row_threshold():
    promise, _ = learn_promise(exponential_peaks(40, 5, start=1.0, slope=0.01), 4_000, 5.0, None, None)
    assert promise.notice_level == promise.alarm_level == 5.0


def test_a_promise_looser_than_the_clusters_come_is_an_error_that_says_their_rate():
    with pytest.raises(fd.DataError, match=r"looser than the 30 clusters .* at most 0.02"):
        learn_promise(exponential_peaks(30, 6), 3_000, 5.0, 0.05, None)


@pytest.mark.parametrize(
    ("text", "rate"), [("1/day", 1 / 1440), ("2 / week", 2 / 10_080), ("3 per hour", 0.05), ("1 a day", 1 / 1440)]
)
def test_a_rate_by_time_is_one_by_rows_of_the_usual_step(text, rate):
    assert read_rate(text, 60.0) == pytest.approx(rate)


@pytest.mark.parametrize(
    "rate", [0, -1e-4, 1, 2.5, math.nan, True, "often", "0/day", "1/fortnight", None, "1/day/host", "1/second"]
)
def test_what_is_no_rate_is_an_error(rate):
    with pytest.raises(fd.DataError, match="false_event_rate is"):
        read_rate(rate, 60.0)


def test_a_rate_by_time_needs_times():
    rows = np.random.default_rng(0).normal(size=(3_000, 3))
    with pytest.raises(fd.DataError, match="the rows have no times"):
        fd.fit(rows, window=WINDOW, false_event_rate="1/day")


def test_clusters_of_one_fold_do_not_go_on_in_the_next():
    part = np.array([0.0, 0.0, 9.0])
    assert fold_peaks([part, part[::-1], np.array([9.0, np.nan, 7.0])], 5.0, 10).tolist() == [9.0, 9.0, 9.0, 7.0]


def test_the_promise_is_kept_on_clean_rows():
    realised = []
    for seed in range(6):
        data = fd.generate(60_000, columns=5, seed=100 + seed, drifts=())
        model = fd.fit(data.frame[:20_000], window=WINDOW)
        found = fd.detect(model, data.frame[20_000:])
        realised.append((len(found.alarms) / 4, len(found) / (40_000 / 1_440)))
    alarms, notices = np.mean(realised, axis=0)
    assert alarms <= 1.2
    assert 0.2 <= notices <= 1.5


def test_the_promise_stands_in_the_summary_and_in_a_file(tmp_path):
    data = fd.generate(20_000, columns=4, seed=1, drifts=())
    model = fd.fit(data.frame, window=WINDOW)
    assert "at most 1 false alarm in 10,000 rows: about one a week at a row a minute" in model.summary()
    model.save(tmp_path / "model")
    again = fd.load(tmp_path / "model")
    assert again.promise == model.promise
    assert [one.tobytes() for one in again.rows] == [one.tobytes() for one in model.rows]
    assert again.encode() == model.encode()
    assert fd.detect(again, data.frame).to_frame().equals(fd.detect(model, data.frame).to_frame())


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


# What detect finds


@pytest.fixture(scope="module")
def telemetry():
    """Return 30,000 healthy rows and what is done to them later."""
    return fd.generate(40_000, columns=5, seed=11, drifts=()).frame


@pytest.fixture(scope="module")
def model(telemetry):
    return fd.fit(telemetry[:15_000], window=WINDOW)


def spoil(frame, start, stop, **changes):
    frame = frame.copy()
    for name, change in changes.items():
        frame.loc[frame.index[start:stop], name] = change(frame[name].iloc[start:stop])
    return frame


def up(by):
    return lambda values: values + by * values.std()


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
    from pathlib import Path

    old = fd.load(Path(__file__).parent.parent / "bench_data" / "plain.v1.fastdrift")
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


# explain


@pytest.fixture(scope="module")
def mixed(telemetry):
    """Return a model with constant columns among others, and later rows in which they move."""
    healthy = telemetry[:15_000].copy()
    healthy.insert(1, "zero", 0.0)
    healthy["one"] = 1.0
    later = telemetry[15_000:18_000].copy()
    later.insert(1, "zero", 0.0)
    later["one"] = 1.0
    later.iloc[500:505, 1] = 3.0
    later.iloc[700, -1] = np.nan
    later.iloc[900, 0] = np.inf
    return fd.fit(healthy, window=WINDOW), later


@quiet
def test_signed_parts_add_up_to_the_squared_score(mixed):
    model, rows = mixed
    parts = fd.explain(model, rows, signed=True)
    scores = fd.score(model, rows)
    whole = np.isfinite(scores.to_numpy())
    assert np.array_equal(np.isfinite(parts.to_numpy()).all(axis=1), whole)
    assert np.isnan(parts.to_numpy()[~whole]).all()
    error = np.abs(parts.sum(axis=1) - scores**2)[whole]
    assert (error <= 1e-9 * parts.abs().sum(axis=1)[whole]).all()
    assert list(parts.columns) == list(model.columns)


@quiet
def test_shares_are_those_of_the_definition_and_add_up_to_one(mixed):
    model, rows = mixed
    asked = [510, 25, 2_999, 503, 503]
    shares = fd.explain(model, rows, rows=asked)
    assert shares.index.equals(rows.index[asked])
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)
    precision = np.linalg.inv(model.cholesky @ model.cholesky.T)
    for place, row in enumerate(asked):
        window = rows.iloc[row - WINDOW + 1 : row + 1]
        varying = window[list(model.varying_columns)].to_numpy()
        v = (np.append(varying.mean(axis=0), varying.std(axis=0, ddof=1)) - model.centre) / model.scale
        terms = np.abs(v * (precision @ v))
        parts = dict(zip(model.varying_columns, terms[:5] + terms[5:], strict=True))
        for name, value in zip(model.constant_columns, model.constant_values, strict=True):
            parts[name] = model.penalties[int((window[name] != value).sum())]
        expected = np.array([parts[name] for name in model.columns])
        np.testing.assert_allclose(shares.iloc[place], expected / expected.sum(), rtol=1e-7)


@quiet
@pytest.mark.parametrize("threads", [1, 2])
def test_some_rows_have_the_reasons_they_have_among_all(mixed, threads):
    model, rows = mixed
    whole = fd.explain(model, rows, threads=threads).to_numpy()
    some = [2_900, 19, 400, 401, 1_999]
    assert fd.explain(model, rows, rows=some).to_numpy().tobytes() == whole[some].tobytes()
    assert fd.explain(model, rows, rows=slice(100, 200)).to_numpy().tobytes() == whole[100:200].tobytes()


def test_an_event_is_the_mean_of_its_rows(telemetry, model):
    rows = spoil(telemetry[15_000:18_000], 1_000, 1_100, **{telemetry.columns[1]: up(9)})
    found = fd.detect(model, rows)
    by_event = fd.explain(model, rows, events=found, signed=True)
    assert len(by_event) == len(found)
    for place, event in enumerate(found):
        rows_of = fd.explain(model, rows, rows=range(event.start, event.stop), signed=True)
        np.testing.assert_allclose(by_event.iloc[place], rows_of.mean(axis=0), rtol=1e-9)


@pytest.mark.parametrize("rows", [[-1], [3_000], [[1, 2]], [0.5], "ab"])
def test_rows_that_do_not_exist_are_an_error(telemetry, model, rows):
    with pytest.raises(fd.DataError, match=r"row"):
        fd.explain(model, telemetry[:3_000], rows=rows)


def test_rows_and_events_together_are_an_error(telemetry, model):
    with pytest.raises(fd.DataError, match="give one"):
        fd.explain(model, telemetry[:3_000], rows=[1], events=[])


@pytest.mark.parametrize("call", [fd.detect, fd.explain])
def test_the_arguments_in_the_wrong_order_are_an_error(telemetry, model, call):
    with pytest.raises(fd.DataError, match="not a Model"):
        call(telemetry, model)


def test_fit_says_nothing_of_the_promise_unasked_but_warns_if_it_cannot_keep_one(telemetry):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        unasked = fd.fit(telemetry[:5_000], window=WINDOW)
    assert unasked.promise.rate == pytest.approx(1 / (5_000 - WINDOW + 1))
    with pytest.warns(fd.DriftWarning, match="no more can be promised; about 100,000 rows would be enough"):
        fd.fit(telemetry[:5_000], window=WINDOW, false_event_rate=1e-5)


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
