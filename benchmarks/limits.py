"""What a machine can do at most for a row: rates of its units, measured, and what a row needs of each.

These work beside each other: memory, the multipliers, all arithmetic units together (which add and shuffle, too),
those that shuffle, and the divider, which makes roots. A row takes no less than the one that it keeps busy for longest.
Each rate is that of a short kernel that wants one thing alone, without waiting for results and with all numbers in the
nearest cache, timed in the same run as the scores. Mixtures of them on a Zen 4 took what this says: as many additions
as multiply-adds went on beside them at no cost, and 60 multiply-adds beside four roots; a transposed tile of 24
shuffles took 15 multiply-adds' time where multipliers were busy, and 20 where all units were. Loads and stores have
units of their own and are not counted: some 25 and 13 a column and four windows, for 43 products, fewer in the solve.

Roots are made by the divider or by multiplication, whose price is what it adds to multiply-adds that keep the
multipliers busy. How many of four are made which way is the choice of whoever writes the kernel: the limit is that of
the best.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from benchmarks.reference import CHAINS, READ_BYTES, multiply_add, numbers_read, on_threads, read
from benchmarks.work import interleaved_minima
from fastdrift.kernels.layout import LANES
from fastdrift.kernels.vectors import fma, load, roots_of_group, spread, square_root, store, transpose

# seconds that a kernel is repeated for in its turn
TURN = 0.03
TILE = LANES * LANES
# of full length: a processor may leave its divider early where a root is a short number, as that of 1 is
VALUES = np.random.default_rng(0).lognormal(sigma=3.0, size=16 * TILE)
ROOTS = np.sqrt(VALUES).reshape(-1, LANES).sum(axis=0)
# multiply-adds that keep the multipliers busy beside four roots
BESIDE = 40
# of four roots, those that may be made by multiplication
SHARES = 0.0, 0.25, 0.5


@njit(nogil=True)
def add_and_multiply_add(rounds, factor, result):
    """Run six chains of additions beside six of fused multiply-adds."""
    by, add = spread(factor), spread(1.0)
    s_0 = s_1 = s_2 = s_3 = s_4 = s_5 = s_6 = s_7 = s_8 = s_9 = s_10 = s_11 = spread(0.0)
    for _ in range(rounds):
        s_0, s_1, s_2, s_3 = fma(s_0, by, add), s_1 + add, fma(s_2, by, add), s_3 + add
        s_4, s_5, s_6, s_7 = fma(s_4, by, add), s_5 + add, fma(s_6, by, add), s_7 + add
        s_8, s_9, s_10, s_11 = fma(s_8, by, add), s_9 + add, fma(s_10, by, add), s_11 + add
    total = ((s_0 + s_1) + (s_2 + s_3)) + ((s_4 + s_5) + (s_6 + s_7)) + ((s_8 + s_9) + (s_10 + s_11))
    store(result, 0, total)


@njit(nogil=True)
def divider_roots(rounds, values, result):
    """Add up square roots that the divider makes."""
    total = spread(0.0)
    for _ in range(rounds):
        for at in range(0, values.size, 4 * LANES):
            root_0, root_1 = square_root(load(values, at)), square_root(load(values, at + LANES))
            root_2, root_3 = square_root(load(values, at + 2 * LANES)), square_root(load(values, at + 3 * LANES))
            total = total + ((root_0 + root_1) + (root_2 + root_3))
    store(result, 0, total)


@njit(nogil=True)
def roots_beside(rounds, values, factor, result):
    """Add up square roots, every other made by multiplication, beside ten multiply-adds for each."""
    total, by, add = spread(0.0), spread(factor), spread(1.0)
    s_0 = s_1 = s_2 = s_3 = s_4 = s_5 = s_6 = s_7 = s_8 = s_9 = spread(0.0)
    for _ in range(rounds):
        for at in range(0, values.size, 4 * LANES):
            first, second = load(values, at), load(values, at + LANES)
            third, fourth = load(values, at + 2 * LANES), load(values, at + 3 * LANES)
            root_0, root_1, root_2, root_3 = roots_of_group(first, second, third, fourth)
            for _ in range(BESIDE // 10):
                s_0, s_1, s_2, s_3 = fma(s_0, by, add), fma(s_1, by, add), fma(s_2, by, add), fma(s_3, by, add)
                s_4, s_5, s_6, s_7 = fma(s_4, by, add), fma(s_5, by, add), fma(s_6, by, add), fma(s_7, by, add)
                s_8, s_9 = fma(s_8, by, add), fma(s_9, by, add)
            total = total + ((root_0 + root_1) + (root_2 + root_3))
    chains = ((s_0 + s_1) + (s_2 + s_3)) + ((s_4 + s_5) + (s_6 + s_7)) + (s_8 + s_9)
    store(result, 0, total + (chains - spread(20.0)))


@njit(nogil=True)
def turn(rounds, values, target, result):
    """Transpose tiles."""
    for _ in range(rounds):
        for at in range(0, values.size, TILE):
            transpose(values, at * 8, LANES * 8, target, at, LANES)
    store(result, 0, load(target, 0))


class Measure(NamedTuple):
    """How much of something a call does, the call, and what its result must be."""

    amount: int
    kernel: Callable[..., None]
    arguments: Callable[[], list[Any]]
    expected: Any

    def call(self, threads: int) -> Callable[[], Any]:
        """Return the call that does it on threads, done once and checked."""
        result = np.empty(LANES)
        run = functools.partial(self.kernel, *self.arguments(), result)
        run()
        np.testing.assert_allclose(result, self.expected, rtol=1e-9)
        return run if threads == 1 else on_threads(run, threads)


# calls are short, so that some are not interrupted on a machine that has other work
LOOPS, PASSES = 300_000, 1_500
MEASURES = {
    "bytes": Measure(READ_BYTES, read, lambda: [numbers_read()], READ_BYTES // 8 // LANES),
    "products": Measure(CHAINS * LANES * LOOPS, multiply_add, lambda: [LOOPS, 0.5], 2 * CHAINS),
    "operations": Measure(CHAINS * LANES * LOOPS, add_and_multiply_add, lambda: [LOOPS, 0.5], 6 * LOOPS + 12.0),
    "roots": Measure(PASSES * VALUES.size, divider_roots, lambda: [PASSES, VALUES], PASSES * ROOTS),
    "roots beside": Measure(PASSES * VALUES.size, roots_beside, lambda: [PASSES, VALUES, 0.5], PASSES * ROOTS),
    "turned": Measure(
        5 * PASSES * VALUES.size, turn, lambda: [5 * PASSES, VALUES, np.empty(VALUES.size)], VALUES[:TILE:LANES]
    ),
}


def rates(threads: int, rounds: int = 3) -> dict[str, float]:
    """Return bytes, and numbers multiplied and added, or rooted, or …, a second by `threads` threads together.

    "multiplied roots" are those made by multiplication, where the multipliers have nothing else to do.
    """
    calls = {name: measure.call(threads) for name, measure in MEASURES.items()}
    least = interleaved_minima(calls, rounds, rest=0.0, turn=TURN)
    found = {name: threads * MEASURES[name].amount / seconds for name, seconds in least.items()}
    # two of four roots are, with ten multiply-adds for each of the four
    by_multiplication = 2 * (1 / found["roots beside"] - BESIDE / 4 / found["products"])
    return found | {"multiplied roots": 1 / by_multiplication}


def need(n_columns: int, itemsize: int) -> dict[str, int | float]:
    """Count what a row needs; the length of the window plays no part.

    A column, for four windows: three merges of quads, prefixes and suffixes, what tells the rest from the quad's first
    row, centring and scaling take 34 additions, 14 multiplications and 29 fused multiply-adds, and there are 4 roots.
    Then p = 2 × columns features: p (p - 1) / 2 fused multiply-adds to solve, p to add up squares, 1 root. Numbers are
    transposed on their way in, results on their way out, by 3 shuffles each. A fused multiply-add is two flops. Only
    what the method needs is counted: no suffix that is made twice, no unused half of a group.
    """
    n_features = 2 * n_columns
    fused = n_columns * 29 / 4 + n_features * (n_features - 1) // 2 + n_features
    sums, products, roots = n_columns * 34 / 4, n_columns * 14 / 4 + fused, n_columns + 1
    counts = {"sums": sums, "products": products, "roots": roots, "turned": n_columns + 1}
    return counts | {"bytes": n_columns * itemsize + 8, "flops": sums + products + fused + roots}


def unit_times(needed: dict[str, int | float], machine: dict[str, float], multiplied: float) -> dict[str, float]:
    """Return for how long a row keeps each unit busy, in seconds, if this share of its roots is made by multiplying."""
    own = multiplied * needed["roots"] / machine["multiplied roots"]
    operations = needed["sums"] + needed["products"] + 3 * needed["turned"]
    return {
        "memory": needed["bytes"] / machine["bytes"],
        "multipliers": needed["products"] / machine["products"] + own,
        # what a root costs the multipliers it costs all units that are as many
        "all units": operations / machine["operations"] + own * machine["products"] / machine["operations"],
        "shuffles": needed["turned"] / machine["turned"],
        "divider": (1 - multiplied) * needed["roots"] / machine["roots"],
    }


def limit(n_columns: int, itemsize: int, machine: dict[str, float]) -> tuple[dict[str, float], str]:
    """Return for how long a row keeps each unit busy in the best way to make its roots, and which one longest."""
    needed = need(n_columns, itemsize)
    best = min((unit_times(needed, machine, share) for share in SHARES), key=lambda times: max(times.values()))
    return best, max(best, key=best.__getitem__)
