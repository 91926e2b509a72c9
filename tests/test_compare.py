"""The command that puts the detectors side by side."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

import fastdrift as fd
from fastdrift.cli.main import cli


@pytest.fixture(scope="module")
def telemetry_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "telemetry.parquet"
    data = fd.generate(8_000, columns=4, seed=2, drifts=["mean-shift", "correlation-break"])
    data.frame.assign(label=data.labels.astype("uint8")).to_parquet(path)
    return path


def run(*arguments):
    return CliRunner().invoke(cli, ["compare", *map(str, arguments)], catch_exceptions=False)


def test_both_detectors_are_judged_and_drawn(tmp_path, telemetry_file):
    done = run(telemetry_file, "--output-dir", tmp_path / "out", "--json")
    assert done.exit_code == 0
    document = json.loads(done.stdout)
    assert document["baseline_rows"] == 2_400
    distances, forest = (document["detectors"][name] for name in ("mahalanobis", "isolation-forest"))
    assert distances["roc_auc"] > 0.9 > forest["roc_auc"] > 0.5
    assert distances["event"]["found"] == 2
    for path in document["files"]:
        assert (tmp_path / "out" / path.rpartition("/")[2]).stat().st_size > 1_000
    assert json.loads((tmp_path / "out" / "metrics.json").read_text())["detectors"] == document["detectors"]


def test_the_baseline_may_be_another_table(tmp_path, telemetry_file):
    train = tmp_path / "train.csv"
    fd.generate(4_000, columns=4, seed=9, drifts=()).frame.to_csv(train)
    done = run(telemetry_file, "--train", train, "--output-dir", tmp_path / "out", "--format", "svg")
    assert done.exit_code == 0
    assert "average precision" in done.stdout
    assert (tmp_path / "out" / "curves.svg").read_bytes().startswith(b"<?xml")


def test_a_table_without_labels_is_an_error_and_nothing_is_written(tmp_path):
    path = tmp_path / "plain.csv"
    fd.generate(2_000, columns=3, seed=1, drifts=()).frame.to_csv(path)
    done = run(path, "--output-dir", tmp_path / "out")
    assert done.exit_code == 1
    assert "has no labels to judge by" in done.stderr
    assert not (tmp_path / "out").exists()


def test_two_baselines_are_one_too_many(tmp_path, telemetry_file):
    done = run(telemetry_file, "--train", telemetry_file, "--baseline", "0.3", "--output-dir", tmp_path / "out")
    assert done.exit_code == 2
