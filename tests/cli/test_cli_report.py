"""fastdrift report: a page by a model, or by a baseline in one step; run leaves one too."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

import fastdrift as fd

from .folders import written

pytestmark = pytest.mark.filterwarnings("ignore::fastdrift.DriftWarning")


@pytest.fixture
def weeks(here):
    """Write a healthy stretch of rows and a later one with a drift, which is labelled."""
    data = fd.generate(8_000, columns=3, seed=1, drifts=["mean-shift"])
    labelled = data.frame.assign(label=data.labels.astype("uint8"))
    labelled[:4_000].drop(columns="label").to_parquet("last.parquet")
    labelled[4_000:].to_parquet("this.parquet")
    return data


def text_of(path="report.html"):
    return Path(path).read_text(encoding="utf-8")


def test_a_report_by_a_model_says_what_detect_says(call, weeks):
    call("fit last.parquet --window 20")
    result = call("report model.fastdrift this.parquet --output page.html")
    model, rows = fd.load("model.fastdrift"), weeks.frame[4_000:]
    found = fd.detect(model, rows)
    assert found.alarms
    assert found.answer()[:50] in result.stdout.replace("\n", " ")
    assert "wrote page.html" in result.stderr
    fd.report(model, rows, "same.html", labels=weeks.labels[4_000:], title="this.parquet")
    assert text_of("page.html") == text_of("same.html")


def test_two_periods_are_compared_in_one_step(call, weeks):
    result = call("report --baseline last.parquet this.parquet")
    assert "wrote report.html" in result.stderr
    assert written(".") == ["last.parquet", "report.html", "this.parquet"]
    assert "labelled incident found" in text_of()
    call("fit last.parquet --window 20 --false-alarm-rate 0.01")
    call("report model.fastdrift this.parquet --output by_model.html")
    call("report --baseline last.parquet this.parquet --window 20 --false-alarm-rate 0.01 --output by_baseline.html")
    assert text_of("by_model.html") == text_of("by_baseline.html")


def test_labels_are_a_column_of_the_rows_and_need_not_be_in_the_baseline(call, weeks):
    pd.read_parquet("this.parquet").rename(columns={"label": "incident"}).to_csv("now.csv")
    call("report --baseline last.parquet now.csv --labels incident --title Today --created 2024-03-01")
    assert "<title>" in text_of()
    assert "Drift report: Today" in text_of()
    assert "Made 2024-03-01 by" in text_of()
    assert "Against the labels" in text_of()


def test_rows_are_left_out_and_asked_about_as_by_detect(call, weeks):
    call("fit last.parquet --window 20")
    document = json.loads(call("report model.fastdrift this.parquet --ignore 0..3900 --last 50 --json").stdout)
    assert (document["alarms"], document["ignored_rows"], document["files"]) == (0, 3_900, ["report.html"])
    assert document["model"] == "model.fastdrift"
    assert "3,900 rows, as asked" in text_of()
    result = call("report model.fastdrift this.parquet --fail-on-drift", code=3)
    assert "drift: an alarm since" in result.stderr
    assert Path("report.html").exists()


@pytest.mark.parametrize(
    ("command", "message", "code"),
    [
        ("report this.parquet", "give MODEL and DATA, or --baseline FILE and DATA alone", 2),
        ("report a b c", "give MODEL and DATA", 2),
        ("report --baseline last.parquet m.fastdrift this.parquet", "with --baseline give DATA alone", 2),
        ("report m.fastdrift this.parquet --window 20", "--window needs --baseline", 2),
        ("report --baseline last.parquet this.parquet --output last.parquet", "last.parquet is an input", 2),
        ("report --baseline last.parquet this.parquet --output -", "name a file for this", 2),
        ("report --baseline nowhere.parquet this.parquet", "there is no such file", 1),
        ("report --baseline last.parquet this.parquet --output no/place/r.html", "cannot be written", 1),
    ],
)
def test_what_cannot_be_reported_is_said_in_a_line(call, weeks, command, message, code):
    assert message in call(command, code=code).stderr
    assert not Path("report.html").exists()


def test_an_old_model_says_what_a_report_needs_and_run_leaves_none(call, weeks):
    call("fit last.parquet --window 20")
    replace(fd.load("model.fastdrift"), promise=None, rows=None).save("old.fastdrift")
    assert "fit it anew" in call("report old.fastdrift this.parquet", code=1).stderr
    call("run --input this.parquet --model old.fastdrift")
    assert "output/report.html" not in written(".")


def test_run_leaves_a_report_of_what_it_found(call, weeks):
    result = call("run --n 6000 --seed 42 --train --eval --window 20")
    assert "wrote output/report.html" in result.stderr
    assert "generated with seed 42" in text_of("output/report.html")
    assert "labelled incident" in text_of("output/report.html")
    call("run --n 6000 --seed 42")
    assert "labelled incident" not in text_of("output/report.html")


def test_help_has_both_forms(call):
    text = call("report --help").stdout
    assert "[MODEL] DATA" in text
    assert "report --baseline last.parquet this.parquet" in text
