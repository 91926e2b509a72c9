"""Frozen reference kernels: what this machine can do, in the same process and minute as what is compared with it.

`read` touches memory and next to nothing else, `multiply_add` the arithmetic units alone, `roots` the divider alone.
They must never change: every committed floor is a ratio to one of them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numba import njit

from benchmarks.timing import repeat

try:
    from fastdrift.kernels.layout import LANES
    from fastdrift.kernels.vectors import fma, load, spread, square_root, store
except ModuleNotFoundError:  # --against a revision in which the package was one folder
    from fastdrift.lanes import LANES, fma, load, spread, square_root, store

# 128 MiB: beyond every cache but the largest servers' last one, which benchmarks of this size meet just so
READ_BYTES = 1 << 27
CHAINS = 12
ROUNDS = 1_000_000
# seconds over which a rate is taken
HELD = 0.05


@njit(nogil=True)
def read(numbers, result):
    """Add up an array, eight vectors at a time."""
    s_0 = s_1 = s_2 = s_3 = s_4 = s_5 = s_6 = s_7 = spread(0.0)
    for index in range(0, numbers.size, 8 * LANES):
        s_0 = s_0 + load(numbers, index)
        s_1 = s_1 + load(numbers, index + LANES)
        s_2 = s_2 + load(numbers, index + 2 * LANES)
        s_3 = s_3 + load(numbers, index + 3 * LANES)
        s_4 = s_4 + load(numbers, index + 4 * LANES)
        s_5 = s_5 + load(numbers, index + 5 * LANES)
        s_6 = s_6 + load(numbers, index + 6 * LANES)
        s_7 = s_7 + load(numbers, index + 7 * LANES)
    store(result, 0, ((s_0 + s_1) + (s_2 + s_3)) + ((s_4 + s_5) + (s_6 + s_7)))


@njit(nogil=True)
def multiply_add(rounds, factor, result):
    """Run twelve chains of fused multiply-adds, enough to hide the latency of one."""
    by, add = spread(factor), spread(1.0)
    s_0 = s_1 = s_2 = s_3 = s_4 = s_5 = s_6 = s_7 = s_8 = s_9 = s_10 = s_11 = spread(0.0)
    for _ in range(rounds):
        s_0, s_1, s_2, s_3 = fma(s_0, by, add), fma(s_1, by, add), fma(s_2, by, add), fma(s_3, by, add)
        s_4, s_5, s_6, s_7 = fma(s_4, by, add), fma(s_5, by, add), fma(s_6, by, add), fma(s_7, by, add)
        s_8, s_9, s_10, s_11 = fma(s_8, by, add), fma(s_9, by, add), fma(s_10, by, add), fma(s_11, by, add)
    total = ((s_0 + s_1) + (s_2 + s_3)) + ((s_4 + s_5) + (s_6 + s_7)) + ((s_8 + s_9) + (s_10 + s_11))
    store(result, 0, total)


@njit(nogil=True)
def roots(rounds, start, result):
    """Run four chains of square roots."""
    s_0 = s_1 = s_2 = s_3 = spread(start)
    for _ in range(rounds):
        s_0, s_1, s_2, s_3 = square_root(s_0), square_root(s_1), square_root(s_2), square_root(s_3)
    store(result, 0, (s_0 + s_1) + (s_2 + s_3))


@functools.cache
def _numbers() -> Any:
    return np.ones(READ_BYTES // 8)


def read_once() -> None:
    """Read `READ_BYTES` from memory."""
    result = np.empty(LANES)
    read(_numbers(), result)
    assert result.sum() == _numbers().size


def multiply_add_once() -> None:
    """Do `ROUNDS` rounds of `CHAINS` vector multiply-adds."""
    result = np.empty(LANES)
    multiply_add(ROUNDS, 0.5, result)
    assert np.all(result == 2.0 * CHAINS)


def roots_once() -> None:
    """Take `ROUNDS` times four vectors' square roots."""
    result = np.empty(LANES)
    roots(ROUNDS, 1.0, result)
    assert np.all(result == 4.0)


def at_once(call: Callable[[], None], threads: int, pool: ThreadPoolExecutor) -> None:
    """Run a call on several threads at the same time."""
    for done in [pool.submit(call) for _ in range(threads)]:
        done.result()


def rates(threads: int, rounds: int = 3) -> dict[str, float]:
    """Return bytes read, and numbers multiplied and added, or rooted, a second by `threads` threads together.

    These are rates that are held for a while: in its first milliseconds a processor may run faster than it can stay.
    """
    amounts = {
        "bytes": (read_once, READ_BYTES),
        "operations": (multiply_add_once, ROUNDS * CHAINS * LANES),
        "roots": (roots_once, ROUNDS * 4 * LANES),
    }
    best = dict.fromkeys(amounts, 0.0)
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(rounds):
            for name, (call, amount) in amounts.items():
                spent = list(repeat(functools.partial(at_once, call, threads, pool), HELD))
                best[name] = max(best[name], threads * amount * len(spent) / sum(spent))
    return best
