"""The command line has floors of its own, and its functions take settings instead of bags of options."""

from __future__ import annotations

import ast
import inspect
from dataclasses import fields
from importlib import import_module
from pathlib import Path

import pytest

import fastdrift.cli
from fastdrift.cli import settings
from fastdrift.cli.main import cli

FOLDER = Path(fastdrift.cli.__file__).parent
COMMANDS = {
    "run",
    "generate",
    "fit",
    "score",
    "evaluate",
    "prepare",
    "compare",
    "machine",
    "detect",
    "explain",
    "report",
    "accept",
    "suggest",
}
FLOORS = (
    {"main"},
    COMMANDS,
    {"artifacts"},
    {"answer", "cleaning", "looking", "results"},
    {"verdict"},
    {"config", "estimators", "inputs", "places", "staging", "tables"},
    {"streams"},
    {"options", "terminal"},
    {"usage"},
    {"settings", "interrupt"},
)
FLOOR_OF = {module: floor for floor, modules in enumerate(FLOORS) for module in modules}
MAX_PARAMETERS = 10


def modules():
    return {path.stem: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.py") if path.stem != "__init__"}


def imported(source):
    """Return which modules of the command line a source imports."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module == "fastdrift.cli":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("fastdrift.cli."):
            found.add(node.module.removeprefix("fastdrift.cli."))
    return found


def test_every_module_has_a_floor():
    assert set(modules()) == set(FLOOR_OF)


@pytest.mark.parametrize("module", sorted(FLOOR_OF))
def test_modules_import_from_lower_floors_only(module):
    assert [name for name in imported(modules()[module]) if FLOOR_OF[name] <= FLOOR_OF[module]] == []


def test_no_function_has_more_than_ten_parameters():
    functions = [
        node
        for source in modules().values()
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef)
    ]
    assert len(functions) > 80
    many = {node.name: len([*node.args.args, *node.args.posonlyargs, *node.args.kwonlyargs]) for node in functions}
    assert max(many.values()) <= MAX_PARAMETERS, many


def test_settings_are_frozen_and_every_option_of_run_compare_and_explain_is_one():
    for command, kind in (
        ("run", settings.RunSettings),
        ("compare", settings.CompareSettings),
        ("explain", settings.ExplainSettings),
        ("report", settings.ReportSettings),
    ):
        names = {parameter.name for parameter in cli.commands[command].params}
        unasked = {"any_order", "text", "given"} | ({"labels", "columns", "drop", "missing"} - names)
        assert names == set(settings.option_names(kind)) - unasked
    kinds = [kind for _, kind in inspect.getmembers(settings, inspect.isclass) if kind.__name__.endswith("Settings")]
    assert len(kinds) >= 6
    assert all(kind.__dataclass_params__.frozen and fields(kind) for kind in kinds)


@pytest.mark.parametrize("module", sorted(FLOOR_OF))
def test_every_module_says_what_it_is_for(module):
    assert import_module(f"fastdrift.cli.{module}").__doc__
