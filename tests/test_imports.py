"""Imports go downward only, and importing fastdrift costs numpy alone."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import fastdrift

# from the top of the house to its cellar: a room may import those below it
ROOMS = (
    "__main__",
    "cli",
    "cli_run",
    "cli_compare",
    "cli_prepare",
    "cli_machine",
    "cli_options",
    "cli_terminal",
    "pipeline",
    "plots",
    "pictures",
    "curves",
    "drawing",
    "files",
    "model_format",
    "writing",
    "evaluation",
    "incidents",
    "event",
    "labels",
    "prepare",
    "repairs",
    "synthetic",
    "scoring",
    "baseline",
    "covariance",
    "model",
    "distances",
    "forest",
    "windows",
    "frames",
    "engine",
    "compilation",
    "kernels",
    "lanes",
    "errors",
)
# a model saves itself, and the disk is the business of `files`
UPWARD = {("model", "files")}
PACKAGE = Path(fastdrift.__file__).parent
LAZY = ("numba", "llvmlite", "pandas", "pyarrow", "click", "rich", "matplotlib", "sklearn", "scipy", "polars")
KERNEL_ROOMS = {"kernels", "lanes"}


def modules_imported(tree):
    """Return the full names of the modules that a file imports, at its top or anywhere inside."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = "fastdrift" if node.level else ""
            module = ".".join(part for part in (module, node.module) if part)
            found |= {f"fastdrift.{alias.name}" for alias in node.names} if module == "fastdrift" else {module}
    return found


def steps_upward(sources):
    """Return, for sources by room, the pairs (room, room imported) that the order of the rooms forbids."""
    steps = set()
    for room, source in sources.items():
        for module in modules_imported(ast.parse(source)):
            top, _, rest = module.partition(".")
            other = rest.partition(".")[0]
            if top == "fastdrift" and {room, other} <= set(ROOMS) and ROOMS.index(other) <= ROOMS.index(room):
                steps.add((room, other))
    return steps


def sources_of_the_package():
    return {path.stem: path.read_text(encoding="utf-8") for path in PACKAGE.glob("*.py") if path.stem != "__init__"}


def test_every_file_is_a_room_of_the_house():
    assert set(sources_of_the_package()) <= set(ROOMS)


def test_imports_go_downward_only():
    assert steps_upward(sources_of_the_package()) <= UPWARD


@pytest.mark.parametrize(
    "source",
    [
        "from fastdrift.scoring import score",
        "from fastdrift import scoring",
        "import fastdrift.scoring",
        "from .scoring import score",
        "from . import scoring",
        "def late():\n    from fastdrift.scoring import score",
    ],
)
def test_a_step_upward_would_be_noticed(source):
    assert steps_upward({"engine": source}) == {("engine", "scoring")}
    assert steps_upward({"scoring": source}) == {("scoring", "scoring")}
    assert steps_upward({"cli": source}) == set()


def test_jitted_code_knows_numpy_and_numba_alone():
    allowed = {"__future__", "typing", "operator", "numpy", "numba", "llvmlite"}
    for room in KERNEL_ROOMS:
        modules = modules_imported(ast.parse(sources_of_the_package()[room]))
        foreign = {module for module in modules if module.partition(".")[0] not in allowed}
        assert foreign <= {"fastdrift.lanes"}


def test_importing_fastdrift_costs_numpy_and_nothing_heavier(run_python):
    names = ", ".join(repr(name) for name in LAZY)
    code = f"import sys, fastdrift; print(*[name for name in ('numpy', {names}) if name in sys.modules])"
    assert run_python(code).split() == ["numpy"]


def test_scoring_arrays_needs_no_pandas(run_python):
    code = """
import sys, numpy as np, fastdrift as fd
rows = np.random.default_rng(0).normal(size=(2_000, 2))
fd.score(fd.fit(rows, window=10), rows)
print("numba" in sys.modules, "pandas" in sys.modules)
"""
    assert run_python(code).split() == ["True", "False"]


def test_every_public_name_is_there_and_documented():
    for name in fastdrift.__all__:
        if (PACKAGE / "files.py").exists() or name != "load":
            assert getattr(fastdrift, name).__doc__
    assert set(fastdrift.__all__) <= set(dir(fastdrift))
    with pytest.raises(AttributeError, match="no attribute 'scores'"):
        _ = fastdrift.scores
