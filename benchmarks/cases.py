"""What is benchmarked: each case makes its data, checks its result, and returns the call to time.

The cases are run by pytest-benchmark (`python -m pytest benchmarks`) and by the gate (`python -m benchmarks.gate`).
Each is told in units of a frozen reference kernel that stresses what the case stresses, timed beside it on as many
threads, so that its figure does not depend on the machine's speed of the day.
"""

import functools
import itertools
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import fastdrift as fd
from benchmarks.cold_start import IMPORT, SCORE, run_fresh
from benchmarks.work import Call, Floats, Shape, fit_call, fit_model, make_rows, score_call


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


scratch = functools.cache(partial(tempfile.TemporaryDirectory, prefix="fastdrift-benchmarks-"))


def rows_for(shape: Shape) -> Floats:
    """Return enough rows for twenty blocks a lane at most, and for a call of a few milliseconds."""
    return make_rows(max(200_000 if shape.columns < 32 else 100_000, 80 * shape.window), shape.columns)


def stored(rows: Floats, kind: str) -> Any:
    """Return rows in another layout or type."""
    if kind == "fortran":
        return np.asfortranarray(rows)
    if kind == "strided":
        return np.repeat(rows, 2, axis=1)[:, ::2]
    if kind == "frame":
        return pd.DataFrame({f"c{place}": column.copy() for place, column in enumerate(rows.T)})
    return rows.astype(kind, copy=False)


def score(shape: Shape, kind: str, threads: int | None, n_rows: int | None = None) -> Call:
    """Prepare the fused score of rows of some kind, or of the first of them."""
    rows = rows_for(shape)
    return score_call(fit_model(rows, shape.window), stored(rows[:n_rows], kind), threads)


def rolling(statistic: str, shape: Shape, dtype: str, threads: int) -> Call:
    rows = rows_for(shape).astype(dtype)
    call = partial(getattr(fd, f"rolling_{statistic}"), rows, shape.window, threads=threads)
    last = rows[-shape.window :].astype(np.float64)
    expected = last.mean(axis=0) if statistic == "mean" else last.std(axis=0, ddof=1)
    np.testing.assert_allclose(call()[-1], expected, rtol=1e-9, atol=1e-12)
    return call


def mahalanobis(n_columns: int, threads: int) -> Call:
    rows = make_rows(200_000, n_columns)
    mean, covariance = rows.mean(axis=0), np.cov(rows, rowvar=False)
    call = partial(fd.mahalanobis, rows, mean, covariance, threads=threads)
    centred = rows[:100] - mean
    expected = np.sqrt(np.sum(centred * np.linalg.solve(covariance, centred.T).T, axis=1))
    np.testing.assert_allclose(call()[:100], expected, rtol=1e-9)
    return call


def fit(shape: Shape, threads: int) -> Call:
    return fit_call(make_rows(200_000, shape.columns), shape.window, threads)


def answer(name: str, n_rows: int, threads: int | None) -> Call:
    """Prepare `detect` or `explain` of rows in which every two thousandth or so begins a notice."""
    rows = rows_for(Shape(8, 50))
    model = fd.fit(rows[:100_000])
    call = partial(getattr(fd, name), model, rows[:n_rows], threads=threads)
    if name == "explain":
        shares = call().to_numpy()[model.window - 1 :]
        np.testing.assert_allclose(shares.sum(axis=1), 1.0)
        return call
    found, scores = call(), fd.score(model, rows[:n_rows])
    assert found.n_flagged == np.sum(scores > model.threshold)
    for event in found:
        assert event.onset <= event.start <= event.peak_row < event.stop
        assert event.peak_score == scores[event.start : event.stop].max() > model.promise.notice_level
    assert np.nanmax(np.where(scores > model.promise.notice_level, scores, np.nan)) == max(e.peak_score for e in found)
    return call


def score_by_forest(shape: Shape) -> Call:
    rows = make_rows(200_000, shape.columns)[:50_000]
    model = fd.fit(rows, window=shape.window, detector="isolation-forest", threshold="in-sample")
    call = partial(fd.score, model, rows, threads=1)
    flagged = np.mean(call()[shape.window - 1 :] > model.threshold)
    np.testing.assert_allclose(flagged, model.false_alarm_rate, rtol=0.1)
    return call


def push(n_rows: int, together: int) -> Call:
    """Prepare a stream that takes rows in, one by one or many together."""
    rows = rows_for(Shape(8, 50))[:n_rows]
    model = fit_model(rows_for(Shape(8, 50)), 50)
    pieces = list(rows) if together == 1 else [rows[start : start + together] for start in range(0, n_rows, together)]

    def call() -> Any:
        stream = fd.Stream(model)
        take = stream.push if together == 1 else stream.push_many
        return [take(piece) for piece in pieces]

    assert np.hstack(call()).tobytes() == fd.score(model, rows, threads=1).tobytes()
    return call


def tick(n_streams: int) -> Call:
    """Prepare a row for each of many streams."""
    rows = rows_for(Shape(8, 50))
    streams, keys = fd.Streams(fit_model(rows, 50)), [f"host-{number}" for number in range(n_streams)]
    for number in range(50):
        scores = streams.push(keys, rows[number : number + n_streams])
    assert scores[7] == fd.score(streams.model, rows[7:57], threads=1)[-1]
    return partial(streams.push, keys, rows[:n_streams])


def generate() -> Call:
    call = partial(fd.generate, 50_000, seed=42)
    data = call()
    assert data.frame.equals(call().frame)
    assert not data.labels[:15_000].any()
    return call


def use_file(direction: str, ending: str) -> Call:
    try:
        from fastdrift.files.read import read_table
        from fastdrift.files.write import write_table
    except ModuleNotFoundError:  # --against a revision in which the package was one folder
        from fastdrift import files, writing

        read_table, write_table = files.read_table, writing.write_table
    frame = stored(make_rows(200_000, 8)[:50_000], "frame")
    path = Path(scratch().name) / f"table{ending}"
    write_table(frame, path)
    pd.testing.assert_frame_equal(read_table(path), frame, check_exact=True)
    return partial(read_table, path) if direction == "read" else partial(write_table, frame, path)


def start(code: str, *, fresh: bool) -> Call:
    """Prepare a process from its start to its end, with compiled kernels at hand or, if `fresh`, without any."""
    cache = tempfile.mkdtemp(dir=scratch().name)
    if not fresh:
        run_fresh(code, cache)
    return lambda: run_fresh(code, tempfile.mkdtemp(dir=cache) if fresh else cache)


def all_cases() -> Iterator[Case]:
    """Yield every case of fastdrift."""
    narrow, wide, long = Shape(8, 50), Shape(32, 100), Shape(8, 5000)
    shapes = [narrow, Shape(8, 10), Shape(4, 10), Shape(16, 50), wide, Shape(64, 50), long, Shape(32, 5000)]
    scored = [(shape, "float64", 1) for shape in shapes]
    scored += [(narrow, kind, 1) for kind in ("float32", "fortran", "strided", "frame")]
    scored += [(shape, "float64", 2) for shape in (narrow, wide)]
    rolled = [(name, shape, "float64", 1) for name in ("mean", "std") for shape in (narrow, wide, long)]
    rolled += [("std", narrow, "float32", 1), ("std", narrow, "float64", 2)]
    families = {
        "score {} {} {}t": (score, scored),
        "rolling {} {} {} {}t": (rolling, rolled),
        "mahalanobis {} columns {}t": (mahalanobis, [(4, 1), (16, 1), (32, 1), (16, 2)]),
        "fit {} {}t": (fit, [(narrow, 1), (narrow, 2), (wide, 1)]),
    }
    for name, (prepare, options) in families.items():
        for given in options:
            yield Case(name.format(*given), partial(prepare, *given), threads=given[-1])
    yield Case("score 8x50 of 100 rows", partial(score, narrow, "float64", None, 100))  # all overhead
    for name, threads in itertools.product(("detect", "explain"), (1, 2)):
        yield Case(f"{name} 8x50 {threads}t", partial(answer, name, 200_000, threads), threads=threads)
    yield Case("forest score 8x50 1t", partial(score_by_forest, narrow))
    yield Case("push 8x50 of 20,000 rows one by one", partial(push, 20_000, 1))
    yield Case("push 8x50 of 20,000 rows by 1,000", partial(push, 20_000, 1_000))
    yield Case("push 8x50 to 10,000 streams", partial(tick, 10_000))
    yield Case("generate 50,000 rows", generate)
    for ending, direction in itertools.product((".csv", ".parquet"), ("read", "write")):
        yield Case(f"{direction} {ending} 50,000 rows", partial(use_file, direction, ending))
    for name, code in [("import fastdrift", IMPORT), ("fit and score", SCORE)]:
        yield Case(f"start: {name}", partial(start, code, fresh=False), "process")
    yield Case("start: fit and score, nothing compiled", partial(start, SCORE, fresh=True), "process", rounds=1)


CASES = list(all_cases())
