"""Threads of our own, what runs on them, and their scratch.

Nothing here depends on how many threads there are: a stream is cut into the same ranges for one thread as for eight,
and a range gives the same bits wherever it runs.
"""

from __future__ import annotations

import contextlib
import functools
import math
import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fastdrift.arrays import Floats
from fastdrift.errors import DataError
from fastdrift.kernels.layout import CACHE_LINE, Span

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

# numbers of input below which waking another thread costs more than it brings
INLINE_NUMBERS = 200_000
_SETTING = "FASTDRIFT_THREADS"
# bytes of those of x86-64, and of 64-bit ARM with pages of 4 KiB
HUGE_PAGE = 1 << 21


def default_threads() -> int:
    """Return the number of threads used unless a call says otherwise.

    ``FASTDRIFT_THREADS`` if set, else the processors this process may use: its affinity, within the container's quota.
    """
    return explain_threads()[0]


def explain_threads() -> tuple[int, str]:
    """Return the default number of threads and what decided it."""
    asked = os.environ.get(_SETTING, "").strip()
    if asked:
        if not asked.isdecimal() or int(asked) < 1:
            raise DataError(f"{_SETTING} is {asked!r}: set it to a whole number of at least 1, or unset it")
        return int(asked), _SETTING
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _cgroup_quota()
    if quota < affinity:
        return max(1, math.floor(quota)), "the container's CPU quota"
    return affinity, "the processors this process may run on"


def _cgroup_quota() -> float:
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
    except (OSError, ValueError):
        try:
            quota = Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us").read_text().strip()
            period = Path("/sys/fs/cgroup/cpu/cpu.cfs_period_us").read_text().strip()
        except OSError:
            return math.inf
    return int(quota) / int(period) if quota.isdigit() else math.inf


def check_threads(threads: int | None, n_numbers: float = math.inf) -> int:
    """Return the number of threads to use, from what a caller asked for, for an input of `n_numbers`."""
    if threads is None:
        # to read the container's quota takes longer than to score a small input, which stays on this thread anyway
        return default_threads() if n_numbers > INLINE_NUMBERS or _SETTING in os.environ else 1
    if isinstance(threads, bool) or not isinstance(threads, (int, np.integer)) or threads < 1:
        raise DataError(f"threads is {threads!r}: give a whole number of at least 1")
    return int(threads)


class _Pool:
    """The library's worker threads: made when first needed, and made anew in a forked child."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        # a forked child inherits an executor without threads, and perhaps a lock that nobody will open
        self.lock = threading.Lock()
        self.executor: ThreadPoolExecutor | None = None
        self.workers = 0

    def submit(self, task: Callable[[], None], copies: int) -> list[Future[None]]:
        """Submit `copies` copies of a task, none from a worker of ours or while the interpreter shuts down."""
        if copies < 1 or getattr(_local, "worker", False):
            return []
        futures: list[Future[None]] = []
        # while the interpreter shuts down it lets nobody import an executor for the first time, nor start a thread
        with contextlib.suppress(RuntimeError):
            executor = self._executor(copies)
            for _ in range(copies):
                futures.append(executor.submit(task))  # noqa: PERF401  # those before the one that fails count
        return futures

    def _executor(self, copies: int) -> ThreadPoolExecutor:
        from concurrent.futures import ThreadPoolExecutor

        with self.lock:
            if self.executor is None or self.workers < copies:
                # the old executor's threads end once its last user has let go of it
                self.executor, self.workers = ThreadPoolExecutor(copies, "fastdrift", _mark_worker), copies
            return self.executor


_local = threading.local()
_pool = _Pool()


def _mark_worker() -> None:
    _local.worker = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.reset)


def run_tasks(tasks: Sequence[Callable[[], Any]], threads: int) -> list[Any]:
    """Run tasks on up to `threads` threads, this one among them, and return their results in order."""
    if min(threads, len(tasks)) <= 1:
        return [task() for task in tasks]
    from concurrent.futures import wait  # it brings logging, which one thread does without

    results: list[Any] = [None] * len(tasks)
    upcoming = deque(range(len(tasks)))

    def work() -> None:
        try:
            while upcoming:
                try:
                    index = upcoming.popleft()
                except IndexError:  # another thread took the last one
                    return
                results[index] = tasks[index]()
        except BaseException:
            upcoming.clear()
            raise

    futures = _pool.submit(work, min(threads, len(tasks)) - 1)
    try:
        work()
    finally:
        running = [future for future in futures if not future.cancel()]
        wait(running)
    for future in running:
        future.result()
    return results


def run_spans(task: Callable[[Span], Any], spans: Sequence[Span], n_numbers: int, threads: int) -> list[Any]:
    """Run a task on every span; a small input stays on this thread."""
    return run_tasks([functools.partial(task, span) for span in spans], threads_for(n_numbers, threads))


def threads_for(n_numbers: int, threads: int) -> int:
    """Return how many threads an input of `n_numbers` is worth."""
    return threads if n_numbers > INLINE_NUMBERS else 1


def thread_scratch(size: int) -> Floats:
    """Return this thread's scratch of at least `size` doubles, aligned to a cache line; its content is garbage."""
    held: Floats | None = getattr(_local, "scratch", None)
    if held is None or held.size < size:
        held = _local.scratch = aligned_empty(size)
    return held


def aligned_empty(size: int) -> Floats:
    """Return `size` doubles, aligned to a cache line, or to a huge page if they fill one; their content is garbage.

    NumPy asks for huge pages, but what lies before the first and behind the last whole one comes in 4 KiB each: of a
    million new doubles that was most of the time of making them, 5 to 9 % of that of a score.
    """
    unit = HUGE_PAGE if 8 * size >= HUGE_PAGE else CACHE_LINE
    block = np.empty(size + unit // 8)
    start = -block.ctypes.data % unit // 8
    return block[start : start + size]
