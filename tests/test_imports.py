"""The house keeps its floors: imports go downward only, in no circle, and importing fastdrift costs numpy alone."""

from __future__ import annotations

import ast
import graphlib
import re
from pathlib import Path

import pytest

import fastdrift

PACKAGE = Path(fastdrift.__file__).parent
# the rooms from the top of the house to its cellar; those on one floor do not know each other
FLOORS = (
    {"__init__", "__main__"},
    {"cli"},
    {"fitting", "reports", "streams"},
    {"alarms"},
    {"scoring", "plots"},
    {"rolling", "evaluation", "prepare"},
    {"detectors"},
    {"engine", "files", "synthetic"},
    {"tables", "kernels"},
    {"arrays", "errors"},
)
FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
# what a kernel may import beside its own folder
KERNELS_KNOW = {"__future__", "collections", "typing", "operator", "numpy", "numba", "llvmlite"}
# compile, keep and call kernels: Python, not jitted code
NO_KERNELS = {"kernels.compiling", "kernels.nesting", "kernels.keeping", "kernels.calling"}
ONLY_IN = {
    "click": {"cli"},
    "rich": {"cli"},
    "matplotlib": {"plots"},
    "jinja2": {"reports"},
    "pyarrow": {"files", "tables"},
    "polars": {"tables"},
}
LAZY = ("numba", "llvmlite", "pandas", "pyarrow", "click", "rich", "matplotlib", "jinja2", "sklearn", "scipy", "polars")


def modules_imported(source: str) -> set[str]:
    """Return the full names of what a file imports, at its top or anywhere inside, names of modules completed."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = ".".join(part for part in ("fastdrift" if node.level else "", node.module) if part)
            found |= {f"{module}.{alias.name}" if is_room(f"{module}.{alias.name}") else module for alias in node.names}
    return found


def is_room(module: str) -> bool:
    place = PACKAGE.parent.joinpath(*module.split("."))
    return place.is_dir() or place.with_suffix(".py").exists()


def sources_of_the_package() -> dict[str, str]:
    """Return the source of every module by its name within the package; a folder's own is its `__init__`."""
    paths = {path.relative_to(PACKAGE).with_suffix(""): path for path in PACKAGE.rglob("*.py")}
    return {".".join(name.parts): path.read_text(encoding="utf-8") for name, path in paths.items()}


def room_of(module: str) -> str:
    return module.partition(".")[0]


def ours(source: str) -> set[str]:
    """Return which modules of the package a source imports, by their names within it."""
    return {module.removeprefix("fastdrift.") for module in modules_imported(source) if module.startswith("fastdrift.")}


def steps_upward(sources: dict[str, str]) -> set[tuple[str, str]]:
    """Return the pairs (module, module imported) that lead to another room on the same floor or above."""
    return {
        (name, other)
        for name, source in sources.items()
        for other in ours(source)
        if room_of(other) != room_of(name) and FLOOR_OF[room_of(other)] <= FLOOR_OF[room_of(name)]
    }


def test_every_room_has_a_floor():
    assert {room_of(name) for name in sources_of_the_package()} == set(FLOOR_OF)


def test_imports_go_downward_only():
    assert steps_upward(sources_of_the_package()) == set()


def test_contributing_tells_what_every_room_imports():
    text = (PACKAGE.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.partition("## The folders")[2].partition("\n## ")[0]
    told = {}
    for line in section.splitlines():
        if line.startswith("| `"):
            rooms, _, imports = (set(re.findall(r"`(\w+)(?:/|\.py)?`", cell)) for cell in line.strip("|").split(" | "))
            told |= dict.fromkeys(rooms, imports)
    found = {room: set() for room in told}
    for name, source in sources_of_the_package().items():
        found.get(room_of(name), set()).update(map(room_of, ours(source)))
    everywhere = {"arrays", "errors"}
    del told["cli"], found["cli"]  # which may import them all
    assert told == {room: rooms - everywhere - {room} for room, rooms in found.items()}


def test_no_imports_go_in_a_circle():
    graph = {name: ours(source) - {name} for name, source in sources_of_the_package().items()}
    order = list(graphlib.TopologicalSorter(graph).static_order())
    assert order.index("arrays") < order.index("scoring.batch")


def test_a_circle_would_be_noticed():
    with pytest.raises(graphlib.CycleError):
        list(
            graphlib.TopologicalSorter(
                {"engine.plan": {"engine.windows"}, "engine.windows": {"engine.plan"}}
            ).static_order()
        )


@pytest.mark.parametrize(
    "source",
    [
        "from fastdrift.scoring.batch import score",
        "from fastdrift.scoring import batch",
        "import fastdrift.scoring.batch",
        "from .scoring.batch import score",
        "def late():\n    from fastdrift.scoring.batch import score",
    ],
)
def test_a_step_upward_would_be_noticed(source):
    assert steps_upward({"engine.plan": source}) == {("engine.plan", "scoring.batch")}
    assert steps_upward({"plots.axes": source}) == {("plots.axes", "scoring.batch")}
    assert steps_upward({"cli.run": source}) == set()


def test_kernels_know_numpy_and_numba_alone():
    for name, source in sources_of_the_package().items():
        if room_of(name) != "kernels" or name in NO_KERNELS:
            continue
        foreign = {module for module in modules_imported(source) if room_of(module) not in KERNELS_KNOW}
        assert all(module.startswith("fastdrift.kernels.") for module in foreign), name


@pytest.mark.parametrize("package", ONLY_IN)
def test_heavy_packages_stay_in_their_rooms(package):
    users = {
        room_of(name)
        for name, source in sources_of_the_package().items()
        if package in {room_of(module) for module in modules_imported(source)}
    }
    assert users <= ONLY_IN[package]


def test_no_module_is_called_like_a_public_name_of_the_package():
    assert not set(FLOOR_OF) & set(fastdrift.__all__)


def test_importing_fastdrift_costs_numpy_and_nothing_heavier(run_python):
    names = ", ".join(repr(name) for name in LAZY)
    code = f"import sys, fastdrift; print(*[name for name in ('numpy', {names}) if name in sys.modules])"
    assert run_python(code).split() == ["numpy"]


def test_scoring_arrays_needs_no_pandas(run_python):
    code = """
import sys, numpy as np, fastdrift as fd
rows = np.random.default_rng(0).normal(size=(2_000, 2))
fd.score(fd.fit(rows, window=10), rows)
print("numpy" in sys.modules, "pandas" in sys.modules)
"""
    assert run_python(code).split() == ["True", "False"]


def test_every_public_name_is_there_and_documented():
    assert all(getattr(fastdrift, name).__doc__ for name in fastdrift.__all__)
    assert set(fastdrift.__all__) <= set(dir(fastdrift))
    with pytest.raises(AttributeError, match="no attribute 'scores'"):
        _ = fastdrift.scores


@pytest.mark.parametrize(("old", "new"), [("event_figures", "event_metrics"), ("EventFigures", "EventMetrics")])
def test_an_old_name_still_works_and_says_the_new_one(old, new):
    with pytest.warns(DeprecationWarning, match=f"fastdrift.{old} is called {new} now"):
        assert getattr(fastdrift, old) is getattr(fastdrift, new)
