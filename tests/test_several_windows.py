"""A model of several windows: the mean of its windows' scores, with every promise that one window keeps."""

from __future__ import annotations

import copy
import pickle
from itertools import pairwise

import numpy as np
import oracle
import pandas as pd
import pytest

import fastdrift as fd
from fastdrift.detectors.blend import blend
from fastdrift.engine.plan import rows_before
from fastdrift.fitting.windows import usable_windows

WINDOWS = (10, 20, 50, 100)
without_warnings = pytest.mark.filterwarnings("ignore::fastdrift.errors.DriftWarning")


@pytest.fixture(scope="module", params=[(10, 20, 50, 100), (7, 33)], ids=["four", "two"])
def model(request, rows):
    return fd.fit(rows[:20_000], window=request.param)


def of_one_window(model, rows):
    return [fd.score(member, rows) for member in model.members]


@pytest.mark.parametrize("detector", ["mahalanobis", "isolation-forest"])
@pytest.mark.parametrize("windows", [(10, 20, 50, 100), (7, 33)])
def test_a_score_is_the_geometric_mean_of_scores_over_thresholds(rows, detector, windows):
    if detector == "isolation-forest":
        pytest.importorskip("sklearn", reason="growing a forest needs scikit-learn")
    model = fd.fit(rows[:20_000], window=windows, detector=detector)
    scores, first = fd.score(model, rows[:25_000]), windows[-1] - 1
    assert np.isnan(scores[:first]).all()
    expected = oracle.blended(model, [own[first:] for own in of_one_window(model, rows[:25_000])])
    np.testing.assert_allclose(scores[first:], expected, rtol=1e-14)
    assert (model.detector, model.windows, model.window) == (detector, windows, windows[-1])


def test_each_window_learns_what_it_would_learn_alone(rows):
    model = fd.fit(rows[:20_000], window=WINDOWS)
    for member in model.members:
        alone = fd.fit(rows[:20_000], window=member.window)
        assert member.threshold == pytest.approx(alone.threshold, rel=0.01)
        assert member.windows_used == alone.windows_used
        np.testing.assert_allclose(member.centre, alone.centre, rtol=1e-3, atol=1e-3)
        np.testing.assert_allclose(member.cholesky, alone.cholesky, atol=0.01)


def test_one_window_of_a_sequence_gives_the_bytes_of_a_number(rows):
    assert fd.fit(rows[:9_000], window=[30]).encode() == fd.fit(rows[:9_000], window=30).encode()


def test_the_order_of_windows_changes_no_byte(rows):
    content = fd.fit(rows[:9_000], window=WINDOWS).encode()
    assert fd.fit(rows[:9_000], window=np.array(WINDOWS)[::-1]).encode() == content


# Same bits whatever the way


def in_chunks(model, rows, edges):
    out = np.full(len(rows), np.nan)
    for start, stop in pairwise(edges):
        first = start - rows_before(model.window, start)
        if stop - first >= model.window:
            out[start:stop] = fd.score(model, rows[first:stop], first_row=first)[start - first :]
    return out


@pytest.mark.parametrize("seed", range(4))
def test_random_chunk_boundaries_change_no_byte(model, rows, seed):
    rng = np.random.default_rng(seed)
    edges = [0, *sorted(rng.choice(len(rows), int(10 ** rng.uniform(0, 2.5)), replace=False).tolist()), len(rows)]
    expected = fd.score(model, rows).tobytes()
    assert in_chunks(model, rows, edges).tobytes() == expected
    assert in_chunks(model, np.asfortranarray(rows), edges).tobytes() == expected


def test_row_by_row_changes_no_byte(model, rows):
    part = rows[:450]
    assert in_chunks(model, part, range(451)).tobytes() == fd.score(model, part).tobytes()


def test_any_number_of_threads_gives_the_same_bytes(model, rows):
    expected = fd.score(model, rows, threads=1).tobytes()
    assert all(fd.score(model, rows, threads=threads).tobytes() == expected for threads in (2, 3, 8))
    assert fd.fit(rows[:20_000], window=model.windows, threads=3).encode() == model.encode()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_any_layout_gives_the_same_bytes(model, rows, dtype):
    stored = rows.astype(dtype)
    expected = fd.score(model, stored.astype(np.float64)).tobytes()
    ways = [stored, np.asfortranarray(stored), np.repeat(stored, 2, axis=0)[::2], np.hstack([stored, stored])[:, :5]]
    ways.append(pd.DataFrame({name: stored[:, name].copy() for name in range(5)}))
    for way in ways:
        assert np.asarray(fd.score(model, way, threads=2)).tobytes() == expected


@without_warnings
@pytest.mark.parametrize("value", [1e12, -1e300, np.inf, np.nan])
def test_what_has_left_the_longest_window_leaves_no_trace(model, rows, value):
    clean = rows[:9_000]
    spoiled, free = clean.copy(), np.ones(len(clean), bool)
    for place in (0, 49, 50, 1_234, 8_999):
        spoiled[place, place % 5] = value
        free[place : place + model.window] = False
    expected, scores = fd.score(model, clean), fd.score(model, spoiled)
    assert scores[free].tobytes() == expected[free].tobytes()
    assert np.isnan(scores[~free]).all() == (not np.isfinite(value))
    if value == -1e300:
        assert np.isinf(scores[1_234 : 1_234 + model.window]).all()


def test_a_score_of_0_beside_one_that_overflows_is_infinite(rows):
    model = fd.fit(rows[:20_000], window=(5, 50))
    short = model.members[0]
    calm = np.tile(short.centre[:5], (60, 1))
    calm[20] = 1e300
    at_rest = copy.copy(short)
    object.__setattr__(at_rest, "centre", np.concatenate([short.centre[:5], np.zeros(5)]))
    still = copy.copy(model)
    object.__setattr__(still, "members", (at_rest, model.members[1]))
    assert fd.score(at_rest, calm)[59] < 1e-9
    assert fd.score(still, calm)[59] == np.inf


@pytest.mark.parametrize("n_others", [1, 3])
def test_the_kernel_of_means_takes_square_roots_alone(n_others):
    scores = np.abs(np.random.default_rng(n_others).standard_cauchy((n_others + 1, 1_003)))
    scores[:, :4] = [[0.0, 1e150, np.inf, np.nan]] * (n_others + 1)
    expected = [np.sqrt(left * right) for left, right in zip(scores[::2], scores[1::2], strict=True)]
    while len(expected) > 1:
        expected = [np.sqrt(expected[0] * expected[1])]
    mean = scores[0].copy()
    blend(mean, scores[1:].copy(), 0.3)
    assert mean.tobytes() == (expected[0] * 0.3).tobytes()


# What is asked for


def test_clean_rows_are_flagged_as_often_as_asked(fit):
    shares = []
    for seed in range(12):
        frame = fd.generate(20_000, seed=seed, drifts=()).frame
        model = fit(frame[:9_000], window=WINDOWS)
        shares.append((fd.score(model, frame)[9_000:] > model.threshold).mean())
    assert 0.035 < np.mean(shares) < 0.065


def test_false_alarms_keep_their_promise_and_drifts_are_found(fit):
    realised, found = [], 0
    for seed in range(4):
        data = fd.generate(60_000, seed=700 + seed)
        model = fit(data.frame[:18_000], window=WINDOWS)
        events = fd.detect(model, data.frame, since=18_000)
        due = [[d.start <= e.alarm_row < d.stop + model.window for e in events.alarms] for d in data.drifts]
        found += sum(map(any, due))
        realised.append(np.sum(~np.any(due, axis=0)) / events.expected_false_alarms)
    assert found >= 22
    assert np.mean(realised) < 2


def test_missing_data_are_told_of_by_a_window_of_middling_length(fit):
    frame = fd.generate(20_000, columns=4, seed=2, drifts=()).frame
    model = fit(frame[:12_000], window=WINDOWS)
    assert model.middle_window == 32
    frame.iloc[15_000:15_400, 1] = np.nan
    (silence,) = [event for event in fd.detect(model, frame).alarms if event.kind == "missing data"]
    assert (silence.onset, silence.alarm_row) == (15_000, 15_016)


def test_a_constant_column_that_moves_is_loud_in_every_window(fit):
    frame = fd.generate(12_000, columns=3, seed=4, drifts=()).frame.assign(still=7.5)
    model = fit(frame[:9_000], window=(10, 50))
    calm = fd.score(model, frame).to_numpy()
    frame.iloc[11_000, 3] = 7.6
    scores = fd.score(model, frame).to_numpy()
    assert scores[11_000:11_010].min() > 5 * model.threshold
    assert scores[:11_000].tobytes() == calm[:11_000].tobytes()
    assert scores[11_050:].tobytes() == calm[11_050:].tobytes()
    assert (scores[11_010:11_050] > calm[11_010:11_050]).all()


# Leaving out


@pytest.mark.parametrize(("length", "n_bursts"), [(50, 18), (8, 60)])
def test_bursts_are_left_out_of_all_windows(fit, length, n_bursts):
    """Windows of 100 do not show the short ones."""
    frame = fd.generate(30_000, seed=5, drifts=()).frame
    spoiled, rng = frame.copy(), np.random.default_rng(0)
    for start in rng.choice(280, n_bursts, replace=False) * 100:
        spoiled.iloc[start : start + length] += 5 * frame.std().to_numpy() * rng.choice([-1, 1], 8)
    clean, left = fit(frame, window=WINDOWS), fit(spoiled, window=WINDOWS)
    assert left.promise.alarm_level / clean.promise.alarm_level == pytest.approx(1, abs=0.15)
    counts = [member.windows_left_out for member in left.members]
    assert counts == sorted(counts)
    assert counts[0] >= n_bursts * length
    assert left.windows_left_out == counts[-1]


@pytest.mark.parametrize(
    ("asked", "n_rows", "used"),
    [
        (WINDOWS, 800, WINDOWS),
        (WINDOWS, 799, (10, 50)),
        (WINDOWS, 399, (10, 20)),
        (WINDOWS, 159, (10,)),
        (WINDOWS, 20, (10,)),
        ((50,), 100, (50,)),
        ((10, 50), 399, (10,)),
    ],
)
def test_windows_longer_than_an_eighth_of_the_baseline_are_left_out(asked, n_rows, used):
    windows, notes = usable_windows(asked, n_rows)
    assert windows == used
    assert bool(notes) == (windows != asked)
    assert all(str(window) in notes[0] for window in asked if windows != asked)


@without_warnings
def test_what_is_left_out_is_said_and_one_window_that_is_left_is_a_model_of_one(rows):
    with pytest.warns(fd.DriftWarning, match="without 20 and 100, 10 and 50 rows are used"):
        model = fd.fit(rows[:700], window=WINDOWS)
    assert model.windows == (10, 50)
    with pytest.warns(fd.DriftWarning) as said:
        alone = fd.fit(rows[:150], window=WINDOWS)
    assert "without 20, 50 and 100, 10 rows are used" in str(said[0].message)
    assert alone.windows == (10,)
    assert type(alone).__name__ == "MahalanobisModel"


@pytest.mark.parametrize(
    "window", [(10, 20, 30), (), (10, 10), (10, 1), ("10", "20"), (10, 20.5), "10,20", (5, 10, 20, 50, 100)]
)
def test_windows_that_cannot_be_are_refused(rows, window):
    with pytest.raises(fd.DataError, match="window is "):
        fd.fit(rows[:5_000], window=window)


def test_detectors_whose_scores_may_be_below_0_are_refused(rows):
    class Flat:
        def fit(self, _features):
            return self

        def score_samples(self, features):
            return np.zeros(len(features))

    with pytest.raises(fd.DataError, match="may be below 0 and are not blended: give one window"):
        fd.fit(rows[:5_000], window=WINDOWS, detector=Flat())


# Reasons


def test_shares_are_averaged_and_signed_parts_add_up_to_the_squared_score(model, rows):
    part = rows[:2_000].copy()
    part[1_500:1_700, 2] += 4
    shares = fd.explain(model, part)
    own = [fd.explain(member, part)[model.window - 1 :] for member in model.members]
    np.testing.assert_allclose(shares[model.window - 1 :], np.mean(own, axis=0), rtol=1e-9)
    assert shares[: model.window - 1].isna().all(axis=None)
    signed = fd.explain(model, part, signed=True).to_numpy()
    np.testing.assert_allclose(signed.sum(axis=1), fd.score(model, part) ** 2, rtol=1e-9)
    asked = [1_999, 150, 1_600, 150]
    np.testing.assert_array_equal(fd.explain(model, part, rows=asked), shares.loc[asked])
    assert shares.loc[1_550:1_650].mean().idxmax() == 2


def test_constant_columns_and_gaps_have_their_part_of_the_shares(fit):
    frame = fd.generate(12_000, columns=3, seed=4, drifts=()).frame.assign(still=7.5)
    model = fit(frame[:9_000], window=(10, 50))
    frame.iloc[11_000, 3] = 7.6
    frame.iloc[11_500, 0] = np.nan
    shares = fd.explain(model, frame).reset_index(drop=True)
    assert (shares.loc[11_000:11_009, "still"] > 0.9).all()
    assert shares.loc[11_500:11_549].isna().all(axis=None)
    assert shares.loc[11_550:].notna().all(axis=None)
    np.testing.assert_allclose(shares.loc[99:11_499].sum(axis=1), 1, rtol=1e-12)


@pytest.mark.parametrize("kind", ["frame", "columns", "float32"])
def test_reasons_of_events_are_those_of_the_definition(fit, kind):
    from fastdrift.alarms.reasons import LEAST_SHARE, MOST_COLUMNS, find_reasons
    from fastdrift.tables.convert import as_table

    frame = fd.generate(12_000, columns=5, seed=11, drifts=()).frame.assign(fixed=4.0)
    model = fit(frame[:9_000], window=WINDOWS)
    rows = frame[9_000:].copy()
    rows.iloc[1_000:1_030, 5] = 5.0
    rows.iloc[1_500:1_700, 0] += 6 * rows.iloc[:, 0].std()
    rows.iloc[2_200:2_400, 4] *= 4
    stored = {
        "frame": rows,
        "columns": pd.DataFrame({name: rows[name].copy() for name in rows}),
        "float32": rows.astype(np.float32),
    }[kind]
    looks = np.full((32, 3), -1)
    looks[:, 0] = np.r_[np.arange(99, 2_900, 97)[:29], 1_010, 1_600, 2_300]
    looks[1::2, 1] = looks[1::2, 0] - 60
    looks[::3, 2] = looks[::3, 0] + 50
    found = find_reasons(model, as_table(stored), np.arange(6), looks, 2)
    values = stored.to_numpy(np.float64)
    for line, reason in zip(looks, found, strict=True):
        windows = [values[row - 99 : row + 1] for row in line if row >= 0]
        expected = oracle.reason(model, windows, LEAST_SHARE, MOST_COLUMNS)
        assert (list(reason.columns), reason.why) == expected
    assert found[-3].columns[0] == "fixed"
    assert "up by " in found[-2].why


def test_values_too_large_to_square_are_all_among_the_reasons(fit):
    frame = fd.generate(12_000, columns=5, seed=11, drifts=()).frame
    model = fit(frame[:9_000], window=WINDOWS)
    frame.iloc[11_000, [0, 1, 3]] = [1e200, -1e300, 1e250]
    (event,) = [event for event in fd.detect(model, frame, since=9_000) if np.isinf(event.peak_score)]
    assert event.peak_row == 11_000
    assert set(frame.columns[[0, 1, 3]]) <= set(event.columns)


# A value


def test_a_copy_is_the_same_model_and_frozen(model, rows):
    expected = fd.score(model, rows[:3_000]).tobytes()
    for again in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):  # noqa: S301  # our own
        assert fd.score(again, rows[:3_000]).tobytes() == expected
        assert all(not member.centre.flags.writeable for member in again.members)
        assert again.encode() == model.encode()


def test_a_model_tells_its_windows(rows):
    model = fd.fit(rows[:9_000], window=WINDOWS)
    assert "window=10, 20, 50 and 100" in repr(model)
    assert "10, 20, 50 and 100 rows" in model.summary()
    facts = model.facts()
    assert (facts["window"], facts["windows"]) == (100, list(WINDOWS))
    assert [one["window"] for one in facts["by_window"]] == list(WINDOWS)
    assert fd.fit(rows[:9_000]).facts()["windows"] == [50]
