"""Evaluation: figures that agree with plain counting and scikit-learn, and say why where there are none."""

from __future__ import annotations

import json
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics

from fastdrift.errors import DataError
from fastdrift.evaluation.metrics import evaluate

NAN, INF = np.nan, np.inf


@pytest.fixture
def scores():
    """Return a thousand scores; the first 49 are missing, and 5 among the labelled."""
    values = np.random.default_rng(1).chisquare(16, 1_000) ** 0.5
    values[700:800] += 1.5
    values[:49] = NAN
    values[790:795] = NAN
    return values


@pytest.fixture
def labels():
    is_drift = np.zeros(1_000, dtype=bool)
    is_drift[700:800] = True
    return is_drift


def plain_counts(scores, labels, threshold):
    """Count (hits, false alarms, misses, quiet healthy rows) one row at a time."""
    hits = false_alarms = misses = quiet = 0
    for score, label in zip(scores.tolist(), labels.tolist(), strict=True):
        if np.isnan(score):
            continue
        hits += label and score > threshold
        false_alarms += not label and score > threshold
        misses += label and not score > threshold
        quiet += not label and not score > threshold
    return hits, false_alarms, misses, quiet


def test_counts_add_up_without_labels(scores):
    result = evaluate(scores, 5.0)
    assert (result.rows, result.unscored_rows, result.scored_rows) == (1_000, 54, 946)
    assert result.flagged_rows == sum(score > 5.0 for score in scores)
    assert result.flagged_ratio == result.flagged_rows / 946
    assert result.labelled_rows is None
    assert result.precision is None


def test_a_score_equal_to_the_threshold_is_no_alarm():
    assert evaluate([1.0, 2.0, 3.0], 2.0).flagged_rows == 1


def test_a_labelled_row_at_the_threshold_is_a_miss():
    result = evaluate([1.0, 2.0, 2.0, 3.0], 2.0, labels=[0, 0, 1, 1])
    assert (result.flagged_rows, result.precision, result.recall) == (1, 1.0, 0.5)
    assert (result.f1, result.healthy_flagged_ratio) == (2 / 3, 0.0)


def test_figures_at_the_threshold_agree_with_plain_counting(scores, labels):
    hits, false_alarms, misses, quiet = plain_counts(scores, labels, 5.0)
    result = evaluate(scores, 5.0, labels=labels)
    assert hits * false_alarms * misses * quiet > 0
    assert result.precision == hits / (hits + false_alarms)
    assert result.recall == hits / (hits + misses)
    assert result.f1 == pytest.approx(2 / (1 / result.precision + 1 / result.recall), rel=1e-15)
    assert result.healthy_flagged_ratio == false_alarms / (false_alarms + quiet)


def test_the_trivial_figures_are_those_of_flagging_every_scored_row(scores, labels):
    result = evaluate(scores, 5.0, labels=labels)
    flag_all = evaluate(scores, -1.0, labels=labels)
    assert result.prevalence == flag_all.precision == 95 / 946
    assert result.flag_all_f1 == flag_all.f1


def test_ranking_figures_are_those_of_scikit_learn_on_the_scored_rows(scores, labels):
    result = evaluate(scores.round(1), 5.0, labels=labels)  # rounded, so that there are ties
    scored = ~np.isnan(scores)
    expected = scores.round(1)[scored]
    assert result.roc_auc == metrics.roc_auc_score(labels[scored], expected)
    assert result.average_precision == metrics.average_precision_score(labels[scored], expected)


def test_labelled_rows_without_a_score_are_counted_and_left_out(scores, labels):
    result = evaluate(scores, 5.0, labels=labels)
    assert (result.labelled_rows, result.labelled_unscored_rows) == (100, 5)
    kept = ~np.isnan(scores)
    assert result.recall == evaluate(scores[kept], 5.0, labels=labels[kept]).recall


def test_infinite_scores_rank_above_the_largest_finite_one():
    labels = [0, 0, 1, 1]
    assert evaluate([1.0, 2.0, 1e300, INF], 5.0, labels=labels).roc_auc == 1.0
    assert evaluate([1.0, INF, 1e300, 2.0], 5.0, labels=labels).roc_auc == 0.5


def test_only_monitored_rows_are_judged(scores, labels):
    by_slice = evaluate(scores, 5.0, labels=labels, monitored=slice(300, None))
    by_mask = evaluate(scores, 5.0, labels=labels, monitored=np.arange(1_000) >= 300)
    assert by_slice == by_mask == evaluate(scores[300:], 5.0, labels=labels[300:])
    assert by_slice.rows == 700


def test_a_series_is_judged_like_its_values(scores, labels):
    index = pd.date_range("2025-01-01", periods=1_000, freq="min")
    series = evaluate(pd.Series(scores, index), 5.0, labels=pd.Series(labels.astype("uint8"), index))
    assert series == evaluate(scores, 5.0, labels=labels)


@pytest.mark.parametrize(("label", "kind"), [(0, "healthy"), (1, "labelled")])
def test_one_class_leaves_the_ranking_out_and_gives_the_rest(scores, label, kind):
    result = evaluate(scores, 5.0, labels=np.full(1_000, label))
    assert result.roc_auc is None
    assert result.average_precision is None
    assert result.precision == label
    assert result.flagged_ratio == (result.recall if label else result.healthy_flagged_ratio)
    assert result.notes == (f"ROC AUC and average precision need both classes, but every scored row is {kind}",)


def test_precision_is_undefined_when_nothing_is_flagged(scores, labels):
    result = evaluate(scores, 1e9, labels=labels)
    assert result.precision is None
    assert (result.recall, result.f1) == (0.0, 0.0)
    assert result.notes == ("no row is flagged, so precision is undefined",)


def test_scores_that_are_all_missing_give_a_note_and_no_ratio(labels):
    result = evaluate(np.full(1_000, NAN), 5.0, labels=labels)
    assert (result.flagged_rows, result.labelled_unscored_rows) == (0, 100)
    assert {result.flagged_ratio, result.recall, result.f1, result.roc_auc, result.prevalence} == {None}
    assert len(result.notes) == 1
    assert "no monitored row has a score" in result.notes[0]


def test_the_dictionary_is_strict_json_and_holds_every_figure(scores, labels):
    result = evaluate(scores, INF, labels=labels, false_alarm_rate=0.05)
    read = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert read["threshold"] is None
    assert read["false_alarm_rate"] == 0.05
    assert read["roc_auc"] == result.roc_auc
    assert read["notes"] == list(result.notes)


def test_the_summary_shows_the_measured_false_alarms_beside_the_nominal(scores, labels):
    lines = repr(evaluate(scores, 5.0, labels=labels, false_alarm_rate=0.05)).splitlines()
    nominal = lines.index("nominal false alarms        5.00 %")
    assert lines[nominal + 1].startswith("flagged when healthy")
    assert "precision" not in evaluate(scores, 5.0).summary()


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 1], r"labels have shape \(2,\), but there are 3 rows"),
        ([[0], [1], [0]], r"labels have shape \(3, 1\)"),
        ([0, 1, 2], "row 2 holds 2"),
        ([0, NAN, 1], "row 1 holds nan"),
        (["no", "yes", "no"], "labels must be 0 or 1, not text"),
        (pd.array([True, None, False], dtype="boolean"), "labels must be 0 or 1"),
    ],
)
def test_labels_that_are_none_are_refused_with_the_place(labels, message):
    with pytest.raises(DataError, match=message):
        evaluate([1.0, 2.0, 3.0], 2.0, labels=labels)


@pytest.mark.parametrize(
    ("scores", "threshold", "monitored", "message"),
    [
        ([[1.0, 2.0]], 2.0, None, r"scores have shape \(1, 2\)"),
        ([], 2.0, None, "no row is monitored"),
        ([1.0, 2.0], 2.0, slice(2, None), "no row is monitored"),
        ([1.0, 2.0], 2.0, [False, False], "no row is monitored"),
        ([1.0, 2.0], 2.0, [True], "2 booleans"),
        ([1.0, 2.0], 2.0, [0, 1], "2 booleans"),
        ([1.0, 2.0], NAN, None, "threshold is NaN"),
    ],
)
def test_what_cannot_be_judged_is_refused(scores, threshold, monitored, message):
    with pytest.raises(DataError, match=message):
        evaluate(scores, threshold, monitored=monitored)


def test_scikit_learn_is_asked_for_only_with_labels(scores, labels, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    assert evaluate(scores, 5.0).flagged_rows > 0
    with pytest.raises(ImportError, match=r"pip install 'fastdrift\[cli\]'"):
        evaluate(scores, 5.0, labels=labels)
