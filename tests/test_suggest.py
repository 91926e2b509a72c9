"""suggest: what a baseline is good for, held against what later rows do."""

from __future__ import annotations

import json
import math
import os
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import fastdrift as fd
from fastdrift.alarms.events import MISSING
from fastdrift.fitting.advice import usable_window
from fastdrift.fitting.backtest import chance_of

DATA = Path(os.environ.get("FASTDRIFT_DATA", "nowhere"))


@pytest.fixture(scope="module")
def healthy():
    """Return 60,000 healthy rows of five columns."""
    return fd.generate(60_000, columns=5, seed=2, drifts=()).frame


@pytest.fixture(scope="module")
def found(healthy):
    return fd.suggest(healthy[:30_000])


def quiet(call, *args, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fd.DriftWarning)
        return call(*args, **options)


# The window and the promise


def test_the_model_is_what_fit_makes_of_the_baseline_as_suggested(found, healthy):
    same = quiet(fd.fit, healthy[:30_000], window=found.window)
    assert found.model.encode() == same.encode()
    assert found.promise == same.promise


@pytest.mark.parametrize(("n_rows", "columns"), [(30_000, 8), (1_000, 8), (300, 5), (200, 2)])
def test_the_window_is_the_usual_one_or_the_one_for_few_rows(n_rows, columns):
    frame = fd.generate(n_rows, columns=columns, seed=1, drifts=()).frame
    found = fd.suggest(frame)
    assert found.window == usable_window(n_rows, columns)
    assert f"window={found.window}" in found.answer()
    assert found.is_thin == (found.model.effective_windows < 16 * columns)


def test_no_warning_is_raised_for_what_is_told():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = fd.suggest(fd.generate(1_000, columns=8, seed=1, drifts=()).frame)
    assert any("thin" in note for note in found.model.warnings)
    assert "it is thin" in found.answer()
    assert "drift is missed" in repr(found)


def test_windows_and_rates_are_those_asked_for(healthy):
    found = fd.suggest(healthy[:8_000], window=(10, 20), false_alarm_rate=0.01, false_event_rate="1/day")
    assert found.window == (10, 20)
    assert found.model.false_alarm_rate == found.backtest.asked == 0.01
    assert found.promise.asked == pytest.approx(1 / 1440)


def test_a_baseline_too_short_for_any_model_is_the_error_of_fit():
    with pytest.raises(fd.DataError, match="too few to cross-fit"):
        fd.suggest(fd.generate(60, columns=2, seed=1, drifts=()).frame[:15])


def test_arrays_frames_and_stretches_say_the_same(healthy):
    frame = healthy[:6_000].reset_index(drop=True)
    by_frame, by_array = fd.suggest(frame), fd.suggest(frame.to_numpy())
    assert [shift.amount for shift in by_frame.shifts] == [shift.amount for shift in by_array.shifts]
    assert by_frame.backtest.flagged_share == by_array.backtest.flagged_share
    assert by_frame.memory == by_array.memory
    parted = fd.suggest([frame[:3_000], frame[3_000:]])
    assert parted.rows == 6_000
    assert sum(part.scored for part in parted.backtest.parts) > 3_000


def test_what_it_is_worth_takes_memory_into_account(found):
    assert found.worth == pytest.approx(found.model.windows_used / max(found.memory, found.window))
    slow = np.random.default_rng(1).normal(size=(700, 6)).cumsum(axis=0)
    lost = fd.suggest(slow)
    assert lost.is_slow
    assert lost.worth < 16
    assert "its columns change slowly" in lost.answer()
    assert lost.least_rate == 1 / lost.worth


# The smallest shifts


@pytest.mark.parametrize("window", [20, 50, (10, 20, 50, 100)])
def test_a_shift_of_the_smallest_size_makes_half_of_fresh_windows_alarms(healthy, window):
    found, fresh = fd.suggest(healthy[:30_000], window=window), healthy[30_000:]
    assert {shift.column for shift in found.shifts} == set(fresh.columns)
    level, shares, halves = found.promise.alarm_level, [], []
    for shift in found.shifts:
        for shares_of, size in ((shares, 1.0), (halves, 0.5)):
            moved = fresh.assign(**{shift.column: fresh[shift.column] + size * shift.amount})
            shares_of.append((fd.score(found.model, moved)[200:] > level).mean())
    assert 0.4 < np.mean(shares) < 0.6
    assert all(0.3 < share < 0.7 for share in shares)
    assert max(halves) < 0.05


def middling_scores(model, square, place, amount):
    """Return the score of a middling window 1, 2, … rows after a shift, one linear system at a time."""
    window, size = model.window, len(model.varying_columns)
    correlation, scores = model.cholesky @ model.cholesky.T, []
    for rows in range(1, window + 1):
        share, moved = rows / window, np.zeros(2 * size)
        spread = model.centre[size + place]
        variance = spread**2 + amount**2 * share * (1 - share) * window / (window - 1)
        moved[place], moved[size + place] = amount * share, math.sqrt(variance) - spread
        moved /= model.scale
        scores.append(math.sqrt(square + moved @ np.linalg.solve(correlation, moved)))
    return np.array(scores)


def test_the_smallest_shift_and_its_delays_are_those_of_the_definition():
    # deviations that are small beside a shift pass the level before the means do
    rows = fd.generate(20_000, columns=4, seed=5, drifts=()).frame
    rows["steady"] = rows.iloc[:, 0].rolling(400, min_periods=1).mean() + 0.01 * rows.iloc[:, 1] / rows.iloc[:, 1].std()
    found = fd.suggest(rows)
    model, level = found.model, found.promise.alarm_level
    square = float(np.nanmedian(fd.score(model, rows))) ** 2
    for shift in found.shifts:
        place = model.varying_columns.index(shift.column)
        scores = middling_scores(model, square, place, shift.amount)
        assert scores.max() == pytest.approx(level, rel=1e-9)
        assert shift.rows == 1 + scores.argmax()
        assert shift.rows_of_twice == 1 + np.argmax(middling_scores(model, square, place, 2 * shift.amount) > level)
    assert min(shift.rows for shift in found.shifts) < model.window


@pytest.mark.parametrize("window", [20, 50, (10, 50)])
def test_a_shift_twice_as_large_is_an_alarm_as_soon_as_told(healthy, window):
    found, fresh = fd.suggest(healthy[:30_000], window=window), healthy[30_000:]
    longest, level = found.model.window, found.promise.alarm_level
    for shift in found.shifts[:3]:
        delays = []
        for start in range(500, 29_000, 500):
            rows = fresh[start - longest : start + 2 * longest].copy()
            rows.iloc[longest:, list(rows.columns).index(shift.column)] += 2 * shift.amount
            passed = np.flatnonzero(quiet(fd.score, found.model, rows)[longest:] > level)
            delays.append(passed[0] + 1 if passed.size else math.inf)
        assert np.median(delays) == pytest.approx(shift.rows_of_twice, abs=0.1 * longest)
        assert shift.rows_of_twice < shift.rows <= longest


def test_spreads_are_standard_deviations_of_rows(found, healthy):
    for shift in found.shifts:
        assert shift.amount / healthy[shift.column][:30_000].std() == pytest.approx(shift.spreads, rel=0.05)
    assert [shift.spreads for shift in found.shifts] == sorted(shift.spreads for shift in found.shifts)


def test_a_column_that_never_moved_tells_in_how_many_rows_it_must_move(healthy):
    frame = healthy[:6_000].assign(still=3.0)
    found = fd.suggest(frame)
    shift = next(one for one in found.shifts if one.column == "still")
    later, level = healthy[30_000:].assign(still=3.0), found.promise.alarm_level
    for rows, is_alarm in ((shift.rows, True), (shift.rows - 1, False)):
        moved = later.copy()
        moved.iloc[1_000 : 1_000 + rows, -1] = 4.0
        calm, scores = (fd.score(found.model, table)[1_000:1_040] for table in (later, moved))
        assert bool(np.median(scores[calm < level]) > level) == is_alarm


# The promise held against the baseline's own later parts


def test_later_parts_are_what_models_of_the_rows_before_find_in_them(found, healthy):
    rows = healthy[:30_000].reset_index(drop=True)
    assert [(part.start, part.stop) for part in found.backtest.parts] == [
        (12_000, 18_000), (18_000, 24_000), (24_000, 30_000),
    ]  # fmt: skip
    for part in found.backtest.parts:
        model = quiet(fd.fit, rows[: part.start])
        events = fd.detect(model, rows[: part.stop], since=part.start)
        assert (part.scored, part.flagged) == (events.n_scored, events.n_flagged)
        assert part.alarms == sum(event.kind != MISSING for event in events.alarms)
        assert part.promised == pytest.approx(events.expected_false_alarms)
        assert part.why == (events.alarms[0].why if part.alarms else "")


def test_a_healthy_baseline_keeps_its_promise_on_its_own_later_parts():
    kept = [fd.suggest(fd.generate(20_000, seed=seed, drifts=()).frame).backtest for seed in range(6)]
    assert sum(one.keeps_rows for one in kept) >= 5
    assert all(one.keeps_alarms for one in kept)


def test_a_baseline_that_changes_does_not_and_it_is_said_where_and_why(healthy):
    rows = healthy[:20_000].copy()
    rows.iloc[17_000:, 2] += 4 * rows.iloc[:, 2].std()
    found = fd.suggest(rows)
    assert found.backtest.keeps_rows is False
    assert "its promise did not hold on its own later parts" in found.answer()
    assert f"Most of them in rows 16,000 … 19,999: {rows.columns[2]} up by" in found.answer()
    assert "some jump" in found.answer()
    assert "leave out what was no healthy state" in repr(found)


def test_too_few_rows_to_look_back_are_said():
    found = fd.suggest(fd.generate(100, columns=2, seed=1, drifts=()).frame[:24])
    assert not found.backtest.parts
    assert found.backtest.keeps_rows is found.backtest.keeps_alarms is found.backtest.flagged_share is None
    assert "Too few rows to hold the promise" in found.answer()


def test_the_chance_of_events_is_that_of_a_poisson_count():
    draws = np.random.default_rng(0).poisson(1.8, 400_000)
    for count in range(8):
        assert chance_of(count, 1.8) == pytest.approx((draws >= count).mean(), abs=0.003)
    assert chance_of(1_000, 1.8) == pytest.approx(0.0, abs=1e-12)


# As text and as JSON


def test_it_prints_the_answer_first(found):
    lines = repr(found).splitlines()
    assert lines[0] == found.answer()
    assert lines[0].startswith("Fit it with window=50")
    text = repr(found)
    for word in ("separate windows", "promise", "at most 1 false alarm", "later parts", "smallest shift of"):
        assert word in text


def test_it_is_ready_for_json(found):
    document = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert document["window"] == 50
    assert document["answer"] == found.answer()
    assert len(document["smallest_shifts"]) == 5
    assert document["backtest"]["flagged_share"] == found.backtest.flagged_share
    short = fd.suggest(fd.generate(100, columns=2, seed=1, drifts=()).frame[:24])
    json.dumps(short.to_dict(), allow_nan=False)


@pytest.mark.skipif(not DATA.is_dir(), reason="FASTDRIFT_DATA names no folder")
@pytest.mark.parametrize("name", ["smd/machine-1-6", "asd/omi-2", "jumpstarter/service3", "tep/d00"])
def test_real_baselines_are_told_of(name):
    frame = pd.read_parquet(DATA / f"{name}_train.parquet").drop(columns="label", errors="ignore")
    found = fd.suggest(frame)
    assert len(found.shifts) == len(frame.columns)
    assert all(shift.amount > 0 for shift in found.shifts if shift.column in found.model.varying_columns)
    if name.startswith(("asd", "jumpstarter")):
        seasons = [one for one in found.findings if one.kind == "season"]
        assert any("about 288 rows" in season.text for season in seasons)  # a day of five minutes a row
