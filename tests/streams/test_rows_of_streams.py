"""Rows of a stream come as arrays, mappings or sequences; what is wrong with one is said, and it is not taken in."""

from __future__ import annotations

from collections import namedtuple
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from oracle import telemetry

import fastdrift as fd

NAMES = ("cpu", "memory", "disk")


@pytest.fixture(scope="module")
def named():
    rows = telemetry(1_200, 3, seed=4)
    frame = pd.DataFrame(rows, columns=list(NAMES))
    model = fd.fit(frame[:900], window=10)
    return SimpleNamespace(model=model, frame=frame, rows=rows, scores=fd.score(model, frame).to_numpy())


KINDS = {
    "array": lambda row: row,
    "list": lambda row: row.tolist(),
    "tuple": lambda row: tuple(row.tolist()),
    "mapping": lambda row: dict(zip(NAMES, row, strict=True)),
    "mapping in another order": lambda row: dict(zip(NAMES[::-1], row[::-1], strict=True)),
    "named tuple": lambda row: namedtuple("Row", NAMES[::-1])(*row[::-1]),
    "series": lambda row: pd.Series(row[::-1], index=NAMES[::-1]),
    "objects": lambda row: row.astype(object),
    "labelled mapping": lambda row: dict(zip((*NAMES, "label"), (*row, 1), strict=True)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_any_kind_score_as_a_frame_does(named, kind):
    stream = fd.Stream(named.model)
    scores = [stream.push(KINDS[kind](row)) for row in named.rows[:60]]
    assert np.array(scores).tobytes() == named.scores[:60].tobytes()
    assert stream.peek(KINDS[kind](named.rows[60])) == named.scores[60]


def test_none_is_a_missing_value(named):
    stream = fd.Stream(named.model)
    stream.push_many(named.frame[:50])
    assert np.isnan(stream.push({"cpu": None, "memory": 1.0, "disk": 2.0}))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"cpu": 1.0, "disk": 1.0}, r"column 'memory' of the model is missing; the row has 'cpu', 'disk'"),
        ({"cpu": 1.0, "memory": 1.0, "disk": 1.0, "fan": 2.0}, "column 'fan' is not the model's: drop it"),
        ({"cpu": 1.0, "memory": 1.0, "disk": 1.0, "label": 7}, "column 'label' is not the model's: drop it"),
        ({"cpu": "high", "memory": 1.0, "disk": 1.0}, r"column 'cpu' holds str, not a number \('high'\)"),
        ([1.0, [2.0], 3.0], r"column 'memory' holds list, not a number \(\[2.0\]\)"),
        ([1.0, 2.0], "the row has 2 numbers and the model 3 columns"),
        (np.ones(4), "the row has 4 numbers and the model 3 columns"),
        (np.ones((1, 3)), "the row has 2 dimensions: push one row at a time, or use push_many"),
        (np.array(["a", "b", "c"]), "the row holds <U1: convert it to float64"),
        (np.ma.masked_array([1.0, 2.0, 3.0], [0, 1, 0]), "the row is masked: fill it"),
        (7.0, "the row is a float: push an array, a mapping by name or a sequence of numbers"),
        ("abc", "the row is a str: push an array"),
    ],
)
def test_a_row_that_cannot_be_scored_is_told_and_not_taken_in(named, row, message):
    stream = fd.Stream(named.model)
    stream.push_many(named.frame[:100])
    for take in (stream.push, stream.peek):
        with pytest.raises(fd.DataError, match=message):
            take(row)
    assert stream.n_rows == 100
    assert stream.push(named.rows[100]) == named.scores[100]


def test_a_model_of_some_columns_of_an_array_takes_whole_rows():
    rows = telemetry(1_200, 4, seed=2)
    model = fd.fit(rows[:900], window=10, columns=[3, 1])
    stream = fd.Stream(model)
    assert np.array([stream.push(row) for row in rows]).tobytes() == fd.score(model, rows).tobytes()
    assert fd.Stream(model).push_many(rows).tobytes() == fd.score(model, rows).tobytes()
    with pytest.raises(fd.DataError, match=r"column 3 is not there: the row has columns 0 … 2"):
        stream.push(rows[0, :3])


def test_many_rows_give_scores_in_their_kind(named):
    scores = fd.Stream(named.model).push_many(named.frame)
    pd.testing.assert_series_equal(scores, fd.score(named.model, named.frame), check_exact=True)
    assert len(fd.Stream(named.model).push_many(named.frame[:0])) == 0


def test_a_stream_is_of_a_model():
    with pytest.raises(fd.DataError, match="the first argument is a list, not a Model"):
        fd.Stream([1.0])


MOMENT = datetime(2024, 6, 1, tzinfo=UTC)


@pytest.mark.parametrize("kind", ["datetime", "pandas", "numpy"])
def test_times_that_go_back_are_refused(named, kind):
    make = {
        "datetime": lambda moment: moment,
        "pandas": pd.Timestamp,
        "numpy": lambda moment: np.datetime64(moment.replace(tzinfo=None)),
    }[kind]
    stream = fd.Stream(named.model)
    for minute in range(3):
        stream.push(named.rows[minute], make(MOMENT + timedelta(minutes=minute)))
    with pytest.raises(fd.DataError, match=r"row 3 is of 2024-06-01T00:00:00\.0+, before the row ahead of it"):
        stream.push(named.rows[3], make(MOMENT))
    with pytest.raises(fd.DataError, match="row 3 has no time, and those before it have"):
        stream.push(named.rows[3])
    with pytest.raises(fd.DataError, match="the time of row 3 is a str: give a datetime"):
        stream.push(named.rows[3], "2025-01-01")
    with pytest.raises(fd.DataError, match=r"row 3 has no time \(NaT\)"):
        stream.push(named.rows[3], pd.NaT)
    assert stream.n_rows == 3


def test_times_are_of_all_rows_or_of_none(named):
    stream = fd.Stream(named.model)
    stream.push(named.rows[0])
    with pytest.raises(fd.DataError, match="row 1 has a time, and those before it have none"):
        stream.push(named.rows[1], MOMENT)
