"""What a command says when it cannot do its work, and what it says of itself and the machine."""

from __future__ import annotations

import json

import numpy as np
import pytest

import fastdrift as fd
from fastdrift.cli.main import cli
from fastdrift.engine import compiled

from .folders import written


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
        ("run --train --window 1", "'1' is neither a number of rows"),
        ("fit t.csv --output t.csv", "t.csv is an input"),
        ("score m t.csv --output t.csv", "t.csv is an input"),
        ("score m", "Missing argument 'DATA'"),
        ("nonsense", "No such command"),
    ],
)
def test_wrong_usage_exits_with_2(call, here, command, message):
    assert message in call(command, code=2).stderr
    assert not list(here.iterdir())


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


def test_labels_that_are_neither_0_nor_1_are_refused(call, telemetry, model):
    telemetry.frame.assign(label=2).to_csv("odd.csv")
    assert "labels must be 0 or 1" in call("evaluate model.fastdrift odd.csv", code=1).stderr


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
