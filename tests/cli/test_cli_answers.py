"""The command line answers: what was found comes first, beside what was promised, and alarms decide the exit code."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import fastdrift as fd
from fastdrift.cli.main import cli
from fastdrift.files.read import read_table

pytestmark = pytest.mark.filterwarnings("ignore::fastdrift.DriftWarning")
N_HEALTHY = 12_000


@pytest.fixture(scope="module")
def healthy():
    return fd.generate(16_000, columns=4, seed=3, drifts=()).frame


@pytest.fixture(scope="module")
def model(healthy):
    return fd.fit(healthy[:N_HEALTHY])


@pytest.fixture(scope="module")
def day(healthy):
    """Return 2,000 later rows: rows 600 to 700 are off by 5 spreads, and column 1 is missing in 1,200 to 1,400."""
    rows = healthy[N_HEALTHY : N_HEALTHY + 2_000].copy()
    rows.iloc[600:700, 0] += 5 * rows.iloc[:, 0].std()
    rows.iloc[1_200:1_400, 1] = np.nan
    return rows


@pytest.fixture(scope="module")
def place(tmp_path_factory, healthy, model, day):
    """Return a folder with a model, the day, and the day as it would have been."""
    folder = tmp_path_factory.mktemp("day")
    model.save(folder / "m.fastdrift")
    replace(model, promise=None, rows=None).save(folder / "old.fastdrift")
    day.to_parquet(folder / "day.parquet")
    healthy[N_HEALTHY : N_HEALTHY + 2_000].to_parquet(folder / "quiet.parquet")
    labels = np.zeros(len(day), np.uint8)
    labels[600:700] = labels[1_200:1_400] = 1
    day.assign(label=labels).to_parquet(folder / "labelled.parquet")
    return folder


@pytest.fixture
def call(place, monkeypatch):
    """Return a function that runs a command in that folder and returns its result."""
    monkeypatch.chdir(place)

    def run(command, *, code=0):
        result = CliRunner().invoke(cli, shlex.split(command))
        assert result.exit_code == code, (result.output, result.exception)
        return result

    return run


def plain(text):
    return " ".join(text.split())


def test_the_first_line_of_evaluate_says_which_incidents_were_found(call):
    lines = plain(call("evaluate m.fastdrift labelled.parquet").stdout)
    assert lines.startswith("2 of 2 labelled incidents found (1 of them as missing data), half of them within ")
    promised = lines.index("False alarms: at most")
    assert promised < lines.index("Alarms # since until why once in") < lines.index("Promised, and what came")
    assert lines.index("Events against the labels") < lines.index("Against the labels, row by row")
    assert "came 0 false alarms" in lines


def test_without_labels_the_answer_is_what_was_found_and_what_is_promised(call, model, day):
    found = fd.detect(model, day)
    lines = plain(call("evaluate m.fastdrift day.parquet").stdout)
    assert lines.startswith(plain(found.answer()))
    assert model.promise.text() in lines
    assert "Events against" not in lines


def test_a_day_without_alarms_reads_as_good_news(call):
    assert call("evaluate m.fastdrift quiet.parquet").stdout.startswith(("No drift", "No alarm"))


def test_documents_hold_the_events_and_the_metrics_of_both_levels(call, model, day):
    document = json.loads(call("evaluate m.fastdrift labelled.parquet --json").stdout)
    found = fd.detect(model, day)
    assert document["events"] == found.to_dict()
    labels = read_table("labelled.parquet")["label"]
    for level, runs in (("alarm", found.as_runs("alarm")), ("notice", found)):
        expected = fd.event_metrics(runs, labels, tolerance=model.window - 1).to_dict()
        assert document["event_metrics"][level] == expected
    assert document["event"]["incidents"] == 2


def test_run_looks_for_events_after_the_baseline_and_writes_them(call, tmp_path):
    data = fd.generate(20_000, columns=4, seed=2, drifts=["mean-shift", "missing"])
    data.frame.assign(label=data.labels.astype("uint8")).to_parquet("whole.parquet")
    options = f"--input whole.parquet --train --eval --baseline 6000 --format parquet --output-dir {tmp_path / 'out'}"
    result = call(f"run {options}")
    assert plain(result.stdout).startswith("2 of 2 labelled incidents found (1 of them as missing data)")
    table = pd.read_parquet(tmp_path / "out" / "processed" / "events.parquet")
    found = fd.detect(fd.fit(data.frame[:6_000]), data.frame, since=6_000)
    assert table.pop("event").tolist() == list(range(len(found)))
    pd.testing.assert_frame_equal(table, found.to_frame(), check_dtype=False)
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert metrics["events"] == found.to_dict()
    assert metrics["event_metrics"]["alarm"]["found"] == 2


def test_the_quick_start_finds_all_six_drifts_and_keeps_its_promise(call, tmp_path):
    text = plain(call(f"run --n 100000 --seed 42 --train --eval --output-dir {tmp_path / 'out'}").stdout)
    assert text.startswith("6 of 6 labelled incidents found (1 of them as missing data)")
    came = json.loads((tmp_path / "out" / "metrics.json").read_text())["event_metrics"]["false_drift_alarms"]
    assert came <= 7
    assert f", {came} came. " in text


def test_detect_tells_every_event_by_number_and_how_sure_it_is(call, model, day):
    found = fd.detect(model, day)
    text = plain(call("detect m.fastdrift day.parquet").stdout)
    for place, event in enumerate(found):
        assert f"{place} {event.onset_time:%Y-%m-%d %H:%M}" in text
    assert plain(found.answer()) in text
    assert model.promise.text() in text


@pytest.mark.parametrize("ending", ["csv", "parquet", "json"])
def test_detect_writes_events_as_the_name_of_the_file_says(call, model, day, ending, tmp_path):
    path = tmp_path / f"events.{ending}"
    document = json.loads(call(f"detect m.fastdrift day.parquet --json --output {path}").stdout)
    found = fd.detect(model, day)
    assert document["events"] == found.to_dict()["events"]
    assert document["files"] == [str(path)]
    if ending == "json":
        assert json.loads(path.read_text())["events"] == document["events"]
        return
    table = pd.read_csv(path) if ending == "csv" else pd.read_parquet(path)
    assert table["event"].tolist() == list(range(len(found)))
    assert table["onset"].tolist() == [event.onset for event in found]
    assert table["columns"].tolist() == [", ".join(event.columns) for event in found]


def test_detect_leaves_out_what_it_is_told_to_by_rows_or_times(call, model, day):
    by_rows = json.loads(call("detect m.fastdrift day.parquet --ignore 590..710 --ignore 1200..1400 --json").stdout)
    times = [f"{day.index[first]:%Y-%m-%dT%H:%M}..{day.index[stop]:%Y-%m-%dT%H:%M}" for first, stop in ((590, 710),)]
    by_times = json.loads(call(f"detect m.fastdrift day.parquet --ignore {times[0]} --ignore 1200..1400 --json").stdout)
    assert by_rows["events"] == by_times["events"]
    assert (by_rows["ignored_rows"], by_rows["alarms"]) == (320, 0)
    assert "320 rows, as asked" in call("detect m.fastdrift day.parquet --ignore 590..710 --ignore 1200..1400").stdout


def test_an_event_that_began_before_keeps_its_onset(call, day):
    whole = json.loads(call("detect m.fastdrift day.parquet --json").stdout)
    (drift,) = (event for event in whole["events"] if event["onset"] in range(590, 610))
    for row in (650, f"{day.index[650]:%Y-%m-%dT%H:%M}"):
        later = json.loads(call(f"detect m.fastdrift day.parquet --since {row} --json").stdout)
        assert later["events"][0] == drift
        assert later["scored_rows"] < whole["scored_rows"]


@pytest.mark.parametrize(
    ("command", "message", "code"),
    [
        ("detect m.fastdrift day.parquet --ignore 1900..2100", "--ignore 1900..2100: no row lies there", 1),
        ("detect m.fastdrift day.parquet --ignore 50..50", "no row lies there", 1),
        ("detect m.fastdrift day.parquet --ignore 50", "give FROM..TO", 1),
        ("detect m.fastdrift day.parquet --ignore a..b", "--ignore a: that is neither a row", 1),
        ("detect m.fastdrift day.parquet --since 2030-01-01", "no row is so late", 1),
        ("detect m.fastdrift day.parquet --output events.txt", "ends in .csv", 1),
        ("detect m.fastdrift day.parquet --output day.parquet", "day.parquet is an input", 2),
        ("detect m.fastdrift day.parquet --last 5 --since 9", "--last and --since both say which rows", 2),
        ("detect m.fastdrift day.parquet --last 0", "0 is not in the range", 2),
        ("explain m.fastdrift day.parquet", "--rows A:B, or --event N", 2),
        ("explain m.fastdrift day.parquet --rows 1:2 --event 0", "--rows A:B, or --event N", 2),
        ("explain m.fastdrift day.parquet --rows 1990:2100", "--rows 1990..2100: no row lies there", 1),
        ("explain m.fastdrift day.parquet --rows 0:10", "no row there has a score", 1),
        ("explain m.fastdrift day.parquet --event 99", "numbered from 0; see `fastdrift detect`", 1),
        ("fit day.parquet --false-event-rate often", "'often' is no rate of events", 2),
        ("fit day.parquet --false-event-rate 0", "'0' is no rate of events", 2),
        ("fit day.parquet --false-event-rate 1/0", "'1/0' is no rate of events", 2),
        ("fit day.parquet --false-event-rate -1/100", "'-1/100' is no rate of events", 2),
    ],
)
def test_what_cannot_be_asked_is_said_in_a_line(call, command, message, code):
    assert message in call(command, code=code).stderr


def test_times_need_rows_that_have_some(call, day):
    day.to_csv("plain.csv", index=False)
    result = call("detect m.fastdrift plain.csv --since 2024-01-01", code=1)
    assert "the rows have no times; give the number of a row" in result.stderr
    assert "599" in call("detect m.fastdrift plain.csv").stdout  # the drift begins in row 600


@pytest.mark.parametrize("rate", ["1/2000", "0.0005", "5e-4"])
def test_a_rate_of_false_events_is_a_number_or_one_of_so_many(call, healthy, rate):
    healthy[:N_HEALTHY].to_parquet("healthy.parquet")
    result = call(f"fit healthy.parquet --false-event-rate {rate} --output rated.fastdrift")
    assert fd.load("rated.fastdrift").promise.asked == 5e-4
    assert "at most 1 false alarm in 2,000 rows" in plain(result.stdout)
    call("fit healthy.parquet --false-event-rate 1/day --output rated.fastdrift")
    assert fd.load("rated.fastdrift").promise.asked == pytest.approx(1 / 1_440)


def test_explain_ranks_the_columns_of_an_event_as_the_library_does(call, model, day):
    found = fd.detect(model, day)
    number = next(place for place, event in enumerate(found) if event.onset in range(590, 610))
    document = json.loads(call(f"explain m.fastdrift day.parquet --event {number} --json").stdout)
    expected = fd.explain(model, day, events=found).iloc[number]
    assert document["columns"] == pytest.approx(expected.to_dict())
    assert next(iter(document["columns"])) == day.columns[0]
    assert list(document["columns"].values()) == sorted(document["columns"].values(), reverse=True)
    text = plain(call(f"explain m.fastdrift day.parquet --event {number}").stdout)
    assert text.startswith(f"Event {number}, {found[number].kind}")
    silent = next(place for place, event in enumerate(found) if event.kind == "missing data")
    assert "which has no scores" in call(f"explain m.fastdrift day.parquet --event {silent}", code=1).stderr


def test_explain_tells_the_parts_of_rows_that_add_up_to_the_squared_score(call, model, day, tmp_path):
    path = tmp_path / "parts.csv"
    result = call(f"explain m.fastdrift day.parquet --rows 640:660 --signed --output {path} --json")
    document, table = json.loads(result.stdout), read_table(path)
    scores = fd.score(model, day).iloc[640:660]
    np.testing.assert_allclose(table.sum(axis=1), scores**2, rtol=1e-9)
    assert sum(document["columns"].values()) == pytest.approx((scores**2).mean())
    assert document["rows"] == 20
    assert "squared score" in call("explain m.fastdrift day.parquet --rows 640:660 --signed").stdout


@pytest.mark.parametrize(("name", "magic"), [("why.png", b"\x89PNG"), ("why.svg", b"<?xml")])
def test_explain_draws_a_picture_of_bars(call, tmp_path, name, magic):
    call(f"explain m.fastdrift day.parquet --rows 640:660 --plot {tmp_path / name}")
    assert (tmp_path / name).read_bytes().startswith(magic)


COMMANDS = ["detect m.fastdrift", "score m.fastdrift", "evaluate m.fastdrift"]


@pytest.mark.parametrize("command", COMMANDS)
def test_an_alarm_in_the_rows_asked_about_exits_with_3_and_says_which(call, command, day):
    call(f"{command} day.parquet")
    result = call(f"{command} day.parquet --fail-on-drift", code=3)
    (line,) = (line for line in result.stderr.splitlines() if line.startswith("drift: "))
    assert line.startswith("drift: an alarm since row 599 ")
    assert "is missing" in call(f"{command} day.parquet --fail-on-drift --since 1000", code=3).stderr
    assert "is missing" in call(f"{command} day.parquet --fail-on-drift --last 700", code=3).stderr
    call(f"{command} day.parquet --fail-on-drift --last 60")
    call(f"{command} day.parquet --fail-on-drift --since {day.index[1_700]:%Y-%m-%dT%H:%M}")
    call(f"{command} quiet.parquet --fail-on-drift")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_short_outage_at_the_end_and_a_dead_sensor_exit_with_3(call, command, healthy):
    outage = healthy[N_HEALTHY : N_HEALTHY + 1_440].copy()
    outage.iloc[-60:] += 5 * outage.std()
    outage.to_parquet("outage.parquet")
    assert ", still on: " in call(f"{command} outage.parquet --fail-on-drift --last 10", code=3).stderr
    dead = healthy[N_HEALTHY:].copy()
    dead.iloc[:, 0] = np.nan
    dead.to_parquet("dead.parquet")
    assert "drift: an alarm since row 0" in call(f"{command} dead.parquet --fail-on-drift", code=3).stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_rows_of_which_none_could_be_scored_are_not_healthy(call, command, healthy):
    gap = healthy[N_HEALTHY:].copy()
    gap.iloc[-10, 0] = np.nan  # too little for missing data to be an event
    gap.to_parquet("gap.parquet")
    call(f"{command} gap.parquet --fail-on-drift --last 60")
    result = call(f"{command} gap.parquet --fail-on-drift --last 5", code=3)
    assert "drift: none of the 5 rows could be scored" in result.stderr


def test_an_old_model_still_scores_by_rows_and_says_what_events_need(call, day):
    scores = call("score old.fastdrift day.parquet").stdout
    assert scores == call("score m.fastdrift day.parquet").stdout
    result = call("evaluate old.fastdrift labelled.parquet")
    assert "fit it anew to be told of events" in result.stderr
    assert "by runs of flagged rows" in result.stdout
    document = json.loads(call("evaluate old.fastdrift day.parquet --json").stdout)
    assert (document["events"], document["drift"]["drifted"]) == (None, None)
    for command in ("detect old.fastdrift day.parquet", "explain old.fastdrift day.parquet --event 0"):
        assert "fit it anew" in call(command, code=1).stderr
    assert "fit it anew" in call("score old.fastdrift day.parquet --fail-on-drift", code=1).stderr
    call("score old.fastdrift day.parquet --fail-on-drift --drift-share 0.01", code=3)
    call("score old.fastdrift day.parquet --fail-on-drift --drift-share 0.9")


def test_many_alarms_are_cut_to_the_latest_and_the_others_counted(call, healthy):
    rows = healthy[N_HEALTHY:].copy()
    for first in range(200, 3_950, 230):
        rows.iloc[first : first + 40] += 5 * healthy.std()
    rows.to_parquet("many.parquet")
    document = json.loads(call("evaluate m.fastdrift many.parquet --json").stdout)
    assert document["events"]["alarms"] > 12
    text = plain(call("evaluate m.fastdrift many.parquet").stdout)
    assert f"and {document['events']['alarms'] - 12} more before" in text
    assert "more before" not in plain(call("detect m.fastdrift many.parquet").stdout)
