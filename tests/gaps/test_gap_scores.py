"""Windows with gaps are scored by what they have: as written down plainly, whatever the way, as rare as whole ones."""

from __future__ import annotations

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from scipy import stats

import fastdrift as fd
from fastdrift.detectors.gaps import gap_parameters
from fastdrift.detectors.marginal import Tail

from .oracle import gap_score

pytestmark = pytest.mark.filterwarnings("ignore::fastdrift.DriftWarning")
WINDOW = 20


@pytest.fixture(scope="module")
def healthy():
    """Return rows of five columns that go together and one that is constant."""
    frame = fd.generate(30_000, columns=5, seed=3, drifts=()).frame.reset_index(drop=True)
    return frame.assign(fixed=2.0)


@pytest.fixture(scope="module")
def model(healthy):
    return fd.fit(healthy[:12_000], window=WINDOW)


@pytest.fixture(scope="module")
def broken(healthy):
    """Return rows with cells missing, columns gone for long, or all of them, a constant one that moves, and an inf."""
    rows = healthy[12_000:14_000].reset_index(drop=True)
    rng = np.random.default_rng(5)
    share = np.repeat([0.0, 0.01, 0.1, 0.4], len(rows) // 4)
    rows = rows.mask(rng.random(rows.shape) < share[:, None])
    rows.iloc[100:160, 1] = np.nan
    rows.iloc[300:400, [0, 3]] = np.nan
    rows.iloc[420:480] = np.nan
    rows.iloc[600:640, :4] = np.nan
    rows.iloc[700:720, 5] = 3.0
    rows.iloc[800:830, 2] = 7.5  # it stands still
    rows.iloc[900, 4] = np.inf
    return rows


def scored(model, rows, **options):
    return np.asarray(fd.score(model, rows, missing="score", **options))


@pytest.mark.parametrize(("window", "kind"), [(20, "f8"), (20, "f4"), (7, "f8"), (2, "f8"), (150, "f8")])
def test_scores_are_those_written_down_plainly(healthy, broken, window, kind):
    rows = broken.to_numpy(kind)
    model = fd.fit(healthy[:12_000].to_numpy(kind), window=window)
    found = scored(model, rows)
    ends = np.random.default_rng(1).permutation(np.arange(window - 1, len(rows)))[:150]
    told = [gap_score(model, rows[end - window + 1 : end + 1], end - window + 1) for end in ends]
    np.testing.assert_allclose(found[ends], told, rtol=1e-6 if window > 2 else 1e-4)
    assert window == 150 or np.isnan(told).any()


def test_whole_windows_keep_their_bytes_and_the_others_had_none(model, broken):
    usual, found = np.asarray(fd.score(model, broken)), scored(model, broken)
    whole = np.isfinite(usual)
    assert whole.sum() > 300
    assert usual[whole].tobytes() == found[whole].tobytes()
    assert np.isfinite(found[~whole]).sum() > 1_000


def test_rows_without_gaps_keep_all_bytes(model, healthy):
    rows = healthy[12_000:20_000]
    assert scored(model, rows).tobytes() == np.asarray(fd.score(model, rows)).tobytes()


def test_the_bytes_are_the_same_whatever_the_way(model, broken):
    whole = scored(model, broken)
    for size in (33, 457, 1_000):
        parts = []
        for start in range(0, len(broken), size):
            first = max(0, start - WINDOW + 1)
            stop = min(len(broken), max(start + size, first + WINDOW))
            parts.append(scored(model, broken[first:stop], first_row=first)[start - first : start - first + size])
        assert np.concatenate(parts)[: len(whole)].tobytes() == whole.tobytes()
    assert scored(model, broken, threads=1).tobytes() == whole.tobytes()
    for kind in (pl.from_pandas(broken), pa.Table.from_pandas(broken), broken[broken.columns[::-1]]):
        assert scored(model, kind).tobytes() == whole.tobytes()


def test_nothing_lingers_of_a_gap(model, healthy):
    rows = healthy[12_000:13_000].to_numpy(copy=True)
    usual = scored(model, healthy[12_000:13_000])
    frame = healthy[12_000:13_000].copy()
    frame.iloc[500:540, :2] = np.nan
    found = scored(model, frame)
    assert found[:500].tobytes() == usual[:500].tobytes()
    assert found[540 + WINDOW - 1 :].tobytes() == usual[540 + WINDOW - 1 :].tobytes()
    assert rows.shape == frame.shape


def test_a_column_that_is_not_in_the_table_is_one_of_gaps_if_that_is_asked(model, healthy):
    rows = healthy[12_000:13_000]
    name = rows.columns[1]
    with pytest.raises(fd.DataError, match=f"'{name}' of the model is missing"):
        fd.score(model, rows.drop(columns=name))
    empty = rows.assign(**{name: np.nan})
    with pytest.warns(fd.DriftWarning, match=f"'{name}' is not in the table: 1 of 6 columns are scored around"):
        found = scored(model, rows.drop(columns=name))
    assert found.tobytes() == scored(model, empty).tobytes()
    assert scored(model, pl.from_pandas(rows.drop(columns=name))).tobytes() == found.tobytes()
    with pytest.raises(fd.DataError, match="4 of the 6 columns of the model are missing, too many"):
        scored(model, rows.iloc[:, :2])


def test_below_half_of_the_columns_there_is_no_score_and_it_is_said(model, healthy):
    rows = healthy[12_000:12_500].copy()
    rows.iloc[100:200, :4] = np.nan
    with pytest.warns(fd.DriftWarning, match="99 of 481 windows lack most of more than half of the columns"):
        found = scored(model, rows)
    assert np.flatnonzero(np.isnan(found[WINDOW - 1 :])).size == 99


def test_observed_columns_are_counted(model, broken):
    rows = broken.to_numpy()
    found = np.asarray(fd.observed(model, broken))
    told = [np.nan] * (WINDOW - 1)
    for end in range(WINDOW - 1, len(rows)):
        there = np.isfinite(rows[end - WINDOW + 1 : end + 1]).sum(axis=0)
        told.append((2 * there >= WINDOW).sum())
    np.testing.assert_array_equal(found, told)
    assert fd.observed(model, broken).name == "observed"
    assert np.array_equal(found < 3, np.isnan(scored(model, broken)) & np.isfinite(found))


def test_several_windows_are_each_scored_by_what_they_have(healthy, broken):
    model = fd.fit(healthy[:12_000], window=(10, 20))
    found, rows = scored(model, broken), broken.to_numpy()
    for end in (130, 350, 760, 1_250, 1_900):
        parts = [
            gap_score(one, rows[end - one.window + 1 : end + 1], end - one.window + 1, model.rows) / one.threshold
            for one in model.members
        ]
        assert found[end] == pytest.approx(np.sqrt(parts[0] * parts[1]), rel=1e-6)


def test_what_distances_are_worth_keeps_their_rarity_at_every_level():
    for threshold, features in ((5.3, 16), (5.6, 16), (15.0, 60)):
        tail = Tail(threshold, 0.05)
        inverse = tail.inverse_degrees(features)
        degrees = 1 / inverse
        unit = threshold**2 / (features * stats.f.isf(0.05, features, degrees))
        for number, left in enumerate(range(features - 2, features // 2 - 1, -2)):
            lines = tail.curves(features)[2 * number : 2 * number + 2]
            for share in (0.5, 0.05, 0.01, 1e-3, 1e-4):
                distance = np.sqrt(unit * left * stats.f.isf(share, left, degrees))
                wanted = np.sqrt(unit * features * stats.f.isf(share, features, degrees))
                assert np.interp(distance, *lines) == pytest.approx(wanted, rel=0.02)


def test_how_rows_go_together_within_a_window_is_known(healthy, model):
    rows = healthy[12_000:30_000].to_numpy()[:, :5].reshape(-1, WINDOW, 5)
    off = (rows - rows.mean(axis=1, keepdims=True)).reshape(-1, 5)
    known = np.linalg.inv(gap_parameters(model, model.rows).within)
    np.testing.assert_allclose(known, np.corrcoef(off.T), atol=0.03)


def test_other_detectors_and_ways_are_errors(healthy, model):
    forest = fd.fit(healthy[:3_000], window=WINDOW, detector="isolation-forest")
    with pytest.raises(fd.DataError, match="needs a model of detector 'mahalanobis', not 'isolation-forest'"):
        fd.score(forest, healthy[:100], missing="score")
    for call in (fd.score, fd.detect):
        with pytest.raises(fd.DataError, match="missing is 'fill': it is 'nan' or 'score'"):
            call(model, healthy[:100], missing="fill")
