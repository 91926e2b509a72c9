"""Clusters of flagged rows, and the levels by which events keep their promise."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastdrift as fd
from fastdrift.alarms.clusters import find_clusters
from fastdrift.alarms.tail import Seen, fold_peaks, learn_promise, read_rate

from .spoiled import WINDOW


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
    slopes = [
        learn_promise([Seen(exponential_peaks(300, seed), 30_000)], 5.0, None, None)[0].tail_slope for seed in range(50)
    ]
    # one in twenty is taken for a heavier tail, and has a greater one
    assert np.median(slopes) == pytest.approx(0.7, rel=0.05)


def test_alarms_are_to_come_at_half_the_promised_rate():
    promise, notes = learn_promise([Seen(exponential_peaks(300, 1), 30_000)], 5.0, 1e-4, None)
    assert notes == []
    per_row = promise.tail_rate * math.exp(-(promise.alarm_level - promise.tail_start) / promise.tail_slope)
    assert per_row == pytest.approx(0.5e-4)
    assert promise.once_in_rows(promise.alarm_level) == pytest.approx(20_000)
    assert promise.notice_level < promise.alarm_level


def test_outliers_in_the_baseline_do_not_move_the_level():
    clean = exponential_peaks(300, 2)
    spoiled = np.sort(np.append(clean, [40.0, 60.0, 80.0]))[::-1]
    levels = [learn_promise([Seen(peaks, 30_000)], 5.0, 1e-4, None)[0].alarm_level for peaks in (clean, spoiled)]
    assert levels[1] == pytest.approx(levels[0], rel=0.05)


def test_a_rate_past_what_the_baseline_can_tell_is_inf():
    promise, _ = learn_promise([Seen(exponential_peaks(300, 3), 30_000)], 5.0, None, None)
    assert promise.once_in_rows(promise.alarm_level + 20) == math.inf
    reach = 10 * promise.rows
    assert (
        max(promise.once_in_rows(score) for score in np.linspace(5, 12, 500) if promise.once_in_rows(score) < math.inf)
        <= reach
    )


@pytest.mark.parametrize(("n_peaks", "n_rows", "every"), [(30, 3_000, 3_000), (12, 60_000, 30_000), (0, 500, 250)])
def test_a_promise_that_the_baseline_cannot_support_is_widened_and_said(n_peaks, n_rows, every):
    peaks = exponential_peaks(n_peaks, 4)
    promise, notes = learn_promise([Seen(peaks, n_rows)], 5.0, 1e-6, None)
    assert 1 / promise.rate == pytest.approx(every)
    assert len(notes) == 1
    assert "rows would be enough" in notes[0]
    assert promise.alarm_level >= (peaks[1] if n_peaks == 12 else 5.0)
    unasked, notes = learn_promise([Seen(peaks, min(n_rows, 5_000))], 5.0, None, None)
    assert notes == []
    assert "no more can be promised" in unasked.shortfall()


def test_a_level_never_lies_below_the_row_threshold():
    promise, _ = learn_promise([Seen(exponential_peaks(40, 5, start=1.0, slope=0.01), 4_000)], 5.0, None, None)
    assert promise.notice_level == promise.alarm_level == 5.0


def test_a_promise_looser_than_the_clusters_come_is_an_error_that_says_their_rate():
    with pytest.raises(fd.DataError, match=r"looser than the 30 clusters .* at most 0.02"):
        learn_promise([Seen(exponential_peaks(30, 6), 3_000)], 5.0, 0.05, None)


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


def test_fit_says_nothing_of_the_promise_unasked_but_warns_if_it_cannot_keep_one(telemetry):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        unasked = fd.fit(telemetry[:5_000], window=WINDOW)
    assert unasked.promise.rate == pytest.approx(1 / (5_000 - WINDOW + 1))
    with pytest.warns(fd.DriftWarning, match="no more can be promised; about 100,000 rows would be enough"):
        fd.fit(telemetry[:5_000], window=WINDOW, false_event_rate=1e-5)
