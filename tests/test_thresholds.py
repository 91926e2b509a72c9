"""A threshold from labels is the best by exact counts, and nothing makes one from scores alone."""

from __future__ import annotations

import inspect
import warnings
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastdrift as fd
from fastdrift.errors import DataError, DriftWarning
from fastdrift.evaluation.events import events
from fastdrift.evaluation.metrics import evaluate
from fastdrift.evaluation.thresholds import threshold_from_labels
from fastdrift.synthetic import Drift

NAN, INF = np.nan, np.inf


def quiet_threshold(*args, **options):
    with warnings.catch_warnings(action="ignore", category=DriftWarning):
        return threshold_from_labels(*args, **options)


def goodness(scores, labels, threshold, rule):
    """Return F1 or Youden's J at a threshold as an exact fraction, counted row by row."""
    rows = [(score > threshold, bool(label)) for score, label in zip(scores, labels, strict=True) if score == score]  # noqa: PLR0124
    hits = sum(flag and label for flag, label in rows)
    false_alarms = sum(flag and not label for flag, label in rows)
    labelled = sum(label for _, label in rows)
    if rule == "best-f1":
        return Fraction(2 * hits, labelled + hits + false_alarms)
    return Fraction(hits, labelled) - Fraction(false_alarms, len(rows) - labelled)


@settings(deadline=None, max_examples=300)
@given(
    rows=st.lists(
        st.tuples(st.sampled_from([NAN, -INF, -1.0, 0.0, 2.0, np.nextafter(2.0, 3.0), 5.0, INF]), st.booleans()),
        max_size=30,
    ),
    rule=st.sampled_from(["best-f1", "youden"]),
)
def test_no_threshold_is_better_than_the_one_chosen_and_none_as_good_is_higher(rows, rule):
    rows += [(1.0, True), (3.0, False)]
    scores, labels = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    chosen = quiet_threshold(scores, labels, rule=rule)
    known = scores[~np.isnan(scores)]
    candidates = {-INF, np.nextafter(known.min(), -INF), *known}
    best = max(goodness(scores, labels, threshold, rule) for threshold in candidates)
    highest = max(threshold for threshold in candidates if goodness(scores, labels, threshold, rule) == best)
    assert goodness(scores, labels, chosen, rule) == best
    assert chosen == highest


def test_flagging_everything_is_a_choice_too():
    assert quiet_threshold([2.0, 2.0, 1.0], [0, 1, 1]) == np.nextafter(1.0, 0.0)


def test_a_threshold_from_labels_says_so():
    with pytest.warns(DriftWarning, match="chosen with the labels of 3 rows: figures on the same rows flatter"):
        threshold = threshold_from_labels([1.0, NAN, 2.0, 3.0], [0, 0, 0, 1])
    assert isinstance(threshold, float)
    assert threshold == 2.0


@pytest.mark.parametrize(
    ("scores", "labels", "options", "message"),
    [
        ([1.0, 2.0], [0, 1, 1], {}, r"labels have shape \(3,\), but there are 2 rows"),
        ([1.0, 2.0], [0, 0], {}, "every scored row is healthy"),
        ([1.0, NAN], [1, 0], {}, "every scored row is labelled"),
        ([NAN, NAN], [0, 1], {}, "all 2 scores are NaN"),
        ([1.0, 2.0], [0, 1], {"rule": "f2"}, "rule is 'f2': it is 'best-f1' or 'youden'"),
    ],
)
def test_labels_that_choose_no_threshold_are_refused(scores, labels, options, message):
    with pytest.raises(DataError, match=message):
        threshold_from_labels(scores, labels, **options)


def test_a_threshold_from_the_monitored_rows_themselves_would_mask_the_drift():
    """Without labels nothing in fastdrift makes a threshold from scores; this is what it would be worth."""
    n, baseline, first = 50_000, 15_000, 36_000  # 40 % of the monitored rows drift, up to the last
    drift = Drift("mean-shift", first, n, ("cpu_percent", "queue_length"), 2.0)
    data = fd.generate(n, seed=11, drifts=[drift])
    model = fd.fit(data.frame[:baseline])
    scores = fd.score(model, data.frame).to_numpy()[baseline:]
    labels = data.labels[baseline:]
    assert labels.mean() == pytest.approx(0.4)
    masked = evaluate(scores, np.quantile(scores, 0.95), labels=labels)
    honest = evaluate(scores, model.threshold, labels=labels)
    assert masked.recall < 0.15
    assert honest.recall > 0.98
    assert honest.healthy_flagged_ratio < 0.10


def test_no_function_takes_scores_and_a_share_and_gives_a_threshold():
    asked = {"quantile", "percentile", "contamination", "share"}
    for name in fd.__all__:
        value = getattr(fd, name)
        if callable(value) and not isinstance(value, type):
            assert not asked & set(inspect.signature(value).parameters)
    labels = inspect.signature(threshold_from_labels).parameters["labels"]
    assert labels.default is inspect.Parameter.empty
    with pytest.raises(DataError, match="pass scores with their threshold"):
        events([1.0, 6.0, 7.0])
