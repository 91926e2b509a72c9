"""fastdrift suggest: what a baseline is good for, on a terminal and as JSON."""

from __future__ import annotations

import json

import pytest

import fastdrift as fd


@pytest.fixture
def tables(here):
    """Write 8,000 healthy rows of three columns, whole and in two stretches, with labels of no drift."""
    data = fd.generate(8_000, columns=3, seed=1, drifts=())
    data.frame.to_parquet("healthy.parquet")
    data.frame.assign(label=0).to_csv("labelled.csv")
    data.frame[:3_000].to_csv("first.csv")
    data.frame[3_000:].to_csv("second.csv")
    return data.frame


def told(result):
    return " ".join(result.stdout.split())


def test_it_says_what_python_says_the_answer_first(call, tables):
    result, found = call("suggest healthy.parquet"), fd.suggest(tables)
    assert told(result).startswith(found.answer())
    assert result.stderr == ""
    for finding in found.findings:
        assert finding.text[:40] in told(result)
    assert "at most 1 false alarm in" in told(result)
    assert all(str(shift.column) in result.stdout for shift in found.shifts)


def test_as_json_it_is_the_whole_document(call, tables):
    document = json.loads(call("suggest healthy.parquet --json").stdout)
    assert document.pop("data") == ["healthy.parquet"]
    assert document == json.loads(json.dumps(fd.suggest(tables).to_dict()))


def test_labels_are_set_apart_and_the_first_rows_are_enough(call, tables):
    document = json.loads(call("suggest labelled.csv --baseline 0.5 --json").stdout)
    assert (document["rows"], document["columns"]) == (4_000, 3)


def test_windows_rates_and_columns_are_those_asked_for(call, tables):
    command = (
        "suggest healthy.parquet --window 10,20 --false-alarm-rate 0.02 --false-event-rate 1/day --drop cpu_percent"
    )
    document = json.loads(call(f"{command} --json").stdout)
    assert (document["window"], document["columns"], document["false_alarm_rate"]) == ([10, 20], 2, 0.02)
    assert document["promise"]["asked"] == pytest.approx(1 / 1_440)
    assert json.loads(call("suggest healthy.parquet --columns latency_ms --json").stdout)["columns"] == 1


def test_several_tables_are_stretches_and_take_no_share(call, tables):
    assert json.loads(call("suggest first.csv second.csv --json").stdout)["rows"] == 8_000
    assert "--baseline is for one table" in call("suggest first.csv second.csv --baseline 0.5", code=2).stderr


def test_too_few_rows_are_one_clear_line(call, tables):
    assert "too few to cross-fit" in call("suggest healthy.parquet --baseline 15", code=1).stderr


def test_labelled_rows_are_told(call, here):
    data = fd.generate(4_000, columns=2, seed=1, drifts=["mean-shift"])
    data.frame.assign(label=data.labels.astype(int)).to_csv("drifted.csv")
    assert "are labelled as drift" in call("suggest drifted.csv").stderr
