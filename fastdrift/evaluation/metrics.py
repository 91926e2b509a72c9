"""Say how good scores and a threshold are: counts, and with labels the usual figures beside trivial ones."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from fastdrift.errors import DataError
from fastdrift.evaluation.checks import check_labels, check_scores, check_times
from fastdrift.evaluation.event_metrics import EventMetrics, event_metrics, line
from fastdrift.evaluation.events import events
from fastdrift.evaluation.ranking import rank_metrics

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from fastdrift.arrays import Booleans, Floats


__all__ = ["Evaluation", "check_labels", "check_scores", "evaluate"]


@dataclass(frozen=True, repr=False)
class Evaluation:
    """Hold the figures of one evaluation; every one is over the monitored rows.

    A figure is None without the labels it needs, and where it is undefined, which `notes` explains. Rows
    without a score count in `rows`, `labelled_rows` and the two `unscored` figures, nowhere else.

    Attributes
    ----------
    threshold : float
        The score above which, strictly, a row is flagged.
    false_alarm_rate : float or None
        The nominal share of healthy rows flagged, if the caller gave one.
    rows, scored_rows, unscored_rows, flagged_rows : int
        Monitored rows, those with and without a score, those flagged.
    flagged_ratio : float or None
        Flagged rows as a share of the scored rows.
    labelled_rows, labelled_unscored_rows : int or None
        Rows labelled as drift, and how many of them have no score.
    healthy_flagged_ratio : float or None
        Flagged share of the scored healthy rows: what `false_alarm_rate` promised.
    precision, recall, f1, roc_auc, average_precision : float or None
        Row by row; the first three at the threshold, the last two over all thresholds.
    prevalence, flag_all_f1 : float or None
        The trivial lines: precision (the labelled share, also the expected average precision of a random
        score) and F1 of flagging everything.
    notes : tuple of str
        Why a figure is missing.
    event : EventMetrics or None
        The figures by events, if they were asked for and a row has a score.
    """

    threshold: float
    false_alarm_rate: float | None
    rows: int
    scored_rows: int
    unscored_rows: int
    flagged_rows: int
    flagged_ratio: float | None
    labelled_rows: int | None = None
    labelled_unscored_rows: int | None = None
    healthy_flagged_ratio: float | None = None
    precision: float | None = None
    recall: float | None = None
    f1: float | None = None
    roc_auc: float | None = None
    average_precision: float | None = None
    prevalence: float | None = None
    flag_all_f1: float | None = None
    notes: tuple[str, ...] = ()
    event: EventMetrics | None = None

    def summary(self) -> str:
        """Return the figures as lines of text, those from labels beside what flagging everything gets."""
        label_lines = [] if self.labelled_rows is None else self._label_lines()
        event_lines = [] if self.event is None else [self.event.summary()]
        notes = [f"note: {note}" for note in self.notes]
        return "\n".join([*self._count_lines(), *label_lines, *event_lines, *notes])

    def to_dict(self) -> dict[str, Any]:
        """Return the figures by name, ready for `json.dumps`: what JSON cannot hold (NaN, inf) is None."""
        return {field.name: _json_safe(getattr(self, field.name)) for field in fields(self)}

    def _count_lines(self) -> list[str]:
        return [
            line("rows", f"{self.rows:,}"),
            line("without a score", f"{self.unscored_rows:,}"),
            line("flagged", f"{self.flagged_rows:,}", f"  (score > {self.threshold:.6g})"),
            line("flagged ratio", _percent(self.flagged_ratio)),
            line("nominal false alarms", _percent(self.false_alarm_rate)),
        ]

    def _label_lines(self) -> list[str]:
        return [
            line("flagged when healthy", _percent(self.healthy_flagged_ratio)),
            line("labelled", f"{self.labelled_rows:,}"),
            line("  without a score", f"{self.labelled_unscored_rows:,}"),
            line("", "this score", "flag all"),
            line("precision", _plain(self.precision), _plain(self.prevalence)),
            line("recall", _plain(self.recall), _plain(1.0)),
            line("F1", _plain(self.f1), _plain(self.flag_all_f1)),
            line("ROC AUC", _plain(self.roc_auc), _plain(0.5)),
            line("average precision", _plain(self.average_precision), _plain(self.prevalence)),
        ]

    __repr__ = summary  # nineteen fields in a row help nobody


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
        Drift scores, bigger is more abnormal. NaN means that the row has no score; inf ranks on top.
    threshold : float
        In the unit of the scores; a row is flagged when its score is strictly above.
    labels : array_like of bool or 0/1, shape (n_rows,), optional
        True where the system had drifted.
    false_alarm_rate : float, optional
        The share of healthy rows that the threshold was made to flag, shown beside the measured one.
    monitored : slice or array_like of bool, shape (n_rows,), optional
        The rows to judge, usually those after the baseline. All rows when not given.
    events : bool, default False
        Whether to judge events too, and incidents where there are labels: the figures are in `event`.
    index, min_length, merge_gap, tolerance
        With `events`: as for `events` and `event_metrics`. A Series of scores brings its own index.

    Returns
    -------
    Evaluation
        The figures. Those that cannot be given are None, with a note.

    Raises
    ------
    DataError
        When lengths differ, labels are not 0/1, the threshold is NaN, no row is monitored, or an option is not one.
    ImportError
        When labels of both kinds are given and scikit-learn is not installed.

    Notes
    -----
    Fawcett (2006), "An introduction to ROC analysis"; with rare labels read average precision first (Saito
    and Rehmsmeier 2015). Every figure is by rows: point adjustment flatters even a random score (Kim et al.
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
    figures = _count(values[chosen], threshold, false_alarm_rate)
    if truth is not None:
        figures = _judge(figures, values[chosen], truth[chosen])
    if not events and (index is not None or (min_length, merge_gap, tolerance) != (1, 0, 0)):
        raise DataError("index, min_length, merge_gap and tolerance are about events: add events=True")
    if not (events and figures.scored_rows):
        return figures
    times = check_times(scores, index, len(values))
    rules = {"index": times, "min_length": min_length, "merge_gap": merge_gap}
    return replace(figures, event=_judge_events(values, threshold, truth, chosen, tolerance, rules))


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
    """Add to the counts every figure that needs labels."""
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


def _percent(ratio: float | None) -> str:
    return "-" if ratio is None else f"{100 * ratio:.2f} %"


def _plain(figure: float | None) -> str:
    return "-" if figure is None else f"{figure:.3f}"


def _json_safe(value: object) -> object:
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, EventMetrics):
        return value.to_dict()
    return None if isinstance(value, float) and not math.isfinite(value) else value
