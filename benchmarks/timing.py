"""Timing on noisy machines: calls take turns, and the least of each is compared."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

# glibc keeps what is freed: else the cost of new pages decides, which is up to that of the work and differs by the hour
KEEPING = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(1 << 40)}
# OpenMP and BLAS threads of the call before still spin for a while
REST = 0.2


def seconds(call: Callable[[], Any]) -> float:
    """Return how long one call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def repeat(call: Callable[[], Any], patience: float) -> Iterator[float]:
    """Yield the seconds of one call after the other until `patience` is spent, of one at least."""
    end = time.perf_counter() + patience
    yield seconds(call)
    while time.perf_counter() < end:
        yield seconds(call)


def interleaved_minima(
    calls: dict[str, Callable[[], Any]], rounds: int, *, rest: float = REST, turn: float = 0.0
) -> dict[str, float]:
    """Return the least seconds of each call; they take turns, so that the machine's moods hit all alike.

    In its turn a call is repeated until `turn` seconds are spent.
    """
    best = dict.fromkeys(calls, float("inf"))
    for _ in range(rounds):
        for name, call in calls.items():
            time.sleep(rest)
            best[name] = min(best[name], *repeat(call, turn))
    return best


def keep_memory(module: str) -> None:
    """Start this process, which runs `module`, anew with an allocator that keeps what is freed, if it is glibc's."""
    if platform.libc_ver()[0] == "glibc" and not os.environ.keys() & KEEPING.keys():
        os.execve(sys.executable, [sys.executable, "-m", module, *sys.argv[1:]], os.environ | KEEPING)  # noqa: S606


def usual_environment() -> dict[str, str]:
    """Return the environment without what `keep_memory` has set, for processes whose memory is measured."""
    return {name: value for name, value in os.environ.items() if name not in KEEPING}


def describe_machine(packages: Iterable[str] = ("numpy", "numba")) -> str:
    """Return the machine, and the versions of Python and of packages, in a line."""
    versions = ", ".join(f"{name} {version_of(name) or 'not installed'}" for name in packages)
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {versions}"


def version_of(package: str) -> str | None:
    """Return a package's version, or None where it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
