"""--window takes one window or several, on the command line and in files of options."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import fastdrift as fd
from fastdrift.cli.main import cli

pytestmark = pytest.mark.filterwarnings("ignore::fastdrift.DriftWarning")


@pytest.fixture
def call(tmp_path, monkeypatch):
    """Return a function that runs a command beside a table of telemetry."""
    monkeypatch.chdir(tmp_path)
    data = fd.generate(12_000, columns=4, seed=5, drifts=["mean-shift"])
    data.frame.assign(label=data.labels.astype(int)).to_csv("telemetry.csv")

    def run(*command, code=0):
        result = CliRunner().invoke(cli, list(command))
        assert result.exit_code == code, (result.output, result.exception)
        return result

    return run


def test_fit_detect_and_explain_take_several_windows(call):
    facts = json.loads(
        call("fit", "telemetry.csv", "--baseline", "0.5", "--window", "50, 10", "--output", "m", "--json").stdout
    )
    assert (facts["window"], facts["windows"]) == (50, [10, 50])
    assert fd.load("m").windows == (10, 50)
    assert json.loads(call("detect", "m", "telemetry.csv", "--json").stdout)["events"]
    assert call("explain", "m", "telemetry.csv", "--event", "0").stdout


def test_run_and_compare_take_several_windows(call):
    options = ["--labels", "label", "--window", "10,20,50,100"]
    result = call("run", "--input", "telemetry.csv", "--train", "--eval", *options)
    assert "10, 20, 50 and 100 rows" in result.stdout
    document = json.loads(Path("output/metrics.json").read_text())
    assert document["model"]["windows"] == [10, 20, 50, 100]
    assert Path("output/processed/anomaly_scores.png").exists()
    compared = json.loads(call("compare", "telemetry.csv", *options, "--json").stdout)
    assert set(compared["detectors"]) == {"mahalanobis", "isolation-forest"}


@pytest.mark.parametrize("text", ["[10, 50]", '"10,50"'])
def test_a_file_of_options_has_them_as_a_list_or_text(call, text):
    Path("settings.toml").write_text(f"[fit]\nwindow = {text}\n")
    facts = json.loads(call("--config", "settings.toml", "fit", "telemetry.csv", "--json").stdout)
    assert facts["windows"] == [10, 50]


@pytest.mark.parametrize("text", ["1", "10,20,50", "10,10", "10,", "ten", "10,20.5", ""])
def test_windows_that_cannot_be_are_wrong_usage(call, text):
    result = call("fit", "telemetry.csv", "--window", text, code=2)
    assert "'--window'" in result.stderr
    assert "10,20,50,100" in result.stderr


def test_help_has_an_example(call):
    assert "--window 10,20,50,100" in call("fit", "--help").stdout
