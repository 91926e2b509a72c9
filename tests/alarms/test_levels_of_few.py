"""Where clusters are few, and where they lie close, levels and events follow what was measured."""

from __future__ import annotations

import numpy as np
import pytest

import fastdrift as fd
from fastdrift.alarms.clusters import QUIET_WINDOWS
from fastdrift.alarms.onset import best_split
from fastdrift.alarms.tail import Seen, fold_peaks, learn_promise

from .spoiled import WINDOW, spoil, up


@pytest.mark.parametrize(
    ("n_rows", "n_above"),
    # notices may come 1 in 1,440 rows and are held to three quarters of that: 2.97, 1.56, 4.5 and 1.5 of the baseline
    [(5_711, 3), (3_000, 2), (8_592, 4), (1_751, 1)],
)
def test_few_clusters_put_as_many_above_the_level_of_notices_as_are_to_come(n_rows, n_above):
    peaks = np.arange(12.0, 5.0, -1.0)
    promise, _ = learn_promise([Seen(peaks, n_rows)], 4.0, None, None)
    assert np.count_nonzero(peaks > promise.notice_level) == n_above
    assert promise.alarm_level == peaks[1]


def test_what_rises_again_within_two_windows_is_the_same_cluster():
    window, scores = 10, np.zeros(200)
    scores[[20, 20 + QUIET_WINDOWS * window]] = 7.0, 9.0
    scores[[100, 101 + QUIET_WINDOWS * window]] = 5.0, 3.0
    assert fold_peaks([scores], 1.0, window).tolist() == [9.0, 5.0, 3.0]
    assert fold_peaks([scores[:110], scores[110:]], 1.0, window).tolist() == [9.0, 5.0, 3.0]


def test_an_event_is_still_on_until_two_windows_were_quiet(telemetry, model):
    rows = spoil(telemetry[15_000:17_000], 1_000, 1_100, **{telemetry.columns[1]: up(8)})
    (event,) = [event for event in fd.detect(model, rows).alarms if 980 <= event.start < 1_100]
    assert event.stop > 1_100
    quiet_rows = QUIET_WINDOWS * WINDOW
    for n_rows, is_on in ((event.stop + quiet_rows - 1, True), (event.stop + quiet_rows, False)):
        (same,) = [each for each in fd.detect(model, rows[:n_rows]).alarms if each.start == event.start]
        assert same.still_on == is_on


@pytest.mark.parametrize("seed", range(3))
def test_a_column_that_rests_for_long_does_not_put_the_onset_at_the_first_row_there_is(seed):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(300, 3))
    rows[:, 0] *= 0.05  # it was busy in the baseline, and is quiet now
    rows[260:, 1] += 4
    assert abs(best_split(rows) - 260) <= 2
