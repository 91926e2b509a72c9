"""Kernels called by address give the bytes that Numba gives calling them, and refuse what they were not made for."""

from __future__ import annotations

import copy
import importlib
import pkgutil
import struct

import numpy as np
import pytest
from oracle import telemetry

import fastdrift as fd
from fastdrift.detectors import moments
from fastdrift.engine import compiled
from fastdrift.kernels import compiling
from fastdrift.kernels.jitting import ENTRIES

FLOAT = np.dtype(np.float64)


def _every_entry_is_called(fit):
    """Call everything that calls a kernel."""
    rows = telemetry(moments.LEAST_ROWS + 6_000, 3, seed=3)
    rows[:, 2] = 4.0
    rows[4_500:4_700, 0] += 9
    rows[5_000:5_020, 2] = 5.0
    rows[5_300, 1] = np.nan
    fit(rows[6_000:], window=50)  # by every fourth window, of which the others have too few
    model, several = fit(rows[:4_000], window=20), fit(rows[:2_000], window=[10, 20])
    forest = fit(rows[:1_000], window=10, detector="isolation-forest")
    for one in (model, several, forest):
        with pytest.warns(fd.DriftWarning, match="hold a NaN"):
            fd.score(one, rows)
    for one in (model, forest):
        stream = fd.Stream(one)
        stream.push_many(rows[:30])
        stream.push(rows[30])
    fd.detect(several, rows)
    with_gaps = rows[:5_400].copy()
    with_gaps[5_000:5_200, 0] = np.nan
    fd.detect(model, with_gaps, missing="score")
    fd.explain(model, rows)
    fd.rolling_std(rows, 20)
    fd.mahalanobis(rows[:, :2], [0.0, 0.0], np.eye(2))


def test_every_kernel_gives_the_bytes_of_numba_calling_it_as_a_function(fit, monkeypatch):
    ours, numbas, called = dict(compiled._kernels), {}, set()

    def both(name, dtype=None):
        key = name, None if dtype is None else np.dtype(dtype)
        ours[key] = ours.get(key) or compiled._kept_or_compiled(*key)
        numbas[key] = numbas.get(key) or compiling.compile_in_numba(*key)

        def call(*arguments):
            rows = next(_arrays(arguments))  # as they lie: a view may be of more than its own memory
            others = copy.deepcopy(arguments, {id(rows): rows} if rows.ndim == 2 else None)
            results, expected = ours[key](*arguments), numbas[key](*others)
            assert results == expected
            assert type(results) is type(expected)
            for array, other in zip(_arrays(arguments), _arrays(others), strict=True):
                assert array.tobytes() == other.tobytes(), name
            called.add(name)
            return results

        return call

    for found in pkgutil.walk_packages(fd.__path__, "fastdrift."):
        module = importlib.import_module(found.name) if not found.name.endswith("__main__") else None
        if module is not compiled and getattr(module, "kernel", None) is compiled.kernel:
            monkeypatch.setattr(module, "kernel", both)
    monkeypatch.setattr(moments, "LEAST_ROWS", 9_000)
    _every_entry_is_called(fit)
    assert called == set(ENTRIES)


def _arrays(arguments):
    for argument in arguments:
        if isinstance(argument, tuple):
            yield from _arrays(argument)
        elif isinstance(argument, np.ndarray):
            yield argument


def test_an_array_that_a_kernel_does_not_take_is_an_error_and_no_crash():
    settle = compiled.kernel("settle_range", FLOAT)
    whole, ends, out = np.zeros((4, 2)), np.zeros(2, np.int64), np.zeros(4)
    assert settle(whole, 0, ends[:1], 2, (0, 1, 1, 2), (out, 0)) == 0
    narrow = np.zeros(2 * whole.nbytes + 1, np.uint8)[1 : 1 + whole.nbytes].view(np.float64).reshape(4, 2)
    frozen = np.zeros(4)
    frozen.flags.writeable = False
    for rows, columns, scores, number in (
        (whole.astype(np.int64), ends[:1], out, 0),
        (whole.astype(np.float32), ends[:1], out, 0),
        (whole.astype(">f8"), ends[:1], out, 0),
        (whole[0], ends[:1], out, 0),
        (narrow, ends[:1], out, 0),
        (whole, ends[:1].astype(np.int32), out, 2),
        (whole, np.zeros(4, np.int64)[::2], out, 2),
        (whole, ends[:1], frozen, 8),
        (whole, ends[:1], out[::2], 8),
    ):
        with pytest.raises(TypeError, match=f"settle_range does not take its number {number}:"):
            settle(rows, 0, columns, 2, (0, 1, 1, 2), (scores, 0))
    for wrong in ((whole.tolist(), 0, ends, 2), (whole, 0.5, ends, 2), (whole, 0, ends)):
        with pytest.raises((TypeError, struct.error)):
            settle(*wrong, (0, 1, 1, 2), (out, 0))


def test_a_prepared_call_gives_what_the_call_gives_and_refuses_what_it_refuses(fit):
    model = fit(telemetry(2_000, 3, seed=4), window=10)
    rows, streams = telemetry(40, 3, seed=5), (fd.Stream(model), fd.Stream(model))
    push = compiled.kernel("push_row")
    assert hasattr(push, "prepare")
    args = [(stream._parameters, stream._state, stream._buffer) for stream in streams]
    ready = compiled.prepared(push, *args[0])
    for row in rows:
        assert struct.pack("d", ready(row)) == struct.pack("d", push(row, *args[1]))
    before = args[0][1].copy()
    for wrong in (rows, rows[0].astype(np.float32), rows[0].astype(np.int64)):
        with pytest.raises(TypeError, match="push_row does not take its number 0:"):
            ready(wrong)
    for wrong in (rows[0].tolist(), None):
        with pytest.raises(TypeError, match="push_row takes an array"):
            ready(wrong)
    assert ready(rows[0][:2]) == push(rows[0][:2], *args[1]) == -np.inf
    assert (args[0][1] == before).all()
    with pytest.raises(TypeError, match="takes an array"):
        compiled.prepared(push, *args[0][:2], None)


def test_a_view_of_a_class_of_arrays_is_taken_for_the_array_it_is(tmp_path):
    matrix = np.memmap(tmp_path / "matrix", np.float64, "w+", shape=(3, 3))
    matrix[:] = np.eye(3) * 4
    factor = np.zeros((3, 3))
    assert compiled.kernel("cholesky")(matrix, 0.0, factor) == (-1, pytest.approx(0, abs=4))
    assert (factor == 2 * np.eye(3)).all()
