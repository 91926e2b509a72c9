"""A case timed beside its reference, and what was compiled meanwhile."""

from __future__ import annotations

import functools
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from numba.core import event

from benchmarks.cases import Case
from benchmarks.reference import at_once, multiply_add_once, read_once
from benchmarks.timing import repeat

# a call is repeated for so many seconds in its turn
TURN = 0.02


def start_process() -> None:
    """Start Python, import numpy, and end."""
    subprocess.run([sys.executable, "-c", "import numpy"], check=True)


REFERENCES: dict[str, Callable[[], None]] = {
    "arithmetic": multiply_add_once,
    "memory": read_once,
    "process": start_process,
}


@functools.cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads)


def reference_call(case: Case) -> Callable[[], None]:
    """Return the call of a case's reference, on as many threads as the case has."""
    reference = REFERENCES[case.reference]
    return reference if case.threads == 1 else functools.partial(at_once, reference, case.threads, _pool(case.threads))


class Lap(NamedTuple):
    """The least seconds of a case and of its reference in one turn or several, and what was compiled in them."""

    seconds: float = float("inf")
    reference: float = float("inf")
    compiled: tuple[str, ...] = ()

    @property
    def speed(self) -> float:
        """How many times the case would fit into the time of its reference."""
        return self.reference / self.seconds

    def better(self, other: Lap) -> Lap:
        """Return the best of two laps."""
        compiled = self.compiled + other.compiled
        return Lap(min(self.seconds, other.seconds), min(self.reference, other.reference), compiled)


class Timer:
    """A prepared case; `lap` times it once."""

    def __init__(self, case: Case) -> None:
        self.call, self.reference = case.prepare(), reference_call(case)
        self.call()
        self.reference()

    def lap(self) -> Lap:
        """Time the case between two turns of its reference."""
        before = min(repeat(self.reference, TURN / 2))
        with event.install_recorder("numba:compile") as recorder:
            spent = min(repeat(self.call, TURN))
        compiled = [one.data["dispatcher"].py_func.__name__ for _, one in recorder.buffer if one.is_start]
        return Lap(spent, min(before, *repeat(self.reference, TURN / 2)), tuple(compiled))
