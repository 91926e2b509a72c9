"""The command line does what its help says: results, messages, exit codes and files."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import fastdrift as fd
from fastdrift.cli.main import cli
from fastdrift.engine import compiled
from fastdrift.files.read import read_table
from fastdrift.scoring import chunks

DATA = os.environ.get("FASTDRIFT_DATA")
ARTIFACTS = [
    "metrics.json",
    "model.fastdrift",
    "processed/anomaly_scores.png",
    "processed/events.csv",
    "processed/features.csv",
    "processed/scores.csv",
    "raw/telemetry.csv",
]


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


def written(directory):
    return sorted(str(path.relative_to(directory)) for path in Path(directory).rglob("*") if path.is_file())


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


@pytest.fixture
def logged(here, telemetry):
    """Write the telemetry to logged.csv as it may be logged: shuffled, some rows twice, with sentinels and text."""
    frame = telemetry.frame.assign(label=telemetry.labels.astype(int))
    frame.iloc[5, 0], frame.iloc[7, 1] = -999, 1e9
    frame = pd.concat([frame, frame.iloc[[3, 9]]]).sample(frac=1, random_state=1).astype(object)
    frame.iloc[0, 2] = "n/a?"
    frame.to_csv(here / "logged.csv")
    return frame


def test_prepare_cleans_what_was_logged_and_reports_every_change(call, telemetry, logged):
    second = telemetry.frame.columns[1]
    result = call(
        f"prepare logged.csv --output out.parquet --sentinel -999 --bounds {second}::1e6 --report report.json"
    )
    table = read_table("out.parquet")
    assert table["label"].to_list() == telemetry.labels.tolist()
    assert table.index.equals(telemetry.frame.index)
    expected = telemetry.frame.copy()
    expected.iloc[5, 0], expected.iloc[7, 1] = np.nan, np.nan
    expected.loc[logged.index[0], expected.columns[2]] = np.nan
    pd.testing.assert_frame_equal(table.drop(columns="label"), expected, check_freq=False, rtol=1e-15)
    report = json.loads(Path("report.json").read_text())
    assert (report["rows_in"], report["rows_out"]) == (4_002, 4_000)
    counts = {change["what"]: change["count"] for change in report["changes"]}
    assert {name: counts[name] for name in ("duplicate timestamp", "sentinel", "out of bounds", "not a number")} == {
        "duplicate timestamp": 2, "sentinel": 1, "out of bounds": 1, "not a number": 1
    }  # fmt: skip
    assert "4,002 rows in, 4,000 rows out" in result.stdout
    assert "wrote out.parquet" in result.stderr
    document = json.loads(call("prepare logged.csv --output again.csv --sentinel -999 --json").stdout)
    assert (document["files"], document["rows_out"]) == (["again.csv"], 4_000)


def test_prepare_makes_a_grid_in_which_a_label_is_that_of_any_row_and_gaps_stay(call, here):
    lines = ["time,a,b,label", "2024-01-01 00:00:10,1,1,0", "2024-01-01 00:00:50,3,5,1", "2024-01-01 00:03:00,7,7,0"]
    (here / "t.csv").write_text("\n".join(lines))
    call("prepare t.csv --output out.csv --freq 1min --how b:max")
    assert Path("out.csv").read_text().splitlines() == [
        "time,a,b,label",
        "2024-01-01 00:00:00,2,5,1",
        "2024-01-01 00:01:00,,,0",
        "2024-01-01 00:02:00,,,0",
        "2024-01-01 00:03:00,7,7,0",
    ]
    call("prepare t.csv --output out.csv --freq 1min --how max --how a:count --fill forward --limit 2")
    table = read_table("out.csv")
    assert table["a"].to_list() == [2, 0, 0, 1]
    assert table["b"].to_list() == [5, 5, 5, 7]


@pytest.mark.parametrize("freq", ["soon", "1month", "-1min", "1ns"])
def test_prepare_refuses_an_impossible_grid_and_writes_nothing(call, telemetry, here, freq):
    before = written(here)
    result = call(f"prepare telemetry.csv --output out.csv --report r.json --freq {freq}", code=1)
    assert f"Error: telemetry.csv: freq {'' if freq == '1ns' else 'is '}{freq!r}" in result.stderr
    assert written(here) == before


def test_only_times_are_sorted_as_numbers_may_be_anything(call, here):
    (here / "n.csv").write_text("time,a\n2,1\n1,2\n")
    (here / "t.csv").write_text("time,a\n2024-01-02,1\n2024-01-01,2\n")
    assert call("prepare n.csv --output o.csv", code=1).stderr.endswith("sort the rows by time\n")
    assert "as `fastdrift prepare` does" in call("fit t.csv", code=1).stderr
    call("prepare t.csv --output o.csv")
    assert read_table("o.csv")["a"].to_list() == [2, 1]


def test_prepare_keeps_the_name_of_the_labels_and_leaves_them_alone(call, telemetry):
    frame = telemetry.frame.assign(incident=telemetry.labels.astype(int))
    frame.to_csv("t.csv")
    call("prepare t.csv --output out.csv --labels incident --sentinel 1 --sentinel 0")
    assert read_table("out.csv")["incident"].to_list() == telemetry.labels.tolist()


def test_prepare_of_what_is_clean_changes_nothing(call, telemetry):
    telemetry.frame.to_csv("t.csv")
    assert "nothing was changed" in call("prepare t.csv --output out.csv").stdout
    assert Path("out.csv").read_bytes() == Path("t.csv").read_bytes()


def test_run_cleans_its_input_as_prepare_does(call, logged):
    options = "--sentinel -999 --fill interpolate --limit 3"
    call(f"prepare logged.csv --output clean.parquet {options}")
    call("run --input clean.parquet --train --eval --window 20 --output-dir one")
    result = call(f"run --input logged.csv --train --eval --window 20 --output-dir two {options}")
    assert "note: logged.csv: rows, duplicate timestamp: 2" in result.stderr
    mended = json.loads(Path("two/metrics.json").read_text())["mended"]
    assert (mended["rows_in"], mended["rows_out"]) == (4_002, 4_000)
    assert "mended" not in json.loads(Path("one/metrics.json").read_text())
    assert Path("one/processed/scores.csv").read_bytes() == Path("two/processed/scores.csv").read_bytes()
    result = call(f"run --input logged.csv --model one/model.fastdrift --output-dir three {options}")
    assert Path("one/processed/scores.csv").read_bytes() == Path("three/processed/scores.csv").read_bytes()


def test_run_sorts_rows_unasked_but_drops_none_and_says_so(call, telemetry):
    frame = telemetry.frame.assign(label=telemetry.labels.astype(int))
    frame.sample(frac=1, random_state=2).to_csv("shuffled.csv")
    result = call("run --input shuffled.csv --train --window 20 --output-dir one")
    assert "note: shuffled.csv: rows, out of order: " in result.stderr
    assert "out of order" not in call("run --input telemetry.csv --train --window 20 --output-dir two").stderr
    assert Path("one/processed/scores.csv").read_bytes() == Path("two/processed/scores.csv").read_bytes()
    frame.set_axis(frame.index.floor("h"), axis=0).to_csv("coarse.csv")
    result = call("run --input coarse.csv --train --window 20")
    assert "3,933 rows have the timestamp of the row before and are kept" in result.stderr
    assert len(read_table("output/processed/scores.csv")) == 4_000


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("run", "add --train to fit a model"),
        ("run --model nowhere.fastdrift", "there is no such file"),
        ("run --n 10 --train", "too short"),
        ("run --n 200 --train --window 50", "too few to cross-fit"),
        ("run --input nowhere.csv --train", "there is no such file"),
        ("run --input bad.csv --train", "column 'b', row 1: 'oops' is not a number"),
        ("run --n 3000 --train --baseline 3000", "leaves none to monitor"),
        ("run --n 3000 --train --baseline 3001", "more than the 3000 there are"),
        ("run --n 3000 --train --output-dir bad.csv/below", "it cannot be written"),
        ("run --n 3000 --train --shrinkage 2", "shrinkage is 2.0"),
        ("fit bad.csv", "--drop b"),
        ("fit bad.csv --drop c", "column 'c' is not there"),
        ("fit bad.csv --labels c", "column 'c', said to hold the labels, is not there"),
        ("fit bad.csv --columns a --labels b", "'oops' is not a number"),
        ("fit bad.csv --columns a --labels a", "no column is left beside the labels"),
        ("fit bad.csv --drop b", "rows"),
        ("score bad.csv bad.csv", "not a model of fastdrift"),
        ("prepare nowhere.csv --output t.csv", "there is no such file"),
        ("prepare bad.csv --output t.csv --freq 1min", "bad.csv: --freq needs times, and no column holds them"),
        ("prepare bad.csv --output t.csv --bounds z:0:1", "bad.csv: bounds names column 'z', which is missing"),
        ("prepare bad.csv --output t.csv --bounds a:5:9", "exclude all its values (row 0: 1.0)"),
        ("prepare bad.csv --output t.csv --bounds a:9:5", "give (low, high), the lower first"),
        ("prepare bad.csv --output t.csv --counter z", "counters names column 'z'"),
        ("prepare bad.csv --output t.csv --sentinel nan", "a sentinel of column 'a' is nan"),
        ("prepare bad.csv --output t.csv --labels z", "column 'z', said to hold the labels, is not there"),
        ("prepare bad.csv --output t.csv --labels b", "labels"),
        ("prepare bad.csv --output t.csv --timestamp b", "'2' is not a time"),
        ("prepare bad.csv --output t.txt", "ends in .csv"),
        ("run --input bad.csv --train --freq 1min", "--freq needs times"),
        ("generate --n 50 --output t.csv", "too short"),
        ("generate --drifts wobble --output t.csv", "unknown drift 'wobble'"),
        ("generate --output t.txt", "ends in .csv"),
    ],
)
def test_an_error_is_one_clear_line_and_nothing_is_written(call, here, command, message):
    (here / "bad.csv").write_text("a,b\n1,2\n3,oops\n")
    result = call(command, code=1)
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout == ""
    assert written(here) == ["bad.csv"]
    assert [path.name for path in here.iterdir()] == ["bad.csv"]


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("run --window 20", "--window needs --train"),
        ("run --train --model m", "--model is for scoring without --train"),
        ("run --input t.csv --n 5 --train", "--n is for generated rows"),
        ("run --labels label --train", "--labels needs --input"),
        ("run --train --sentinel -999", "--sentinel needs --input"),
        ("run --input t.csv --train --limit 3", "--limit needs --fill"),
        ("prepare t.csv --output o.csv --how max", "--how needs --freq"),
        ("prepare t.csv --output o.csv --freq 1min --how median", "'median' is not mean, min, max"),
        ("prepare t.csv --output o.csv --bounds a:1", "is not COLUMN:LOW:HIGH"),
        ("prepare t.csv --output t.csv", "t.csv is an input"),
        ("prepare t.csv --output o.csv --report ./o.csv", "is both --output and --report"),
        ("prepare t.csv", "Missing option '--output'"),
        ("run --train --baseline most", "neither a share such as 0.3"),
        ("run --train --baseline -3", "neither a share such as 0.3"),
        ("run --train --shrinkage much", "neither ledoit-wolf, oas nor a number"),
        ("run --train --false-alarm-rate 0.6", "0.6 is not in the range"),
        ("run --train --window 1", "1 is not in the range"),
        ("fit t.csv --output t.csv", "t.csv is an input"),
        ("score m t.csv --output t.csv", "t.csv is an input"),
        ("score m", "Missing argument 'DATA'"),
        ("nonsense", "No such command"),
    ],
)
def test_wrong_usage_exits_with_2(call, here, command, message):
    assert message in call(command, code=2).stderr
    assert not list(here.iterdir())


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
    table = pd.read_csv("telemetry.csv").assign(host="web")
    table.to_csv("hosts.csv", index=False)
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


def test_extra_columns_are_an_error_when_none_were_chosen(call, telemetry, model):
    telemetry.frame.assign(extra=1.0).to_csv("extra.csv")
    assert "column 'extra' is not the model's" in call("score model.fastdrift extra.csv", code=1).stderr


def test_windows_that_hold_a_gap_are_told_in_one_line(call, telemetry, model):
    frame = telemetry.frame.copy()
    frame.iloc[100, 1] = np.nan
    frame.to_csv("gap.csv")
    result = call("score model.fastdrift gap.csv --output s.csv")
    assert "warning: 20 of 3981 windows hold a NaN or inf" in result.stderr
    assert "DriftWarning" not in result.stderr


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


def test_labels_that_are_neither_0_nor_1_are_refused(call, telemetry, model):
    telemetry.frame.assign(label=2).to_csv("odd.csv")
    assert "labels must be 0 or 1" in call("evaluate model.fastdrift odd.csv", code=1).stderr


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


def test_doctor_tells_versions_cpu_threads_and_cache(call, monkeypatch):
    monkeypatch.setenv("FASTDRIFT_THREADS", "3")
    document = json.loads(call("doctor --json").stdout)
    assert document["versions"]["fastdrift"] == fd.__version__
    assert document["threads"] == {"threads": 3, "because of": "FASTDRIFT_THREADS"}
    assert document["cache"]["writable"]
    assert document["cpu"]["machine"]
    assert "writable" in call("doctor").stdout
    monkeypatch.setenv("FASTDRIFT_THREADS", "many")
    assert "FASTDRIFT_THREADS is 'many'" in call("doctor", code=1).stderr


def test_warmup_makes_every_kernel_ready(call):
    from fastdrift.kernels.compiling import kernel_keys

    document = json.loads(call("warmup --json").stdout)
    assert document["kernels"] == len(kernel_keys())
    assert set(kernel_keys()) <= set(compiled._kernels)


@pytest.mark.parametrize("command", ["", *cli.commands])
def test_every_help_has_an_example(call, command):
    assert "Examples:\n    fastdrift " in call(f"{command} --help").stdout


def test_the_version_is_that_of_the_package(call):
    assert call("--version").stdout == f"fastdrift, version {fd.__version__}\n"


def test_ctrl_c_exits_with_130_quietly_and_leaves_nothing(call, here, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(fd.Model, "save", interrupted)
    result = call("run --n 3000 --train --window 10", code=130)
    assert "Abort" not in result.stderr
    assert not list(here.iterdir())


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
