"""Onsets and reasons are those of their definitions, for one event as for many, in whatever way the rows lie."""

from __future__ import annotations

import pickle

import numpy as np
import oracle
import pandas as pd
import pytest

import fastdrift as fd
from fastdrift.alarms.onset import HEALTHY_ROWS, LEAST_ROWS, best_split, find_onsets
from fastdrift.alarms.reasons import LEAST_SHARE, MOST_COLUMNS, find_reasons
from fastdrift.tables.convert import as_table

WINDOW = 20


@pytest.fixture(scope="module")
def telemetry():
    return fd.generate(24_000, columns=5, seed=11, drifts=()).frame


@pytest.fixture(scope="module")
def fixed(telemetry):
    """Return telemetry with a column in the middle that never moves, until it does."""
    rows = telemetry.copy()
    rows.insert(2, "fixed", 4.0)
    rows.iloc[20_000:20_030, 2] = 5.0
    rows.iloc[21_000:21_200, 0] += 6 * rows.iloc[:, 0].std()
    rows.iloc[22_000:22_200, 4] *= 4
    return rows


@pytest.fixture(scope="module")
def model(fixed):
    return fd.fit(fixed[:12_000], window=WINDOW)


def stretches(n_rows, count, seed):
    """Return rows to look back over, of any length, some of them none to speak of."""
    rng = np.random.default_rng(seed)
    firsts = rng.integers(0, n_rows - 150, count)
    return firsts, firsts + rng.integers(1, 120, count)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("kind", ["frame", "rows", "columns", "float32", "nullable"])
def test_onsets_are_those_of_the_definition(telemetry, model, fixed, kind, threads):
    rows = fixed.drop(columns="fixed").iloc[18_000:]
    rows.iloc[100:3_000:53, 1] = np.nan
    rows.iloc[200:210, 3] = np.inf
    rows.iloc[400:600] = np.nan
    stored = {
        "frame": rows,
        "rows": np.ascontiguousarray(rows),
        "columns": np.asfortranarray(rows),
        "float32": rows.astype(np.float32),
        "nullable": rows.astype({rows.columns[0]: "Float64"}),
    }[kind]
    firsts, stops = stretches(len(rows), 41, seed=3)
    firsts[-1], stops[-1] = 450, 550  # nothing is known of these
    found = find_onsets(as_table(stored), np.arange(5), model.rows, firsts, stops, threads)
    plain = np.asarray(rows, np.float32 if kind == "float32" else np.float64)
    with np.errstate(invalid="ignore"):
        values = (plain - model.rows.mean) @ model.rows.whitener()
    for first, stop, onset in zip(firsts, stops, found, strict=True):
        ratios = oracle.onset_ratios(values[first:stop], LEAST_ROWS, HEALTHY_ROWS)
        if not ratios:
            whole = np.flatnonzero(np.isfinite(values[first:stop]).all(axis=1))
            assert onset - first == (whole[0] if whole.size else 0)
            continue
        best = max(ratios.values())
        assert ratios[onset - first] == pytest.approx(best, rel=1e-10, abs=1e-9)


@pytest.mark.parametrize("n_columns", [1, 3, 8, 200])
def test_variances_from_none_to_huge_have_the_onset_of_the_definition(n_columns):
    rng = np.random.default_rng(n_columns)
    for scale in (0.0, 1e-9, 1.0, 1e6, 1e40):
        rows = rng.normal(size=(70, n_columns))
        rows[50:] *= scale
        ratios = oracle.onset_ratios(rows, LEAST_ROWS, HEALTHY_ROWS)
        assert ratios[best_split(rows)] == pytest.approx(max(ratios.values()), rel=1e-10)


def said_by(model, rows, looks):
    """Return the reason of the windows that end in some rows, the first of them the highest, by definition."""
    windows = [rows.iloc[row - WINDOW + 1 : row + 1].to_numpy(np.float64) for row in looks if row >= 0]
    return oracle.reason(model, windows, LEAST_SHARE, MOST_COLUMNS)


@pytest.mark.parametrize("kind", ["frame", "columns", "float32", "nullable"])
def test_reasons_are_those_of_the_definition(model, fixed, kind):
    rows = fixed.iloc[19_000:23_500]
    stored = {
        "frame": rows,
        "columns": pd.DataFrame({name: rows[name].copy() for name in rows}),
        "float32": rows.astype(np.float32),
        "nullable": rows.astype({"fixed": "Float64"}),
    }[kind]
    asked = np.r_[np.arange(WINDOW - 1, 4_400, 97), 1_010, 1_029, 2_050, 3_050]
    looks = np.full((asked.size, 4), -1)
    looks[:, 0], looks[::2, 1], looks[1::3, 3] = asked, asked[::2] + WINDOW, asked[1::3] - WINDOW // 2
    looks[looks < WINDOW - 1] = -1
    found = find_reasons(model, as_table(stored), np.arange(6), looks, 2)
    values = stored.astype(np.float64)
    for line, reason in zip(looks, found, strict=True):
        assert (list(reason.columns), reason.why) == said_by(model, values, line)
    assert found[-4].why.startswith("fixed moved from 4, where it had always been")
    assert "up by " in found[-2].why
    assert "more variable (×" in found[-1].why


def test_a_column_that_is_far_off_in_one_window_alone_is_not_said_to_be_it(model, fixed):
    rows = fixed[19_000:23_500].copy()
    rows.iloc[1_500:1_600, 0] += 3 * fixed.iloc[:12_000, 0].std()  # the highest window, and two beside it
    looks = np.full((3, 9), -1)
    looks[:, 0], looks[1, 1:3], looks[2, 1:] = 1_559, (1_539, 1_579), range(600, 1_000, 50)
    alone, borne_out, not_so = find_reasons(model, as_table(rows), np.arange(6), looks, 1)
    assert alone.columns == borne_out.columns == not_so.columns
    assert f"{fixed.columns[0]} up by " in alone.why
    assert alone.why == borne_out.why
    assert f"{fixed.columns[0]} up by " not in not_so.why


def test_events_are_plain_values_that_can_be_sent_elsewhere(model, fixed):
    found = fd.detect(model, fixed[19_000:])
    again = pickle.loads(pickle.dumps(found))  # noqa: S301  # its own
    assert again.events == found.events
    assert again.to_frame().equals(found.to_frame())
    assert found.events == fd.detect(model, fixed[19_000:], threads=1).events
    event = found.alarms[0]
    assert repr(event.reason) == f"Reason(columns={event.columns!r}, why={event.why!r})"
    assert hash(event.reason) == hash(again.alarms[0].reason)
    assert event.reason != found.alarms[1].reason


def test_values_too_large_to_square_are_all_among_the_reasons(model, fixed):
    rows = fixed[19_000:20_000].copy()
    rows.iloc[500, [0, 1, 3]] = [1e200, -1e300, 1e250]
    (event,) = [event for event in fd.detect(model, rows).alarms if event.start == 500]
    assert np.isinf(event.peak_score)
    assert event.onset <= 500
    for name in rows.columns[[0, 1, 3]]:
        assert f"{name} up by " in event.why or f"{name} down by " in event.why


# Shares


def test_all_rows_have_the_parts_that_each_has(model, fixed):
    rows = fixed[19_500:21_500].copy()
    rows.iloc[900, 3] = np.nan
    rows.iloc[1_200, 2] = np.inf
    for signed in (True, False):
        whole = fd.explain(model, rows, signed=signed)
        assert whole.index.equals(rows.index)
        expected = np.array([oracle.parts(model, window, signed) for window in oracle.windows(rows, WINDOW)])
        np.testing.assert_allclose(whole.to_numpy()[WINDOW - 1 :], expected, rtol=1e-8, atol=1e-8)
        assert np.isnan(whole.to_numpy()[: WINDOW - 1]).all()
    assert np.isnan(whole.to_numpy()[[900, 919, 1_200, 1_219]]).all()
    assert np.isfinite(whole.to_numpy()[[899, 920, 1_199, 1_220]]).all()


def test_no_events_are_explained_by_no_rows(model, fixed):
    assert fd.explain(model, fixed[:1_000], events=[]).shape == (0, 6)


def test_rows_of_an_array_are_named_by_their_numbers(telemetry):
    rows = telemetry.to_numpy()[:6_000]
    model = fd.fit(rows[:3_000], window=WINDOW)
    whole = fd.explain(model, rows)
    assert whole.index.name == "row"
    assert whole.index.equals(pd.RangeIndex(6_000))
    some = fd.explain(model, rows, rows=slice(5_990, 100, -7))
    assert some.index.tolist() == list(range(5_990, 100, -7))
    assert some.to_numpy().tobytes() == whole.loc[some.index].to_numpy().tobytes()
