"""Many streams by key: each has the bytes of its own rows in one call, and they are bounded in number."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from oracle import telemetry
from test_stream import scored, spoiled

import fastdrift as fd


@pytest.fixture(params=["one window", "several windows", "forest"])
def some(request, fit):
    rows = spoiled(telemetry(2_400, 5, seed=8), 8)
    options = {"several windows": {"window": [5, 11]}, "forest": {"window": 9, "detector": "isolation-forest"}}
    return fit(rows[:1_200], **options.get(request.param, {"window": 33})), rows


def interleaved(n_rows, n_keys, seed):
    """Return the keys of rows that come in no order but time's, some of them more often than others."""
    return np.random.default_rng(seed).integers(0, n_keys, n_rows) ** 2 // n_keys


def test_every_stream_has_the_bytes_of_its_own_rows(some):
    model, rows = some
    streams, keys = fd.Streams(model), interleaved(len(rows), 7, 1)
    scores = np.concatenate(
        [streams.push(keys[start : start + 31], rows[start : start + 31]) for start in range(0, len(rows), 31)]
    )
    for key in np.unique(keys):
        own = rows[keys == key]
        assert streams.n_rows(int(key)) == len(own)
        assert scores[keys == key].tobytes() == scored(model, own).tobytes()


def test_streams_go_on_after_a_restart(some, tmp_path):
    model, rows = some
    keys, named = interleaved(len(rows), 7, 2), np.array([f"host-{number}" for number in range(7)])
    whole, parted = fd.Streams(model), fd.Streams(model)
    expected = whole.push(named[keys], rows)
    scores = []
    for start in range(0, len(rows), 500):
        scores.append(parted.push(named[keys[start : start + 500]], rows[start : start + 500]))
        parted.save(tmp_path / "states")
        parted = fd.Streams.load(model, tmp_path / "states")
    assert np.concatenate(scores).tobytes() == expected.tobytes()
    assert {*parted} == {*whole}


def test_the_stream_that_was_idle_for_the_longest_makes_room(model, rows):
    streams = fd.Streams(model, max_keys=3)
    for number, keys in enumerate((["a", "b"], ["b", "c"], ["a"], ["d"])):
        streams.push(keys, rows[number : number + len(keys)])
    assert {*streams} == {"a", "c", "d"} or {*streams} == {"a", "b", "d"}
    assert (len(streams), streams.n_dropped, "d" in streams) == (3, 1, True)
    with pytest.raises(fd.DataError, match="rows of more than 3 streams came at once: give a larger max_keys"):
        streams.push([1, 2, 3, 4], rows[:4])
    with pytest.raises(fd.DataError, match="rows of more than 3 streams came at once"):
        streams.push(["d", 2, 3, 4], rows[:4])
    assert len(streams) == 3
    streams.drop("d")
    streams.drop("d")
    assert (len(streams), streams.n_dropped, streams.n_rows("d")) == (2, 2, 0)


def test_a_stream_that_comes_back_begins_anew(model, rows):
    streams = fd.Streams(model, max_keys=2)
    for row in rows[:60]:
        streams.push(["a"], row[None])
    streams.push(["b", "c"], rows[:2])
    again = [streams.push(["a"], row[None])[0] for row in rows[:60]]
    assert np.array(again).tobytes() == scored(model, rows[:60]).tobytes()


def test_rows_of_frames_give_series_and_their_columns_are_matched_by_name(fit):
    frame = pd.DataFrame(telemetry(1_000, 3, seed=1), columns=["a", "b", "c"])
    streams = fd.Streams(fit(frame[:700], window=10))
    scores = streams.push(pd.Series(["x"] * 1_000), frame[["c", "a", "b"]])
    assert isinstance(scores, pd.Series)
    assert scores.to_numpy().tobytes() == scored(streams.model, frame).to_numpy().tobytes()


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (["a"], "there are 1 keys and 2 rows: give a key a row"),
        (["a", None], r"row 1 has no key \(None\): give one"),
        ([np.nan, "a"], r"row 0 has no key \(nan\)"),
        ([["a"], "b"], "a key cannot be one: unhashable"),
    ],
)
def test_what_is_no_key_is_told_and_nothing_taken_in(model, rows, keys, message):
    streams = fd.Streams(model)
    streams.push(["a"], rows[:1])
    with pytest.raises(fd.DataError, match=message):
        streams.push(keys, rows[:2])
    assert (len(streams), streams.n_rows("a")) == (1, 1)


def test_what_cannot_be_saved_or_loaded_is_told(model, rows, tmp_path):
    streams = fd.Streams(model)
    streams.push([("web", 1)], rows[:1])
    with pytest.raises(fd.ModelError, match=r"key \('web', 1\) cannot be saved"):
        streams.save(tmp_path / "states")
    fd.Stream(model).save(tmp_path / "state")
    with pytest.raises(fd.ModelError, match="it holds no Streams of fastdrift"):
        fd.Streams.load(model, tmp_path / "state")
    with pytest.raises(fd.DataError, match="max_keys is 0"):
        fd.Streams(model, max_keys=0)
    with pytest.raises(fd.DataError, match="call Streams"):
        fd.Streams(3)


def test_a_stream_takes_little_more_than_a_windows_rows_and_half_as_much_again(rows, fit):
    model = fit(np.hstack([rows[:3_000], rows[3_000:6_000, :3]]), window=50)
    streams = fd.Streams(model)
    streams.push(range(100), np.zeros((100, 8)))
    assert streams._states.nbytes / 100 < 4_800
