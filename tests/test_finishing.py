"""Scores that are no numbers are found as they are written, and new results lie where writing is quick."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import fastdrift as fd
from fastdrift.engine.threads import HUGE_PAGE, aligned_empty
from fastdrift.scoring.spans import SpanScorer

ROWS, COLUMNS = 2_000, 3


@pytest.fixture(scope="module", params=["mahalanobis", "isolation-forest"])
def detector(request):
    return request.param


@pytest.fixture(scope="module")
def rows():
    rows = np.random.default_rng(3).normal(size=(ROWS, COLUMNS + 1))
    rows[:, 1] = 7.0  # never moves in the baseline
    return rows


@pytest.fixture(scope="module", params=[7, 10, 150])
def model(request, detector, rows):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fd.DriftWarning)
        return fd.fit(rows, window=request.param, detector=detector, threshold="in-sample")


@pytest.fixture
def settled(monkeypatch):
    """Return the spans that are looked at once more."""
    spans, settle = [], SpanScorer.settle

    def note(self, span, output):
        spans.append(span)
        return settle(self, span, output)

    monkeypatch.setattr(SpanScorer, "settle", note)
    return spans


@pytest.mark.parametrize("stop", [160, 161, 163, 1_003, ROWS])
def test_finite_rows_are_not_looked_at_again(model, rows, settled, stop):
    for first in (0, 5):
        assert np.isfinite(fd.score(model, rows[first:stop], first_row=first)[model.window - 1 :]).all()
    assert settled == []


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("column", range(COLUMNS + 1))
def test_a_broken_number_anywhere_is_found(model, rows, settled, column, value):
    window = model.window
    for row in (0, 1, window - 1, window, 3 * window + 2, ROWS // 2, ROWS - 2, ROWS - 1):
        broken = rows.copy()
        broken[row, column] = value
        with pytest.warns(fd.DriftWarning, match="hold a NaN or inf"):
            scores = fd.score(model, broken)
        expected = np.arange(ROWS) < window - 1
        expected[row : row + window] = True
        np.testing.assert_array_equal(np.isnan(scores), expected)
    assert settled


def test_scores_beyond_the_largest_number_are_infinite(rows, settled):
    model = fd.fit(rows, window=10, threshold="in-sample")
    far = rows.copy()
    far[ROWS // 2, 0] = 1e300
    scores = fd.score(model, far)
    assert np.isinf(scores[ROWS // 2 : ROWS // 2 + 10]).all()
    assert np.isfinite(np.delete(scores, range(ROWS // 2, ROWS // 2 + 10))[9:]).all()
    assert settled


@pytest.mark.parametrize("size", [1, 100, HUGE_PAGE // 8 - 1])
def test_room_is_aligned_to_a_cache_line(size):
    assert aligned_empty(size).size == size
    assert aligned_empty(size).ctypes.data % 64 == 0


def test_scores_that_fill_a_huge_page_start_at_one(rows):
    model = fd.fit(rows, window=10, threshold="in-sample")
    many = np.tile(rows, (HUGE_PAGE // 8 // ROWS + 1, 1))
    scores = fd.score(model, many)
    assert scores.shape == (len(many),)
    assert scores.ctypes.data % HUGE_PAGE == 0
    assert scores[: len(rows)].tobytes() == fd.score(model, rows).tobytes()
