"""What the README shows is run as it stands, and what it and its neighbours say of the tree is so."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import fastdrift as fd
from fastdrift.cli.main import cli

ROOT = Path(__file__).parent.parent


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


README = read("README.md")
PROJECT = tomllib.loads(read("pyproject.toml"))


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_the_python_of_the_readme_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (code,) = blocks("python")
    names: dict[str, object] = {}
    with pytest.warns(fd.DriftWarning, match="hold a NaN or inf"):
        exec(code, names)  # noqa: S102
    assert names["same"].threshold == names["model"].threshold
    assert names["flagged"][names["data"].labels].mean() > 0.5
    assert names["live"][-1] == names["scores"].iloc[-1]
    assert len(names["shares"]) == len(names["found"].alarms) >= 6
    assert "alarms and" in capsys.readouterr().out


def test_the_commands_of_the_readme_run(tmp_path):
    _, _, commands = blocks("sh")
    environment = {**os.environ, "PYTHONPATH": str(Path(fd.__file__).parent.parent)}
    for line in commands.strip().splitlines():
        program, *arguments = shlex.split(line)
        assert program == "fastdrift"
        command = [sys.executable, "-m", "fastdrift", *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (line, done.stderr)
    assert (tmp_path / "scores.png").stat().st_size > 10_000
    assert (tmp_path / "report" / "metrics.json").exists()


def test_the_readme_shows_every_command():
    _, _, commands = blocks("sh")
    assert {shlex.split(line)[1] for line in commands.strip().splitlines()} == set(cli.commands)


def test_the_readme_has_under_1000_words():
    assert len(README.split()) < 1_000


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "SECURITY.md", "benchmarks/README.md"])
def test_a_document_names_only_files_that_are_there(name):
    text, document = read(name), ROOT / name
    links = [document.parent / target for target in re.findall(r"\]\(([^)#:]+)\)", text)]
    paths = [ROOT / path for path in re.findall(r"`([\w.]+/[\w./]+\.\w+)`", text)]
    assert links or paths or name == "SECURITY.md"
    assert [str(path) for path in links + paths if not path.exists()] == []


def test_the_speeds_of_the_readme_are_those_of_the_benchmarks():
    def speeds(document: str) -> dict[str, list[str]]:
        lines = [line.strip("| ").split(" | ") for line in document.splitlines() if " M (" in line or "×) |" in line]
        return {title: [re.findall(r"[\d.]+", cell) for cell in cells[:2]] for title, *cells in lines}

    table = read("benchmarks/README.md").partition("\n| rolling mean + std alone")[0]
    shown, measured = speeds(README), speeds(table)
    assert len(shown) >= 4
    assert {title: measured.get(title) for title in shown} == shown


def test_contributing_has_a_line_for_every_folder_and_file_of_the_package():
    package = Path(fd.__file__).parent
    rooms = {f"{path.name}/" for path in package.iterdir() if (path / "__init__.py").exists()}
    rooms |= {path.name for path in package.glob("*.py") if not path.name.startswith("__")}
    section = read("CONTRIBUTING.md").partition("## The folders")[2].partition("\n## ")[0]
    cells = [line.split(" | ")[0] for line in section.splitlines() if line.startswith("| `")]
    assert {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)} == rooms


@pytest.mark.parametrize("name", ["test", "dev", "bench"])
def test_a_dependency_group_brings_what_the_extra_of_its_name_brings(name):
    extras, groups = PROJECT["project"]["optional-dependencies"], PROJECT["dependency-groups"]

    def of_extra(name: str) -> set[str]:
        wanted = [re.fullmatch(r"fastdrift\[(\w+)\]", one) or one for one in extras[name]]
        return set().union(*({one} if isinstance(one, str) else of_extra(one[1]) for one in wanted))

    def of_group(name: str) -> set[str]:
        return set().union(*({one} if isinstance(one, str) else of_group(one["include-group"]) for one in groups[name]))

    assert of_group(name) == of_extra(name)


def test_the_version_is_the_same_wherever_it_is_written():
    (cited,) = re.findall(r"^version: (\S+)$", read("CITATION.cff"), flags=re.MULTILINE)
    assert cited == PROJECT["project"]["version"] == fd.__version__
