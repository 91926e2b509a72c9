"""Scores and labels row by row: checked, counted above every threshold, and a threshold chosen by labels."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Literal

import numpy as np

from fastdrift.errors import DataError, DriftWarning
from fastdrift.evaluation.checks import check_classes, check_labels, check_scores
from fastdrift.evaluation.ranking import count_above

if TYPE_CHECKING:
    import numpy.typing as npt


def threshold_from_labels(
    scores: npt.ArrayLike, labels: npt.ArrayLike, *, rule: Literal["best-f1", "youden"] = "best-f1"
) -> float:
    """Choose the threshold that separates labelled from healthy rows best, and warn that labels chose it.

    Every threshold that flags a different set of rows is tried. Of equally good ones the highest is taken, which
    flags the fewest rows. Rows without a score are left out.

    Parameters
    ----------
    scores : array_like, shape (n_rows,)
        Drift scores, bigger is more abnormal; NaN or null where a row has none. An array, a Series or an Arrow array.
    labels : array_like of bool or 0/1, shape (n_rows,)
        True where the system had drifted.
    rule : {"best-f1", "youden"}
        What is best: the F1 score, or Youden's J, the share of labelled rows flagged less that of healthy ones.

    Returns
    -------
    float
        In the unit of the scores; a row is flagged when its score is strictly above. It is one of the scores, or the
        next number below the least where flagging everything is best.

    Raises
    ------
    DataError
        When lengths differ, labels are not 0/1 or of one kind only, no row has a score, or the rule is unknown.

    Warns
    -----
    DriftWarning
        Always: on the rows whose labels chose the threshold, the figures flatter. Judge it on other rows.

    Notes
    -----
    Youden (1950), "Index for rating diagnostic tests"; Lipton, Elkan and Naryanaswamy (2014), "Optimal thresholding of
    classifiers to maximize F1 measure". The model's own threshold needs no labels and keeps to a false-alarm rate.

    Examples
    --------
    >>> import warnings
    >>> with warnings.catch_warnings(action="ignore"):
    ...     threshold_from_labels([1.0, 2.0, 6.0, 5.0, 7.0], [0, 0, 0, 1, 1])
    2.0
    """
    if rule not in ("best-f1", "youden"):
        raise DataError(f"rule is {rule!r}: it is 'best-f1' or 'youden'")
    values = check_scores(scores)
    kept, truth = check_classes(values, check_labels(labels, len(values)))
    warnings.warn(
        f"this threshold was chosen with the labels of {kept.size} rows: figures on the same rows flatter it; judge "
        f"it on rows that had no part in the choice",
        DriftWarning,
        stacklevel=2,
    )
    reached, hits, false_alarms = count_above(kept, truth)
    n_labelled, n_healthy = hits[-1], false_alarms[-1]
    if rule == "best-f1":
        goodness = 2 * hits / (n_labelled + hits + false_alarms)
    else:  # in whole numbers, so that ties are ties
        goodness = hits * n_healthy - false_alarms * n_labelled
    # strictly above the next score is what reaches this one; flagging nothing has goodness 0
    below = np.append(reached[1:], np.nextafter(reached[-1], -np.inf))
    candidates = np.append(reached[0], below)
    is_possible = np.append(True, below < reached)  # nothing lies below -inf
    goodness = np.where(is_possible, np.append(0, goodness), -np.inf)
    return float(candidates[goodness.argmax()])
