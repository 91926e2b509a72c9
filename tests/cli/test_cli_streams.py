"""A dash on the command line is standard input or output, and what a reader takes for something is told on stderr."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import fastdrift as fd
from fastdrift.cli.main import cli
from fastdrift.files.read import read_table
from fastdrift.files.write import write_table

ROOT = Path(__file__).parents[2]
KINDS = ["t.csv", "t.tsv", "t.csv.gz", "t.csv.zst", "t.tsv.zst", "t.parquet"]
M = "m.fastdrift"
DATA = fd.generate(4_000, columns=3, seed=1, drifts=["mean-shift"])


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Return a folder with one table as files of every kind, with labels and healthy, and a model of it."""
    folder = tmp_path_factory.mktemp("streams")
    for name in KINDS:
        write_table(DATA.frame, folder / name)
    write_table(DATA.frame.assign(label=DATA.labels.astype("uint8")), folder / "labelled.csv")
    write_table(DATA.frame[:1_200], folder / "healthy.csv")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fd.DriftWarning)
        fd.fit(DATA.frame[:1_200], window=20, false_event_rate=1e-3).save(folder / M)
    return folder


@pytest.fixture
def here(tmp_path, monkeypatch, place):
    """Work in an empty folder; what `place` holds is found by `call`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / M).symlink_to(place / M)
    return tmp_path


@pytest.fixture
def call(here, place):
    """Return a function that runs a command with a file of `place`, or bytes, as standard input."""

    def run(command, *, stdin=None, code=0):
        content = (place / stdin).read_bytes() if isinstance(stdin, str) else stdin
        result = CliRunner().invoke(cli, command.split(), input=content)
        assert result.exit_code == code, (result.output, result.exception)
        return result

    return run


def as_csv(frame, **options):
    return frame.to_csv(**options).encode()


def told(result):
    return [line for line in result.stderr.splitlines() if line.startswith("note: ")]


@pytest.mark.filterwarnings("ignore::fastdrift.DriftWarning")
@pytest.mark.parametrize("name", KINDS)
def test_a_table_of_any_kind_comes_from_standard_input(call, place, name):
    expected = fd.score(fd.load(place / M), DATA.frame).to_numpy()
    result = call(f"score {M} -", stdin=name)
    scores = np.array([line.split(",")[1] or "nan" for line in result.stdout.splitlines()[1:]], float)
    assert scores.tobytes() == expected.tobytes()
    assert result.stderr == ""
    assert call(f"score {M} - --output -", stdin=name).stdout_bytes == result.stdout_bytes
    call("fit - --baseline 1200 --window 20 --false-event-rate 1/1000 --output other.fastdrift", stdin=name)
    assert Path("other.fastdrift").read_bytes() == (place / M).read_bytes()


@pytest.mark.parametrize(
    "command",
    ["detect {m} {data}", "explain {m} {data} --event 0", "evaluate {m} {data}", "evaluate {m} {data} --json"],
)
def test_answers_about_standard_input_are_those_about_the_file(call, place, command):
    of_file = call(command.format(m=M, data=place / "labelled.csv"))
    of_stream = call(command.format(m=M, data="-"), stdin="labelled.csv")
    assert of_stream.stdout.replace('"data": "-"', "") == of_file.stdout.replace(
        f'"data": {json.dumps(str(place / "labelled.csv"))}', ""
    )
    assert told(of_stream) == ["note: column 'label' of standard input is taken as labels, not as a metric"]


@pytest.mark.parametrize(
    ("command", "columns"),
    [
        ("detect {m} {data} --output {output}", ["event", "kind"]),
        ("explain {m} {data} --event 0 --output {output}", ["timestamp", *DATA.frame.columns]),
        ("prepare {data} --output {output}", ["timestamp", *DATA.frame.columns]),
        ("generate --n 500 --columns 2 --drifts none --output {output}", ["timestamp"]),
        ("score {m} {data} --output {output}", ["timestamp", "score", "flagged"]),
    ],
)
def test_a_table_on_standard_output_is_that_of_the_file_and_the_rest_goes_to_stderr(call, place, command, columns):
    data = place / "t.csv"
    to_file = call(command.format(m=M, data=data, output="out.csv"))
    to_stream = call(command.format(m=M, data=data, output="-"))
    assert to_stream.stdout_bytes == Path("out.csv").read_bytes()
    assert to_stream.stdout.splitlines()[0].split(",")[: len(columns)] == columns
    assert "wrote" not in to_stream.stderr
    assert "score" in command or to_file.stdout in to_stream.stderr


def test_figures_and_reports_go_to_standard_output_as_json(call, place):
    figures = call(f"evaluate {M} - --output -", stdin="labelled.csv")
    assert json.loads(figures.stdout) | {"files": []} == json.loads(
        call(f"evaluate {M} - --json", stdin="labelled.csv").stdout
    )
    assert json.loads(figures.stdout)["labelled_rows"] == int(DATA.labels.sum())
    assert "Against the labels" in figures.stderr
    report = call("prepare - --output out.csv --report -", stdin="t.csv")
    assert json.loads(report.stdout)["rows_in"] == 4_000
    assert "nothing was changed" in report.stderr
    assert Path("out.csv").exists()


def test_a_run_reads_standard_input_and_copies_nothing(call, place):
    result = call("run --input - --train --window 20 --output-dir one", stdin="t.csv.zst")
    assert "standard input, 4,000 rows × 3 columns" in result.stdout
    call(f"run --input {place / 't.csv'} --train --window 20 --output-dir two")
    for name in ("model.fastdrift", "processed/scores.csv", "processed/events.csv"):
        assert (Path("one") / name).read_bytes() == (Path("two") / name).read_bytes()
    assert not Path("one/raw/telemetry.csv").exists()


def test_compare_reads_one_of_its_tables_from_standard_input(call, place):
    options = "--window 20 --json"
    of_stream = json.loads(call(f"compare - --labels label {options}", stdin="labelled.csv").stdout)
    assert of_stream["baseline_rows"] == 1_200
    trained = json.loads(
        call(f"compare {place / 'labelled.csv'} --labels label --train - {options}", stdin="healthy.csv").stdout
    )
    assert trained["baseline_rows"] == 1_200  # it needs no labels itself


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("compare - --train -", "standard input holds one table: name a file for the other"),
        ("score - -", "standard input holds one table"),
        (f"score {M} - --output - --json", "standard output holds one result"),
        (f"detect {M} - --output - --json", "standard output holds one result"),
        ("prepare - --output - --report -", "standard output holds one result"),
        ("generate --output - --json", "standard output holds one result"),
        (f"evaluate {M} - --plot -", "- is for tables and JSON: name a file for this"),
        (f"explain {M} - --event 0 --plot -", "- is for tables and JSON"),
        ("fit - --output -", "- is for tables and JSON"),
    ],
)
def test_two_things_on_one_stream_are_wrong_usage(call, here, command, message):
    assert message in call(command, stdin="t.csv", code=2).stderr
    assert [path.name for path in here.iterdir()] == [M]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "Error: standard input: it is empty"),
        (b"a,b\n1,x\n", "Error: standard input: column 'b', row 0: 'x' is not a number"),
        (b"\x28\xb5\x2f\xfdxxxx", "Error: standard input: it is not a whole zstd file"),
        (b"PAR1PAR1", "Error: standard input: it is not a Parquet file"),
        (b"a,label\n1,2\n", "Error: standard input: column 'gone', said to hold the labels"),
    ],
)
def test_what_is_wrong_with_standard_input_is_one_line(call, content, message):
    labels = " --labels gone" if b"label" in content else ""
    result = call(f"fit -{labels}", stdin=content, code=1)
    assert result.stderr.startswith(message)
    assert len(result.stderr.splitlines()) == 1


# What was taken for what

EPOCH = DATA.frame.reset_index(drop=True)
EPOCH.insert(0, "ts", 1_735_686_000 + 60 * np.arange(len(EPOCH)))
NOTED = {
    "decimal commas": (as_csv(DATA.frame, sep=";", decimal=","), "commas in numbers are taken for decimal points"),
    "seconds": (as_csv(EPOCH, index=False), "column 'ts' is taken as the time: seconds since 1970, in UTC"),
    "seconds by another name": (
        as_csv(EPOCH.rename(columns={"ts": "x"}), index=False),
        "column 'x' is taken as the time: seconds since 1970, in UTC",
    ),
    "an index": (
        as_csv(DATA.frame.rename_axis(index=None)),
        "the first column, which has no name, is taken as the time",
    ),
}
COMMANDS = {
    "fit": "fit - --baseline 1200 --window 20",
    "score": f"score {M} -",
    "detect": f"detect {M} -",
    "explain": f"explain {M} - --rows 100:200",
    "evaluate": f"evaluate {M} -",
    "prepare": "prepare - --output out.csv",
    "run": "run --input - --train --window 20",
    "compare": "compare - --window 20",
}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_tells_what_was_taken_for_what(call, command):
    for content, note in NOTED.values() if command in ("score", "detect") else [NOTED["decimal commas"]]:
        # without labels there is nothing to compare, and still it is told what was read
        result = call(COMMANDS[command], stdin=content, code=1 if command == "compare" else 0)
        assert told(result)[0] == f"note: standard input: {note}"


def test_the_other_dialects_need_no_word(call):
    plain = call(f"score {M} -", stdin="t.csv").stdout
    gap = DATA.frame.copy()
    gap.iloc[7, 1] = np.nan
    for content in (as_csv(DATA.frame, sep=";"), as_csv(DATA.frame, sep="\t"), as_csv(DATA.frame, sep="|")):
        result = call(f"score {M} -", stdin=content)
        assert (result.stdout, result.stderr) == (plain, "")
    for word in ("None", "NULL", "n/a"):
        assert "warning: 8 of 3981 windows hold a NaN" in call(f"score {M} -", stdin=as_csv(gap, na_rep=word)).stderr


# One rule for labels and times

ODD = DATA.frame.assign(label=2.0 + np.arange(len(DATA.frame)) % 3)


def test_a_column_called_label_that_holds_no_labels_is_a_metric_and_that_is_told(call, fit):
    result = call("fit - --baseline 1200 --window 20 --output odd.fastdrift", stdin=as_csv(ODD))
    note = "note: standard input: column 'label' holds other values than 0 and 1 and is taken as a metric"
    assert told(result) == [note]
    assert fd.load("odd.fastdrift").columns == fit(ODD[:1_200], window=20).columns == tuple(ODD.columns)
    call("score odd.fastdrift -", stdin=as_csv(ODD))
    call("fit - --columns " + ",".join(DATA.frame.columns) + " --baseline 1200 --window 20", stdin=as_csv(ODD))
    assert fd.load("model.fastdrift").columns == tuple(DATA.frame.columns)
    for labels in ("--labels label", ""):
        message = "labels must be 0 or 1" if labels else "standard input has no labels to judge by"
        assert message in call(f"compare - {labels}", stdin=as_csv(ODD), code=1).stderr
    assert "labels must be 0 or 1" in call(f"evaluate {M} -", stdin=as_csv(ODD), code=1).stderr


@pytest.mark.parametrize("name", ["ts", "timestamp", "created_at"])
def test_times_since_1970_in_any_order_are_sorted_or_refused_as_all_times_are(call, name):
    shuffled = EPOCH.rename(columns={"ts": name}).sample(frac=1, random_state=1)
    for command in ("fit -", f"score {M} -", f"detect {M} -"):
        result = call(command, stdin=as_csv(shuffled, index=False), code=1)
        assert f"Error: standard input: time goes back in column {name!r}: row " in result.stderr
        assert result.stderr.endswith("sort the rows by time, as `fastdrift prepare` does\n")
    result = call("run --input - --train --window 20 --output-dir one", stdin=as_csv(shuffled, index=False))
    assert "note: standard input: rows, out of order: " in result.stderr
    call("run --input - --train --window 20 --output-dir two", stdin=as_csv(EPOCH, index=False))
    one, two = (read_table(f"{place}/processed/scores.csv") for place in ("one", "two"))
    assert one.to_numpy().tobytes() == two.to_numpy().tobytes()


def test_a_metric_of_a_model_is_never_taken_for_the_time(call, fit):
    columns = ["ts", *DATA.frame.columns]
    fit(EPOCH[:1_200], columns=columns, window=20).save("timed.fastdrift")
    called = DATA.frame.reset_index(drop=True).rename(columns={DATA.frame.columns[0]: "time"})
    fit(called[:1_200], window=20).save("called.fastdrift")
    for name, table in (("timed", EPOCH), ("called", called)):
        result = call(f"score {name}.fastdrift -", stdin=as_csv(table, index=False))
        assert told(result) == []
        assert result.stdout.startswith("row,score,flagged")


def test_whole_numbers_of_the_size_of_times_are_none_if_neither_name_nor_order_says_so(call, here):
    named = EPOCH.rename(columns={"ts": "x"})
    for order, columns in (("sorted", 3), ("shuffled", 4)):
        table = named if order == "sorted" else named.sample(frac=1, random_state=1)
        table.to_parquet(here / "t.parquet", index=False)
        for content in (as_csv(table, index=False), (here / "t.parquet").read_bytes()):
            result = call("fit - --window 20 --json", stdin=content)
            assert len(json.loads(result.stdout)["columns"]) == columns
            assert ["column 'x' is taken as the time" in line for line in told(result)] == [True] * (4 - columns)


def test_a_warning_is_told_once_however_many_models_have_it(call):
    result = call("compare - --labels label --baseline 300 --window 20", stdin="labelled.csv")
    assert result.stderr.count("the baseline is thin") == 1


# As a process


def process(*arguments, stdin=None, stdout=subprocess.PIPE, folder=None, **environment):
    known = os.environ | {"PYTHONPATH": str(ROOT)} | environment
    return subprocess.run(
        [sys.executable, "-m", "fastdrift", *arguments],
        stdin=stdin, stdout=stdout, stderr=subprocess.PIPE, env=known, cwd=folder, timeout=120, check=False,
    )  # fmt: skip


COMMANDS_THAT_WRITE = [f"score {M} -", f"score {M} - --json", f"detect {M} -", "prepare - --output -"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("command", COMMANDS_THAT_WRITE)
def test_a_full_disk_behind_standard_output_is_one_line_and_exit_code_1(place, command):
    with (place / "t.csv.zst").open("rb") as stdin, Path("/dev/full").open("wb") as full:
        done = process(*command.split(), stdin=stdin, stdout=full, folder=place)
    assert done.stderr == b"Error: standard output: it cannot be written (No space left on device)\n"
    assert done.returncode == 1


@pytest.mark.parametrize("command", COMMANDS_THAT_WRITE)
def test_a_pipe_whose_reader_has_gone_ends_quietly(place, command):
    reader, writer = os.pipe()
    os.close(reader)
    with (place / "t.csv.zst").open("rb") as stdin, os.fdopen(writer, "wb") as pipe:
        done = process(*command.split(), stdin=stdin, stdout=pipe, folder=place)
    table = done.stderr.splitlines()
    assert not any(b"rror" in line or b"Traceback" in line for line in table), done.stderr
    assert done.returncode == 1


@pytest.mark.parametrize("command", ["fit healthy.csv --output x.fastdrift", f"score {M} t.csv", "warmup"])
def test_without_compilation_every_command_says_so_in_one_line(place, command):
    done = process(*command.split(), folder=place, NUMBA_DISABLE_JIT="1")
    expected = b"Error: fastdrift cannot run without compilation, which NUMBA_DISABLE_JIT forbids: unset it\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, b"", expected)
