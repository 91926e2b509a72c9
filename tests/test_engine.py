"""Threads, ranges, forks and caches change nothing but the time it takes."""

from __future__ import annotations

import multiprocessing
import re
import shutil
import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from oracle import telemetry

import fastdrift as fd
from fastdrift.engine import compiled, plan, threads
from fastdrift.kernels import keeping

# two kernels that are quick to compile; scoring and fitting get theirs in the same way
MEASURE = """
import warnings, numpy as np
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import fastdrift as fd
    rows = np.random.default_rng(0).normal(size=(2_000, 2))
    distances = fd.mahalanobis(rows, [0.0, 0.0], np.eye(2))
    fd.mahalanobis(rows[::2], [0.0, 0.0], np.eye(2))
print(distances.tobytes().hex()[:256], *(f"{note.category.__name__}: {note.message}" for note in caught), sep="\\n")
"""


# Ranges


@pytest.mark.parametrize("window", [2, 7, 50, 5_000])
@pytest.mark.parametrize("n_columns", [1, 8, 300])
@pytest.mark.parametrize(("row", "n_rows"), [(0, 0), (0, 1), (0, 49), (0, 123_456), (777, 123_457), (99_999, 100_000)])
def test_ranges_cover_every_window_once_and_in_order(window, n_columns, row, n_rows):
    ends = []
    first = max(row, window - 1)
    for block, end_block, start, stop in plan.cut_spans(first, n_rows, window, n_columns):
        assert block * window <= start < stop <= end_block * window
        ends.append((start, stop))
    if first >= n_rows:
        assert ends == []
        return
    assert ends[0][0] == first
    assert ends[-1][1] == n_rows
    assert all(one[1] == other[0] for one, other in pairwise(ends))


# Threads


def test_threads_come_from_the_call_then_the_environment_then_the_machine(monkeypatch):
    monkeypatch.setenv("FASTDRIFT_THREADS", "3")
    assert threads.default_threads() == threads.check_threads(None) == 3
    assert threads.check_threads(np.int64(2)) == 2
    monkeypatch.delenv("FASTDRIFT_THREADS")
    count, reason = threads.explain_threads()
    assert count >= 1
    assert "processors" in reason or "quota" in reason


def quota_of(monkeypatch, files, processors):
    """Return the default number of threads where `files` are all that a container's quota is told in."""

    class Told:
        def __init__(self, path):
            self.path = path

        def read_text(self):
            if self.path not in files:
                raise FileNotFoundError(self.path)
            return files[self.path]

    monkeypatch.delenv("FASTDRIFT_THREADS", raising=False)
    monkeypatch.setattr(threads, "Path", Told)
    monkeypatch.setattr(threads.os, "sched_getaffinity", lambda _: range(processors), raising=False)
    return threads.explain_threads()


@pytest.mark.parametrize(
    ("quota", "period", "expected"),
    [("350000", "100000", 3), ("50000", "100000", 1), ("200000", "50000", 4), ("900000", "100000", 8)],
)
def test_a_container_may_use_its_quota_of_processors_a_period(monkeypatch, quota, period, expected):
    folder = "/sys/fs/cgroup/cpu"
    second = {f"{folder}.max": f"{quota} {period}\n"}
    first = {f"{folder}/cpu.cfs_quota_us": f"{quota}\n", f"{folder}/cpu.cfs_period_us": f"{period}\n"}
    for files in (second, first):
        count, reason = quota_of(monkeypatch, files, processors=8)
        assert count == expected
        assert ("quota" in reason) == (expected < 8)


@pytest.mark.parametrize("files", [{}, {"/sys/fs/cgroup/cpu.max": "max 100000\n"}])
def test_without_a_quota_all_processors_may_be_used(monkeypatch, files):
    assert quota_of(monkeypatch, files, processors=8) == (8, "the processors this process may run on")


@pytest.mark.parametrize("value", ["0", "-1", "two", "1.5"])
def test_a_number_of_threads_that_is_none_is_an_error_wherever_it_comes_from(monkeypatch, value):
    monkeypatch.setenv("FASTDRIFT_THREADS", value)
    with pytest.raises(fd.DataError, match=r"FASTDRIFT_THREADS is .*: set it to a whole number of at least 1"):
        fd.rolling_mean(np.zeros(10), 2)


def test_tasks_are_shared_out_and_their_results_keep_their_order():
    seen = set()

    def task(number):
        seen.add(threading.get_ident())
        time.sleep(0.02)
        return number

    tasks = [partial(task, number) for number in range(12)]
    assert threads.run_tasks(tasks, 4) == list(range(12))
    assert 1 < len(seen) <= 4
    assert threads.run_tasks([], 4) == []


def test_one_thread_is_the_callers_own():
    assert threads.run_tasks([threading.get_ident] * 5, 1) == [threading.get_ident()] * 5


def test_an_error_in_a_task_reaches_the_caller_and_ends_the_rest():
    done = []

    def fail():
        raise KeyError("broken")

    def slow():
        time.sleep(0.01)
        done.append(1)

    with pytest.raises(KeyError, match="broken"):
        threads.run_tasks([slow, fail, *[slow] * 500], 2)
    assert len(done) < 100
    assert threads.run_tasks([lambda: 1], 2) == [1]


def test_a_call_from_one_of_the_pools_own_workers_runs_inline(model, rows):
    expected = fd.score(model, rows).tobytes()

    def inside():
        own = threading.get_ident()
        nested = threads.run_tasks([threading.get_ident] * 20, 4)
        time.sleep(0.05)
        return (
            threading.current_thread().name,
            set(nested) == {own},
            fd.score(model, rows, threads=4).tobytes() == expected,
        )

    results = threads.run_tasks([inside] * 6, 3)
    workers = [result for result in results if result[0].startswith("fastdrift")]
    assert workers
    assert all(inline for _, inline, _ in workers)
    assert all(same for _, _, same in results)


def test_many_threads_that_score_at_once_get_the_same_bytes(model, rows):
    expected = fd.score(model, rows).tobytes()

    def job(number):
        rolling = fd.rolling_mean(rows[: 100 + 7 * number], 2 + number)  # scratch of other sizes in between
        return fd.score(model, rows, threads=1 + number % 4).tobytes() == expected and len(rolling) == 100 + 7 * number

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(job, range(40)))


def _thread_after_a_pause():
    time.sleep(0.02)
    return threading.get_ident()


def _score_in_child(model, rows, queue):
    workers = set(threads.run_tasks([_thread_after_a_pause] * 8, 4))
    queue.put((fd.score(model, rows, threads=4).tobytes(), len(workers)))


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="this system has no fork")
# Python 3.12 and later warn of any fork while threads run, which is what this test is about
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_scores_after_its_parent_has_used_the_pool(model, rows):
    expected = fd.score(model, rows, threads=4).tobytes()
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_score_in_child, args=(model, rows, queue))
    child.start()
    try:
        scores, n_workers = queue.get(timeout=60)
        assert scores == expected
        assert n_workers > 1  # a pool of its own
        child.join(timeout=60)
        assert child.exitcode == 0
    finally:
        child.kill()


def _load_in_child(queue):
    compiled._kernels.clear()
    queue.put(compiled.kernel("cholesky") is not None)


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_child_that_is_forked_while_a_kernel_is_compiled_can_load_its_own():
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_load_in_child, args=(queue,))
    with compiled._compiling:  # as a thread that compiles holds it, which is not there in the child
        child.start()
        try:
            assert queue.get(timeout=30)
        finally:
            child.kill()


def test_scoring_while_the_interpreter_shuts_down_works(run_python):
    code = """
import atexit, numpy as np, fastdrift as fd
rows = np.random.default_rng(0).normal(size=(60_000, 5))
model = fd.fit(rows, window=50, threads=4)
atexit.register(lambda: print(np.isfinite(fd.score(model, rows, threads=4)).sum()))
"""
    assert run_python(code).split() == ["59951"]


# Memory

GUARDED = """
import ctypes, mmap, numpy as np, fastdrift as fd

def before_a_forbidden_page(rows, order):
    size = -(-rows.nbytes // mmap.PAGESIZE) * mmap.PAGESIZE
    memory = mmap.mmap(-1, size + mmap.PAGESIZE)
    forbidden = ctypes.addressof(ctypes.c_char.from_buffer(memory)) + size
    assert ctypes.CDLL(None).mprotect(ctypes.c_void_p(forbidden), mmap.PAGESIZE, 0) == 0
    guarded = np.ndarray(rows.shape, rows.dtype, memory, size - rows.nbytes, order=order)
    guarded[...] = rows
    return guarded

for window in (2, 3, 7, 8, 9, 50):
    for n_columns in (1, 2, 3, 8, 9):
        for n_rows in (window, window + 1, 8 * window, 9 * window - 1, 17 * window + 3):
            rows = np.random.default_rng(0).normal(size=(n_rows, n_columns))
            expected = fd.rolling_std(rows, window).tobytes()
            for order in "CF":
                guarded = before_a_forbidden_page(rows, order)
                assert fd.rolling_std(guarded, window).tobytes() == expected
                fd.mahalanobis(guarded, np.zeros(n_columns), np.eye(n_columns))
print("unharmed")
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="forbids a page by a call of Linux")
def test_kernels_read_nothing_behind_the_table(run_python):
    assert run_python(GUARDED).split() == ["unharmed"]


# The cache of compiled kernels


@pytest.fixture(scope="module")
def filled_cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


def test_kernels_are_kept_where_the_environment_says_and_loaded_from_there(filled_cache, run_python):
    first = run_python(MEASURE, FASTDRIFT_CACHE_DIR=str(filled_cache))
    files = {path.name: path.stat().st_mtime_ns for path in filled_cache.rglob("*.*")}
    assert len(first.split("\n")) == 2, "there was a warning"
    assert len(files) == 2  # kernels
    assert run_python(MEASURE, FASTDRIFT_CACHE_DIR=str(filled_cache)) == first
    assert {path.name: path.stat().st_mtime_ns for path in filled_cache.rglob("*.*")} == files


def test_without_a_writable_cache_everything_works_with_one_warning(tmp_path, run_python):
    # below a regular file not even root can make a directory
    blocked = tmp_path / "file"
    blocked.write_text("")
    output = run_python(MEASURE, HOME=str(blocked / "home"), FASTDRIFT_CACHE_DIR=str(blocked / "x"))
    first, *notes = output.strip().split("\n")
    assert len(first) == 256
    assert len(notes) == 1
    assert notes[0].startswith("DriftWarning: no place to keep compiled kernels is writable")
    assert "FASTDRIFT_CACHE_DIR" in notes[0]


def test_scratch_is_aligned_grows_and_is_a_threads_own():
    held = threads.thread_scratch(1_000)
    assert held.size >= 1_000
    assert held.ctypes.data % 64 == 0
    assert threads.thread_scratch(10) is held
    assert threads.thread_scratch(10 * held.size).size >= 10 * held.size
    with ThreadPoolExecutor(1) as pool:
        assert not np.shares_memory(pool.submit(threads.thread_scratch, 10).result(), threads.thread_scratch(10))


def test_scores_near_overflow_raise_no_warning_of_numpy():
    rows = telemetry(2_000, 2, seed=1)
    model = fd.fit(rows, window=10)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scores = fd.score(model, rows * 1e150)
    assert not np.isnan(scores[9:]).any()


# The digest that names the cache

KERNEL_FILES = sorted(path.name for path in Path(keeping.__file__).parent.glob("*.py"))


@pytest.mark.parametrize("name", KERNEL_FILES)
def test_a_change_in_any_file_of_the_kernels_gives_a_new_cache(tmp_path, monkeypatch, name):
    folder = shutil.copytree(Path(keeping.__file__).parent, tmp_path / "kernels")
    monkeypatch.setattr(keeping, "_HERE", folder)
    digests = []
    for text in ("", "\n# changed\n"):
        with (folder / name).open("a") as file:
            file.write(text)
        keeping.code_digest.cache_clear()
        digests.append(keeping.code_digest())
    monkeypatch.undo()
    keeping.code_digest.cache_clear()
    assert digests[0] == keeping.code_digest() != digests[1]


def test_every_jitted_function_is_in_the_folder_that_the_digest_is_of():
    package = Path(fd.__file__).parent
    jitted = {
        path.parent.name for path in package.rglob("*.py") if re.search(r"\bn?jit\(|@jit|@inline", path.read_text())
    }
    assert jitted == {"kernels"}
