"""Another revision beside this one, case by case in turns."""

from __future__ import annotations

import io
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks import ROOT
from benchmarks.cases import Case
from benchmarks.gate.timer import Lap
from benchmarks.gate.worker import SuiteError, Worker


class RevisionError(ValueError):
    """A revision that is not there."""


@contextmanager
def checkout(revision: str, repository: Path = ROOT) -> Iterator[Path]:
    """Unpack the package of a revision into a folder of its own.

    fastdrift is Python alone, so that is all there is to build; interpreter and dependencies are the same for both
    sides, and kernels are compiled and kept in that folder.
    """
    command = ["git", "-C", str(repository), "archive", "--format=tar", revision, "fastdrift"]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        raise RevisionError(f"{revision}: {done.stderr.decode().strip().splitlines()[-1]}")
    with tempfile.TemporaryDirectory(prefix="fastdrift-revision-") as folder:
        with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
            archive.extractall(folder, filter="data")
        yield Path(folder)


class Pair(NamedTuple):
    """A case here and there; NaN seconds and an error where one of them could not do it."""

    name: str
    here: Lap
    there: Lap
    error: str = ""

    @property
    def speed(self) -> float:
        """How many times as fast the case is here."""
        return self.there.seconds / self.here.seconds


def compare(cases: Sequence[Case], revision: str, rounds: int, suite: str | None) -> Iterator[Pair]:
    """Time every case with this tree and with a revision, in turns."""
    with checkout(revision) as source, Worker(suite=suite) as here, Worker(source, suite) as there:
        for case in cases:
            pair = Pair(case.name, Lap(), Lap())
            try:
                for _ in range(case.rounds or rounds):
                    pair = pair._replace(
                        here=pair.here.better(here.lap(case.name)), there=pair.there.better(there.lap(case.name))
                    )
            except SuiteError as error:
                pair = pair._replace(error=str(error).strip().splitlines()[-1])
            yield pair
