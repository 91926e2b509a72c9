"""The command line does what its help says: results, messages, exit codes and files."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pandas as pd
import pytest

import fastdrift as fd
from fastdrift.files.read import read_table
from fastdrift.scoring import chunks

from .folders import written

DATA = os.environ.get("FASTDRIFT_DATA")
ARTIFACTS = [
    "metrics.json",
    "model.fastdrift",
    "processed/anomaly_scores.png",
    "processed/events.csv",
    "processed/features.csv",
    "processed/scores.csv",
    "raw/telemetry.csv",
    "report.html",
]


def test_run_goes_all_the_way_and_says_what_it_wrote(call):
    result = call("run --n 6000 --seed 42 --train --eval --output-dir output --window 20")
    assert written("output") == ARTIFACTS
    assert "average precision" in result.stdout
    assert "wrote output/metrics.json" in result.stderr
    assert "wrote" not in result.stdout
    metrics = json.loads(Path("output/metrics.json").read_text())
    assert metrics["data"] == {"n": 6_000, "seed": 42, "rows": 6_000, "columns": 8, "baseline_rows": 1_800}
    assert metrics["evaluation"]["rows"] == 4_200
    assert metrics["evaluation"]["average_precision"] > 0.7
    assert Path("output/processed/anomaly_scores.png").read_bytes().startswith(b"\x89PNG")


def test_the_artifacts_of_run_agree_with_the_library(call, fit):
    call("run --n 6000 --seed 42 --train --eval --window 20")
    data = fd.generate(6_000, seed=42)
    model = fit(data.frame[:1_800], window=20)
    with pytest.warns(fd.DriftWarning, match="hold a NaN"):
        expected = fd.score(model, data.frame)
    scores = read_table("output/processed/scores.csv")
    assert list(scores.columns) == ["score", "flagged", "label"]
    assert scores.index.equals(data.frame.index)
    assert scores["score"].to_numpy().tobytes() == expected.to_numpy().tobytes()
    assert scores["flagged"].astype(bool).equals(expected > model.threshold)
    assert scores["label"].astype(bool).to_numpy().tolist() == data.labels.tolist()
    raw = read_table("output/raw/telemetry.csv", drop=["label"])
    assert raw.to_numpy().tobytes() == data.frame.to_numpy(copy=True).tobytes()
    features = read_table("output/processed/features.csv")
    assert features["cpu_percent_std"].equals(fd.rolling_std(data.frame["cpu_percent"], 20).rename("cpu_percent_std"))
    assert fd.load("output/model.fastdrift").threshold == model.threshold


def test_features_in_pieces_have_the_bytes_of_the_whole(monkeypatch):
    frame = fd.generate(5_000, columns=2, seed=1).frame
    (whole,) = chunks.features_pieces(frame, 30, None)
    monkeypatch.setattr(chunks, "PIECE_ROWS", 100)
    pieces = list(chunks.features_pieces(frame, 30, None))
    assert len(pieces) > 40
    assert pd.concat(pieces).to_numpy().tobytes() == whole.to_numpy().tobytes()
    assert (
        whole["cpu_percent_mean"].to_numpy().tobytes() == fd.rolling_mean(frame["cpu_percent"], 30).to_numpy().tobytes()
    )


def test_times_that_repeat_are_kept_row_by_row(call, telemetry):
    frame = telemetry.frame
    frame.set_axis(frame.index.floor("h").rename("time"), axis=0).to_csv("coarse.csv")
    call("run --input coarse.csv --train --window 20")
    call("run --input telemetry.csv --train --window 20 --output-dir other")
    for name in ("processed/scores.csv", "processed/features.csv"):
        coarse, fine = (read_table(Path(place) / name) for place in ("output", "other"))
        assert coarse[fine.columns.drop("label", errors="ignore")].to_numpy().tobytes() == (
            fine.drop(columns="label", errors="ignore").to_numpy().tobytes()
        )


def test_the_same_seed_gives_the_same_bytes(call):
    for name in ("a", "b"):
        call(["run", "--n", "3000", "--train", "--eval", "--window", "10", "--output-dir", name])
    assert [(Path("a") / name).read_bytes() for name in ARTIFACTS] == [
        (Path("b") / name).read_bytes() for name in ARTIFACTS
    ]


def test_run_without_train_uses_the_model_of_an_earlier_run_and_replaces_its_artifacts(call):
    call("run --n 3000 --train --eval --window 10")
    before = Path("output/model.fastdrift").read_bytes()
    Path("output/notes.txt").write_text("mine")
    result = call("run --n 3000 --seed 7 --format parquet --json")
    document = json.loads(result.stdout)
    assert document["data"]["baseline_rows"] == 0
    assert document["files"] == [
        "output/model.fastdrift",
        "output/report.html",
        "output/processed/anomaly_scores.png",
        "output/raw/telemetry.parquet",
        "output/processed/features.parquet",
        "output/processed/scores.parquet",
        "output/processed/events.parquet",
    ]
    assert written("output") == sorted([*(name.removeprefix("output/") for name in document["files"]), "notes.txt"])
    assert Path("output/model.fastdrift").read_bytes() == before
    call("run --n 3000 --model output/model.fastdrift --output-dir other")


def test_run_on_a_file_of_ones_own_copies_nothing(call, telemetry):
    result = call("run --input telemetry.csv --labels label --train --eval --window 20 --baseline 1200")
    assert "raw/telemetry.csv" not in written("output")
    metrics = json.loads(Path("output/metrics.json").read_text())
    assert metrics["evaluation"]["labelled_rows"] == telemetry.labels.sum()
    assert metrics["model"]["columns"] == list(telemetry.frame.columns)
    assert metrics["data"]["baseline_rows"] == 1_200
    assert "telemetry.csv" in result.stdout


def test_run_never_removes_its_own_input(call):
    call("run --n 3000 --train --window 10")
    before = Path("output/raw/telemetry.csv").read_bytes()
    call("run --input output/raw/telemetry.csv --train --window 10")
    assert Path("output/raw/telemetry.csv").read_bytes() == before


def test_fit_writes_a_model_and_tells_what_it_knows(call, telemetry, fit):
    result = call("fit healthy.csv --window 20 --output m.fastdrift")
    assert fd.load("m.fastdrift").threshold == fit(telemetry.frame[:1_200], window=20).threshold
    assert "never moved" in result.stdout
    assert "warning: the baseline is thin" not in result.stderr
    assert "wrote m.fastdrift" in result.stderr


def test_fit_can_take_the_first_rows_of_a_table_alone(call, telemetry, model):
    for baseline in ("0.3", "1200"):
        result = call(["fit", "telemetry.csv", "--window", "20", "--baseline", baseline, "--output", "m"])
        assert Path("m").read_bytes() == Path("model.fastdrift").read_bytes()
        assert "note: column 'label' of telemetry.csv is taken as labels" in result.stderr
        assert "labelled as drift" not in result.stderr
    for command in ("fit telemetry.csv --window 20", "run --input telemetry.csv --train --window 20 --baseline 0.9"):
        assert "rows of the baseline are labelled as drift" in call(command).stderr


def test_a_model_of_chosen_columns_scores_tables_that_hold_others(call, telemetry):
    head, *lines = Path("telemetry.csv").read_text().splitlines()
    Path("hosts.csv").write_text("\n".join([f"{head},host", *(f"{line},web" for line in lines), ""]))
    assert "--drop host" in call("fit hosts.csv", code=1).stderr
    call("fit hosts.csv --window 20 --drop host --output dropped")
    names = ",".join(telemetry.frame.columns)
    call(["fit", "hosts.csv", "--window", "20", "--columns", names, "--output", "chosen"])
    assert Path("dropped").read_bytes() == Path("chosen").read_bytes()
    dropped = call("score dropped hosts.csv").stdout
    assert dropped == call("score chosen telemetry.csv").stdout


def test_score_writes_csv_to_stdout_and_nothing_else(call, telemetry, model):
    result = call("score model.fastdrift telemetry.csv")
    Path("back.csv").write_text(result.stdout)
    expected = fd.score(model, telemetry.frame)
    assert read_table("back.csv")["score"].to_numpy().tobytes() == expected.to_numpy().tobytes()
    assert result.stdout.splitlines()[0] == "timestamp,score,flagged,label"


def test_score_of_a_table_without_times_counts_rows(call, telemetry, model):
    telemetry.frame.to_csv("plain.csv", index=False)
    lines = call("score model.fastdrift plain.csv").stdout.splitlines()
    assert lines[0] == "row,score,flagged"
    assert lines[1] == "0,,0"
    assert lines[-1].startswith("3999,")


def test_score_writes_a_file_or_a_document(call, telemetry, model):
    result = call("score model.fastdrift telemetry.csv --output scores.parquet --align center")
    expected = fd.score(model, telemetry.frame, align="center")
    pd.testing.assert_series_equal(read_table("scores.parquet")["score"], expected, check_freq=False)
    assert "flagged" in result.stdout
    document = json.loads(call("score model.fastdrift telemetry.csv --json").stdout)
    assert len(document["scores"]) == 4_000
    assert document["scores"][:19] == [None] * 19
    assert document["drift"]["limit"] is None
    assert document["events"]["alarms"] >= 1
    document = json.loads(call("score model.fastdrift telemetry.csv --json --output s.csv").stdout)
    assert document["files"] == ["s.csv"]
    assert "scores" not in document


def test_evaluate_tells_metrics_beside_trivial_ones_and_draws(call, telemetry, model):
    result = call("evaluate model.fastdrift telemetry.csv --labels label --plot p.png --output e.json")
    assert "flag everything" in result.stdout
    assert "random score" in result.stdout
    assert "note" not in result.stderr
    assert Path("p.png").read_bytes().startswith(b"\x89PNG")
    assert "labelled incident found" in result.stdout
    scores, by_events = fd.score(model, telemetry.frame), {"events": True, "tolerance": model.window - 1}
    labels = telemetry.labels
    expected = fd.evaluate(scores, model.threshold, labels=labels, false_alarm_rate=0.05, **by_events)
    document = json.loads(Path("e.json").read_text())
    assert {name: document[name] for name in expected.to_dict()} == expected.to_dict()


def test_evaluate_without_labels_counts_alone(call, telemetry, model):
    result = call("evaluate model.fastdrift healthy.csv")
    assert "nominal false alarms" in result.stdout
    assert "precision" not in result.stdout
    assert json.loads(call("evaluate model.fastdrift healthy.csv --json").stdout)["roc_auc"] is None


@pytest.mark.parametrize("command", ["score", "evaluate"])
def test_a_share_of_flagged_rows_is_drift_only_where_one_is_given(call, telemetry, model, command):
    healthy = [command, "model.fastdrift", "healthy.csv", *(["--output", "s.csv"] if command == "score" else [])]
    call([*healthy, "--fail-on-drift"])
    call([*healthy, "--fail-on-drift", "--drift-share", "0.9"])
    call([*healthy, "--drift-share", "0"])
    result = call([*healthy, "--fail-on-drift", "--drift-share", "0"], code=3)
    assert "of the scored rows are flagged, above 0.00 %" in result.stderr


def test_run_exits_with_3_and_has_written_everything(call):
    call("run --n 6000 --train --eval --window 20 --fail-on-drift", code=3)
    assert written("output") == ARTIFACTS


def test_generate_writes_labels_unless_told_not_to(call):
    result = call("generate --n 2000 --columns 3 --drifts mean-shift,missing --output t.csv")
    data = fd.generate(2_000, columns=3, seed=42, drifts=["mean-shift", "missing"])
    table = read_table("t.csv")
    assert table["label"].astype(bool).tolist() == data.labels.tolist()
    assert table.drop(columns="label").to_numpy().tobytes() == data.frame.to_numpy(copy=True).tobytes()
    assert "mean-shift" in result.stdout
    call("generate --n 2000 --no-labels --output t.parquet")
    assert "label" not in read_table("t.parquet")
    assert len(json.loads(call("generate --n 2000 --output t.csv --json").stdout)["drifts"]) == 6
    assert "0 drifts" in call("generate --n 2000 --drifts none --output t.csv").stdout
    assert "and 12 more" in call("generate --n 400000 --columns 2 --output t.parquet").stdout


def test_names_that_look_like_markup_stay_as_they_are(call):
    rows = fd.generate(2_000, columns=2, seed=1, drifts=()).frame.set_axis(["a", "b"], axis=1)
    rows.assign(**{"[red]c[/red]": 1.0}).to_csv("t.csv")
    assert "[red]c[/red] = 1" in call("fit t.csv --window 10").stdout


@pytest.mark.skipif(DATA is None, reason="FASTDRIFT_DATA does not say where the real telemetry is")
def test_real_incidents_of_a_server_rank_above_healthy_rows(call):
    folder = Path(str(DATA)) / "smd"
    call(["fit", str(folder / "machine-1-4_train.parquet")])
    result = call(
        ["evaluate", "model.fastdrift", str(folder / "machine-1-4_test.parquet"), "--plot", "p.png", "--json"]
    )
    metrics = json.loads(result.stdout)
    assert metrics["labelled_rows"] == 720
    assert metrics["roc_auc"] > 0.8
    assert metrics["average_precision"] > 3 * metrics["prevalence"]
    assert Path("p.png").stat().st_size > 10_000
