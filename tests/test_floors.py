"""The oldest versions that are allowed, as `.ci/floors` installs them."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent / ".ci" / "floors"
pytestmark = pytest.mark.skipif(not SCRIPT.exists(), reason="what is released brings no .ci")


@pytest.fixture(scope="module")
def floors():
    loader = SourceFileLoader("floors", str(SCRIPT))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("floors", loader))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "dont_write_bytecode", True)
        loader.exec_module(module)
    return module


def test_everything_that_is_required_has_a_lowest_version_and_no_other_limit(floors):
    required = floors.requirements(floors.PROJECT)
    assert [floors.floor_of(one).replace("==", ">=") for one in required] == required
    assert {one.partition(">=")[0] for one in required} >= {"numpy", "numba", "pandas", "click", "pyarrow", "pytest"}


@pytest.mark.parametrize("requirement", ["numpy", "numpy<3", "numpy>=2,<3", "numpy==2.0", "numpy~=2.0"])
def test_a_requirement_without_a_floor_alone_is_refused(floors, requirement):
    with pytest.raises(SystemExit, match=f"{requirement!r} does not say its lowest version alone"):
        floors.floor_of(requirement)


@pytest.mark.skipif(os.name != "posix", reason="makes executable files")
def test_the_oldest_python_is_the_lowest_one_that_is_allowed_and_works(floors, tmp_path, monkeypatch):
    for minor, code in ((9, 0), (11, 127), (13, 0), (14, 0)):
        path = tmp_path / f"python3.{minor}"
        path.write_text(f"#!/bin/sh\nexit {code}\n")
        path.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert floors.oldest_python({"requires-python": ">=3.11"}) == str(tmp_path / "python3.13")
    assert subprocess.run([tmp_path / "python3.11"], check=False).returncode == 127
    with pytest.raises(SystemExit, match=r"no Python >=3.15 found"):
        floors.oldest_python({"requires-python": ">=3.15"})
