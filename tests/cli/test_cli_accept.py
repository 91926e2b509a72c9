"""fastdrift accept, and fastdrift fit of several stretches."""

from __future__ import annotations

import json

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


def call(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == code, result.output
    return result.stdout


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
