"""Time of fit and score as rows, window, columns and threads grow, each result checked before it is timed."""

import functools
import sys
from typing import NamedTuple

import numpy as np

from benchmarks.scaling.memory import COLUMNS, WINDOW, assert_pieces_continue, fill, memory_in_a_process, stream_pieces
from benchmarks.work import REST, Floats, Shape, fit_call, fit_model, interleaved_minima, score_call
from fastdrift.engine.threads import default_threads

# a call is repeated for so many seconds in its turn: the shortest take 1 ms and would be all wake-up otherwise
TURN = 0.03
X_NAMES = {"rows": "rows", "window": "window (rows)", "columns": "columns", "threads": "threads", "fit": "threads"}


class Sizes(NamedTuple):
    """How much is measured."""

    rows: tuple[int, ...] = (100_000, 1_000_000, 10_000_000)
    stream: tuple[int, int] = (50, 2_000_000)  # pieces, rows of a piece
    windows: tuple[int, ...] = (10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
    columns: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64, 128)
    # of the other curves' tables: 400 blocks of the longest window, whole groups of eight lanes
    table_rows: int = 2_000_000
    rounds: int = 15


QUICK = Sizes((50_000,), (4, 50_000), (10, 50, 200), (1, 2, 4, 8), table_rows=100_000, rounds=2)


class Curve(NamedTuple):
    """What was measured over what, as series of points."""

    x_name: str
    y_name: str
    series: dict[str, dict[int, float]]

    @property
    def places(self) -> list[int]:
        """All places that were measured."""
        return sorted({place for points in self.series.values() for place in points})


# what is timed by series and place: shape, rows, threads
Plan = dict[tuple[str, int], tuple[Shape, int, int]]


def threads_name(threads: int) -> str:
    return f"{threads} thread{'s' if threads > 1 else ''}"


def thread_counts() -> list[int]:
    """Return 1, 2, 4, … up to the number of threads that this machine offers, and that."""
    most = default_threads()
    return sorted({most, *(1 << power for power in range(most.bit_length()))})


def plans(sizes: Sizes) -> dict[str, Plan]:
    """Return what is timed for each curve; a wide table has fewer rows."""
    narrow, wide, counts, n_rows = Shape(COLUMNS, WINDOW), Shape(32, 100), thread_counts(), sizes.table_rows
    rows: Plan = {(threads_name(t), n): (narrow, n, t) for n in sizes.rows for t in counts[:2]}
    window: Plan = {(f"{c} columns", w): (Shape(c, w), n_rows, 1) for c in (8, 32) for w in sizes.windows}
    columns: Plan = {("1 thread", c): (Shape(c, 50), min(n_rows // 2, 2 * n_rows // c), 1) for c in sizes.columns}
    threads = {(f"{c} columns, window {w}", t): (Shape(c, w), n_rows, t) for c, w in (narrow, wide) for t in counts}
    fit = {(series, t): (narrow, n_rows, t) for t in sorted({1, counts[-1]}) for series in ("fit", "score")}
    return {"rows": rows, "window": window, "columns": columns, "threads": threads, "fit": fit}


@functools.lru_cache(maxsize=1)
def rows_of(n_rows: int, n_columns: int) -> Floats:
    return fill(np.empty((n_rows, n_columns)), np.random.default_rng(0))


def time_curve(x_name: str, plan: Plan, rounds: int) -> Curve:
    """Return nanoseconds a row for all that is planned."""
    calls = {}
    for (series, place), ((n_columns, window), n_rows, threads) in plan.items():
        rows = rows_of(n_rows, n_columns)
        if series == "fit":
            calls[series, place] = fit_call(rows, window, threads)
        else:
            calls[series, place] = score_call(fit_model(rows, window), rows, threads)
    rest = REST if ("fit", 1) in plan else 0.0  # a fit ends with BLAS
    curve = Curve(x_name, "ns a row", {})
    for (series, place), least in interleaved_minima(calls, rounds, rest=rest, turn=TURN).items():
        curve.series.setdefault(series, {})[place] = 1e9 * least / plan[series, place][1]
    return curve


def stream_seconds(sizes: Sizes) -> dict[int, float]:
    """Return the time that the scoring alone of a stream takes, the least of each piece added up."""
    model, spent = fit_model(rows_of(sizes.rows[0], COLUMNS), WINDOW), dict.fromkeys(thread_counts()[:2], 0.0)
    assert_pieces_continue(model, COLUMNS)
    for piece in stream_pieces(*sizes.stream):
        calls = {threads: score_call(model, piece, threads) for threads in spent}
        least = interleaved_minima(calls, 3, rest=0.0)
        spent = {threads: seconds + least[threads] for threads, seconds in spent.items()}
    return spent


def measure(sizes: Sizes) -> dict[str, Curve]:
    """Measure every curve."""
    curves = {}
    for name, plan in plans(sizes).items():
        print(f"measuring {name} …", file=sys.stderr)
        curves[name] = time_curve(X_NAMES[name], plan, sizes.rounds)
    print("measuring a stream, and memory …", file=sys.stderr)
    longest = sizes.stream[0] * sizes.stream[1]
    for threads, seconds in stream_seconds(sizes).items():
        curves["rows"].series[threads_name(threads)][longest] = 1e9 * seconds / longest
    streams = [*((1, n_rows) for n_rows in sizes.rows), sizes.stream] if sys.platform.startswith("linux") else []
    memory = {n_pieces * n_rows: memory_in_a_process(n_pieces, n_rows) for n_pieces, n_rows in streams}
    curves["memory"] = Curve("rows", "MiB beside input and output", {threads_name(2): memory})
    return curves
