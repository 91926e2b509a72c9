"""Say how good scores and a threshold are: counts, and with labels the usual figures beside trivial ones."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from fastdrift.errors import DataError

if TYPE_CHECKING:
    import numpy.typing as npt

    Booleans = npt.NDArray[np.bool_]
    Floats = npt.NDArray[np.float64]


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

    def summary(self) -> str:
        """Return the figures as lines of text, those from labels beside what flagging everything gets."""
        label_lines = [] if self.labelled_rows is None else self._label_lines()
        return "\n".join([*self._count_lines(), *label_lines, *(f"note: {note}" for note in self.notes)])

    def to_dict(self) -> dict[str, Any]:
        """Return the figures by name, ready for `json.dumps`: what JSON cannot hold (NaN, inf) is None."""
        return {field.name: _json_safe(getattr(self, field.name)) for field in fields(self)}

    def _count_lines(self) -> list[str]:
        return [
            _line("rows", f"{self.rows:,}"),
            _line("without a score", f"{self.unscored_rows:,}"),
            _line("flagged", f"{self.flagged_rows:,}", f"  (score > {self.threshold:.6g})"),
            _line("flagged ratio", _percent(self.flagged_ratio)),
            _line("nominal false alarms", _percent(self.false_alarm_rate)),
        ]

    def _label_lines(self) -> list[str]:
        return [
            _line("flagged when healthy", _percent(self.healthy_flagged_ratio)),
            _line("labelled", f"{self.labelled_rows:,}"),
            _line("  without a score", f"{self.labelled_unscored_rows:,}"),
            _line("", "this score", "flag all"),
            _line("precision", _plain(self.precision), _plain(self.prevalence)),
            _line("recall", _plain(self.recall), _plain(1.0)),
            _line("F1", _plain(self.f1), _plain(self.flag_all_f1)),
            _line("ROC AUC", _plain(self.roc_auc), _plain(0.5)),
            _line("average precision", _plain(self.average_precision), _plain(self.prevalence)),
        ]

    __repr__ = summary  # eighteen fields in a row help nobody


def evaluate(
    scores: npt.ArrayLike,
    threshold: float,
    *,
    labels: npt.ArrayLike | None = None,
    false_alarm_rate: float | None = None,
    monitored: slice | npt.ArrayLike | None = None,
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

    Returns
    -------
    Evaluation
        The figures. Those that cannot be given are None, with a note.

    Raises
    ------
    DataError
        When lengths differ, labels are not 0/1, the threshold is NaN, or no row is monitored.
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
    truth = None if labels is None else check_labels(labels, len(values))[chosen]
    values = values[chosen]
    if not len(values):
        raise DataError(f"no row is monitored: {monitored!r} selects none of the scores")
    counts = _count(values, threshold, false_alarm_rate)
    return counts if truth is None else _judge(counts, values, truth)


def check_scores(scores: npt.ArrayLike) -> Floats:
    """Return scores as float64, uncopied where they already are; refuse more than one dimension."""
    values = np.asarray(scores, dtype=np.float64)
    if values.ndim != 1:
        raise DataError(f"scores have shape {values.shape}; pass one score a row")
    return values


def check_labels(labels: npt.ArrayLike, n_rows: int) -> Booleans:
    """Return labels as booleans; refuse another length and anything but 0 and 1, naming the first row."""
    array = np.asarray(labels)
    if array.shape != (n_rows,):
        raise DataError(f"labels have shape {array.shape}, but there are {n_rows} scores; pass one a row")
    if array.dtype == np.bool_:
        return array
    try:
        numbers = array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"labels must be 0 or 1, not text or missing: {error}") from error
    is_label: Booleans = numbers == 1
    is_wrong = ~is_label & (numbers != 0)
    if is_wrong.any():
        row = int(is_wrong.argmax())
        raise DataError(f"labels must be 0 or 1, but row {row} holds {array[row]}")
    return is_label


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
    roc_auc, average_precision = _rank(scores[is_scored], labels[is_scored])
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


def _rank(scores: Floats, labels: Booleans) -> tuple[float, float] | tuple[None, None]:
    """Return ROC AUC and average precision, which look at the order of the scores only."""
    if labels.all() or not labels.any():
        return None, None
    try:
        from sklearn import metrics
    except ImportError as error:
        raise ImportError("figures with labels need scikit-learn: pip install 'fastdrift[cli]'") from error
    # scikit-learn refuses inf and subtracts neighbours: a quarter of the largest float ranks the same.
    largest = np.finfo(np.float64).max / 4
    # One quick sort here makes each of its two stable sorts a single pass: 4.6 s against 8.2 s at 1e7 rows.
    order = np.argsort(scores)
    ranked, truth = np.clip(scores[order], -largest, largest), labels[order]
    return metrics.roc_auc_score(truth, ranked), metrics.average_precision_score(truth, ranked)


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


def _line(name: str, *cells: str) -> str:
    return f"{name:<22}" + "".join(f"{cell:>12}" for cell in cells)


def _percent(ratio: float | None) -> str:
    return "-" if ratio is None else f"{100 * ratio:.2f} %"


def _plain(figure: float | None) -> str:
    return "-" if figure is None else f"{figure:.3f}"


def _json_safe(value: object) -> object:
    if isinstance(value, tuple):
        return list(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value
