"""score gives every window its distance from the baseline, and says where it cannot."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pandas as pd
import pytest
from oracle import model_scores, relative_error, telemetry

import fastdrift as fd

WINDOW = 10


@pytest.fixture(scope="module")
def table():
    return telemetry(4_000, 4, seed=1)


@pytest.fixture(scope="module")
def known(table):
    return fd.fit(table, window=WINDOW)


def with_still_column(table, value=7.0, place=1):
    return np.insert(table, place, value, axis=1)


def named(table, names="abcd"):
    return pd.DataFrame(table, columns=list(names), index=pd.date_range("2020", periods=len(table), freq="min"))


# The number


@pytest.mark.parametrize("n_columns", [1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 33])
@pytest.mark.parametrize("window", [2, 7, 50])
def test_scores_are_those_of_a_plain_loop(fit, n_columns, window):
    rows = telemetry(40 * window + 60, n_columns, seed=n_columns)
    model = fit(rows, window=window, shrinkage=0.1)
    fresh = telemetry(9 * window + 3, n_columns, seed=n_columns)[::-1] * 1.5
    assert relative_error(fd.score(model, fresh), model_scores(model, fresh)) < 1e-9


@pytest.mark.parametrize("window", [3, 51, 500])
def test_scores_of_odd_and_long_windows_are_those_of_a_plain_loop(fit, window):
    rows = telemetry(20 * window, 3, seed=window)
    model = fit(rows, window=window)
    assert relative_error(fd.score(model, rows), model_scores(model, rows)) < 1e-9


@pytest.mark.parametrize("window", [2, 7, 50])
def test_an_offset_costs_not_one_digit(fit, window):
    # numbers that the offset leaves as they are, told from a centre that it moves along with them
    rows = np.round(np.random.default_rng(2).normal(size=(60 * window, 3)), 2) // 2**-12 * 2**-12
    model = fit(rows, window=window)
    means = np.arange(6) < 3
    centre = np.where(means, model.centre // 2**-12 * 2**-12, model.centre)
    near = dataclasses.replace(model, centre=centre)
    far = dataclasses.replace(model, centre=centre + 2.0**33 * means)
    assert fd.score(far, rows + 2.0**33).tobytes() == fd.score(near, rows).tobytes()


def test_the_first_rows_have_no_window_and_no_score(known, table):
    scores = fd.score(known, table)
    assert scores.shape == (len(table),)
    assert np.isnan(scores[: WINDOW - 1]).all()
    assert np.isfinite(scores[WINDOW - 1 :]).all()
    assert np.isfinite(fd.score(known, table[:WINDOW])).tolist() == [False] * (WINDOW - 1) + [True]


@pytest.mark.parametrize("window", [10, 11])
def test_centred_scores_are_those_of_the_window_around_the_row(fit, table, window):
    model = fit(table, window=window)
    end, centre = fd.score(model, table), fd.score(model, table, align="center")
    assert len(centre) == len(end)
    for row in (window // 2 + 1, 777, len(table) - window // 2 - 1):
        assert centre[row] == end[row + window // 2]
    assert np.isnan(centre).sum() == window - 1
    assert np.isnan(centre[-(window // 2) :]).all()


def test_a_shift_and_a_burst_stand_out(known, table):
    shifted, noisy = table.copy(), table.copy()
    shifted[2_000:, 2] += 4 * table[:, 2].std()
    noisy[2_000:] += np.random.default_rng(0).normal(size=(2_000, 4)) * table.std(axis=0) * 3
    for drifted in (shifted, noisy):
        drift = fd.score(known, drifted) > known.threshold
        assert drift[2_000 + WINDOW :].mean() > 0.9
        assert drift[:2_000].mean() < 0.1


# Frames and columns


def test_a_frame_gives_a_series_with_its_index(table):
    frame = named(table)
    model = fd.fit(frame, window=WINDOW)
    scores = fd.score(model, frame)
    assert isinstance(scores, pd.Series)
    assert scores.index.equals(frame.index)
    assert scores.to_numpy().tobytes() == fd.score(fd.fit(table, window=WINDOW), table).tobytes()
    centred = fd.score(model, frame, align="center")
    assert centred.to_numpy().tobytes() == fd.score(model, table, align="center").tobytes()


def test_columns_are_matched_by_name_in_any_order(table):
    frame = named(table)
    model = fd.fit(frame, window=WINDOW)
    whole = fd.score(model, frame)
    for names in ("dcba", "badc", "cdab"):
        assert fd.score(model, frame[list(names)]).to_numpy().tobytes() == whole.to_numpy().tobytes()


def test_columns_beside_a_list_of_columns_play_no_part(table):
    frame = named(table)
    model = fd.fit(frame, window=WINDOW, columns=["c", "a"])
    assert model.columns == ("c", "a")
    alone = fd.score(model, frame[["a", "c"]])
    spoiled = frame.assign(b="text", d=np.nan)
    assert fd.score(model, spoiled).to_numpy().tobytes() == alone.to_numpy().tobytes()
    places = fd.fit(table, window=WINDOW, columns=[2, 0])
    spoiled = table.copy()
    spoiled[:, 1] = np.nan
    assert fd.score(places, spoiled).tobytes() == alone.to_numpy().tobytes()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda frame: frame.assign(e=1.0), "column 'e' is not the model's: drop it, or name the columns"),
        (lambda frame: frame[["a", "b"]], "column 'c' of the model is missing; the table has 'a', 'b'"),
        (lambda frame: frame.set_axis(list("abca"), axis=1), "column 'a' is there twice"),
        (lambda frame: frame.assign(b="x").astype({"b": object}), "column 'b' holds object, not numbers (row 0: 'x')"),
        (lambda frame: frame.assign(b=pd.Categorical(["u"] * len(frame))), "column 'b' holds category, not numbers"),
        (lambda frame: frame.assign(b=frame.index), "column 'b' holds datetime64"),
        (lambda frame: frame.to_numpy()[:, :3], "the table has 3 columns and the model 4"),
        (lambda frame: frame["a"], "the table is a pandas Series: make a frame with .to_frame()"),
        (lambda frame: frame[: WINDOW - 1], "9 rows hold no window of 10: give at least 10 rows"),
        (lambda frame: frame[:0], "0 rows hold no window of 10"),
        (lambda frame: frame.to_numpy() + 0j, "the array holds complex128"),
        (lambda frame: frame.to_numpy().astype(str), "the array holds <U"),
        (lambda _frame: None, "the table is a NoneType: pass rows × columns"),
    ],
)
def test_a_table_that_does_not_fit_the_model_is_an_error_that_says_why(table, change, message):
    model = fd.fit(named(table), window=WINDOW)
    with pytest.raises(fd.DataError, match=re.escape(message)):
        fd.score(model, change(named(table)))


@pytest.mark.parametrize("row", [0, 234, 2_345])
def test_the_row_of_a_text_among_numbers_is_named(table, row):
    values = [0.5] * len(table)
    values[row] = "broken"
    frame = named(table)
    with pytest.raises(fd.DataError, match=rf"column 'a' holds object, not numbers \(row {row}: 'broken'\)"):
        fd.score(fd.fit(frame, window=WINDOW), frame.assign(a=values))


def test_an_unknown_alignment_is_an_error(known, table):
    with pytest.raises(fd.DataError, match="align is 'start': it is 'end' or 'center'"):
        fd.score(known, table, align="start")


# NaN, inf and overflow


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("still", [False, True])
def test_exactly_the_windows_that_hold_a_nan_or_inf_have_no_score(table, value, still):
    rows = with_still_column(table) if still else table
    model = fd.fit(rows, window=WINDOW)
    assert bool(model.constant_columns) == still
    clean, places = fd.score(model, rows), [0, 9, 10, 19, 20, 25, 26, 1_000, 3_999]
    for column in range(rows.shape[1]):
        spoiled, held = rows.copy(), np.zeros(len(rows), bool)
        for place in places:
            spoiled[place, column] = value
            held[place : place + WINDOW] = True
        windows = held[WINDOW - 1 :].sum()
        with pytest.warns(fd.DriftWarning) as caught:
            scores = fd.score(model, spoiled)
        assert len(caught) == 1
        message = f"{windows} of {len(rows) - WINDOW + 1} windows hold a NaN or inf"
        assert message in str(caught[0].message)
        assert f"column {column}, row 0" in str(caught[0].message)
        held[: WINDOW - 1] = True
        assert (np.isnan(scores) == held).all()
        assert scores[~held].tobytes() == clean[~held].tobytes()


def test_the_warning_names_the_first_column_and_row(table):
    frame = named(table)
    model, frame = fd.fit(frame, window=WINDOW), frame.copy()  # pandas 2 would write into the table
    frame.iloc[321, 2] = np.inf
    frame.iloc[500, 0] = np.nan
    with pytest.warns(fd.DriftWarning, match=r"20 of 3991 windows hold .*first: column 'c', row 321\)"):
        fd.score(model, frame)


def test_the_warning_names_a_column_of_the_model(table):
    model = fd.fit(table, window=WINDOW, columns=[3, 1])
    rows = table.copy()
    rows[:, 0] = np.nan
    rows[321, 3] = np.nan
    with pytest.warns(fd.DriftWarning, match=r"first: column 3, row 321\)"):
        fd.score(model, rows)


def test_a_table_of_nan_alone_has_no_score_at_all(known, table):
    with pytest.warns(fd.DriftWarning, match="3991 of 3991 windows"):
        assert np.isnan(fd.score(known, np.full_like(table, np.nan))).all()


@pytest.mark.parametrize("value", [1e200, -1e200, 1e308])
@pytest.mark.parametrize("column", [0, 2])
def test_numbers_too_large_to_square_are_infinitely_far_and_not_missing(known, table, value, column):
    rows = table.copy()
    rows[1_000, column] = value
    scores = fd.score(known, rows)
    assert np.isinf(scores[1_000 : 1_000 + WINDOW]).all()
    assert np.isfinite(np.delete(scores, slice(1_000, 1_000 + WINDOW))[WINDOW - 1 :]).all()
    assert np.isinf(fd.score(known, np.where(rows > 0, 1.7e308, -1.7e308))[WINDOW - 1 :]).all()


# Columns that never moved


def test_a_column_that_never_moved_adds_nothing_until_it_moves(table):
    rows = with_still_column(table)
    model = fd.fit(rows, window=WINDOW)
    assert model.constant_columns == (1,)
    assert fd.score(model, rows).tobytes() == fd.score(fd.fit(table, window=WINDOW), table).tobytes()


@pytest.mark.parametrize("value", [7.0, 0.0, -1e-300, 1e300])
@pytest.mark.parametrize("step", [1e-9, -5.0, 1e200])
def test_a_column_that_never_moved_is_loud_when_it_moves_whatever_its_units(table, value, step):
    rows = with_still_column(table, value)
    model = fd.fit(rows, window=WINDOW)
    quiet, moved = fd.score(model, rows), rows.copy()
    moved[2_000:2_003, 1] = value + step if value + step != value else np.nextafter(value, np.inf)
    scores = fd.score(model, moved)
    here = slice(2_000, 2_002 + WINDOW)
    assert (scores[here] > quiet[here]).all()
    assert scores[2_005] > model.threshold
    away = np.ones(len(rows), bool)
    away[here] = False
    assert scores[away].tobytes() == quiet[away].tobytes()


def test_the_longer_a_still_column_has_moved_the_higher_the_score(table):
    rows = with_still_column(table)
    model = fd.fit(rows, window=WINDOW)
    moved = rows.copy()
    moved[2_000:, 1] = 8.0
    square, quiet = fd.score(model, moved) ** 2, fd.score(model, rows) ** 2
    added = (square - quiet)[1_999 : 2_000 + WINDOW]
    assert added[0] == 0
    assert (np.diff(added) > -1e-9).all()
    assert added[1] > 0


def test_two_still_columns_that_move_are_louder_than_one(table):
    rows = with_still_column(with_still_column(table), -3.0, 4)
    model = fd.fit(rows, window=WINDOW)
    assert model.constant_columns == (1, 4)
    one, two = rows.copy(), rows.copy()
    one[500:, 1] = two[500:, 1] = two[500:, 4] = 0.5
    assert fd.score(model, two)[600] > fd.score(model, one)[600] > fd.score(model, rows)[600]


@pytest.mark.parametrize("rows_moved", [1, 3, WINDOW])
def test_a_column_that_never_moved_adds_what_krichevsky_and_trofimov_say(table, rows_moved):
    rows = with_still_column(table)
    model = fd.fit(rows[:3_000], window=WINDOW)
    quiet = fd.score(model, rows)[3_500 + rows_moved - 1]
    rows[3_500 : 3_500 + rows_moved, 1] = 8.0
    loud = fd.score(model, rows)[3_500 + rows_moved - 1]
    added = 2 * (model.windows_used + 1) * rows_moved**2 / WINDOW
    assert loud**2 - quiet**2 == pytest.approx(added, rel=1e-9)
