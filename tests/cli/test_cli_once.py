"""Nothing is scored twice that is scored already."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from click.testing import CliRunner

import fastdrift as fd
from fastdrift.alarms.detect import find_events
from fastdrift.cli.main import cli
from fastdrift.files.write import write_table
from fastdrift.scoring import batch

ROWS = 4_000


@pytest.fixture(scope="module")
def data():
    frame = fd.generate(ROWS, columns=3, seed=1, drifts=["mean-shift"]).frame
    frame.iloc[1_500:1_505, 0] = np.nan
    return frame


@pytest.fixture(scope="module")
def model(data):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fd.DriftWarning)
        return fd.fit(data[:1_200], window=20, false_event_rate=1e-3)


@pytest.fixture
def swept(monkeypatch):
    """Count how many rows are scored."""
    rows, score_table = [], batch.score_table

    def counted(model, table, *rest):
        rows.append(table.n_rows)
        return score_table(model, table, *rest)

    for place in ("scoring.batch", "alarms.detect"):
        monkeypatch.setattr(f"fastdrift.{place}.score_table", counted)
    return rows


@pytest.mark.parametrize(
    "command",
    [
        "score m.fastdrift t.csv --output s.csv",
        "evaluate m.fastdrift t.csv",
        "detect m.fastdrift t.csv",
        "detect m.fastdrift t.csv --last 1000",
        "run --input t.csv --model m.fastdrift",
    ],
)
def test_a_command_scores_its_rows_once(tmp_path, monkeypatch, data, model, swept, command):
    monkeypatch.chdir(tmp_path)
    write_table(data, "t.csv")
    model.save("m.fastdrift")
    result = CliRunner().invoke(cli, command.split())
    assert (result.exit_code, result.stderr.count("Traceback")) == (0, 0), result.output
    assert swept == [ROWS]


@pytest.mark.filterwarnings("ignore::fastdrift.DriftWarning")
@pytest.mark.parametrize("since", [0, 1_502, 3_000])
def test_events_by_scores_that_are_there_are_those_of_detect(data, model, since):
    scores = fd.score(model, data).to_numpy()
    before = scores.tobytes()
    ignore = [(2_000, 2_100)]
    by_scores = find_events(model, data, scores, since=since, ignore=ignore)
    expected = fd.detect(model, data, since=since, ignore=ignore)
    assert repr(by_scores.to_dict()) == repr(expected.to_dict())
    assert (by_scores.unscored, by_scores.notes) == (expected.unscored, expected.notes)
    assert scores.tobytes() == before


def test_scores_at_the_middle_of_windows_have_the_same_events(tmp_path, monkeypatch, data, model):
    monkeypatch.chdir(tmp_path)
    write_table(data, "t.csv")
    model.save("m.fastdrift")
    answers = [
        CliRunner()
        .invoke(cli, f"score m.fastdrift t.csv --output s.csv --align {align}".split())
        .stdout.split("\n\n")[0]
        for align in ("end", "center")
    ]
    assert answers[0] == answers[1] != ""
