"""Events agree with plain loops, and say what labels and time are needed for."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastdrift.errors import DataError
from fastdrift.evaluation.event_metrics import event_metrics
from fastdrift.evaluation.events import events
from fastdrift.evaluation.metrics import evaluate

NAN, INF = np.nan, np.inf
MINUTES = pd.date_range("2025-01-01", periods=40, freq="min", tz="Europe/Berlin")
some_scores = st.lists(st.sampled_from([NAN, 1.0, 4.0, 6.0, 7.0, INF]), min_size=1, max_size=40)


def plain_events(scores, threshold, min_length, merge_gap):
    """Return (start, stop, peak score, peak row) of each event, found row by row."""
    found = []
    for row, score in enumerate(scores):
        if not score > threshold:
            continue
        if found and row - found[-1][1] <= merge_gap:
            start, _, peak, peak_row = found.pop()
            found.append((start, row + 1, max(peak, score), row if score > peak else peak_row))
        else:
            found.append((row, row + 1, score, row))
    return [event for event in found if event[1] - event[0] >= min_length]


def flagged(*stretches, n_rows=40):
    """Return flags, true in the given (start, stop) stretches."""
    flags = np.zeros(n_rows, bool)
    for start, stop in stretches:
        flags[start:stop] = True
    return flags


@settings(deadline=None)
@given(scores=some_scores, min_length=st.integers(1, 6), merge_gap=st.integers(0, 5))
def test_events_are_those_of_a_plain_loop(scores, min_length, merge_gap):
    if np.isnan(scores).all():
        scores = [*scores, 1.0]
    found = events(scores, 5.0, min_length=min_length, merge_gap=merge_gap)
    columns = (found.starts, found.stops, found.peak_scores, found.peak_rows)
    assert list(zip(*columns, strict=True)) == plain_events(scores, 5.0, min_length, merge_gap)


def test_a_score_at_the_threshold_and_a_missing_one_begin_no_event():
    assert len(events([5.0, NAN, 5.0, 1.0], 5.0)) == 0
    assert events([6.0, NAN, 6.0], 5.0).starts.tolist() == [0, 2]


def test_gaps_are_merged_before_short_events_are_dropped():
    flags = flagged((3, 4), (6, 7), (20, 22))
    assert events(flags, min_length=3).starts.tolist() == []
    assert events(flags, min_length=3, merge_gap=1).starts.tolist() == []
    assert events(flags, min_length=3, merge_gap=2).stops.tolist() == [7]


def test_flags_make_the_same_events_without_a_peak():
    scores = np.where(flagged((3, 6), (9, 10)), 7.0, 1.0)
    by_score = events(scores, 5.0)
    for flags in (scores > 5.0, (scores > 5.0).astype(int), pd.Series(scores > 5.0)):
        by_flag = events(flags)
        np.testing.assert_array_equal(by_flag.starts, by_score.starts)
        np.testing.assert_array_equal(by_flag.stops, by_score.stops)
        np.testing.assert_array_equal(by_flag.peak_rows, by_flag.starts)
        assert np.isnan(by_flag.peak_scores).all()


def test_times_are_those_of_the_first_and_the_last_row():
    scores = pd.Series(np.where(flagged((3, 6)), 7.0, 1.0), MINUTES)
    for found in (events(scores, 5.0), events(scores.to_numpy(), 5.0, index=MINUTES)):
        assert found.start_times.tolist() == [MINUTES[3]]
        assert found.end_times.tolist() == [MINUTES[5]]
    without = events(scores.reset_index(drop=True), 5.0)
    assert without.start_times is None
    assert without.end_times is None


def test_the_frame_holds_an_event_a_row_and_times_where_they_are_known():
    found = events(flagged((3, 6), (9, 10)), index=MINUTES)
    frame = found.to_frame()
    assert frame["rows"].tolist() == [3, 1]
    assert list(frame) == ["start", "stop", "rows", "peak_score", "peak_row", "start_time", "end_time"]
    assert list(events(flagged((3, 6))).to_frame()) == list(frame)[:5]


def test_the_repr_counts_events_and_shows_the_first_ones():
    assert repr(events(flagged())) == "0 events in 40 rows"
    lines = repr(events(np.arange(40) % 2 == 1)).splitlines()
    assert lines[0] == "20 events in 40 rows, the first 10"
    assert len(lines) == 12


def test_events_never_change():
    found = events([1.0, 6.0], 5.0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.starts = found.stops
    with pytest.raises(ValueError, match="read-only"):
        found.starts[0] = 7


def test_flags_given_stay_writable():
    flags = flagged((3, 6))
    events(flags)
    flags[0] = True


@pytest.mark.parametrize(
    ("data", "threshold", "options", "message"),
    [
        ([NAN, NAN], 5.0, {}, "none of the 2 rows has a score"),
        ([], 5.0, {}, "none of the 0 rows has a score"),
        ([1.0, 6.0], None, {}, "row 1 holds 6.0. Without a threshold rows are flags"),
        ([True, False], 0.5, {}, "flags need no threshold"),
        ([1.0, 6.0], NAN, {}, "threshold is NaN"),
        ([[1.0, 6.0]], 5.0, {}, r"scores have shape \(1, 2\)"),
        ([[True], [False]], None, {}, r"flags have shape \(2, 1\)"),
        ([1.0, 6.0], 5.0, {"index": MINUTES}, "the index has 40 times, but there are 2 rows"),
        ([1.0, 6.0], 5.0, {"index": MINUTES[[1, 0]]}, "times decrease"),
        ([1.0, 6.0], 5.0, {"index": [0, 1]}, "index is a list, not a pandas.DatetimeIndex"),
        ([1.0, 6.0], 5.0, {"index": pd.RangeIndex(2)}, "index is a RangeIndex"),
        ([1.0, 6.0], 5.0, {"min_length": 0}, "min_length is 0: give a whole number of rows, 1 or more"),
        ([1.0, 6.0], 5.0, {"merge_gap": -1}, "merge_gap is -1"),
        ([1.0, 6.0], 5.0, {"merge_gap": 1.5}, "merge_gap is 1.5"),
    ],
)
def test_what_makes_no_events_is_refused(data, threshold, options, message):
    with pytest.raises(DataError, match=message):
        events(data, threshold, **options)


def plain_figures(found, incidents, tolerance, n_rows):
    """Return (delays, incidents already in an event, false events, healthy rows in events) in plain loops."""
    reaches = [
        (start, min(stop + tolerance, incidents[place + 1][0] if place + 1 < len(incidents) else n_rows))
        for place, (start, stop) in enumerate(incidents)
    ]
    delays, already, false, healthy = [], 0, 0, 0
    for start, reach in reaches:
        begins = [begin for begin, _ in found if start <= begin < reach]
        delays.append(min(begins) - start if begins else None)
        already += not begins and any(begin < start < end for begin, end in found)
    for begin, end in found:
        beyond = [row for row in range(begin, end) if not any(start <= row < reach for start, reach in reaches)]
        overlaps = any(begin < reach and start < end for start, reach in reaches)
        false += not overlaps or len(beyond) > tolerance
        healthy += len(beyond)
    return tuple(delays), already, false, healthy


@settings(deadline=None)
@given(
    flags=st.lists(st.booleans(), min_size=30, max_size=30),
    labels=st.lists(st.sampled_from([0, 0, 0, 1]), min_size=30, max_size=30),
    tolerance=st.integers(0, 8),
)
def test_delays_and_false_events_are_those_of_a_plain_loop(flags, labels, tolerance):
    found, incidents = events(flags), events(labels)
    figures = event_metrics(found, labels, tolerance=tolerance)
    pairs = [list(zip(e.starts.tolist(), e.stops.tolist(), strict=True)) for e in (found, incidents)]
    delays, already, false_events, healthy = plain_figures(*pairs, tolerance, 30)
    assert (figures.delays, figures.already, figures.false_events) == (delays, already, false_events)
    assert figures.missed == delays.count(None) - already
    assert figures.found == len(delays) - delays.count(None)
    n_healthy = labels.count(0)
    assert figures.healthy_share == (healthy / n_healthy if n_healthy else None)


def test_flagging_everything_finds_nothing_and_is_one_false_event():
    labels = np.zeros(7_200, bool)
    labels[3_000:3_100] = labels[5_000:5_050] = labels[6_000:6_100] = True
    figures = event_metrics(events(np.full(7_200, 9.0), 1.0), labels, tolerance=49)
    assert (figures.found, figures.already, figures.missed, figures.false_events) == (0, 3, 0, 1)
    assert figures.healthy_share > 0.97
    assert "3 more while already in one" in dict(figures.lines())["incidents found"]


def test_delays_are_told_in_rows_and_in_time():
    labels = flagged((5, 10), (15, 20), (25, 30), (34, 36))
    figures = event_metrics(events(flagged((6, 7), (18, 19), (27, 28)), index=MINUTES), labels)
    assert figures.delays == (1, 3, 2, None)
    assert (figures.median_delay, figures.max_delay) == (2.0, 3)
    assert (figures.median_delay_time, figures.max_delay_time) == (pd.Timedelta("2min"), pd.Timedelta("3min"))


def test_late_alarms_are_due_to_the_incident_within_the_tolerance_only():
    found, labels = events(flagged((12, 14))), flagged((5, 10))
    strict = event_metrics(found, labels)
    assert (strict.found, strict.false_events, strict.max_delay) == (0, 1, None)
    assert event_metrics(found, labels, tolerance=2).false_events == 1
    lenient = event_metrics(found, labels, tolerance=3)
    assert (lenient.found, lenient.false_events, lenient.max_delay) == (1, 0, 7)


def test_the_next_incidents_alarms_find_no_incident_before_it():
    figures = event_metrics(events(flagged((12, 14))), flagged((5, 10), (11, 15)), tolerance=20)
    assert figures.delays == (None, 1)


def test_false_events_are_counted_for_healthy_rows_that_have_a_score():
    scores = np.where(flagged((2, 4), (30, 31)), 9.0, 1.0)
    scores[35:] = NAN
    figures = event_metrics(events(scores, 5.0, index=MINUTES), flagged((10, 20)))
    assert figures.false_events_per_10k_rows == pytest.approx(1e4 * 2 / 25)
    assert figures.false_events_per_day == pytest.approx(2 * 24 * 60 / 25)


def test_a_row_lasts_until_the_next_one_however_uneven_their_times_are():
    minutes = [0, 1, 4, 5, 10, 11, 20, 21]  # the steps are 1, 3, 1, 5, 1, 9, 1 and, of the last row, the median 1
    index = pd.Timestamp("2025-01-01") + pd.to_timedelta(minutes, unit="min")
    labels = [0, 1, 0, 1, 0, 1, 0, 1]
    figures = event_metrics(events(flagged((2, 3), n_rows=8), index=index), labels)
    assert figures.false_events_per_day == pytest.approx(24 * 60 / (1 + 1 + 1 + 1))
    figures = event_metrics(events(flagged((3, 4), n_rows=8), index=index), [1 - label for label in labels])
    assert figures.false_events_per_day == pytest.approx(24 * 60 / (3 + 5 + 9 + 1))


def test_one_late_event_does_not_move_the_median_delay():
    found = events(flagged((5, 8), (11, 14), (28, 30)), index=MINUTES)
    figures = event_metrics(found, flagged((5, 8), (10, 14), (20, 30)))
    assert figures.delays == (0, 1, 8)
    assert (figures.median_delay, figures.max_delay) == (1.0, 8)
    assert figures.median_delay_time == pd.Timedelta(1, "min")
    assert figures.max_delay_time == pd.Timedelta(8, "min")


def test_a_gap_in_time_is_no_quiet_day():
    later = MINUTES[:20].append(MINUTES[20:] + pd.Timedelta("30D"))
    figures = event_metrics(events(flagged((2, 4)), index=later), flagged())
    assert figures.false_events_per_day == pytest.approx(24 * 60 / 49)  # row 19 lasts ten minutes at most


def test_without_times_delays_are_in_rows_and_the_reason_is_told():
    figures = event_metrics(events(flagged((6, 8))), flagged((5, 10)))
    assert (figures.max_delay, figures.max_delay_time, figures.false_events_per_day) == (1, None, None)
    assert "no timestamps" in figures.notes[0]
    same_time = event_metrics(events(flagged((6, 8)), index=MINUTES[[0] * 40]), flagged((5, 10)))
    assert same_time.false_events_per_day is None


def test_incidents_that_no_score_could_find_are_missed_and_told():
    scores = np.where(flagged((5, 8)), 9.0, 1.0)
    scores[20:30] = NAN
    figures = event_metrics(events(scores, 5.0, index=MINUTES), flagged((5, 8), (22, 26), (32, 34)))
    assert (figures.found, figures.missed) == (1, 2)
    assert figures.notes == ("1 of the missed incidents lie in rows without a score",)
    nothing = event_metrics(events(np.ones(40), 5.0, index=MINUTES), flagged((5, 8)))
    assert nothing.notes == ("no incident was found, so there is no delay",)


def test_labels_of_one_kind_give_the_rest():
    found = events(flagged((6, 8)), index=MINUTES)
    healthy, drifted = event_metrics(found, flagged()), event_metrics(found, flagged((0, 40)))
    assert (healthy.incidents, healthy.false_events, healthy.median_delay) == (0, 1, None)
    assert (drifted.found, drifted.false_events, drifted.false_events_per_10k_rows) == (1, 0, None)
    assert event_metrics(found, None).incidents is None


def test_labels_of_another_length_and_a_negative_tolerance_are_refused():
    with pytest.raises(DataError, match=r"labels have shape \(3,\), but there are 40 rows"):
        event_metrics(events(flagged()), [0, 1, 0])
    with pytest.raises(DataError, match="tolerance is -1"):
        event_metrics(events(flagged()), flagged(), tolerance=-1)


def test_an_evaluation_carries_events_when_asked_and_stays_strict_json():
    scores = pd.Series(np.where(flagged((2, 4), (12, 20), (30, 33)), 9.0, 1.0), MINUTES)
    labels = flagged((10, 20))
    assert evaluate(scores, 5.0, labels=labels).event is None
    result = evaluate(scores, 5.0, labels=labels, monitored=slice(5, None), events=True, tolerance=11, min_length=2)
    assert result.event == event_metrics(events(scores.where(np.arange(40) >= 5), 5.0), labels, tolerance=11)
    assert (result.event.events, result.event.found, result.event.false_events) == (2, 1, 0)
    read = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert read["event"]["median_delay_seconds"] == 120.0
    assert read["event"]["delays"] == [2]
    assert "median delay" in result.summary()
    assert dataclasses.replace(result, event=None) == evaluate(scores, 5.0, labels=labels, monitored=slice(5, None))


def test_rows_on_both_sides_of_what_is_not_monitored_make_two_events():
    monitored = ~flagged((18, 22))
    result = evaluate(np.where(flagged((10, 30)), 9.0, 1.0), 5.0, monitored=monitored, events=True)
    assert result.event.events == 2


def test_incidents_outside_what_is_monitored_are_not_missed():
    labels = flagged((1, 4), (10, 20))
    result = evaluate(np.where(flagged((10, 30)), 9.0, 1.0), 5.0, labels=labels, monitored=slice(5, None), events=True)
    assert (result.event.incidents, result.event.missed) == (1, 0)


def test_scores_that_are_all_missing_leave_the_events_out_with_a_note():
    result = evaluate([NAN, NAN], 5.0, labels=[0, 1], events=True)
    assert result.event is None
    assert "no monitored row has a score" in result.notes[0]


def test_options_of_events_without_events_are_refused():
    with pytest.raises(DataError, match="add events=True"):
        evaluate([1.0, 6.0], 5.0, tolerance=3)
