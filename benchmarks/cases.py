"""What is benchmarked: each case makes its data, checks its result, and returns the call to time.

The cases are run by pytest-benchmark (`python -m pytest benchmarks`) and by the gate (`python -m benchmarks.gate`).
Each is told in units of a frozen reference kernel that stresses what the case stresses, timed beside it on as many
threads, so that its figure does not depend on the machine's speed of the day.
"""

from __future__ import annotations

import functools
import itertools
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import fastdrift as fd
from benchmarks import cold_start
from benchmarks.naive import assert_right
from benchmarks.options import Shape
from benchmarks.rows import make_rows
from fastdrift.files import read, write

Call = Callable[[], Any]


@dataclass(frozen=True)
class Case:
    """Something to time.

    `prepare` makes the data, does the work once, checks what comes out, and returns the call to time. `reference` is
    "arithmetic", "memory" or "process"; `rounds` is how often the case is timed, where once is dear enough.
    """

    name: str
    prepare: Callable[[], Call]
    reference: str = "arithmetic"
    threads: int = 1
    rounds: int | None = None


@functools.lru_cache(maxsize=4)
def rows_of(n_columns: int, n_rows: int = 200_000) -> np.ndarray:
    """Return the rows of a case."""
    return make_rows(n_rows, n_columns)


@functools.lru_cache(maxsize=4)
def model_of(shape: Shape, n_rows: int) -> fd.Model:
    """Return a model of the first rows; what it has learnt plays no part in the time."""
    baseline = rows_of(shape.columns, n_rows)[: max(20_000, 36 * shape.window)]
    return fd.fit(baseline, window=shape.window, threshold="in-sample", shrinkage=0.5)


def rows_for(shape: Shape) -> int:
    """Return enough rows for twenty blocks a lane at most, and for a call of a few milliseconds."""
    return max(200_000 if shape.columns < 32 else 100_000, 80 * shape.window)


def stored(rows: np.ndarray, kind: str) -> Any:
    """Return rows in another layout or type."""
    ways: dict[str, Callable[[np.ndarray], Any]] = {
        "float64": lambda rows: rows,
        "float32": lambda rows: rows.astype(np.float32),
        "fortran": np.asfortranarray,
        "strided": lambda rows: np.repeat(rows, 2, axis=1)[:, ::2],
        "frame": lambda rows: pd.DataFrame({f"c{at}": rows[:, at].copy() for at in range(rows.shape[1])}),
    }
    return ways[kind](rows)


def score_case(shape: Shape, kind: str = "float64", threads: int = 1) -> Case:
    """Return the fused score of rows of some kind."""

    def prepare() -> Call:
        n_rows = rows_for(shape)
        rows, model = stored(rows_of(shape.columns, n_rows), kind), model_of(shape, n_rows)
        call = functools.partial(fd.score, model, rows, threads=threads)
        plain = np.ascontiguousarray(rows, dtype=np.float64)
        assert_right(model, plain, np.asarray(call()))
        assert np.asarray(call()).tobytes() == fd.score(model, plain, threads=1).tobytes()
        return call

    return Case(f"score {shape} {kind} {threads}t", prepare, threads=threads)


def few_rows_case() -> Case:
    """Return the score of a hundred rows, which is all overhead."""

    def prepare() -> Call:
        rows, model = rows_of(8)[:100].copy(), model_of(Shape(8, 50), 200_000)
        assert_right(model, rows, fd.score(model, rows))
        return functools.partial(fd.score, model, rows)

    return Case("score 8x50 of 100 rows", prepare)


def rolling_case(statistic: str, shape: Shape, dtype: str = "float64", threads: int = 1) -> Case:
    """Return rolling means or stds, written out."""

    def prepare() -> Call:
        rows = rows_of(shape.columns, rows_for(shape)).astype(dtype)
        call = functools.partial(getattr(fd, f"rolling_{statistic}"), rows, shape.window, threads=threads)
        last = rows[-shape.window :].astype(np.float64)
        expected = last.mean(axis=0) if statistic == "mean" else last.std(axis=0, ddof=1)
        np.testing.assert_allclose(call()[-1], expected, rtol=1e-9, atol=1e-12)
        return call

    return Case(f"rolling {statistic} {shape} {dtype} {threads}t", prepare, threads=threads)


def distance_case(n_columns: int, threads: int = 1) -> Case:
    """Return distances of plain rows."""

    def prepare() -> Call:
        rows = rows_of(n_columns)
        mean, covariance = rows.mean(axis=0), np.cov(rows, rowvar=False)
        call = functools.partial(fd.mahalanobis, rows, mean, covariance, threads=threads)
        centred = rows[:100] - mean
        expected = np.sqrt(np.sum(centred * np.linalg.solve(covariance, centred.T).T, axis=1))
        np.testing.assert_allclose(call()[:100], expected, rtol=1e-9)
        return call

    return Case(f"mahalanobis {n_columns} columns {threads}t", prepare, threads=threads)


def fit_case(shape: Shape, threads: int = 1) -> Case:
    """Return fit with its cross-fitted threshold."""

    def prepare() -> Call:
        rows = rows_of(shape.columns)
        call = functools.partial(fd.fit, rows, window=shape.window, threads=threads)
        features = np.hstack([fd.rolling_mean(rows, shape.window), fd.rolling_std(rows, shape.window)])
        np.testing.assert_allclose(call().centre, features[shape.window - 1 :].mean(axis=0), rtol=1e-9, atol=1e-12)
        return call

    return Case(f"fit {shape} {threads}t", prepare, threads=threads)


def forest_case(shape: Shape) -> Case:
    """Return the isolation forest's score."""

    def prepare() -> Call:
        rows = rows_of(shape.columns)[:50_000]
        model = fd.fit(rows, window=shape.window, detector="isolation-forest", threshold="in-sample")
        call = functools.partial(fd.score, model, rows, threads=1)
        flagged = np.mean(call()[shape.window - 1 :] > model.threshold)
        np.testing.assert_allclose(flagged, model.false_alarm_rate, rtol=0.1)
        return call

    return Case(f"forest score {shape} 1t", prepare)


def generate_case() -> Case:
    """Return the making of telemetry."""

    def prepare() -> Call:
        call = functools.partial(fd.generate, 50_000, seed=42)
        data = call()
        assert data.frame.equals(call().frame)
        assert not data.labels[:15_000].any()
        return call

    return Case("generate 50,000 rows", prepare)


@functools.cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="fastdrift-benchmarks-")


def file_case(ending: str, direction: str) -> Case:
    """Return reading a table from a file, or writing it."""

    def prepare() -> Call:
        frame = stored(rows_of(8)[:50_000], "frame")
        path = Path(_folder().name) / f"table{ending}"
        write.write_table(frame, path)
        pd.testing.assert_frame_equal(read.read_table(path), frame, check_exact=True)
        if direction == "read":
            return functools.partial(read.read_table, path)
        return functools.partial(write.write_table, frame, path)

    return Case(f"{direction} {ending} 50,000 rows", prepare)


def start_case(name: str, code: str, *, fresh: bool) -> Case:
    """Return a process from its start to its end, with compiled kernels at hand or, if `fresh`, without any."""

    def prepare() -> Call:
        folder = tempfile.mkdtemp(dir=_folder().name)
        if fresh:
            return lambda: cold_start.fresh(code, tempfile.mkdtemp(dir=folder))
        cold_start.fresh(code, folder)
        return lambda: cold_start.fresh(code, folder)

    return Case(name, prepare, "process", rounds=1 if fresh else None)


def all_cases() -> Iterable[Case]:
    """Yield every case of fastdrift."""
    narrow, wide, long = Shape(8, 50), Shape(32, 100), Shape(8, 5000)
    shapes = [narrow, Shape(8, 10), Shape(4, 10), Shape(16, 50), wide, Shape(64, 50), long, Shape(32, 5000)]
    yield from (score_case(shape) for shape in shapes)
    yield from (score_case(narrow, kind) for kind in ("float32", "fortran", "strided", "frame"))
    yield from (score_case(shape, threads=2) for shape in (narrow, wide))
    yield few_rows_case()
    for statistic, shape in itertools.product(("mean", "std"), (narrow, wide, long)):
        yield rolling_case(statistic, shape)
    yield rolling_case("std", narrow, "float32")
    yield rolling_case("std", narrow, threads=2)
    yield from (distance_case(n_columns) for n_columns in (4, 16, 32))
    yield distance_case(16, threads=2)
    yield fit_case(narrow)
    yield fit_case(narrow, threads=2)
    yield fit_case(wide)
    yield forest_case(narrow)
    yield generate_case()
    yield from (file_case(*pair) for pair in itertools.product((".csv", ".parquet"), ("read", "write")))
    yield start_case("start: import fastdrift", cold_start.IMPORT, fresh=False)
    yield start_case("start: fit and score", cold_start.SCORE, fresh=False)
    yield start_case("start: fit and score, nothing compiled", cold_start.SCORE, fresh=True)


CASES = list(all_cases())
