"""Telemetry as it was logged is cleaned by `prepare`, and by `run` in the same way."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fastdrift.files.read import read_table

from .folders import written


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
