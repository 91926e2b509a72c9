"""The isolation forest: grown by scikit-learn, scored by our own kernel."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest
from oracle import folds_of, rolling_features, telemetry
from sklearn.ensemble import IsolationForest

import fastdrift as fd
from fastdrift.detectors.forest import check_forest, grow, pack_forest
from fastdrift.engine import plan
from fastdrift.kernels.layout import GROUP_SIZE

WINDOW = 10


@pytest.fixture(scope="module")
def table():
    return telemetry(4_000, 4, seed=5)


@pytest.fixture(scope="module")
def known(table):
    return fd.fit(table[:3_000], window=WINDOW, detector="isolation-forest")


def test_scores_are_those_of_scikit_learn(table):
    model = fd.fit(table, window=WINDOW, detector="isolation-forest", threshold="in-sample", seed=3)
    features = rolling_features(table, WINDOW)
    grown = IsolationForest(n_estimators=100, max_samples=256, random_state=3)
    grown.fit(np.hstack([fd.rolling_mean(table, WINDOW), fd.rolling_std(table, WINDOW)])[WINDOW - 1 :])
    expected = -grown.score_samples(features)
    # a feature within rounding of a split may go the other way: the features here are the definition's
    difference = np.abs(fd.score(model, table)[WINDOW - 1 :] - expected)
    assert np.mean(difference > 1e-12) < 1e-3


def test_the_threshold_is_that_of_forests_that_share_no_row_with_the_windows_they_score(table):
    table = table[:1_500]
    features = np.hstack([fd.rolling_mean(table, WINDOW), fd.rolling_std(table, WINDOW)])[WINDOW - 1 :]
    places, scores = np.arange(len(features)), []
    for start, stop in folds_of(len(features)):
        others = (places <= start - WINDOW) | (places >= stop + WINDOW - 1)
        scores.extend(score_rows(grow(features[others], seed=2), features[start:stop]))
    expected = np.sort(scores)[math.ceil(0.95 * (len(scores) - 1))]
    model = fd.fit(table, window=WINDOW, detector="isolation-forest", seed=2)
    assert model.threshold == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("n_windows", [2, 3, 40, 256, 5_000])
def test_trees_of_any_size_give_scikit_learns_scores(n_windows):
    features = np.random.default_rng(n_windows).normal(size=(n_windows, 6))
    grown_here = grow(features, seed=1)
    check_forest(grown_here, 6)
    grown = IsolationForest(n_estimators=100, max_samples=min(256, n_windows), random_state=1).fit(features)
    assert np.abs(score_rows(grown_here, features) + grown.score_samples(features)).max() < 1e-12


def score_rows(forest, features):
    """Score rows by walking the complete trees one node at a time."""
    packed = pack_forest(forest, 2, features.shape[1])
    n_leaves = 1 << packed.depth
    total = np.zeros(len(features))
    for tree in range(forest.roots.size):
        node = np.zeros(len(features), int)
        for _ in range(packed.depth):
            at = tree * (n_leaves - 1) + node
            column = packed.offsets[at] // GROUP_SIZE
            value = features[np.arange(len(features)), column].astype(np.float32)
            node = 2 * node + 1 + (value > packed.thresholds[at])
        total += packed.lengths[tree * n_leaves + node - (n_leaves - 1)]
    return 2.0 ** (total * packed.rate)


def test_the_kernel_walks_the_trees_as_a_plain_loop_does(table, known):
    features = np.hstack([fd.rolling_mean(table, WINDOW), fd.rolling_std(table, WINDOW)])[WINDOW - 1 :]
    assert np.abs(fd.score(known, table)[WINDOW - 1 :] - score_rows(known.forest, features)).max() < 1e-12


def test_scores_are_the_same_bytes_in_any_layout_and_on_any_threads(table, known):
    expected = fd.score(known, table, threads=1).tobytes()
    assert fd.score(known, table, threads=3).tobytes() == expected
    assert fd.score(known, np.asfortranarray(table)).tobytes() == expected
    assert fd.score(known, np.repeat(table, 2, axis=1)[:, ::2]).tobytes() == expected
    later = fd.score(known, table[20 * WINDOW :])
    assert later[WINDOW - 1 :].tobytes() == fd.score(known, table)[21 * WINDOW - 1 :].tobytes()


def test_a_long_window_in_tiles_gives_the_bytes_of_one_in_one_piece(fit, monkeypatch, table):
    model = fit(table, window=200, detector="isolation-forest", threshold="in-sample")
    expected = fd.score(model, table).tobytes()
    monkeypatch.setattr(plan, "CACHED_NUMBERS", 1_000)
    plan.make_plan.cache_clear()
    assert fd.score(model, table).tobytes() == expected
    plan.make_plan.cache_clear()


def test_a_window_with_a_nan_or_inf_has_no_score(table, known):
    rows = table.copy()
    rows[100, 2], rows[200, 0] = np.nan, np.inf
    with pytest.warns(fd.DriftWarning, match="20 of 3991 windows"):
        scores = fd.score(known, rows)
    assert np.isnan(scores[np.r_[100:110, 200:210]]).all()
    assert np.isfinite(scores[110:200]).all()


def test_a_column_that_never_moved_is_the_loudest_when_it_moves(table):
    rows = np.insert(table, 1, 7.0, axis=1)
    model = fd.fit(rows[:3_000], window=WINDOW, detector="isolation-forest")
    assert model.constant_columns == (1,)
    quiet = fd.score(model, rows)
    rows[3_500, 1] = 7.1
    loud = fd.score(model, rows)
    np.testing.assert_allclose(loud[3_500:3_510], quiet[3_500:3_510] + 1, rtol=1e-12)
    assert loud[:3_500].tobytes() == quiet[:3_500].tobytes()


def test_clean_rows_are_flagged_at_the_rate_asked_for(fit):
    shares = []
    for seed in range(10):
        clean = fd.generate(10_000, columns=8, seed=seed, drifts=()).frame
        model = fit(clean[:3_000], detector="isolation-forest")
        shares.append(np.mean(fd.score(model, clean)[3_000:] > model.threshold))
    assert 0.02 < np.mean(shares) < 0.08


def test_a_shift_of_every_column_is_found(table, known):
    shifted = table + 5 * table.std(axis=0)
    assert (fd.score(known, shifted)[WINDOW:] > known.threshold).mean() > 0.99


def test_a_saved_forest_scores_the_same_without_scikit_learn(tmp_path, table, known, run_python):
    path = tmp_path / "forest.fastdrift"
    known.save(path)
    np.save(tmp_path / "rows.npy", table)
    printed = run_python(
        "import sys; sys.modules['sklearn'] = None\n"
        "import hashlib, numpy as np, fastdrift as fd\n"
        f"model = fd.load({str(path)!r})\n"
        f"print(hashlib.sha256(fd.score(model, np.load({str(tmp_path / 'rows.npy')!r})).tobytes()).hexdigest())"
    )
    import hashlib

    assert printed.strip() == hashlib.sha256(fd.score(known, table).tobytes()).hexdigest()
    assert isinstance(fd.load(path), type(known))


def broken(model, **changes):
    arrays = {name: getattr(model, name).copy() for name in changes}
    for name, (place, value) in changes.items():
        arrays[name][place] = value
    return dataclasses.replace(model, **arrays)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("left", 1e9, "out of range"),
        ("left", 0.0, "leads back"),
        ("right", 1.0, "two parents"),
        ("right", 1.5, "no nodes"),
        ("right", -1.0, "follow each other"),
        ("feature", 99.0, "a feature that is not there"),
        ("roots", 1.0, "follow each other"),
        ("length", -1.0, "impossible path lengths"),
        ("expected", 0.0, "impossible path lengths"),
    ],
)
def test_a_file_with_broken_trees_is_refused_and_says_why(tmp_path, known, name, value, said):
    path = tmp_path / "broken.fastdrift"
    broken(known, **{name: (0, value)}).save(path)
    with pytest.raises(fd.ModelError, match=said):
        fd.load(path)


def test_a_frame_is_matched_by_name_as_ever(table, known):
    frame = pd.DataFrame(table, columns=list("abcd"))
    model = fd.fit(frame[:3_000], window=WINDOW, detector="isolation-forest")
    scores = fd.score(model, frame[list("dcba")])
    assert scores.to_numpy().tobytes() == fd.score(known, table).tobytes()
    assert "100 trees" in model.summary()
