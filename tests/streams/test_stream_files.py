"""A stream that was saved goes on as if nothing had happened; what is no stream of the model is refused."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from oracle import telemetry
from test_stream import scored, spoiled

import fastdrift as fd
from fastdrift.streams.stream import FORMAT


@pytest.fixture(params=["one window", "several windows", "forest"])
def some(request, fit):
    rows = spoiled(telemetry(2_400, 5, seed=8), 8)
    options = {"several windows": {"window": [10, 11]}, "forest": {"window": 9, "detector": "isolation-forest"}}
    return fit(rows[:1_200], **options.get(request.param, {"window": 33})), rows


@pytest.mark.parametrize("at", [0, 1, 8, 32, 33, 34, 65, 66, 99, 1_500, 1_999])
def test_a_stream_goes_on_after_a_restart(some, tmp_path, at):
    model, rows = some
    stream = fd.Stream(model)
    first = [stream.push(row) for row in rows[:at]]
    stream.save(tmp_path / "state")
    again = fd.Stream.load(model, tmp_path / "state")
    assert again.n_rows == at
    rest = [again.push(row) for row in rows[at:]]
    assert np.array([*first, *rest]).tobytes() == scored(model, rows).tobytes()
    assert [stream.push(row) for row in rows[at : at + 90]] == pytest.approx(rest[:90], abs=0, rel=0, nan_ok=True)


@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin"])
def test_events_go_on_after_a_restart(fit, tmp_path, zone):
    frame = fd.generate(8_000, seed=3).frame
    frame.index = pd.date_range("2024-03-30", periods=len(frame), freq="min", tz=zone)
    frame = frame.iloc[np.r_[:5_000, 5_100 : len(frame)]]
    model = fit(frame[:3_000].ffill().bfill(), window=20)
    stream = fd.Stream(model)
    for start in range(0, len(frame), 397):
        stream.push_many(frame.iloc[start : start + 397])
        stream.save(tmp_path / "state")
        stream = fd.Stream.load(model, tmp_path / "state")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fd.DriftWarning)
        expected = fd.detect(model, frame)
    assert stream.events.events == expected.events
    assert stream.events.notes == expected.notes
    assert {hash(event.reason) for event in stream.events} == {hash(event.reason) for event in expected}
    with pytest.raises(fd.DataError, match="before the row ahead of it"):
        stream.push_many(frame[:1])


def test_a_file_takes_what_five_windows_and_the_events_take(model, rows, tmp_path):
    stream = fd.Stream(model)
    stream.push_many(rows)
    stream.save(tmp_path / "state")
    assert (tmp_path / "state").stat().st_size < 5 * 50 * 6 * 8 + 2_000 + 400 * len(stream.events)


def test_a_stream_of_another_model_is_refused(model, rows, fit, tmp_path):
    stream = fd.Stream(model)
    stream.push_many(rows[:300])
    stream.save(tmp_path / "state")
    other = fit(rows[:20_001], window=50)
    with pytest.raises(fd.ModelError, match="state: it belongs to another model: load the one it was saved with"):
        fd.Stream.load(other, tmp_path / "state")
    with pytest.raises(fd.DataError, match="the first argument is a str, not a Model"):
        fd.Stream.load("model", tmp_path / "state")


def test_what_is_damaged_or_something_else_is_refused(model, rows, tmp_path):
    path = tmp_path / "state"
    stream = fd.Stream(model)
    stream.push_many(rows[:300])
    stream.save(path)
    content = path.read_bytes()
    for place in range(0, len(content), len(content) // 40):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(fd.ModelError):
            fd.Stream.load(model, path)
    path.write_bytes(content[:-1])
    with pytest.raises(fd.ModelError, match="it is damaged or cut short"):
        fd.Stream.load(model, path)
    model.save(path)
    with pytest.raises(fd.ModelError, match=r"it holds no Stream of fastdrift: name a file that `Stream.save` wrote"):
        fd.Stream.load(model, path)
    with pytest.raises(fd.FileError, match="there is no such file"):
        fd.Stream.load(model, tmp_path / "nothing")


@pytest.mark.parametrize(
    "change",
    [
        {"n_rows": -1},
        {"n_rows": 2.0},
        {"n_rows": 299},
        {"events": None},
        {"events": {}},
        {"last_time": "now"},
        {"more": 1},
        {"n_rows": 10**30},
    ],
)
def test_a_sealed_file_that_does_not_add_up_is_refused(model, rows, tmp_path, change):
    path = tmp_path / "state"
    stream = fd.Stream(model)
    stream.push_many(rows[:300])
    stream.save(path)
    archive = FORMAT.decode(path.read_bytes())
    arrays = {
        name: archive.array(name, shape, finite=False) for name, shape in (("rows", (250, 5)), ("scores", (250,)))
    }
    header = {name: value for name, value in archive.header.items() if name not in ("schema", "version")}
    path.write_bytes(FORMAT.encode(header | change, arrays))
    with pytest.raises(fd.ModelError):
        fd.Stream.load(model, path)


def test_a_stream_of_an_estimator_cannot_be_saved(rows, fit, tmp_path):
    from sklearn.svm import OneClassSVM

    stream = fd.Stream(fit(rows[:1_000], window=10, detector=OneClassSVM()))
    with pytest.raises(fd.ModelError, match="is not saved"):
        stream.save(tmp_path / "state")
    assert not (tmp_path / "state").exists()
