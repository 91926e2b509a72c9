"""Say how good scores and a threshold are: counts, and with labels the usual metrics beside trivial ones."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from fastdrift.errors import DataError
from fastdrift.evaluation.checks import check_labels, check_scores, check_times
from fastdrift.evaluation.event_metrics import EventMetrics, event_metrics
from fastdrift.evaluation.events import events
from fastdrift.evaluation.ranking import rank_metrics
from fastdrift.evaluation.result import Evaluation

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from fastdrift.arrays import Booleans, Floats


__all__ = ["Evaluation", "check_labels", "check_scores", "evaluate"]


def evaluate(
    scores: npt.ArrayLike,
    threshold: float,
    *,
    labels: npt.ArrayLike | None = None,
    false_alarm_rate: float | None = None,
    monitored: slice | npt.ArrayLike | None = None,
    events: bool = False,
    index: pd.DatetimeIndex | None = None,
    min_length: int = 1,
    merge_gap: int = 0,
    tolerance: int = 0,
) -> Evaluation:
    """Judge scores at a threshold, and against labels where there are some.

    Parameters
    ----------
    scores : array_like, shape (n_rows,)
        Drift scores, bigger is more abnormal; numpy's, pandas', polars' or Arrow's. NaN or null means that the row has
        no score; inf ranks on top.
    threshold : float
        In the unit of the scores; a row is flagged when its score is strictly above.
    labels : array_like of bool or 0/1, shape (n_rows,), optional
        True where the system had drifted, of any of those kinds.
    false_alarm_rate : float, optional
        The share of healthy rows that the threshold was made to flag, shown beside the measured one.
    monitored : slice or array_like of bool, shape (n_rows,), optional
        The rows to judge, usually those after the baseline. All rows when not given.
    events : bool, default False
        Whether to judge events too, and incidents where there are labels: the metrics are in `event`.
    index, min_length, merge_gap, tolerance
        With `events`: as for `events` and `event_metrics`. A pandas Series of scores brings its own index.

    Returns
    -------
    Evaluation
        The metrics. Those that cannot be given are None, with a note.

    Raises
    ------
    DataError
        When lengths differ, labels are not 0/1, the threshold is NaN, no row is monitored, or an option is not one.
    ImportError
        When labels of both kinds are given and scikit-learn is not installed.

    Notes
    -----
    Fawcett (2006), "An introduction to ROC analysis"; with rare labels read average precision first (Saito
    and Rehmsmeier 2015). Every metric is by rows: point adjustment flatters even a random score (Kim et al.
    2022, "Towards a rigorous evaluation of time-series anomaly detection").

    Examples
    --------
    >>> import numpy as np
    >>> scores = np.array([np.nan, 1.0, 2.0, 6.0, 1.5, 7.0, 9.0, 8.0])
    >>> labels = np.array([0, 0, 0, 0, 0, 1, 1, 1])
    >>> evaluate(scores, 5.0, labels=labels, false_alarm_rate=0.05, monitored=slice(1, None))
    rows                             7
    without a score                  0
    flagged                          4  (score > 5)
    flagged ratio              57.14 %
    nominal false alarms        5.00 %
    flagged when healthy       25.00 %
    labelled                         3
      without a score                0
                            this score    flag all
    precision                    0.750       0.429
    recall                       1.000       1.000
    F1                           0.857       0.600
    ROC AUC                      1.000       0.500
    average precision            1.000       0.429
    """
    if math.isnan(threshold):
        raise DataError("the threshold is NaN, which no score is above; pass the one of a fitted model")
    values = check_scores(scores)
    chosen = _check_monitored(monitored, len(values))
    truth = None if labels is None else check_labels(labels, len(values))
    if not len(values[chosen]):
        raise DataError(f"no row is monitored: {monitored!r} selects none of the scores")
    metrics = _count(values[chosen], threshold, false_alarm_rate)
    if truth is not None:
        metrics = _judge(metrics, values[chosen], truth[chosen])
    if not events and (index is not None or (min_length, merge_gap, tolerance) != (1, 0, 0)):
        raise DataError("index, min_length, merge_gap and tolerance are about events: add events=True")
    if not (events and metrics.scored_rows):
        return metrics
    times = check_times(scores, index, len(values))
    rules = {"index": times, "min_length": min_length, "merge_gap": merge_gap}
    return replace(metrics, event=_judge_events(values, threshold, truth, chosen, tolerance, rules))


def _check_monitored(monitored: slice | npt.ArrayLike | None, n_rows: int) -> slice | Booleans:
    if monitored is None:
        return slice(None)
    if isinstance(monitored, slice):
        return monitored
    mask = np.asarray(monitored)
    if mask.dtype != np.bool_ or mask.shape != (n_rows,):
        raise DataError(f"monitored must be a slice or {n_rows} booleans, got {mask.dtype} {mask.shape}")
    return mask


def _count(scores: Floats, threshold: float, false_alarm_rate: float | None) -> Evaluation:
    scored = int(np.count_nonzero(~np.isnan(scores)))
    flagged = int(np.count_nonzero(scores > threshold))
    nothing_scored = "no monitored row has a score: the window is longer than the rows, or values are missing"
    return Evaluation(
        threshold=float(threshold),
        false_alarm_rate=false_alarm_rate,
        rows=len(scores),
        scored_rows=scored,
        unscored_rows=len(scores) - scored,
        flagged_rows=flagged,
        flagged_ratio=_ratio(flagged, scored),
        notes=() if scored else (nothing_scored,),
    )


def _judge(counts: Evaluation, scores: Floats, labels: Booleans) -> Evaluation:
    """Add to the counts every metric that needs labels."""
    is_scored = ~np.isnan(scores)
    labelled = int(np.count_nonzero(labels))
    positives = int(np.count_nonzero(labels & is_scored))
    negatives = counts.scored_rows - positives
    hits = int(np.count_nonzero(labels & (scores > counts.threshold)))
    roc_auc, average_precision = rank_metrics(scores[is_scored], labels[is_scored])
    return replace(
        counts,
        labelled_rows=labelled,
        labelled_unscored_rows=labelled - positives,
        healthy_flagged_ratio=_ratio(counts.flagged_rows - hits, negatives),
        precision=_ratio(hits, counts.flagged_rows),
        recall=_ratio(hits, positives),
        f1=_ratio(2 * hits, positives + counts.flagged_rows),
        roc_auc=roc_auc,
        average_precision=average_precision,
        prevalence=_ratio(positives, counts.scored_rows),
        flag_all_f1=_ratio(2 * positives, positives + counts.scored_rows),
        notes=counts.notes + _label_notes(positives, negatives, counts.flagged_rows),
    )


def _judge_events(
    scores: Floats, threshold: float, labels: Booleans | None, chosen: slice | Booleans, tolerance: int, rules: Any
) -> EventMetrics:
    """Judge events where they are, so that rows on both sides of what is not monitored stay apart."""
    is_monitored = np.zeros(len(scores), np.bool_)
    is_monitored[chosen] = True
    found = events(np.where(is_monitored, scores, np.nan), threshold, **rules)
    return event_metrics(found, None if labels is None else labels & is_monitored, tolerance=tolerance)


def _label_notes(positives: int, negatives: int, flagged: int) -> tuple[str, ...]:
    notes = []
    if (positives > 0) != (negatives > 0):
        kind = "labelled" if positives else "healthy"
        notes.append(f"ROC AUC and average precision need both classes, but every scored row is {kind}")
    if positives + negatives > 0 and not flagged:
        notes.append("no row is flagged, so precision is undefined")
    return tuple(notes)


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
