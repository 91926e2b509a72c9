"""fastdrift accept, and fastdrift fit of several stretches."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import fastdrift as fd
from fastdrift.cli.main import cli


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(1)
    for name, level in (("healthy", 0.0), ("moved", 6.0)):
        frame = pd.DataFrame(rng.normal(level, 1.0, size=(2_000, 3)), columns=list("abc"))
        frame.to_csv(f"{name}.csv", index=False)
    return tmp_path


def call(*arguments: str, code: int = 0, stdin: str | None = None) -> str:
    content = None if stdin is None else Path(stdin).read_bytes()
    result = CliRunner().invoke(cli, arguments, input=content)
    assert result.exit_code == code, result.output
    return result.stderr if code else result.stdout


ACCEPT = ("--baseline", "healthy.csv", "--reason", "release 2", "--output", "new")


def test_rows_are_accepted_and_what_changes_is_said(folder):
    call("fit", "healthy.csv", "--window", "20", "--output", "model")
    text = call("accept", "model", "moved.csv", "--rows", "0:1000", *ACCEPT)
    assert "release 2" in text
    assert "a moved" in text
    new = fd.load("new")
    assert [(one.rows, one.reason) for one in new.history] == [(2_000, None), (1_000, "release 2")]
    document = json.loads(call("accept", "model", "moved.csv", "--event", "0", *ACCEPT, "--json"))
    assert document["flagged_before"] == 1
    assert document["flagged_after"] < 0.1
    assert {move["column"] for move in document["moved"]} == {"a", "b", "c"}


def test_rows_in_the_model_are_an_error_and_nothing_is_written(folder):
    call("fit", "healthy.csv", "--window", "20", "--output", "model")
    call("accept", "model", "healthy.csv", "--rows", "0:1000", *ACCEPT, code=1)
    assert not (folder / "new").exists()
    call("accept", "model", "moved.csv", *ACCEPT, code=2)


def test_fit_takes_several_files(folder):
    call("fit", "healthy.csv", "moved.csv", "--window", "20", "--output", "both", "--created", "today")
    assert [one.created for one in fd.load("both").history] == ["today", "today"]
    call("fit", "healthy.csv", "moved.csv", "--baseline", "0.3", code=2)


def test_either_table_may_come_from_standard_input_and_not_both(folder):
    call("fit", "healthy.csv", "--window", "20", "--output", "model")
    call("accept", "model", "moved.csv", "--rows", "0:1000", *ACCEPT)
    expected = Path("new").read_bytes()
    text = call("accept", "model", "-", "--rows", "0:1000", *ACCEPT, stdin="moved.csv")
    assert "rows 0 to 999 of standard input" in text
    assert Path("new").read_bytes() == expected
    others = ("--baseline", "-", *ACCEPT[2:])
    call("accept", "model", "moved.csv", "--rows", "0:1000", *others, stdin="healthy.csv")
    assert Path("new").read_bytes() == expected
    text = call("accept", "model", "-", "--rows", "0:1000", *others, stdin="moved.csv", code=2)
    assert "standard input holds one table" in text
    call("fit", "-", "moved.csv", "--window", "20", "--output", "both", stdin="healthy.csv")
    call("fit", "healthy.csv", "moved.csv", "--window", "20", "--output", "files")
    assert Path("both").read_bytes() == Path("files").read_bytes()


def test_the_baseline_may_be_the_beginning_of_a_longer_table(folder):
    call("fit", "healthy.csv", "--baseline", "1500", "--window", "20", "--output", "model")
    call("accept", "model", "moved.csv", "--rows", "0:1000", *ACCEPT)
    assert [one.rows for one in fd.load("new").history] == [1_500, 1_000]
    both = ("--baseline", "healthy.csv", *ACCEPT)
    text = call("accept", "model", "moved.csv", "--rows", "0:1000", *both, code=1)
    assert "fitted on 1500 rows, and the baseline given has 1500 + 2000" in text


def test_rows_or_an_event_are_meant_and_an_event_holds_scores(folder):
    call("fit", "healthy.csv", "--window", "20", "--output", "model")
    for command in (("accept",), ("explain",)):
        rest = ACCEPT if command == ("accept",) else ()
        text = call(*command, "model", "moved.csv", "--rows", "0:9", "--event", "0", *rest, code=2)
        assert f"say what to {command[0]}: --rows A:B, or --event N" in text
        text = call(*command, "model", "moved.csv", "--event", "7", *rest, code=1)
        assert "--event 7: there are" in text
        pd.read_csv("healthy.csv").assign(a=np.nan).to_csv("silent.csv", index=False)
        text = call(*command, "model", "silent.csv", "--event", "0", *rest, code=1)
        assert "--event 0 is missing data, which has no scores" in text
