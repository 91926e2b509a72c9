"""Commands in an empty directory, and telemetry for them."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

import fastdrift as fd
from fastdrift.cli.main import cli


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def call(here):
    """Return a function that runs a command in an empty directory and returns its result."""

    def run(command, *, code=0):
        result = CliRunner().invoke(cli, command.split() if isinstance(command, str) else command)
        assert result.exit_code == code, (result.output, result.exception)
        assert "Traceback" not in result.output
        return result

    return run


@pytest.fixture
def telemetry(here):
    """Write 4,000 rows of three columns with labels to telemetry.csv, which has a drift, and healthy.csv."""
    data = fd.generate(4_000, columns=3, seed=1, drifts=["mean-shift"])
    frame = data.frame.assign(label=data.labels.astype(int))
    frame.to_csv(here / "telemetry.csv")
    frame[:1_200].drop(columns="label").to_csv(here / "healthy.csv")
    return data


@pytest.fixture
def model(call, telemetry):
    call("fit healthy.csv --window 20")
    return fd.load("model.fastdrift")
