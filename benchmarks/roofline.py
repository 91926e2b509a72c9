"""How near a score comes to what this machine can do: bytes and operations a row, against bandwidth and arithmetic.

    python -m benchmarks.roofline
    python -m benchmarks.roofline --shape 8x50 --dtype float32 --rounds 9

The limit of a shape is the longer of two times: that of reading a row and writing its score at the bandwidth measured
here, and that of its operations at the rate of fused multiply-adds measured here (Williams, Waterman and Patterson
2009). An operation is one addition, multiplication, fused multiply-add or root of one number: each takes one place in
an arithmetic unit. Only what the method needs is counted: no suffix that is made twice, no unused half of a group.
"""

import itertools
from collections.abc import Sequence

import numpy as np

from benchmarks.command import Parser, describe_machine, table
from benchmarks.reference import rates
from benchmarks.work import Shape, fit_model, interleaved_minima, make_rows, score_call
from fastdrift.engine.threads import default_threads

SHAPES = [Shape(*pair) for pair in itertools.product((4, 8, 16, 32, 64), (10, 50, 500, 5000))]
DTYPES = ("float64", "float32")
HEADS = ["columns", "window", "dtype", "bytes", "operations", "flops", "memory ns", "arithmetic ns", "divider ns"]
HEADS += ["measured ns", "M rows/s", "share of the limit", "bound by"]
TARGET = 0.5


def need(n_columns: int, itemsize: int) -> dict[str, int]:
    """Count what a row needs; the length of the window plays no part.

    A column, for four windows: three merges of quads, prefixes and suffixes of 5 plain and 2 fused operations each, 29
    plain and 15 fused to tell the rest from the quad's first row, 4 plain and 8 fused to centre and scale, 4 roots.
    Then p = 2 × columns features: p (p - 1) / 2 fused multiply-adds to solve, p to add up squares, 1 root. A fused
    multiply-add is one operation and two flops.
    """
    n_features = 2 * n_columns
    plain, fused, roots = n_columns * 48 // 4, n_columns * 29 // 4, n_columns + 1
    fused += n_features * (n_features - 1) // 2 + n_features
    n_bytes, operations = n_columns * itemsize + 8, plain + fused + roots
    return {"bytes": n_bytes, "operations": operations, "flops": operations + fused, "roots": roots}


def judge(one: Shape, dtype: str, measured: float, machine: dict[str, float]) -> tuple[float, list[object]]:
    """Return the share of the limit that is reached, and a line's cells; times are in nanoseconds a row."""
    needed = need(one.columns, np.dtype(dtype).itemsize)
    memory, arithmetic, divider = (1e9 * needed[name] / machine[name] for name in ("bytes", "operations", "roots"))
    share = max(memory, arithmetic) / measured
    cells = [*one, dtype, needed["bytes"], needed["operations"], needed["flops"]]
    cells += [f"{time:.1f}" for time in (memory, arithmetic, divider, measured, 1e3 / measured)]
    return share, [*cells, f"{share:.0%}", "memory" if memory > arithmetic else "arithmetic"]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = Parser("benchmarks.roofline", __doc__)
    parser.add_argument("--dtype", choices=DTYPES, action="append")
    asked = parser.parse_shapes(arguments, SHAPES, lambda one: 36 * one.window, rows=1_000_000, rounds=5)
    for threads in sorted({1, default_threads()}):
        judged = []
        for one in asked.shape:
            rows = make_rows(asked.rows, one.columns)
            model = fit_model(rows, one.window)
            calls = {dtype: score_call(model, rows.astype(dtype), threads) for dtype in asked.dtype or DTYPES}
            minima, machine = interleaved_minima(calls, asked.rounds, rest=0.0), rates(threads)
            judged += [judge(one, dtype, 1e9 * least / asked.rows, machine) for dtype, least in minima.items()]
        below = sum(share < TARGET for share, _ in judged)
        print(f"\n{threads} thread(s), {asked.rows:,} rows: {below} of {len(judged)} below {TARGET:.0%} of the limit\n")
        print(table(HEADS, (cells for _, cells in judged)))
    print(f"\n{describe_machine()}")


if __name__ == "__main__":
    main()
