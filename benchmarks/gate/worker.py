"""Cases timed in another process, which may have another fastdrift: a line asks for a lap, a line answers."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import traceback
import warnings
from pathlib import Path
from typing import IO

from benchmarks import ROOT
from benchmarks.cases import CASES, Case
from benchmarks.gate.timer import Lap, Timer

_SERVE = """
import sys
sys.path[:0] = [{source!r}]
sys.path.append({root!r})
from benchmarks.gate.worker import serve
serve({suite!r})
"""


class SuiteError(ValueError):
    """A suite that can't be used, or a case that failed."""


def load_suite(path: str | None) -> list[Case]:
    """Return fastdrift's own cases, or those that a file lists as CASES."""
    if path is None:
        return CASES
    specification = importlib.util.spec_from_file_location("suite", path)
    if not Path(path).is_file() or specification is None or specification.loader is None:
        raise SuiteError(f"{path}: there is no such file of Python")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    cases = getattr(module, "CASES", None)
    if not isinstance(cases, list) or not cases or not all(isinstance(case, Case) for case in cases):
        raise SuiteError(f"{path}: CASES must be a list of benchmarks.cases.Case")
    names = [case.name for case in cases]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise SuiteError(f"{path}: two cases are called {twice.pop()!r}")
    return cases


def serve(suite: str | None) -> None:
    """Answer names on standard input with laps on standard output, until the input ends."""
    warnings.simplefilter("ignore")
    answers, sys.stdout = sys.stdout, sys.stderr  # whatever a case prints must not be taken for an answer
    cases = {case.name: case for case in load_suite(suite)}
    timers: dict[str, Timer] = {}
    for line in sys.stdin:
        name = json.loads(line)
        try:
            if name not in timers:
                timers.clear()
                timers[name] = Timer(cases[name])
            answer: object = timers[name].lap()
        except Exception:  # whatever goes wrong in a case is told to whoever asked
            answer = {"error": traceback.format_exc()}
        print(json.dumps(answer), file=answers, flush=True)


class Worker:
    """A process that times cases with the fastdrift of `source`."""

    def __init__(self, source: Path = ROOT, suite: str | None = None) -> None:
        code = _SERVE.format(source=str(source), root=str(ROOT), suite=suite)
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def lap(self, name: str) -> Lap:
        """Time a case once; its first lap prepares it."""
        asking, answering = self.process.stdin, self.process.stdout
        assert asking is not None
        assert answering is not None
        return self._ask(asking, answering, name)

    def _ask(self, asking: IO[str], answering: IO[str], name: str) -> Lap:
        asking.write(json.dumps(name) + "\n")
        asking.flush()
        line = answering.readline()
        if not line:
            raise SuiteError(f"{name}: the process that timed it has died")
        answer = json.loads(line)
        if isinstance(answer, dict):
            raise SuiteError(f"{name}: {answer['error']}")
        spent, reference, compiled = answer
        return Lap(spent, reference, tuple(compiled))

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *error: object) -> None:
        try:
            self.process.communicate(timeout=10)  # it ends where its input does, and takes its files along
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
