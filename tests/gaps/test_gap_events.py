"""Events where values are missing: healthy gaps raise no more than whole rows do, drifts are found and told of."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner

import fastdrift as fd
from fastdrift.cli.main import cli

pytestmark = pytest.mark.filterwarnings("ignore::fastdrift.DriftWarning")
WINDOW = 20


@pytest.fixture(scope="module")
def telemetry():
    return fd.generate(60_000, seed=21, drifts=()).frame


@pytest.fixture(scope="module")
def model(telemetry):
    return fd.fit(telemetry[:20_000], window=WINDOW)


def lacking(rows, *, cells=0.0, gone=0, seed=0):
    """Return rows of which some columns are gone, and a share of the cells."""
    rng = np.random.default_rng(seed)
    rows = rows.mask(rng.random(rows.shape) < cells)
    rows.iloc[:, rng.choice(rows.shape[1], gone, replace=False)] = np.nan
    return rows


@pytest.mark.parametrize(
    ("gaps", "least", "most"),
    [
        ({"gone": 1}, 0.7, 1.3),
        ({"gone": 4}, 0.7, 1.3),
        ({"cells": 0.02}, 0.7, 1.3),
        ({"cells": 0.1}, 0.5, 1.3),
        ({"cells": 0.3}, 0.5, 1.3),
    ],
)
def test_windows_with_gaps_pass_the_threshold_as_often_as_whole_ones(telemetry, model, gaps, least, most):
    rows = telemetry[20_000:]
    usual = (fd.score(model, rows) > model.threshold).mean()
    seeds = range(4 if "gone" in gaps else 1)  # which columns are gone makes a difference
    found = [fd.score(model, lacking(rows, seed=seed, **gaps), missing="score") for seed in seeds]
    assert all(scores[WINDOW - 1 :].notna().all() for scores in found)
    assert least <= np.mean([(scores > model.threshold).mean() for scores in found]) / usual <= most


def test_gaps_filled_by_the_mean_would_be_noticed(telemetry, model):
    rows = telemetry[20_000:30_000]
    filled = lacking(rows, cells=0.3).fillna(telemetry[:20_000].mean())
    usual = (fd.score(model, rows) > model.threshold).mean()
    assert (fd.score(model, filled) > model.threshold).mean() / usual > 2


def test_a_drift_beside_a_dead_column_is_found_since_when_and_in_which_column(telemetry, model):
    rows = telemetry[20_000:24_000].copy()
    shifted, dead = rows.columns[4], rows.columns[2]
    rows.iloc[1_000:3_000, 2] = np.nan
    rows.iloc[2_000:2_200, 4] += 6 * rows[shifted].std()
    rows = rows.mask(np.random.default_rng(2).random(rows.shape) < 0.01)
    assert not [event for event in fd.detect(model, rows) if event.kind == "drift" and 2_000 <= event.start < 2_200]
    found = fd.detect(model, rows, missing="score")
    (event,) = [event for event in found.alarms if event.kind == "drift" and 1_990 <= event.start < 2_200]
    assert event.columns[0] == shifted
    assert event.why.startswith(f"{shifted} up by ")
    assert abs(event.onset - 2_000) <= 3
    assert event.observed == 7
    (silence,) = [event for event in found if event.kind == "missing data"]
    assert (silence.columns, silence.observed) == ((dead,), 7)
    assert found.n_scored == len(rows) - WINDOW + 1
    assert f"{len(rows) - WINDOW + 1 - np.isfinite(fd.score(model, rows)).sum():,} windows hold" in found.notes[0]
    assert {"observed": 7}.items() <= event.to_dict().items()
    assert found.to_frame()["observed"].tolist() == [one.observed for one in found]


def test_events_of_whole_rows_are_as_ever(telemetry, model):
    rows = telemetry[20_000:40_000].copy()
    rows.iloc[5_000:5_100, 1] += 5 * rows.iloc[:, 1].std()
    usual, found = (fd.detect(model, rows, missing=missing) for missing in ("nan", "score"))
    assert found.events == usual.events
    assert {event.observed for event in usual} == {8}


def test_a_column_that_is_not_in_the_table_is_a_note_and_no_event(telemetry, model):
    rows = telemetry[20_000:24_000].drop(columns=telemetry.columns[3])
    with pytest.raises(fd.DataError, match="of the model is missing"):
        fd.detect(model, rows)
    found = fd.detect(model, rows, missing="score")
    assert not [event for event in found if event.kind == "missing data"]
    assert found.notes[0] == f"'{telemetry.columns[3]}' is not in the table: 1 of 8 columns are scored around"


def test_below_half_of_the_columns_there_is_an_event_of_missing_data(telemetry, model):
    rows = telemetry[20_000:22_000].copy()
    rows.iloc[500:800, :5] = np.nan
    found = fd.detect(model, rows, missing="score")
    (event,) = [event for event in found if event.kind == "missing data"]
    assert (event.onset, event.observed, len(event.columns)) == (500, 3, 5)
    assert found.n_scored < len(rows) - 280


def test_several_windows_find_it_too(telemetry):
    model = fd.fit(telemetry[:20_000], window=(10, 20))
    rows = telemetry[20_000:22_000].copy()
    rows.iloc[500:1_500, 6] = np.nan
    rows.iloc[1_000:1_100, 0] += 6 * rows.iloc[:, 0].std()
    (event,) = [one for one in fd.detect(model, rows, missing="score").alarms if one.kind == "drift"]
    assert (event.columns[0], event.observed) == (rows.columns[0], 7)
    assert abs(event.onset - 1_000) <= WINDOW // 2


def test_the_command_line_scores_around_gaps(telemetry, model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model.save("m")
    rows = telemetry[20_000:21_000].copy()
    rows.iloc[:, 2] = np.nan
    rows.to_csv("gaps.csv")
    rows.drop(columns=rows.columns[2]).to_csv("lacks.csv")

    def call(*command):
        result = CliRunner().invoke(cli, list(command))
        assert result.exit_code == 0, (result.output, result.exception)
        return json.loads(result.stdout)

    usual, found = (call("score", "m", "gaps.csv", "--json", *more)["scores"] for more in ([], ["--missing", "score"]))
    assert set(usual) == {None}
    assert [value for value in found if value is not None] == fd.score(model, rows, missing="score").dropna().tolist()
    assert call("score", "m", "lacks.csv", "--json", "--missing", "score")["scores"] == found
    events = call("detect", "m", "lacks.csv", "--json", "--missing", "score")
    assert events["scored_rows"] == len(rows) - WINDOW + 1
    assert call("detect", "m", "lacks.csv", "--json", "--missing", "score", "--last", "100")["notes"]
    refused = CliRunner().invoke(cli, ["detect", "m", "lacks.csv"])
    assert refused.exit_code == 1
