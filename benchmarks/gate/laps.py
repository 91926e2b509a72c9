"""Cases timed beside their references, here or in processes that have the fastdrift of another revision."""

import runpy
import shutil
import subprocess
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

from numba.core import event

from benchmarks import ROOT
from benchmarks.cases import CASES, Case
from benchmarks.reference import on_threads, run_kernel
from benchmarks.work import Call, interleaved_minima

# a call is repeated for so many seconds in its turn
TURN = 0.02
REFERENCES = {
    "arithmetic": partial(run_kernel, "operations"),
    "memory": partial(run_kernel, "bytes"),
    "process": partial(subprocess.run, [sys.executable, "-c", "import numpy"], check=True),
}


class GateError(ValueError):
    """Floors, a suite or a revision that can't be used, or a case that failed in another process."""


class Lap(NamedTuple):
    """The least seconds of a case, the times it fits into its reference's least, and what was compiled meanwhile."""

    seconds: float
    speed: float
    compiled: tuple[str, ...] = ()


def reference_call(case: Case) -> Call:
    """Return the call of a case's reference, on as many threads as the case has."""
    reference = REFERENCES[case.reference]
    return reference if case.threads == 1 else on_threads(reference, case.threads)


def prepare_lap(case: Case) -> Callable[[int], Lap]:
    """Prepare a case, and return the call that times it in turns with its reference, for some rounds."""
    calls = {"reference": reference_call(case), "case": case.prepare()}
    for call in calls.values():
        call()

    def lap(rounds: int) -> Lap:
        with event.install_recorder("numba:compile") as recorder:
            least = interleaved_minima(calls, rounds, rest=0.0, turn=TURN)
        compiled = {one.data["dispatcher"].py_func.__name__ for _, one in recorder.buffer if one.is_start}
        return Lap(least["case"], least["reference"] / least["case"], tuple(sorted(compiled)))

    return lap


def measure(case: Case, rounds: int) -> Lap:
    return prepare_lap(case)(case.rounds or rounds)


def load_suite(path: str | None) -> list[Case]:
    """Return fastdrift's own cases, or those that a file lists as CASES."""
    if path is None:
        return CASES
    if not Path(path).is_file():
        raise GateError(f"{path}: there is no such file of Python")
    cases = runpy.run_path(path).get("CASES")
    if not isinstance(cases, list) or not cases or not all(isinstance(case, Case) for case in cases):
        raise GateError(f"{path}: CASES must be a list of benchmarks.cases.Case")
    names = [case.name for case in cases]
    for name in names:
        if names.count(name) > 1:
            raise GateError(f"{path}: two cases are called {name!r}")
    return cases


@contextmanager
def checkout(revision: str) -> Iterator[Path]:
    """Unpack the package of a revision, Python alone, into a folder, in which its compiled kernels are kept too."""
    with tempfile.TemporaryDirectory(prefix="fastdrift-revision-") as folder:
        packed = f"{folder}/package.tar"
        command = ["git", "-C", str(ROOT), "archive", "--output", packed, revision, "fastdrift"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise GateError(f"{revision}: {done.stderr.strip().splitlines()[-1]}")
        shutil.unpack_archive(packed, folder, filter="data")
        yield Path(folder)


def serve(name: str, suite: str | None) -> None:
    """Print the seconds of a case, or what went wrong, for every line of standard input."""
    warnings.simplefilter("ignore")
    answers, sys.stdout = sys.stdout, sys.stderr  # whatever a case prints must not be taken for an answer
    lap = None
    for _ in sys.stdin:
        try:
            lap = lap or prepare_lap(next(case for case in load_suite(suite) if case.name == name))
            answer: object = lap(1).seconds
        except Exception:  # whatever it is, it is told to whoever asked
            answer = traceback.format_exc().strip().splitlines()[-1]
        print(answer, file=answers, flush=True)


@contextmanager
def worker(source: Path, name: str, suite: str | None) -> Iterator[Callable[[], float]]:
    """Yield the call that times a case once, in a process with the package of `source`: a line asks, a line answers."""
    code = f"import sys; sys.path[:0] = {[str(source), str(ROOT)]}; from benchmarks.gate.laps import serve; "
    command = [sys.executable, "-P", "-c", f"{code}serve({name!r}, {suite!r})"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def lap() -> float:
        with suppress(BrokenPipeError):
            print(file=process.stdin, flush=True)
        answer = process.stdout.readline().strip() or "the process that timed it has died"
        try:
            return float(answer)
        except ValueError as error:
            raise GateError(answer) from error

    try:
        yield lap
    finally:
        process.communicate()  # it ends where its input does, and takes its files along
