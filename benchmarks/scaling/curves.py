"""Time of fit and score as rows, window, columns and threads grow, each result checked before it is timed."""

from __future__ import annotations

import functools
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

import fastdrift as fd
from benchmarks.naive import assert_right
from benchmarks.rows import Floats, make_rows
from benchmarks.scaling.memory import memory_in_a_process
from benchmarks.scaling.stream import assert_pieces_continue, fill, stream_pieces
from benchmarks.timing import REST, repeat, seconds
from fastdrift.engine.threads import default_threads

COLUMNS, WINDOW = 8, 50
# a call is repeated for so many seconds in its turn: the shortest take 1 ms and would be all wake-up otherwise
TURN = 0.03


@dataclass(frozen=True)
class Sizes:
    """How much is measured."""

    rows: tuple[int, ...]
    pieces: int
    piece_rows: int
    windows: tuple[int, ...]
    # rows by columns
    window_rows: dict[int, int]
    columns: tuple[int, ...]
    # numbers of a table, which has fewer rows the more columns it has
    column_numbers: int
    thread_rows: int
    fit_rows: int
    rounds: int
    stream_rounds: int


FULL = Sizes(
    rows=(100_000, 1_000_000, 10_000_000),
    pieces=50,
    piece_rows=2_000_000,
    windows=(10, 20, 50, 100, 200, 500, 1000, 2000, 5000),
    # 400 and 200 blocks of the longest window, whole groups of eight lanes
    window_rows={8: 2_000_000, 32: 1_000_000},
    columns=(1, 2, 4, 8, 16, 32, 64, 128),
    column_numbers=4_000_000,
    thread_rows=2_000_000,
    fit_rows=1_000_000,
    rounds=15,
    stream_rounds=3,
)
QUICK = Sizes(
    rows=(50_000,),
    pieces=4,
    piece_rows=50_000,
    windows=(10, 50, 200),
    window_rows={8: 40_000, 32: 40_000},
    columns=(1, 2, 4, 8),
    column_numbers=200_000,
    thread_rows=50_000,
    fit_rows=50_000,
    rounds=2,
    stream_rounds=1,
)


class Curve(NamedTuple):
    """What was measured over what, as series of points."""

    x_name: str
    y_name: str
    series: dict[str, dict[int, float]]


class Work(NamedTuple):
    """A call to time, and how many rows it works on."""

    call: Callable[[], Any]
    n_rows: int


Works = dict[tuple[str, int], Work]


def learn(rows: Floats, window: int) -> fd.Model:
    """Fit on the first rows; what the threshold is, and whether the baseline is thin, does not matter here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fd.DriftWarning)
        return fd.fit(rows[: max(20_000, 36 * window)], window=window, threshold="in-sample")


def score_work(model: fd.Model, rows: Floats, threads: int) -> Work:
    """Return the scoring of rows, done once and checked."""
    call = functools.partial(fd.score, model, rows, threads=threads)
    assert_right(model, rows, call())
    return Work(call, len(rows))


def fit_work(rows: Floats, threads: int) -> Work:
    """Return the fitting of rows, done once and checked by the scores that the model gives."""
    call = functools.partial(fd.fit, rows, window=WINDOW, threads=threads)
    model = call()
    scores = fd.score(model, rows)
    assert_right(model, rows, scores)
    # the threshold is of held-out scores, these are not held out
    np.testing.assert_allclose(np.mean(scores[WINDOW:] > model.threshold), model.false_alarm_rate, rtol=0.2)
    return Work(call, len(rows))


def nanoseconds_a_row(works: Works, rounds: int, rest: float = 0.0) -> dict[str, dict[int, float]]:
    """Return the least time of each work by series and place; they take turns, as the machine's moods do."""
    best = dict.fromkeys(works, float("inf"))
    for _ in range(rounds):
        for key, work in works.items():
            time.sleep(rest)
            best[key] = min(best[key], *repeat(work.call, TURN))
    series: dict[str, dict[int, float]] = {}
    for (name, place), least in best.items():
        series.setdefault(name, {})[place] = 1e9 * least / works[name, place].n_rows
    return series


def thread_counts() -> list[int]:
    """Return 1, 2, 4, … up to the number of threads that this machine offers, and that."""
    most = default_threads()
    return sorted({most, *(1 << power for power in range(most.bit_length()))})


def threads_name(threads: int) -> str:
    """Return how a series is called."""
    return f"{threads} thread{'s' if threads > 1 else ''}"


def rows_curve(sizes: Sizes) -> Curve:
    """Time tables scored at once, then a stream that is longer than any of them."""
    rows = np.empty((sizes.rows[-1], COLUMNS))
    fill(rows, np.random.default_rng(0))
    model, threads = learn(rows, WINDOW), thread_counts()[:2]
    works = {
        (threads_name(count), n_rows): score_work(model, rows[:n_rows], count)
        for n_rows in sizes.rows
        for count in threads
    }
    series = nanoseconds_a_row(works, sizes.rounds)
    for count, spent in stream_seconds(model, sizes, threads).items():
        n_rows = sizes.pieces * sizes.piece_rows
        series[threads_name(count)][n_rows] = 1e9 * spent / n_rows
    return Curve("rows", "ns a row", series)


def stream_seconds(model: fd.Model, sizes: Sizes, threads: list[int]) -> dict[int, float]:
    """Return the time that the scoring alone of a stream takes, the least of each piece added up."""
    assert_pieces_continue(model, COLUMNS)
    spent = dict.fromkeys(threads, 0.0)
    for piece in stream_pieces(sizes.pieces, sizes.piece_rows, COLUMNS, WINDOW):
        calls = {count: functools.partial(fd.score, model, piece, threads=count) for count in threads}
        assert_right(model, piece, calls[threads[-1]]())
        least = dict.fromkeys(threads, float("inf"))
        for _ in range(sizes.stream_rounds):
            for count, call in calls.items():
                least[count] = min(least[count], seconds(call))
        spent = {count: spent[count] + least[count] for count in threads}
    return spent


def window_curve(sizes: Sizes) -> Curve:
    """Time windows from short to long on one thread, over few and many columns."""
    works = {}
    for n_columns, n_rows in sizes.window_rows.items():
        rows = make_rows(n_rows, n_columns)
        for window in sizes.windows:
            works[f"{n_columns} columns", window] = score_work(learn(rows, window), rows, 1)
    return Curve("window (rows)", "ns a row", nanoseconds_a_row(works, sizes.rounds))


def columns_curve(sizes: Sizes) -> Curve:
    """Time tables from narrow to wide on one thread."""
    works = {}
    for n_columns in sizes.columns:
        rows = make_rows(min(1_000_000, sizes.column_numbers // n_columns), n_columns)
        works["1 thread", n_columns] = score_work(learn(rows, WINDOW), rows, 1)
    return Curve("columns", "ns a row", nanoseconds_a_row(works, sizes.rounds))


def threads_curve(sizes: Sizes) -> Curve:
    """Time a narrow and a wide table on one thread and more."""
    works = {}
    for n_columns, window in [(COLUMNS, WINDOW), (32, 100)]:
        rows = make_rows(sizes.thread_rows, n_columns)
        model = learn(rows, window)
        for threads in thread_counts():
            works[f"{n_columns} columns, window {window}", threads] = score_work(model, rows, threads)
    return Curve("threads", "ns a row", nanoseconds_a_row(works, sizes.rounds))


def fit_curve(sizes: Sizes) -> Curve:
    """Time a cross-fitted fit, and one score of the same rows."""
    rows = make_rows(sizes.fit_rows, COLUMNS)
    model = learn(rows, WINDOW)
    works: Works = {}
    for threads in sorted({1, default_threads()}):
        works["fit", threads] = fit_work(rows, threads)
        works["score", threads] = score_work(model, rows, threads)
    # a fit ends with BLAS
    return Curve("threads", "ns a row", nanoseconds_a_row(works, sizes.rounds, REST))


def memory_curve(sizes: Sizes) -> Curve:
    """Measure what scoring takes beside input and output, each size in a process of its own."""
    series: dict[int, float] = {}
    if sys.platform.startswith("linux"):
        for n_pieces, piece_rows in [*((1, n_rows) for n_rows in sizes.rows), (sizes.pieces, sizes.piece_rows)]:
            series[n_pieces * piece_rows] = memory_in_a_process(n_pieces, piece_rows)
    return Curve("rows", "MiB beside input and output", {threads_name(2): series})


CURVES: dict[str, Callable[[Sizes], Curve]] = {
    "rows": rows_curve,
    "window": window_curve,
    "columns": columns_curve,
    "threads": threads_curve,
    "fit": fit_curve,
    "memory": memory_curve,
}
