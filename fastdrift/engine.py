"""Threads, ranges of rows, compiled kernels and their scratch: everything between a table and a kernel.

Nothing here depends on how many threads there are: a stream is cut into the same ranges for one thread as for eight,
and a range gives the same bits wherever it runs.
"""

from __future__ import annotations

import functools
import math
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fastdrift.errors import DataError

Floats = npt.NDArray[np.float64]
Span = tuple[int, int, int, int]  # block, end block, row, end row

LANES = 8
# numbers of scratch below which a block stays in a second-level cache; of a longer one only a tile is held at a time
CACHED_NUMBERS = 131_072
# rows of the longest window whose suffixes are made in one piece, and of the tiles of longer ones. The arithmetic, and
# so every bit, depends on them, which is why they depend on nothing but the window
WHOLE_ROWS, TILE_ROWS, MAX_TILES = 128, 64, 1024
# numbers of input in a range: small enough to share out and to convert in pieces, large enough to forget the overhead
RANGE_NUMBERS = 1 << 19
# ranges a short stream is cut into, so that several threads have something to do
MIN_RANGES = 16
# the first of a lane's blocks is read only for the suffixes of the next, which long windows make dear: ranges of theirs
# have this many blocks a lane at least, as far as that leaves numbers, and ranges, to this extent
LONG_STEPS, LONG_NUMBERS, LONG_RANGES = 6, 1 << 22, 4
# numbers of input below which waking another thread costs more than it brings
INLINE_NUMBERS = 200_000


def default_threads() -> int:
    """Return the number of threads used unless a call says otherwise.

    ``FASTDRIFT_THREADS`` if set, else the processors this process may use: its affinity, within the container's quota.
    """
    return explain_threads()[0]


def explain_threads() -> tuple[int, str]:
    """Return the default number of threads and what decided it."""
    asked = os.environ.get("FASTDRIFT_THREADS", "").strip()
    if asked:
        if not asked.isdecimal() or int(asked) < 1:
            raise DataError(f"FASTDRIFT_THREADS is {asked!r}: set it to a whole number of at least 1, or unset it")
        return int(asked), "FASTDRIFT_THREADS"
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


def check_threads(threads: int | None) -> int:
    """Return the number of threads to use, from what a caller asked for."""
    if threads is None:
        return default_threads()
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
        with self.lock:
            if self.executor is None or self.workers < copies:
                # the old executor's threads end once its last user has let go of it
                self.executor, self.workers = ThreadPoolExecutor(copies, "fastdrift", _mark_worker), copies
            executor = self.executor
        try:
            return [executor.submit(task) for _ in range(copies)]
        except RuntimeError:
            return []


_local = threading.local()
_pool = _Pool()
_compiling = threading.Lock()
_kernels: dict[tuple[str, np.dtype[Any] | None], Callable[..., Any]] = {}


def _mark_worker() -> None:
    _local.worker = True


def _after_fork() -> None:
    global _compiling  # noqa: PLW0603  # the parent's may be held by a thread that is not here
    _compiling = threading.Lock()
    _pool.reset()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def run(tasks: Sequence[Callable[[], Any]], threads: int) -> list[Any]:
    """Run tasks on up to `threads` threads, this one among them, and return their results in order."""
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
    return run([functools.partial(task, span) for span in spans], threads_for(n_numbers, threads))


def threads_for(n_numbers: int, threads: int) -> int:
    """Return how many threads an input of `n_numbers` is worth."""
    return threads if n_numbers > INLINE_NUMBERS else 1


def scratch(size: int) -> Floats:
    """Return this thread's scratch of at least `size` doubles, aligned to a cache line; its content is garbage."""
    held: Floats | None = getattr(_local, "scratch", None)
    if held is None or held.size < size:
        held = _local.scratch = empty(size)
    return held


def empty(size: int) -> Floats:
    """Return `size` doubles, aligned to a cache line; their content is garbage."""
    block = np.empty(size + LANES)
    start = -block.ctypes.data % 64 // 8
    return block[start : start + size]


@dataclass(frozen=True)
class Plan:
    """How windows of `window` rows over `n_columns` columns are worked on."""

    window: int
    n_columns: int
    n_slots: int
    tile: int
    held: int
    sizes: tuple[int, ...]
    tables: Floats

    @property
    def scratch_size(self) -> int:
        """Number of doubles a sweep needs beside its input and output."""
        return sum(self.sizes)


@functools.lru_cache(maxsize=64)
def make_plan(window: int, n_columns: int, n_slots: int, width: int) -> Plan:
    """Plan a sweep whose results are `width` numbers a window."""
    tile = tile_rows(window)
    held = window if window * n_slots * 20 <= CACHED_NUMBERS or window <= tile else tile + 1
    n_tiles = max(1, (window - 2 + tile) // tile)
    padded = -(-2 * n_columns // 4) * 4
    sizes = (
        held * n_slots * LANES,  # rows of this block
        held * n_slots * LANES,  # rows of the block before
        (tile // 4 + 1) * n_columns * 2 * LANES,  # suffixes after every group of a tile
        n_tiles * n_columns * 2 * LANES,  # suffixes behind the tiles
        n_columns * LANES,  # the suffixes' anchors
        n_columns * LANES,  # those of the suffixes of this block
        n_columns * 3 * LANES,  # the prefixes and their anchors
        padded * 4 * LANES,  # features of a group
        (tile + 8 if width <= 1 else 4 * width) * LANES,  # results of a tile, or of a group of four rows
        2 * LANES,  # the bounds of what is wanted
    )
    return Plan(window, n_columns, n_slots, tile, held, sizes, _tables(window))


def tile_rows(window: int) -> int:
    """Return the rows of a tile: of the whole block, rounded up to a multiple of four, if the window is short."""
    rows = window - 1 if window <= WHOLE_ROWS else max(TILE_ROWS, window // MAX_TILES)
    return -(-rows // 4) * 4


def distance_sizes(n_columns: int) -> tuple[int, ...]:
    """Return the sizes of the scratch that distances of plain rows need."""
    padded = -(-n_columns // 4) * 4
    return (16 * 2 * n_columns * LANES, 0, 0, 0, 0, 0, 0, padded * 4 * LANES, 24 * LANES, 2 * LANES)


def _tables(window: int) -> Floats:
    row = np.arange(window, dtype=np.float64)
    tables = np.stack([1 / (row + 1), row / (row + 1), (row + 1) / window, (row + 1) * (window - 1 - row) / window], 1)
    tables.setflags(write=False)
    return tables.ravel()


def spans(n_rows: int, window: int, n_columns: int, row: int = 0, n_ranges: int = MIN_RANGES) -> Iterator[Span]:
    """Cut the windows that end in rows `row` … `n_rows` - 1 into spans: (block, end block, row, end row).

    There will be `n_ranges` or more if that leaves a block a lane.
    """
    row = max(window - 1, row)
    if row >= n_rows:
        return
    first_block, end_block = row // window, -(-n_rows // window)
    step_numbers, n_steps = LANES * window * n_columns, (end_block - first_block) // LANES
    by_size = max(RANGE_NUMBERS // step_numbers, min(LONG_STEPS, LONG_NUMBERS // step_numbers))
    by_share = max(n_steps // n_ranges, min(LONG_STEPS, n_steps // LONG_RANGES))
    blocks = LANES * max(1, min(by_size, by_share))
    for block in range(first_block, end_block, blocks):
        end = min(block + blocks, end_block)
        yield block, end, max(row, block * window), min(n_rows, end * window)


def kernel(name: str, dtype: npt.DTypeLike | None = None) -> Callable[..., Any]:
    """Return a kernel compiled for rows of `dtype`, or loaded from the cache."""
    key = name, None if dtype is None else np.dtype(dtype)
    found = _kernels.get(key)
    if found is None:
        with _compiling:
            if key not in _kernels:
                # numba costs half a second: only when something is computed
                from fastdrift.compilation import compile_kernel

                _kernels[key] = compile_kernel(*key)
            found = _kernels[key]
    return found


def layout_of(rows: npt.NDArray[Any], columns: npt.NDArray[np.int64]) -> tuple[int, npt.NDArray[np.int64]]:
    """Return how a kernel may read `rows`, and the places its columns get in scratch."""
    n_columns, itemsize = rows.shape[1], rows.itemsize
    if rows.strides == (itemsize * n_columns, itemsize) and n_columns <= 2 * columns.size:
        return 0, columns
    return (1 if rows.strides[0] == itemsize else 2), np.arange(columns.size)
