"""What benchmarks work on, how it is checked, and how it is timed on a noisy machine."""

import functools
import os
import platform
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

import fastdrift as fd

Floats = npt.NDArray[np.float64]
Call = Callable[[], Any]

# glibc keeps what is freed: else the cost of new pages decides, which is up to that of the work and differs by the hour
KEEPING = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(1 << 40)}
# OpenMP and BLAS threads of the call before still spin for a while
REST = 0.2


class Shape(NamedTuple):
    """Columns and window of a benchmark."""

    columns: int
    window: int

    def __str__(self) -> str:
        return f"{self.columns}x{self.window}"


@functools.lru_cache(maxsize=2)
def make_rows(n_rows: int, n_columns: int) -> Floats:
    """Return correlated, autocorrelated rows of unit scale, which no library loses digits on."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(n_rows, n_columns)) @ rng.normal(size=(n_columns, n_columns)) / np.sqrt(n_columns)
    rows[1:] += 0.5 * rows[:-1]
    return np.ascontiguousarray(rows)


def fit_model(rows: Floats, window: int) -> fd.Model:
    """Return a model of the first rows; what it has learnt, and from how few rows, plays no part in the time."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fd.DriftWarning)
        return fd.fit(rows[: max(20_000, 36 * window)], window=window, threshold="in-sample", shrinkage=0.5)


def score_call(model: fd.Model, data: Any, threads: int | None) -> Call:
    """Return the call that scores rows in any layout, done once and checked."""
    call, plain = partial(fd.score, model, data, threads=threads), np.ascontiguousarray(data, dtype=np.float64)
    scores = np.asarray(call())
    assert_right(model, plain, scores)
    assert scores.tobytes() == fd.score(model, plain, threads=1).tobytes()
    return call


def assert_right(model: fd.Model, rows: Floats, scores: Floats) -> None:
    """Check that every window has a score, and that the last one's is what the definition gives."""
    assert np.isfinite(scores[model.window - 1 :]).all()
    last = rows[-model.window :]
    features = np.concatenate([last.mean(axis=0), last.std(axis=0, ddof=1)])
    expected = np.linalg.norm(np.linalg.solve(model.cholesky, (features - model.centre) / model.scale))
    np.testing.assert_allclose(scores[-1], expected, rtol=1e-9)


def fit_call(rows: Floats, window: int, threads: int) -> Call:
    """Return the call that fits rows, done once and checked by what the model says of them."""
    call = partial(fd.fit, rows, window=window, threads=threads)
    model = call()
    features = np.hstack([fd.rolling_mean(rows, window), fd.rolling_std(rows, window)])[window - 1 :]
    # of a long table every fourth window stands for its neighbours
    np.testing.assert_allclose((model.centre - features.mean(axis=0)) / model.scale, 0.0, atol=2e-3)
    flagged = np.mean(fd.score(model, rows)[window:] > model.threshold)
    np.testing.assert_allclose(flagged, model.false_alarm_rate, rtol=0.5)  # the threshold is of held-out scores
    return call


def repeat(call: Call, patience: float) -> Iterator[float]:
    """Yield the seconds of one call after the other until `patience` is spent, of one at least."""
    end = time.perf_counter() + patience
    while True:
        start = time.perf_counter()
        call()
        now = time.perf_counter()
        yield now - start
        if now >= end:
            return


def interleaved_minima(
    calls: dict[Any, Call], rounds: int, *, rest: float = REST, turn: float = 0.0
) -> dict[Any, float]:
    """Return the least seconds of each call, repeated for `turn` seconds in its turn: the machine's moods hit all."""
    best = dict.fromkeys(calls, float("inf"))
    for _ in range(rounds):
        for name, call in calls.items():
            time.sleep(rest)
            best[name] = min(best[name], *repeat(call, turn))
    return best


def keep_memory(module: str) -> None:
    """Start this process, which runs `module`, anew with an allocator that keeps what is freed, if it is glibc's."""
    if platform.libc_ver()[0] == "glibc" and not os.environ.keys() & KEEPING.keys():
        os.execve(sys.executable, [sys.executable, "-m", module, *sys.argv[1:]], os.environ | KEEPING)  # noqa: S606


def usual_environment() -> dict[str, str]:
    """Return the environment without what `keep_memory` has set, for processes whose memory is measured."""
    return {name: value for name, value in os.environ.items() if name not in KEEPING}
