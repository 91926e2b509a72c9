"""Labels, times and counters are known for what they are, and no metric is taken for one."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import fastdrift as fd
from fastdrift.fitting.advice import count_varying
from fastdrift.tables.convert import as_table
from fastdrift.tables.roles import FIRST_ROWS, find_growing, is_label, speaks_of_time, time_unit
from fastdrift.tables.table import CHUNK_NUMBERS

ROWS = 10_000
START = 1_735_686_000  # 2024-12-31 23:00:00
PARTS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
needs_data = pytest.mark.skipif("FASTDRIFT_DATA" not in os.environ, reason="FASTDRIFT_DATA names no folder")


@pytest.fixture(scope="module")
def data():
    return fd.generate(2 * ROWS, columns=4, seed=1, drifts=["mean-shift"])


@pytest.fixture
def frame(data):
    return data.frame.reset_index(drop=True)


def model_bytes(model):
    return model.centre.tobytes() + model.cholesky.tobytes() + np.float64(model.threshold).tobytes()


# Labels


@pytest.mark.parametrize("dtype", [bool, np.int64, np.uint8, np.float64, "boolean", "Int64"])
def test_a_column_of_labels_is_no_metric_and_that_is_said_once(frame, data, dtype):
    labelled = frame.assign(label=pd.array(data.labels).astype(dtype))
    with pytest.warns(fd.DriftWarning) as caught:
        model = fd.fit(labelled[:ROWS])
    assert [str(warning.message) for warning in caught] == list(model.warnings)
    assert model.warnings[0].startswith(
        "column 'label' holds 0 and 1 alone and is taken as labels, not as a metric (columns=[…, 'label'] keeps it)"
    )
    assert len(model.warnings) == 1
    assert model.columns == tuple(frame.columns)
    assert model_bytes(model) == model_bytes(fd.fit(frame[:ROWS]))


def test_labelled_rows_in_the_baseline_are_counted(fit, frame):
    labels = np.zeros(2 * ROWS)
    assert "labelled as drift" not in fit(frame.assign(label=labels)[:ROWS]).warnings[0]
    labels[100:1_334] = 1
    said = fit(frame.assign(label=labels)[:ROWS]).warnings[0]
    assert said.endswith("; 1,234 rows are labelled as drift, and all are taken as healthy")


def test_labels_that_are_asked_for_are_a_metric(frame, data):
    labelled = frame.assign(label=np.arange(2 * ROWS) % 3 == 0)
    model = fd.fit(labelled[:ROWS], columns=list(labelled.columns))
    assert model.columns == tuple(labelled.columns)
    assert model.warnings == ()


@pytest.mark.parametrize("values", [[0, 1, 2], [0, 1, np.nan], [0.5, 1, 0], ["0", "1", "0"]])
def test_a_column_that_is_called_label_but_holds_other_things_is_none(values):
    assert not is_label("label", values)
    assert not is_label("drift", [0, 1, 0])


def test_a_metric_that_is_called_label_stays_one(frame):
    model = fd.fit(frame.assign(label=frame.iloc[:, 0] + 1)[:ROWS])
    assert model.columns[-1] == "label"
    assert model.warnings == ()


def test_labels_may_stand_beside_the_columns_of_any_model(fit, frame, data):
    labelled = frame.assign(label=data.labels.astype(int))
    expected = fd.score(fd.fit(frame[:ROWS]), frame)
    for baseline in (frame, labelled):
        model = fit(baseline[:ROWS])
        assert fd.score(model, labelled).to_numpy().tobytes() == expected.to_numpy().tobytes()


def test_other_columns_beside_those_of_a_model_are_an_error_still(frame):
    model = fd.fit(frame[:ROWS])
    for extra in (frame.assign(label=2.0), frame.assign(label="a"), frame.assign(other=frame.iloc[:, 0])):
        with pytest.raises(fd.DataError, match=f"column '{extra.columns[-1]}' is not the model's: drop it"):
            fd.score(model, extra)


def test_labels_alone_leave_nothing_to_learn_from():
    with pytest.raises(fd.DataError, match="no column is left beside 'label'"):
        fd.fit(pd.DataFrame({"label": np.arange(ROWS) % 2}))


# Times


@pytest.mark.parametrize("unit", PARTS)
@pytest.mark.parametrize("dtype", [np.int64, np.uint64, np.float64])
def test_times_are_known_by_their_size_in_every_unit(unit, dtype):
    times = ((START + 60 * np.arange(500)) * PARTS[unit]).astype(dtype)
    assert time_unit(times) == unit
    assert time_unit(times, 0) == unit
    assert time_unit(times, "x") == unit


def test_times_may_be_uneven_where_the_name_speaks_of_time():
    steps = np.random.default_rng(1).integers(0, 9_000, 500)
    assert time_unit(START + np.cumsum(steps), "ts") == "s"
    assert time_unit(START + np.cumsum(steps), "bytes") is None


@pytest.mark.parametrize(
    "name",
    ["ts", "t", "time", "Time", "time_ms", "eventTime", "created_at", "epoch", "unix", "utc", "timestamp", "Date"],
)
def test_a_name_speaks_of_time(name):
    assert speaks_of_time(name)


@pytest.mark.parametrize("name", ["bytes_total", "updates", "heat", "seats", "candidate", "dateless", 0, None, "m00"])
def test_a_name_does_not_speak_of_time(name):
    assert not speaks_of_time(name)


@pytest.mark.parametrize(
    ("values", "why"),
    [
        (START + 60 * np.arange(500)[::-1], "it goes back"),
        (np.r_[START + 60 * np.arange(499), START], "it goes back once"),
        (START + 60 * np.arange(500) + 0.5, "it is not whole"),
        (np.r_[START + 60.0 * np.arange(499), np.nan], "one is missing"),
        (60 * np.arange(500), "it is of 1970"),
        (START * 10 + 60 * np.arange(500), "it is of 2519, or of 1970"),
        (START + 40 * 86_400 * np.arange(50), "a step is longer than a month"),
        (np.array([START]), "one is too few to tell"),
        (np.array([], np.int64), "there is none"),
        (np.array([True, False]), "it is no number"),
        (np.full((2, 2), START), "it is no column"),
    ],
)
def test_what_is_no_column_of_times(values, why):
    assert time_unit(values, "x") is None, why


def test_a_time_that_stands_still_is_none_whatever_its_name():
    assert time_unit(np.full(500, START), "ts") is None


def test_the_times_of_a_baseline_are_no_metric_and_that_is_said(frame, data):
    timed = frame.assign(ts=START + 60 * np.arange(2 * ROWS))
    with pytest.warns(fd.DriftWarning) as caught:
        model = fd.fit(timed[:ROWS])
    (said,) = (str(warning.message) for warning in caught)
    assert said.startswith(
        "column 'ts' holds times in s, 2024-12-31 23:00:00 to 2025-01-07 21:39:00 UTC, and is taken "
    )
    assert said.endswith(" as the time, not as a metric (columns=[…, 'ts'] keeps it)")
    assert model_bytes(model) == model_bytes(fd.fit(frame[:ROWS]))
    expected = fd.score(model, frame).to_numpy()
    assert fd.score(model, timed).to_numpy().tobytes() == expected.tobytes()
    assert fd.score(fd.fit(frame[:ROWS]), timed).to_numpy().tobytes() == expected.tobytes()
    assert (expected[ROWS:][~data.labels[ROWS:]] > model.threshold).mean() < 0.1


def test_times_among_an_array_s_columns_are_no_metric_either(fit, frame):
    rows = np.column_stack([(START + 60 * np.arange(2 * ROWS)) * 1e3, frame.to_numpy()])
    model = fit(rows[:ROWS])
    assert model.columns == (1, 2, 3, 4)
    assert "column 0 holds times in ms" in model.warnings[0]
    assert fd.score(model, rows).tobytes() == fd.score(fd.fit(frame[:ROWS]), frame).to_numpy().tobytes()


def test_times_that_are_asked_for_are_a_metric_that_grows(fit, frame):
    timed = frame.assign(ts=START + 60 * np.arange(2 * ROWS))
    model = fit(timed[:ROWS], columns=list(timed.columns))
    assert model.columns[-1] == "ts"
    assert model.warnings[0].startswith("column 'ts': only ever growing or falling")


def test_columns_are_counted_without_labels_and_times(frame):
    told = frame.assign(label=0, ts=START + 60 * np.arange(2 * ROWS))
    assert count_varying(told, None, None) == 4
    assert count_varying(told, list(told.columns[:2]), None) == 2
    assert count_varying(told, None, [frame.columns[0], "ts", "label"]) == 3


# What only ever grows or falls

COUNTER = np.cumsum(np.random.default_rng(2).integers(0, 50, 2 * ROWS))
GROWING = {
    "a row number": np.arange(2 * ROWS),
    "a cycle": np.arange(2 * ROWS) % 200,
    "remaining life": 199 - np.arange(2 * ROWS) % 200,
    "a counter": COUNTER,
    "a counter with resets": COUNTER % 70_001,
    "a slow counter": COUNTER // 3_000,
    "a slow counter with an early reset": np.arange(2 * ROWS) // 10 + 20 * (np.arange(2 * ROWS) < 100),
    "a trend": np.linspace(3.0, 2.0, 2 * ROWS),
    "a counter with gaps": np.where(np.arange(2 * ROWS) % 997 == 0, np.nan, COUNTER),
}
rng = np.random.default_rng(3)
METRICS = {
    "a constant": np.ones(2 * ROWS),
    "a few steps": np.arange(2 * ROWS) // 1_000,
    "noise": rng.normal(size=2 * ROWS),
    "a noisy trend": rng.normal(size=2 * ROWS) + 1e-3 * np.arange(2 * ROWS),
    "a random walk": rng.normal(size=2 * ROWS).cumsum(),
    "a slow wave": np.sin(np.arange(2 * ROWS) / 20),
    "minutes of an hour": np.arange(2 * ROWS) % 60,
    "an indicator": (np.arange(2 * ROWS) % 97 < 3).astype(float),
    "nothing": np.full(2 * ROWS, np.nan),
}


@pytest.mark.parametrize("name", GROWING)
def test_a_column_that_goes_one_way_is_named_with_the_remedy(fit, frame, name):
    model = fit(frame.assign(x=GROWING[name])[:ROWS])
    assert model.columns[-1] == "x"
    said = next(warning for warning in model.warnings if "only ever growing or falling" in warning)
    assert said.startswith("column 'x'")
    assert "prepare --counter" in said
    assert "--drop" in said


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("n_rows", [200, 1_000, ROWS])
def test_a_metric_goes_both_ways(name, n_rows):
    assert find_growing(as_table(METRICS[name][:n_rows, None])).columns.size == 0


def test_resets_are_counted_across_the_pieces_that_a_table_is_read_in():
    n_rows = 1 << 20
    starts = np.zeros(n_rows)
    step = CHUNK_NUMBERS // 3
    starts[[10, FIRST_ROWS, FIRST_ROWS + step, FIRST_ROWS + 2 * step, n_rows - 1]] = 1  # where pieces begin, and others
    counter = np.arange(n_rows) - np.maximum.accumulate(np.where(starts == 1, np.arange(n_rows), 0))
    growing = find_growing(as_table(np.column_stack([counter, -counter, counter])))
    assert growing.columns.tolist() == [0, 1, 2]
    assert growing.resets.tolist() == [5, 5, 5]


def test_growing_columns_are_the_same_for_any_layout():
    rows = np.column_stack([*GROWING.values(), *METRICS.values()])
    expected = [list(part) for part in find_growing(as_table(rows))]
    assert expected[0] == list(range(len(GROWING)))
    for way in (np.asfortranarray(rows), np.repeat(rows, 2, axis=0)[::2], pd.DataFrame(dict(enumerate(rows.T.copy())))):
        assert [list(part) for part in find_growing(as_table(way))] == expected


@pytest.mark.parametrize("drifts", [(), "mixed", ["slow-ramp"]])
def test_no_generated_metric_is_taken_for_a_time_or_a_counter(drifts):
    for seed in range(20):
        for n_rows in (300, 5_000):
            made = fd.generate(n_rows, columns=8, seed=seed, drifts=drifts).frame
            assert find_growing(as_table(made)).columns.size == 0
            assert [time_unit(made[name], "time") for name in made] == [None] * 8


@needs_data
def test_no_metric_of_a_recording_is_taken_for_a_time_or_a_counter():
    paths = sorted(Path(os.environ["FASTDRIFT_DATA"]).glob("*/*_train.parquet"))
    assert len(paths) > 20
    for path in paths:
        table = pd.read_parquet(path).drop(columns="label", errors="ignore")
        assert find_growing(as_table(table)).columns.size == 0, path
        assert [time_unit(table[name], "time") for name in table] == [None] * table.shape[1], path
