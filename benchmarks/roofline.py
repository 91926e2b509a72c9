"""How near a score comes to what this machine can do: what a row needs of its units, against their rates.

    python -m benchmarks.roofline
    python -m benchmarks.roofline --shape 8x50 --dtype float32 --rounds 9

The limit of a shape is the longest of the times for which a row keeps a unit busy: memory, the multipliers, all
arithmetic units together, the divider (Williams, Waterman and Patterson 2009). `benchmarks/limits.py` says how rates
are measured and what is counted.
"""

import itertools
from collections.abc import Sequence

import numpy as np

from benchmarks.command import Parser, describe_machine, table
from benchmarks.limits import limit, need, rates
from benchmarks.work import Shape, fit_model, interleaved_minima, make_rows, score_call
from fastdrift.engine.threads import default_threads

SHAPES = [Shape(*pair) for pair in itertools.product((4, 8, 16, 32, 64), (10, 50, 500, 5000))]
DTYPES = ("float64", "float32")
UNITS = ("memory", "multipliers", "all units", "shuffles", "divider")
HEADS = ["columns", "window", "dtype", "bytes", "flops", *(f"{unit} ns" for unit in UNITS)]
HEADS += ["measured ns", "M rows/s", "share of the limit", "bound by"]
# the share of the limit that is aimed at, of windows up to the longest: merges of narrow tables are long chains
NARROW, LONG = 4, 500


def target(one: Shape) -> float:
    """Return the share of the limit that a shape is to reach."""
    return 0.0 if one.window > LONG else 0.55 if one.columns <= NARROW else 0.6


def judge(one: Shape, dtype: str, measured: float, machine: dict[str, float]) -> tuple[float, list[object]]:
    """Return the share of the limit that is reached, and a line's cells; times are in nanoseconds a row."""
    itemsize = np.dtype(dtype).itemsize
    needed, (times, bound) = need(one.columns, itemsize), limit(one.columns, itemsize, machine)
    share = 1e9 * times[bound] / measured
    cells = [*one, dtype, needed["bytes"], round(needed["flops"])]
    cells += [f"{1e9 * times[unit]:.1f}" for unit in UNITS]
    return share, [*cells, f"{measured:.1f}", f"{1e3 / measured:.1f}", f"{share:.0%}", bound]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = Parser("benchmarks.roofline", __doc__)
    parser.add_argument("--dtype", choices=DTYPES, action="append")
    asked = parser.parse_shapes(arguments, SHAPES, lambda one: 36 * one.window, rows=1_000_000, rounds=5)
    for threads in sorted({1, default_threads()}):
        judged, below = [], 0
        for one in asked.shape:
            rows = make_rows(asked.rows, one.columns)
            model = fit_model(rows, one.window)
            calls = {dtype: score_call(model, rows.astype(dtype), threads) for dtype in asked.dtype or DTYPES}
            minima, machine = interleaved_minima(calls, asked.rounds, rest=0.0), rates(threads)
            lines = [judge(one, dtype, 1e9 * least / asked.rows, machine) for dtype, least in minima.items()]
            below += sum(share < target(one) for share, _ in lines)
            judged += [cells for _, cells in lines]
        print(f"\n{threads} thread(s), {asked.rows:,} rows: {below} of {len(judged)} below the share aimed at\n")
        print(table(HEADS, judged))
    print(f"\n{describe_machine()}")


if __name__ == "__main__":
    main()
