"""The promises of the design, each at the level of scores."""

from __future__ import annotations

import copy
import dataclasses
import os
import pickle
import sys
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from oracle import telemetry

import fastdrift as fd
from fastdrift.engine.plan import rows_before

WINDOW = 50
DATA = os.environ.get("FASTDRIFT_DATA")
needs_data = pytest.mark.skipif(not DATA, reason="FASTDRIFT_DATA does not say where the real telemetry is")
without_warnings = pytest.mark.filterwarnings("ignore::fastdrift.errors.DriftWarning")


def scores_in_chunks(model, rows, edges):
    """Return scores made chunk by chunk, each a table of its own that starts somewhere in the stream."""
    out = np.full(len(rows), np.nan)
    for start, stop in pairwise(edges):
        first = start - rows_before(model.window, start)
        if stop - first >= model.window:
            out[start:stop] = fd.score(model, rows[first:stop], first_row=first)[start - first :]
    return out


def score_alone(model, rows, end):
    """Return the score of one window, from a table that holds nothing else."""
    first = end - model.window + 1
    return fd.score(model, rows[first : end + 1], first_row=first)[-1]


# 1. Same bits whatever the way


@pytest.mark.parametrize("seed", range(6))
def test_random_chunk_boundaries_change_no_byte(model, rows, seed):
    expected = fd.score(model, rows)
    rng = np.random.default_rng(seed)
    cuts = rng.choice(len(rows), size=int(10 ** rng.uniform(0, 3)), replace=False)
    edges = [0, *sorted(cuts.tolist()), len(rows)]
    assert scores_in_chunks(model, rows, edges).tobytes() == expected.tobytes()
    assert scores_in_chunks(model, np.asfortranarray(rows), edges).tobytes() == expected.tobytes()


@pytest.mark.parametrize("window", [2, 3, 7, 50])
def test_row_by_row_changes_no_byte(fit, window):
    rows = telemetry(6 * window + 5, 3, seed=window)
    model = fit(telemetry(60 * window, 3, seed=window), window=window)
    expected = fd.score(model, rows)
    assert scores_in_chunks(model, rows, range(len(rows) + 1)).tobytes() == expected.tobytes()
    alone = [score_alone(model, rows, end) for end in range(window - 1, len(rows))]
    assert np.array(alone).tobytes() == expected[window - 1 :].tobytes()


def test_rows_after_a_window_change_no_byte_of_its_score(model, rows):
    expected = fd.score(model, rows)
    for n_rows in (50, 51, 99, 100, 449, 450, 10_001, 59_999):
        assert fd.score(model, rows[:n_rows]).tobytes() == expected[:n_rows].tobytes()


@without_warnings
def test_rows_before_a_window_change_no_byte_of_its_score(model, rows):
    expected = fd.score(model, rows[:5_000])
    for value in (np.nan, 1e300, -np.inf, 0.0):
        garbage = rows[:5_000].copy()
        garbage[:3_333] = value
        scores = fd.score(model, garbage)
        assert scores[3_333 + WINDOW - 1 :].tobytes() == expected[3_333 + WINDOW - 1 :].tobytes()


@pytest.mark.parametrize("block", [1, 2, 7, 8, 9, 100, 1_000])
def test_a_table_that_starts_at_a_multiple_of_the_window_gives_the_same_bytes(model, rows, block):
    expected = fd.score(model, rows)
    part = fd.score(model, rows[block * WINDOW :])
    assert part[WINDOW - 1 :].tobytes() == expected[(block + 1) * WINDOW - 1 :].tobytes()


def test_any_number_of_threads_gives_the_same_bytes(model, rows):
    expected = fd.score(model, rows, threads=1).tobytes()
    stds = fd.rolling_std(rows, 7, threads=1).tobytes()
    for threads in range(2, 9):
        assert fd.score(model, rows, threads=threads).tobytes() == expected
        assert fd.rolling_std(rows, 7, threads=threads).tobytes() == stds


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_any_layout_gives_the_same_bytes_on_several_threads(model, rows, dtype):
    stored = rows.astype(dtype)
    expected = fd.score(model, stored.astype(np.float64)).tobytes()
    ways = [stored, np.asfortranarray(stored), np.repeat(stored, 2, axis=0)[::2], stored[::-1].copy()[::-1]]
    ways += [np.hstack([stored, stored])[:, :5], np.hstack([stored, stored, stored])[:, :5]]
    for way in ways:
        assert fd.score(model, way, threads=2).tobytes() == expected
    frame = pd.DataFrame({name: stored[:, name].copy() for name in range(5)})
    assert fd.score(model, frame, threads=2).to_numpy().tobytes() == expected


def test_columns_of_a_model_in_a_wider_table_give_the_same_bytes(rows):
    rows = rows[:5_000]
    frame = pd.DataFrame(rows, columns=list("abcde"))
    for columns in (["b"], ["e", "a"], ["d", "b", "c"], list("ecdba")):
        places = ["abcde".index(name) for name in columns]
        alone = fd.score(fd.fit(rows[:, places], window=10), rows[:, places]).tobytes()
        assert fd.score(fd.fit(frame, window=10, columns=columns), frame).to_numpy().tobytes() == alone
        assert fd.score(fd.fit(rows, window=10, columns=places), rows).tobytes() == alone


@pytest.mark.parametrize("window", [129, 200, 1_001])
def test_a_block_read_tile_by_tile_changes_no_byte(fit, rows, tiles, window):
    model = fit(rows[:20_000], window=window)
    expected = fd.score(model, rows[:20_000]).tobytes()
    tiles(1)
    assert fd.score(model, rows[:20_000]).tobytes() == expected
    assert fd.score(model, np.asfortranarray(rows[:20_000])).tobytes() == expected
    assert scores_in_chunks(model, rows[:20_000], [0, 77, 5_000, 5_001, 20_000]).tobytes() == expected


def test_long_windows_give_the_same_bytes_in_pieces():
    rows = telemetry(31_000, 4, seed=20)
    with pytest.warns(fd.DriftWarning, match="thin"):
        model = fd.fit(rows, window=4_001)
    expected = fd.score(model, rows)
    assert scores_in_chunks(model, rows, [0, 4_002, 9_000, 9_001, 20_000, 31_000]).tobytes() == expected.tobytes()
    assert fd.score(model, rows[4_001:])[4_000:].tobytes() == expected[8_001:].tobytes()


def test_processes_give_the_same_bytes(model, rows):
    starts = [0, 200 * WINDOW, 700 * WINDOW]
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        parts = list(pool.map(fd.score, [model] * 3, [rows[start:] for start in starts]))
    expected = fd.score(model, rows)
    for start, part in zip(starts, parts, strict=True):
        assert part[WINDOW - 1 :].tobytes() == expected[start + WINDOW - 1 :].tobytes()


# 2. Nothing lingers


@without_warnings
@pytest.mark.parametrize("value", [1e12, -1e300, np.inf, np.nan])
def test_what_has_left_the_window_leaves_no_trace_in_a_score(model, rows, value):
    clean = rows[:9_000]
    expected = fd.score(model, clean)
    spoiled, free = clean.copy(), np.ones(len(clean), bool)
    for place in (0, 49, 50, 1_234, 8_999):
        spoiled[place, place % 5] = value
        free[place : place + WINDOW] = False
    scores = fd.score(model, spoiled)
    assert scores[free].tobytes() == expected[free].tobytes()
    assert not np.isfinite(scores[~free]).any() or abs(value) == 1e12


# 4. The false-alarm rate is the one asked for


def test_the_share_of_clean_rows_flagged_is_the_nominal_one(fit):
    shares = []
    for seed in range(30):
        frame = fd.generate(10_000, columns=8, seed=seed, drifts=()).frame
        model = fit(frame[:3_000], window=50, false_alarm_rate=0.05)
        shares.append((fd.score(model, frame)[3_000:] > model.threshold).mean())
    assert 0.03 < np.mean(shares) < 0.07


def test_the_naive_threshold_flags_many_times_as_many(fit):
    shares = []
    for seed in range(8):
        frame = fd.generate(10_000, columns=8, seed=seed, drifts=()).frame
        model = fit(frame[:3_000], window=50, threshold="in-sample")
        shares.append((fd.score(model, frame)[3_000:] > model.threshold).mean())
    assert np.mean(shares) > 0.15


@needs_data
@pytest.mark.parametrize("name", ["smd", "asd", "jumpstarter"])
def test_the_share_of_real_clean_rows_flagged_is_near_the_nominal_one(fit, name):
    shares = []
    for path in sorted(Path(DATA, name).glob("*_train.parquet")):
        frame = pd.read_parquet(path)
        frame = frame.drop(columns="label", errors="ignore")
        cut = int(0.7 * len(frame))
        model = fit(frame[:cut], window=50, false_alarm_rate=0.05)
        shares.append((fd.score(model, frame)[cut:] > model.threshold).mean())
    assert len(shares) >= 6
    assert np.median(shares) < 0.09


@needs_data
def test_real_servers_with_columns_that_never_moved_are_fitted_and_scored(fit):
    train, test = (pd.read_parquet(Path(DATA, "smd", f"machine-1-4_{part}.parquet")) for part in ("train", "test"))
    labels = test.pop("label").to_numpy(bool)
    model = fit(train, window=50)
    scores = fd.score(model, test).to_numpy()
    assert 2 <= len(model.constant_columns) <= 10
    assert np.isfinite(scores[49:]).all()
    assert np.median(scores[49:][labels[49:]]) > np.median(scores[49:][~labels[49:]])


# 5. A model never changes


def test_a_model_cannot_be_changed(model):
    for field in dataclasses.fields(model):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(model, field.name, None)
        value = getattr(model, field.name)
        if isinstance(value, np.ndarray):
            assert not value.flags.writeable
    assert isinstance(model.columns, tuple)
    assert isinstance(model.constant_columns, tuple)
    assert isinstance(model.warnings, tuple)


def test_what_a_model_computes_when_first_needed_is_frozen_too(model):
    assert not any(array.flags.writeable for array in (*model.packed, model.penalties))


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])  # noqa: S301
def test_a_copy_of_a_model_is_frozen_too(model, duplicate):
    assert not duplicate(model).centre.flags.writeable


def test_scoring_changes_neither_the_model_nor_the_rows(rows):
    model = fd.fit(rows[:5_000], window=10)
    before = pickle.dumps(model)
    first = fd.score(model, rows)
    spoiled = rows.copy()
    spoiled[100] = np.nan
    with pytest.warns(fd.DriftWarning):
        fd.score(model, spoiled)
    fd.score(model, rows[:, ::-1], align="center")
    assert fd.score(model, rows).tobytes() == first.tobytes()
    fresh = pickle.loads(before)  # noqa: S301  # it is our own
    for field in dataclasses.fields(model):
        before, now = getattr(fresh, field.name), getattr(model, field.name)
        assert all(map(np.array_equal, before, now)) if field.name == "rows" else np.array_equal(before, now)


def test_a_model_keeps_nothing_of_its_baseline(rows):
    baseline = rows[:5_000].copy()
    model = fd.fit(baseline, window=10)
    expected = fd.score(model, rows)
    baseline[:] = 0
    assert fd.score(model, rows).tobytes() == expected.tobytes()


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])  # noqa: S301
def test_a_copy_of_a_model_scores_the_same_bytes(model, rows, duplicate):
    assert fd.score(duplicate(model), rows).tobytes() == fd.score(model, rows).tobytes()


# 6. Memory does not grow with the input

MEMORY = """
import sys, numpy as np, pandas as pd, fastdrift as fd
from pathlib import Path

def peak():
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024

rows = np.random.default_rng(0).normal(size=(2_000_000, 8))
if sys.argv[1] == "frame":
    rows = pd.DataFrame({name: rows[:, name].copy() for name in range(8)})
    small = rows[:20_000].copy()
elif sys.argv[1] == "integers":
    rows = (rows * 100).astype(np.int32)
    small = rows[:20_000]
else:
    small = rows[:20_000]
calls = {
    "score": lambda table: fd.score(model, table, threads=2),
    "centred": lambda table: fd.score(model, table, threads=2, align="center"),
    "rolling_std": lambda table: fd.rolling_std(table, 50, threads=2),
    "mahalanobis": lambda table: fd.mahalanobis(table, np.zeros(8), np.eye(8), threads=2),
    "fit": lambda table: fd.fit(table, threads=2),
}
model = fd.fit(small)
call = calls[sys.argv[2]]
call(small)
Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
before = peak()
out = call(rows)
print(peak() - before - (0 if sys.argv[2] == "fit" else np.asarray(out).nbytes / 2**20))
"""


def extra_memory(run_python, kind, name):
    code = MEMORY.replace("sys.argv[1]", repr(kind)).replace("sys.argv[2]", repr(name))
    return float(run_python(code))


def growing(kind, name, reason):
    return pytest.param(kind, name, marks=pytest.mark.xfail(reason=reason))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads the peak from /proc")
@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("floats", "score"),
        ("integers", "score"),
        ("floats", "rolling_std"),
        ("frame", "mahalanobis"),
        ("floats", "centred"),
        ("frame", "score"),
        ("frame", "rolling_std"),
        growing("integers", "fit", "the held-out scores are kept until the threshold is taken from them"),
    ],
)
def test_memory_beyond_input_and_output_does_not_grow_with_the_input(kind, name, run_python):
    # one more array of two million doubles would take 15 MiB, one more copy of the table 122
    assert extra_memory(run_python, kind, name) < 12


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads the peak from /proc")
def test_memory_beyond_a_baseline_of_two_million_rows_is_under_64_mib(run_python):
    assert extra_memory(run_python, "frame", "fit") < 64
