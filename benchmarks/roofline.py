"""How near a score comes to what this machine can do: bytes and operations a row, against bandwidth and arithmetic.

    python -m benchmarks.roofline
    python -m benchmarks.roofline --shape 8x50 --dtype float32 --rounds 9

The limit of a shape is the longer of two times: that of reading a row and writing its score at the bandwidth measured
here, and that of its operations at the rate of fused multiply-adds measured here (Williams, Waterman and Patterson
2009). An operation is one addition, multiplication, fused multiply-add or root of one number: each takes one place in
an arithmetic unit. Only what the method needs is counted: no suffix that is made twice, no unused half of a group.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import warnings
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

import fastdrift as fd
from benchmarks.options import Shape, shape
from benchmarks.reference import rates
from benchmarks.rows import make_rows
from benchmarks.timing import describe_machine, interleaved_minima
from fastdrift.engine.threads import default_threads

SHAPES = [Shape(*pair) for pair in itertools.product((4, 8, 16, 32, 64), (10, 50, 500, 5000))]
DTYPES = ("float64", "float32")
ROWS = 1_000_000
TARGET = 0.5


class Need(NamedTuple):
    """What a scored row needs."""

    bytes: int
    operations: int
    flops: int  # a fused multiply-add counts as two
    roots: int


def need(n_columns: int, itemsize: int) -> Need:
    """Count what a row needs; the length of the window plays no part.

    A column: two Welford steps of 2 subtractions, 1 product and 2 fused multiply-adds, a merge of 4 plain and 2 fused
    operations, 4 to centre and scale mean and std, 1 root. Then p = 2 × columns features: p (p - 1) / 2 fused
    multiply-adds to solve, p to add up squares, 1 root.
    """
    n_features = 2 * n_columns
    plain, fused, roots = n_columns * (2 * 3 + 4 + 4), n_columns * (2 * 2 + 2), n_columns + 1
    fused += n_features * (n_features - 1) // 2 + n_features
    return Need(n_columns * itemsize + 8, plain + fused + roots, plain + 2 * fused + roots, roots)


class Line(NamedTuple):
    """A shape, what it needs, and how long it takes at best and as measured, in nanoseconds a row."""

    shape: Shape
    dtype: str
    need: Need
    memory: float
    arithmetic: float
    divider: float
    measured: float

    @property
    def limit(self) -> float:
        """The least time a row can take."""
        return max(self.memory, self.arithmetic)

    @property
    def share(self) -> float:
        """The share of the limit that is reached."""
        return self.limit / self.measured

    @property
    def bound(self) -> str:
        """What sets the limit."""
        return "memory" if self.memory > self.arithmetic else "arithmetic"


def measure(shapes: Sequence[Shape], dtypes: Sequence[str], n_rows: int, rounds: int, threads: int) -> list[Line]:
    """Time a score of every shape, and what the machine can do in the same seconds."""
    lines = []
    for n_columns, group in itertools.groupby(sorted(shapes), key=lambda one: one.columns):
        rows = make_rows(n_rows, n_columns)
        stored = {dtype: rows.astype(dtype) for dtype in dtypes}
        for one in group:
            model = fit_model(rows, one.window)
            calls = {dtype: partial(fd.score, model, data, threads=threads) for dtype, data in stored.items()}
            expected = fd.score(model, stored[dtypes[0]].astype(np.float64), threads=threads)
            assert calls[dtypes[0]]().tobytes() == expected.tobytes()
            minima = interleaved_minima(calls, rounds, rest=0.0)
            machine = rates(threads)
            lines += [line_of(one, dtype, least / n_rows, machine) for dtype, least in minima.items()]
    return lines


def fit_model(rows: np.ndarray, window: int) -> fd.Model:
    """Return a model of the first rows; what it has learnt plays no part in the time."""
    baseline = rows[: max(20_000, 36 * window)]
    return fd.fit(baseline, window=window, shrinkage=0.5, threshold="in-sample")


def line_of(one: Shape, dtype: str, seconds: float, machine: dict[str, float]) -> Line:
    """Put what a shape needs beside what was measured."""
    needed = need(one.columns, np.dtype(dtype).itemsize)
    times = [amount / machine[name] for name, amount in needed._asdict().items() if name in machine]
    return Line(one, dtype, needed, *(1e9 * time for time in (*times, seconds)))


def to_markdown(lines: Sequence[Line]) -> str:
    """Return a table of the lines."""
    heads = ["columns", "window", "dtype", "bytes", "operations", "flops", "memory ns", "arithmetic ns", "divider ns"]
    heads += ["measured ns", "M rows/s", "share of the limit", "bound by"]
    text = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for line in lines:
        cells = [*line.shape, line.dtype, line.need.bytes, line.need.operations, line.need.flops]
        cells += [f"{time:.1f}" for time in (line.memory, line.arithmetic, line.divider, line.measured)]
        cells += [f"{1e3 / line.measured:.1f}", f"{line.share:.0%}", line.bound]
        text.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table for one thread and one for all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", type=shape, action="append", help="columns x window, as in 8x50; may be repeated")
    parser.add_argument("--dtype", choices=DTYPES, action="append")
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args(arguments)
    shapes = sorted(set(asked.shape or SHAPES))
    if asked.rows < 36 * max(one.window for one in shapes) or asked.rounds < 1:
        parser.error("--rows must be at least 36 windows, --rounds at least 1")
    warnings.simplefilter("ignore", fd.DriftWarning)  # the baselines are short: what is learnt plays no part
    for threads in sorted({1, default_threads()}):
        lines = measure(shapes, asked.dtype or DTYPES, asked.rows, asked.rounds, threads)
        below = sum(line.share < TARGET for line in lines)
        print(f"\n{threads} thread(s), {asked.rows:,} rows: {below} of {len(lines)} below {TARGET:.0%} of the limit\n")
        print(to_markdown(lines))
    print(f"\n{describe_machine()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
