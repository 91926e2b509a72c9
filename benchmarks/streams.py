"""Rows as they come: what one costs, where a block begins, many together, many streams, and the same by River.

Run as `python -m benchmarks.streams`. River has no covariance of windows: what it offers for the same work is a scaler
and half-space trees, a row at a time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

import fastdrift as fd
from benchmarks.work import make_rows

N_ROWS, N_COLUMNS, WINDOW, N_STREAMS, ROUNDS = 20_000, 8, 50, 100_000, 7


def best(call: Callable[[], Any], count: int) -> float:
    """Return the least time of a call in µs, for each of so many."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return 1e6 * min(times) / count


def each(take: Callable[[Any], Any], rows: list[Any]) -> list[float]:
    """Return the time of every row in µs, the clock's own among it."""
    times = []
    for row in rows:
        start = time.perf_counter_ns()
        take(row)
        times.append((time.perf_counter_ns() - start) / 1e3)
    return times


def rivers(rows: list[dict[str, float]]) -> float:
    """Return what a row costs River, in µs."""
    from river.anomaly import HalfSpaceTrees
    from river.preprocessing import StandardScaler

    scaler, trees = StandardScaler(), HalfSpaceTrees(window_size=WINDOW, seed=1)

    def take(row: dict[str, float]) -> float:
        scaler.learn_one(row)
        scaled = scaler.transform_one(row)
        score: float = trees.score_one(scaled)
        trees.learn_one(scaled)
        return score

    return float(np.median(each(take, rows)))


def main() -> None:
    """Print the table."""
    rows = make_rows(N_ROWS, N_COLUMNS)
    model = fd.fit(rows, window=WINDOW, threads=1)
    stream = fd.Stream(model)
    scores = np.array([stream.push(row) for row in rows])
    assert scores.tobytes() == fd.score(model, rows, threads=1).tobytes()
    by_offset = np.array(each(stream.push, list(rows))).reshape(-1, WINDOW)
    thousand = rows[:1_000]
    together = best(lambda: stream.push_many(thousand, threads=1), len(thousand))
    batch = best(lambda: fd.score(model, thousand, threads=1), len(thousand))
    streams, keys = fd.Streams(model), list(range(N_STREAMS))
    ticks = np.random.default_rng(0).normal(size=(N_STREAMS, N_COLUMNS))
    for _ in range(WINDOW):
        streams.push(keys, ticks)
    tick = best(lambda: streams.push(keys, ticks), N_STREAMS)
    named = [dict(zip("abcdefgh", row, strict=True)) for row in rows[:2_000].tolist()]
    river, middle = rivers(named), float(np.median(by_offset))
    print("| µs a row, 8 columns, window 50 | |\n|---|---|")
    print(f"| push, median | {middle:.2f} |")
    print(f"| push, median where a block ends | {np.median(by_offset[:, -1]):.2f} |")
    print(f"| push_many of 1,000 rows | {together:.3f} (score of them: {batch:.3f}) |")
    print(f"| a row for each of {N_STREAMS:,} streams | {tick:.2f} |")
    print(f"| River's StandardScaler and HalfSpaceTrees, median | {river:.0f} ({river / middle:.0f} ×) |")


if __name__ == "__main__":
    main()
