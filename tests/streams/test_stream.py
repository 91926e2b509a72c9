"""A stream gives each row the bytes of one call of `score`, however its rows come."""

from __future__ import annotations

import copy
import pickle
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import telemetry

import fastdrift as fd
from fastdrift.streams import history
from fastdrift.streams import stream as stream_module

STEPS = (1, 1, 1, 2, 5, 49, 300, 700, 3_000)


def spoiled(rows, seed):
    """Return rows with what windows must forget: gaps, infs, numbers of all sizes, and a constant column that moves."""
    rng, rows = np.random.default_rng(seed), rows.copy()
    half, n_rows = len(rows) // 2, len(rows)
    rows[:, 1] = 3.0
    for row in rng.integers(half, n_rows, 4):
        rows[row, 0] = rng.choice([np.nan, np.inf, -np.inf, 1e200, -1e-200, 1e308])
    stretch = slice(half + 20, half + 20 + n_rows // 20)
    rows[stretch, 2] *= 1e-190
    rows[half + n_rows // 10 :, 2] = 0.0
    rows[rng.integers(half, n_rows, 3), 1] = 4.0
    return rows


def scored(model, rows):
    """Return the scores of one call."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fd.DriftWarning)
        return fd.score(model, rows, threads=1)


def streamed(stream, rows, steps):
    """Return the scores of rows that come one by one and many together, in turns."""
    scores, start, turn = [], 0, 0
    while start < len(rows):
        step = min(steps[turn % len(steps)], len(rows) - start)
        turn += 1
        if step == 1:
            seen = stream.peek(rows[start])
            scores.append([stream.push(rows[start])])
            np.testing.assert_equal(seen, scores[-1][0])
        else:
            scores.append(stream.push_many(rows[start : start + step]))
        start += step
    return np.concatenate(scores)


@pytest.mark.parametrize("window", [2, 3, 4, 5, 7, 8, 50, 127, 128, 129, 130, 193, 300, 1_000])
def test_rows_one_by_one_and_many_together_have_the_bytes_of_one_call(fit, window):
    rows = spoiled(telemetry(max(3_000, 10 * window), 5, seed=window), window)
    model = fit(rows[: len(rows) // 2], window=window)
    expected = scored(model, rows)
    assert np.isfinite(expected).sum() > len(rows) // 2
    stream = fd.Stream(model)
    one_by_one = np.array([stream.push(row) for row in rows])
    assert one_by_one.tobytes() == expected.tobytes()
    assert fd.Stream(model).push_many(rows).tobytes() == expected.tobytes()
    assert streamed(fd.Stream(model), rows, STEPS).tobytes() == expected.tobytes()


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from([1, 2, 3, 10, 29, 30, 64, 90, 400]), min_size=1, max_size=9), st.integers(0, 4))
def test_any_mixture_of_calls_has_the_bytes_of_one(steps, number):
    model, rows, expected = any_model(number)
    with pytest.MonkeyPatch.context() as patch:  # rows are let go of often, and few are scored together
        patch.setattr(history, "SLACK_ROWS", 1)
        patch.setattr(stream_module, "BATCH_ROWS", 30)
        assert streamed(fd.Stream(model), rows, steps).tobytes() == expected.tobytes()


def any_model(number, known={}):  # noqa: B006  # made once
    if number not in known:
        windows = ([5, 12], 33, [3, 9, 20, 41], 10, 4)[number]
        detector = "isolation-forest" if number >= 3 else "mahalanobis"
        rows = spoiled(telemetry(1_000, 3 + 3 * number, seed=number), number)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", fd.DriftWarning)
            model = fd.fit(rows[:500], window=windows, detector=detector)
        known[number] = model, rows, scored(model, rows)
    return known[number]


@pytest.mark.parametrize("n_columns", [1, 2, 8, 9, 17])
def test_any_number_of_columns_fills_its_vectors(fit, n_columns):
    rows = telemetry(1_500, n_columns, seed=n_columns)
    model = fit(rows[:700], window=12)
    stream = fd.Stream(model)
    assert np.array([stream.push(row) for row in rows]).tobytes() == scored(model, rows).tobytes()


def test_an_estimator_is_asked_for_one_window_at_a_time(fit):
    class Mean:
        def fit(self, features):
            self.middle = features.mean(axis=0)

        def score_samples(self, features):
            return -np.abs(features - self.middle).max(axis=1)

    rows = spoiled(telemetry(1_500, 3, seed=1), 1).clip(-1e300, 1e300)
    model = fit(rows[:700], window=12, detector=Mean())
    assert streamed(fd.Stream(model), rows, STEPS).tobytes() == scored(model, rows).tobytes()


@pytest.mark.parametrize("dtype", ["float32", ">f8", "int32", "bool"])
def test_rows_of_any_dtype_score_as_their_numbers_do(model, rows, dtype):
    some = (rows[:200] * 10).astype(dtype)
    stream = fd.Stream(model)
    assert np.array([stream.push(row) for row in some]).tobytes() == scored(model, some).tobytes()
    assert fd.Stream(model).push_many(some).tobytes() == scored(model, some).tobytes()


def test_rows_that_are_read_only_or_not_side_by_side_score_as_others_do(model, rows):
    some = np.asfortranarray(rows[:200])
    some.setflags(write=False)
    stream, backwards = fd.Stream(model), np.ascontiguousarray(some[:, ::-1])
    expected = scored(model, some).tobytes()
    assert np.array([stream.push(row) for row in some]).tobytes() == expected
    stream = fd.Stream(model)
    assert np.array([stream.push(row[::-1]) for row in backwards]).tobytes() == expected


def test_nothing_lingers_once_it_has_left_the_window(model, rows):
    clean, dirty = fd.Stream(model), fd.Stream(model)
    spoilt = rows[:400].copy()
    spoilt[[3, 120, 121, 180]] = np.array([np.nan, np.inf, 1e300, 1e-300])[:, None]
    expected, got = (
        np.array([stream.push(row) for row in some]) for stream, some in ((clean, rows[:400]), (dirty, spoilt))
    )
    assert got[230:].tobytes() == expected[230:].tobytes()
    assert np.isnan(got[120:170]).all()


def test_peek_takes_nothing_in(model, rows):
    stream = fd.Stream(model)
    stream.push_many(rows[:500])
    assert stream.peek(rows[499]) == stream.peek(rows[499])
    assert stream.peek(np.full(5, 1e9)) > stream.peek(rows[500])
    assert stream.n_rows == 500
    assert stream.push(rows[500]) == scored(model, rows[:501])[-1]


def test_a_stream_takes_no_more_memory_as_it_goes_on(model, rows):
    stream = fd.Stream(model)
    sizes = set()
    for _ in range(4):
        stream.push_many(rows)
        sizes.add((stream._state.size, stream._buffer.size, len(stream._history.stamps)))
    assert len(sizes) == 1


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_stream_is_not_copied_by_halves(model, duplicate):
    with pytest.raises(TypeError, match="cannot be copied or pickled: save it, and load it"):
        duplicate(fd.Stream(model))
