"""Options from a TOML file: a table a command, the command line wins, and what is wrong is named with its file."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import fastdrift as fd
from fastdrift.cli.config import read_config
from fastdrift.cli.main import cli

pytestmark = pytest.mark.filterwarnings("ignore::fastdrift.DriftWarning")


@pytest.fixture
def call(tmp_path, monkeypatch):
    """Return a function that runs a command with options in a file, in an empty directory."""
    monkeypatch.chdir(tmp_path)

    def run(settings, command, *, code=0):
        Path("settings.toml").write_text(settings, encoding="utf-8")
        result = CliRunner().invoke(cli, ["--config", "settings.toml", *command.split()])
        assert result.exit_code == code, (result.output, result.exception)
        return result

    return run


def settings_of(settings, command):
    """Return what a command is given by settings, as click has read it."""
    path = Path("settings.toml")
    path.write_text(settings, encoding="utf-8")
    context = click.Context(cli.commands[command], default_map=read_config(str(path), cli.commands).get(command))
    cli.commands[command].parse_args(context, [])
    return context.params


def test_a_table_a_command_holds_its_options(call):
    result = call(
        '[run]\nn = 3000\ntrain = true\nwindow = 10\noutput-dir = "there"\n\n[fit]\nwindow = 99\n', "run --json"
    )
    document = json.loads(result.stdout)
    assert (document["data"]["n"], document["model"]["window"]) == (3_000, 10)
    assert fd.load("there/model.fastdrift").window == 10


def test_the_command_line_wins(call):
    result = call("[run]\nn = 3000\ntrain = true\nwindow = 10\n", "run --window 12 --json")
    assert json.loads(result.stdout)["model"]["window"] == 12


@pytest.mark.parametrize("name", ["false-alarm-rate", "false_alarm_rate"])
def test_names_are_those_of_the_long_options_with_dashes_or_underscores(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    assert settings_of(f"[run]\n{name} = 0.01\n", "run")["false_alarm_rate"] == 0.01


def test_options_that_may_be_repeated_take_a_list_or_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = settings_of('[run]\nsentinel = [-999, -1.5]\nhow = "max"\nbounds = ["a:0:1", "b:0:"]\n', "run")
    assert given["sentinels"] == (-999.0, -1.5)
    assert given["how"] == ("max", {})
    assert given["bounds"] == {"a": (0.0, 1.0), "b": (0.0, None)}


@pytest.mark.parametrize("names", ['["cpu", "latency"]', '"cpu, latency"'])
def test_names_are_a_list_or_separated_by_commas(tmp_path, monkeypatch, names):
    monkeypatch.chdir(tmp_path)
    assert settings_of(f"[run]\ncolumns = {names}\n", "run")["columns"] == ["cpu", "latency"]


def test_options_called_differently_inside_have_their_names_of_the_command_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = settings_of(
        '[run]\ninput = "t.csv"\nthreshold-rule = "in-sample"\neval = true\nformat = "parquet"\n', "run"
    )
    assert (given["source"], given["threshold"], given["judge"]) == ("t.csv", "in-sample", True)
    assert given["table_format"] == "parquet"


def test_a_required_option_may_come_from_the_file(call):
    call('[generate]\noutput = "t.csv"\nn = 2000\n', "generate")
    assert Path("t.csv").exists()


def test_what_is_in_the_file_counts_as_given(call):
    assert "--window needs --train" in call("[run]\nwindow = 20\n", "run", code=2).stderr
    assert "--sentinel needs --input" in call("[run]\nsentinel = -999\ntrain = true\n", "run", code=2).stderr
    assert "--how needs --freq" in call('[prepare]\nhow = "max"\n', "prepare a.csv --output b.csv", code=2).stderr
    result = call("[run]\nwindow = 50\ntrain = true\nn = 300\n", "run", code=1)
    assert "too few to cross-fit a threshold with windows of 50" in result.stderr


def test_cleaning_from_the_file_cleans(call):
    frame = fd.generate(2_000, columns=2, seed=1, drifts=()).frame
    frame.iloc[5, 0] = -999
    frame.to_csv("logged.csv")
    call('[run]\ninput = "logged.csv"\ntrain = true\nwindow = 10\nsentinel = -999\neval = true\n', "run")
    changes = json.loads(Path("output/metrics.json").read_text())["mended"]["changes"]
    assert [change["what"] for change in changes] == ["sentinel"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("[run]\nwindw = 3\n", "settings.toml: 'windw' is no option of [run]; did you mean 'window'?"),
        ("[run]\nzzz = 3\n", "settings.toml: 'zzz' is no option of [run]"),
        ("[run]\nhelp = true\n", "settings.toml: 'help' is no option of [run]"),
        ("[fit]\npath = 'a.csv'\n", "settings.toml: 'path' is no option of [fit]"),
        ("[walk]\nn = 3\n", "settings.toml: [walk] is no command; there are run, generate"),
        ("n = 3\n", "settings.toml: 'n' is in no table of a command, such as [run]"),
        ("[run]\nn = 3\n[fit]\nwindow = 1\n", "settings.toml: 'window' of [fit]: '1' is neither a number of rows"),
        ("[run]\nn = 20.5\n", "settings.toml: 'n' of [run]: '20.5' is not a valid integer"),
        ("[run]\ntrain = 1\n", "settings.toml: 'train' of [run]: it is true or false"),
        ("[run]\noutput-dir = true\n", "settings.toml: 'output-dir' of [run]: True is neither text nor a number"),
        ("[run]\nwindow = [3, 4, 5]\n", "settings.toml: 'window' of [run]: '3,4,5' is neither a number of rows"),
        ("[run]\nbaseline = [3, 4]\n", "settings.toml: 'baseline' of [run]: [3, 4] is neither text nor a number"),
        ("[run]\nshrinkage = 'much'\n", "settings.toml: 'shrinkage' of [run]: 'much' is neither ledoit-wolf"),
        ("[run]\noutput-dir = 'a'\noutput_dir = 'b'\n", "settings.toml: 'output_dir' is twice in [run]"),
    ],
)
def test_what_is_wrong_in_the_file_is_named_with_it(call, settings, message):
    result = call(settings, "run --train", code=2)
    assert message in result.stderr
    assert [path.name for path in Path().iterdir()] == ["settings.toml"]


@pytest.mark.parametrize("content", [b"[run", b"[run]\nn = \xff"])
def test_a_file_that_is_no_toml_is_an_error(tmp_path, content):
    path = tmp_path / "settings.toml"
    path.write_bytes(content)
    result = CliRunner().invoke(cli, ["--config", str(path), "doctor"])
    assert result.exit_code == 1
    assert f"{path}: it is not TOML" in result.stderr


def test_a_file_that_is_not_there_is_an_error(tmp_path):
    result = CliRunner().invoke(cli, ["--config", str(tmp_path / "nowhere.toml"), "doctor"])
    assert result.exit_code == 1
    assert "there is no such file" in result.stderr


def test_the_help_of_a_command_shows_the_defaults_of_the_file(call):
    assert "[default: 33]" in call("[run]\nwindow = 33\n", "run --help").stdout


def test_the_example_of_the_help_is_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = CliRunner().invoke(cli, ["--help"]).stdout.partition("settings.toml:\n")[2]
    given = settings_of("\n".join(line.strip() for line in text.splitlines()), "run")
    assert (given["window"], given["false_alarm_rate"], given["columns"]) == (30, 0.01, ["cpu", "latency"])
