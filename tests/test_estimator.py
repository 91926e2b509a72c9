"""Other libraries' detectors learn from our features, get a cross-fitted threshold and are judged like our own."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from sklearn.covariance import EllipticEnvelope
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import OneClassSVM

import fastdrift as fd
from fastdrift.detectors import estimator as room

WINDOW = 20
SKLEARN = {
    "mixture": GaussianMixture(2, random_state=0),
    "neighbours": make_pipeline(StandardScaler(), LocalOutlierFactor(novelty=True)),
    "machine": make_pipeline(StandardScaler(), OneClassSVM(nu=0.05)),
}


class Remembering:
    """An estimator that scores by the distance from the mean, and counts what it is given."""

    def __init__(self):
        self.learnt, self.asked = [], []

    def fit(self, features):
        self.mean = features.mean(axis=0)
        self.learnt.append(features)

    def score_samples(self, features):
        self.asked.append(len(features))
        return -np.abs(features - self.mean).sum(axis=1)


class Wrong(Remembering):
    def __init__(self, answer):
        super().__init__()
        self.answer = answer

    def score_samples(self, features):
        return self.answer(features)


@pytest.fixture(scope="module")
def telemetry():
    return fd.generate(12_000, columns=4, seed=3, drifts=["mean-shift"])


@pytest.fixture(scope="module")
def baseline(telemetry):
    return telemetry.frame[:3_600]


def features_of(rows):
    return np.hstack([fd.rolling_mean(np.asarray(rows), WINDOW), fd.rolling_std(np.asarray(rows), WINDOW)])[
        WINDOW - 1 :
    ]


@pytest.mark.parametrize("name", SKLEARN)
def test_scikit_learns_estimators_score_windows_as_they_do_by_themselves(telemetry, baseline, name):
    model = fd.fit(baseline, window=WINDOW, detector=SKLEARN[name], threshold="in-sample")
    alone = copy.deepcopy(SKLEARN[name]).fit(features_of(baseline))
    expected = -alone.score_samples(features_of(telemetry.frame))
    np.testing.assert_allclose(fd.score(model, telemetry.frame)[WINDOW - 1 :], expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", SKLEARN)
def test_its_threshold_is_that_of_held_out_folds_and_it_is_judged_like_the_others(telemetry, baseline, name):
    model = fd.fit(baseline, window=WINDOW, detector=SKLEARN[name])
    scores = fd.score(model, telemetry.frame)
    found = fd.evaluate(scores, model.threshold, labels=telemetry.labels, monitored=slice(3_600, None))
    assert found.roc_auc > 0.8
    assert found.healthy_flagged_ratio < 0.25
    assert model.threshold_rule == "cross-fit"


def test_a_detector_of_pyod_needs_one_line(telemetry, baseline):
    knn = pytest.importorskip("pyod.models.knn", reason="PyOD is in the extra bench")

    class Neighbours(knn.KNN):
        def score_samples(self, features):
            return -self.decision_function(features)

    model = fd.fit(baseline, window=WINDOW, detector=Neighbours())
    expected = knn.KNN().fit(features_of(baseline)).decision_function(features_of(telemetry.frame[:5_000]))
    scores = fd.score(model, telemetry.frame[:5_000])[WINDOW - 1 :]
    np.testing.assert_allclose(scores, expected, rtol=1e-6)
    assert model.facts()["estimator"] == "Neighbours"


def test_the_object_given_is_left_as_it_was(baseline):
    given = Remembering()
    model = fd.fit(baseline, window=WINDOW, detector=given)
    assert given.learnt == []
    assert model.estimator is not given


def test_a_fold_is_scored_by_a_copy_that_shares_no_row_with_it(baseline):
    learnt = []

    class Noting(Remembering):
        def fit(self, features):
            super().fit(features)
            learnt.append(features)

        def __deepcopy__(self, _memo):
            return Noting()

    fd.fit(baseline, window=WINDOW, detector=Noting())
    whole, *folds = learnt
    n_windows = len(baseline) - WINDOW + 1
    assert len(whole) == n_windows
    gaps = [1, 2, 2, 2, 1]
    edges = np.array([n_windows * fold // 5 for fold in range(6)])
    expected = n_windows - np.diff(edges) - np.array(gaps) * (WINDOW - 1)
    assert [len(part) for part in folds] == expected.tolist()


def test_a_long_baseline_is_learnt_from_a_seeded_sample(monkeypatch, baseline):
    monkeypatch.setattr(room, "SAMPLE_WINDOWS", 500)
    models = [fd.fit(baseline, window=WINDOW, detector=Remembering(), seed=seed) for seed in (1, 1, 2)]
    learnt = [model.estimator.learnt[0] for model in models]
    assert [len(part) for part in learnt] == [500, 500, 500]
    assert learnt[0].tobytes() == learnt[1].tobytes() != learnt[2].tobytes()


def test_scoring_is_bounded_and_goes_on_one_thread(monkeypatch, telemetry, baseline):
    monkeypatch.setattr(room, "PIECE_WINDOWS", 300)
    model = fd.fit(baseline, window=WINDOW, detector=Remembering())
    model.estimator.asked.clear()
    whole = fd.score(model, telemetry.frame, threads=2)
    assert max(model.estimator.asked) <= 300
    first = 5_001
    part = fd.score(model, telemetry.frame[first:], first_row=first)
    np.testing.assert_allclose(part[WINDOW - 1 :], whole[first + WINDOW - 1 :], rtol=1e-12)


def test_windows_with_gaps_are_not_shown_to_it(telemetry, baseline):
    model = fd.fit(baseline, window=WINDOW, detector=Remembering())
    rows = telemetry.frame.copy()
    rows.iloc[6_000, 1] = np.nan
    with pytest.warns(fd.DriftWarning, match="20 of 11981 windows"):
        scores = fd.score(model, rows)
    assert np.flatnonzero(np.isnan(scores)).tolist() == [*range(WINDOW - 1), *range(6_000, 6_020)]


def test_a_constant_column_that_moves_adds_the_range_of_the_scores_for_each_row(telemetry, baseline):
    healthy = baseline.assign(fixed=7.0)
    model = fd.fit(healthy, window=WINDOW, detector=Remembering())
    rows = telemetry.frame[:5_000].assign(fixed=7.0)
    before = fd.score(model, rows)
    rows.loc[rows.index[4_000], "fixed"] = 8.0
    added = (fd.score(model, rows) - before)[3_990:4_030]
    np.testing.assert_allclose(added[10:30], model.spread, rtol=1e-9)
    assert not added[:10].any()
    assert not added[30:].any()


def test_such_a_model_is_not_saved_and_says_why(tmp_path, baseline):
    model = fd.fit(baseline, window=WINDOW, detector=Remembering())
    with pytest.raises(fd.ModelError, match=r"Remembering.*pickle.*save the baseline's rows"):
        model.save(tmp_path / "model.fastdrift")
    assert not list(tmp_path.iterdir())
    assert "estimator" in model.summary()


@pytest.mark.parametrize("detector", [EllipticEnvelope, object(), "knn", None, 3])
def test_what_is_no_detector_is_an_error(baseline, detector):
    with pytest.raises(
        fd.DataError, match=r"it is 'mahalanobis', 'isolation-forest' or an object with fit\(features\)"
    ):
        fd.fit(baseline, window=WINDOW, detector=detector)


@pytest.mark.parametrize(
    "answer",
    [lambda features: features, lambda features: np.full(len(features), np.nan), lambda _: np.zeros(1)],
    ids=["a matrix", "NaN", "too few"],
)
def test_an_estimator_that_answers_nonsense_is_an_error(baseline, answer):
    with pytest.raises(fd.DataError, match=r"Wrong\.score_samples must return a finite number a row"):
        fd.fit(baseline, window=WINDOW, detector=Wrong(answer))
