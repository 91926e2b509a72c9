"""The events of a stream are those that `detect` finds in its rows, however they came."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import fastdrift as fd
from fastdrift.alarms import drifts, tracker
from fastdrift.alarms.reasons import Reason
from fastdrift.streams import history

FIELDS = ("n_rows", "n_scored", "n_flagged", "unscored", "window", "has_times", "seconds", "notes", "promise")
STEPS = (1, 1, 3, 40, 500, 1, 2_000)


def check_same(found, expected):
    assert found.events == expected.events
    for name in FIELDS:
        assert getattr(found, name) == getattr(expected, name), name
    assert repr(found) == repr(expected)


def detected(model, frame):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fd.DriftWarning)
        return fd.detect(model, frame)


def with_gaps(frame, seed):
    """Return a frame that lacks values: whole stretches of a column, and scattered over all."""
    rng, frame = np.random.default_rng(seed), frame.copy()
    for start in rng.integers(4_000, len(frame) - 200, 10):
        frame.iloc[start : start + rng.integers(1, 120), rng.integers(frame.shape[1])] = np.nan
    for row in range(6_000, 6_300, 7):
        frame.iloc[row, row % frame.shape[1]] = np.nan
    return frame


def with_holes(frame):
    """Return a frame with times of a zone, of which some rows are missing."""
    frame = frame.set_axis(pd.date_range("2024-03-30", periods=len(frame), freq="min", tz="Europe/Berlin"))
    return frame.iloc[np.r_[:5_000, 5_090:5_990, 6_000:7_000, 7_010:7_013, 7_023 : len(frame)]]


MAKERS = {
    "plain": lambda frame: frame,
    "gaps": lambda frame: with_gaps(frame, 1),
    "times": with_holes,
    "gaps and times": lambda frame: with_holes(with_gaps(frame, 2)),
}


@pytest.mark.parametrize(("windows", "slack"), [(4, 1), (20, 2_048), ([10, 40], 64)])
@pytest.mark.parametrize("kind", MAKERS)
def test_events_are_those_of_detect_at_any_row(fit, monkeypatch, kind, windows, slack):
    monkeypatch.setattr(history, "SLACK_ROWS", slack)
    data = fd.generate(8_000, seed=3)
    frame = MAKERS[kind](data.frame.reset_index(drop=True))
    model = fit(frame[:3_000].ffill().bfill(), window=windows)
    stream, start, turn = fd.Stream(model), 0, 0
    while start < len(frame):
        step = min(STEPS[turn % len(STEPS)], len(frame) - start)
        turn += 1
        if step == 1:
            time = frame.index[start] if "times" in kind else None
            stream.push(frame.iloc[start].to_numpy(), time)
        else:
            stream.push_many(frame.iloc[start : start + step])
        start += step
        if start > 3_500 and turn % 3 == 0:
            check_same(stream.events, detected(model, frame.iloc[:start]))
    check_same(stream.events, detected(model, frame))
    assert {"drift", "persistent drift"} & {event.kind for event in stream.events}
    assert "missing data" in {event.kind for event in stream.events}


def test_reasons_are_told_by_the_windows_that_detect_looks_at(fit, monkeypatch):
    def tell(_model, _table, _columns, looks, _threads=1, **_):
        return [Reason((), str(line)) for line in looks.tolist()]

    monkeypatch.setattr(tracker, "find_reasons", tell)
    monkeypatch.setattr(drifts, "find_reasons", tell)
    monkeypatch.setattr(history, "SLACK_ROWS", 1)
    frame = fd.generate(8_000, seed=3).frame.reset_index(drop=True)
    model = fit(frame[:3_000].ffill().bfill(), window=10)
    stream = fd.Stream(model)
    for start in range(0, len(frame), 7):
        stream.push_many(frame.iloc[start : start + 7])
        assert len(stream.events) >= 0
    assert stream.events.events == detected(model, frame).events
    assert any("-1" not in event.why for event in stream.events)


def test_a_forests_events_are_those_of_detect(fit):
    frame = with_gaps(fd.generate(8_000, seed=5).frame.reset_index(drop=True), 3)
    model = fit(frame[:3_000].ffill().bfill(), window=15, detector="isolation-forest")
    stream = fd.Stream(model)
    for start in range(0, len(frame), 700):
        stream.push_many(frame.iloc[start : start + 700])
    check_same(stream.events, detected(model, frame))


def test_before_the_first_whole_window_there_are_no_events(model, rows):
    stream = fd.Stream(model)
    assert len(stream.events) == 0
    stream.push_many(rows[:10])
    found = stream.events
    assert (len(found), found.n_rows, found.n_scored) == (0, 10, 0)


def test_of_how_many_columns_there_are_values_is_told_as_by_detect(fit, tmp_path):
    frame = with_holes(fd.generate(8_000, seed=3).frame.reset_index(drop=True))
    model = fit(frame[:3_000].ffill().bfill(), window=[10, 40])
    frame.iloc[4_950:5_100, :2] = np.nan  # about the first hole
    frame.iloc[5_060:5_080, 2] = np.nan
    frame.iloc[6_500:6_530, :] = np.inf
    stream = fd.Stream(model)
    for start in range(0, len(frame), 23):
        if start == 23 * 218:  # within the silence
            stream.save(tmp_path / "stream")
            stream = fd.Stream.load(model, tmp_path / "stream")
        stream.push_many(frame.iloc[start : start + 23])
        if start >= 23 * 215 and start < 23 * 225:
            check_same(stream.events, detected(model, frame.iloc[: start + 23]))
    check_same(stream.events, detected(model, frame))
    n_columns = frame.shape[1]
    assert {event.observed for event in stream.events if event.kind == "missing data"} >= {0, n_columns - 3}
    assert any(event.why.startswith("no rows") and event.observed < n_columns for event in stream.events)
    assert len(stream._tracker.observing.runs) < 15
