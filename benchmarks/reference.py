"""Frozen reference kernels: what this machine can do, in the same process and minute as what is compared with it.

`read` touches memory and next to nothing else, `multiply_add` the arithmetic units alone.
They must never change: every committed floor is a ratio to one of them.
"""

import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numba import njit

try:
    from fastdrift.kernels.layout import LANES
    from fastdrift.kernels.vectors import fma, load, spread, store
except ModuleNotFoundError:  # --against a revision in which the package was one folder
    from fastdrift.lanes import LANES, fma, load, spread, store

# 128 MiB: beyond every cache but the largest servers' last one, which benchmarks of this size meet just so
READ_BYTES = 1 << 27
CHAINS = 12
ROUNDS = 1_000_000


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


numbers_read = functools.cache(lambda: np.ones(READ_BYTES // 8))

# what a call of a kernel does, how much of it, the kernel, what it takes, and what its result adds up to
KERNELS = {
    "bytes": (READ_BYTES, read, lambda: [numbers_read()], READ_BYTES // 8),
    "operations": (ROUNDS * CHAINS * LANES, multiply_add, lambda: [ROUNDS, 0.5], 2 * CHAINS * LANES),
}


def run_kernel(name: str) -> None:
    """Run a kernel once, and check what comes out."""
    _, kernel, arguments, expected = KERNELS[name]
    result = np.empty(LANES)
    kernel(*arguments(), result)
    assert result.sum() == expected


def on_threads(call: Callable[[], Any], threads: int) -> Callable[[], Any]:
    """Return the call that runs another on several threads at the same time."""
    pool = ThreadPoolExecutor(threads)
    return lambda: [running.result() for running in [pool.submit(call) for _ in range(threads)]]
