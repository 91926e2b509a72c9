"""What the README shows is run as it stands."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import fastdrift as fd

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_the_python_of_the_readme_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (code,) = blocks("python")
    names: dict[str, object] = {}
    with pytest.warns(fd.DriftWarning, match="hold a NaN or inf"):
        exec(code, names)  # noqa: S102
    assert names["same"].threshold == names["model"].threshold
    assert names["drift"][names["data"].labels].mean() > 0.5
    assert "threshold" in capsys.readouterr().out


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


def test_the_readme_names_only_files_that_are_there():
    root = Path(__file__).parent.parent
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (root / target).exists(), target
