"""The command that puts the detectors side by side."""

from __future__ import annotations

import json
import sys

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
    assert distances["event_metrics"]["alarm"]["found"] == 2
    assert distances["events"]["alarms"] >= 2
    for path in document["files"]:
        assert (tmp_path / "out" / path.rpartition("/")[2]).stat().st_size > 1_000
    assert json.loads((tmp_path / "out" / "metrics.json").read_text())["detectors"] == document["detectors"]


def test_the_baseline_may_be_another_table(tmp_path, telemetry_file):
    train = tmp_path / "train.csv"
    fd.generate(4_000, columns=4, seed=9, drifts=()).frame.to_csv(train)
    done = run(telemetry_file, "--train", train, "--output-dir", tmp_path / "out", "--format", "svg")
    assert done.exit_code == 0
    assert "average precision" in done.stdout
    assert "incidents found" in done.stdout
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


MODULE = """
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

near = make_pipeline(StandardScaler(), LocalOutlierFactor(n_neighbors=5, novelty=True))
far = make_pipeline(StandardScaler(), LocalOutlierFactor(n_neighbors=40, novelty=True))


class Needy:
    def __init__(self, something):
        pass


class Group:
    inner = near


nothing = 3
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Work in an empty directory, in which is a module of estimators."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "neighbours.py").write_text(MODULE)
    yield tmp_path
    sys.modules.pop("neighbours", None)


def test_estimators_of_other_libraries_are_judged_beside_ours(here, telemetry_file):
    options = ["--window", "20", "--json"]
    estimators = ["neighbours:near", "neighbours:Group.inner", "sklearn.mixture:GaussianMixture"]
    done = run(telemetry_file, *options, *(part for name in estimators for part in ("--estimator", name)))
    assert done.exit_code == 0
    document = json.loads(done.stdout)
    names = ["mahalanobis", "isolation-forest", "near", "inner", "GaussianMixture"]
    assert list(document["detectors"]) == names
    assert document["detectors"]["near"] == document["detectors"]["inner"]
    assert document["detectors"]["near"]["roc_auc"] > 0.7
    assert document["detectors"]["GaussianMixture"]["labelled_rows"] > 0
    assert {f"comparison/{part}-{name}.png" for name in names for part in ("scores", "histogram", "columns")} < {
        *document["files"]
    }
    for path in document["files"]:
        assert (here / path).stat().st_size > 1_000
    assert str(here) not in sys.path


def test_the_table_has_a_column_for_an_estimator(here, telemetry_file):
    done = run(telemetry_file, "--window", "20", "--estimator", "neighbours:far")
    assert done.exit_code == 0
    assert done.stdout.splitlines()[2].split() == ["mahalanobis", "isolation-forest", "far"]


@pytest.mark.parametrize(
    ("name", "code", "message"),
    [
        ("neighbours", 2, "'neighbours' is not MODULE:NAME, such as sklearn.covariance:EllipticEnvelope"),
        ("neighbours:", 2, "is not MODULE:NAME"),
        ("there:mahalanobis", 2, "there are two detectors called 'mahalanobis'"),
        ("nowhere:near", 1, "--estimator nowhere:near: No module named 'nowhere'"),
        ("neighbours:nobody", 1, "--estimator neighbours:nobody: module 'neighbours' has no attribute 'nobody'"),
        ("neighbours:Needy", 1, "--estimator neighbours:Needy cannot be made without arguments"),
        ("neighbours:nothing", 1, "--estimator neighbours:nothing has no fit(features)"),
        ("sklearn.neighbors:LocalOutlierFactor", 1, "has no score_samples(features)"),
    ],
)
def test_what_is_no_estimator_is_an_error_and_nothing_is_written(here, telemetry_file, name, code, message):
    done = run(telemetry_file, "--estimator", name)
    assert done.exit_code == code
    assert message in done.stderr
    assert not (here / "comparison").exists()


def test_two_estimators_of_one_name_cannot_be_told_apart(here, telemetry_file):
    done = run(telemetry_file, "--estimator", "neighbours:near", "--estimator", "others:near")
    assert done.exit_code == 2
    assert "two detectors called 'near'" in done.stderr


def test_every_detector_is_fitted_to_the_rate_of_false_events_asked_for(tmp_path, telemetry_file):
    document = json.loads(
        run(telemetry_file, "--false-event-rate", "1/1000", "--output-dir", tmp_path / "out", "--json").stdout
    )
    promised = [
        one["events"]["expected_false_alarms"] / one["events"]["scored_rows"] for one in document["detectors"].values()
    ]
    assert promised == pytest.approx([1e-3] * len(promised))
