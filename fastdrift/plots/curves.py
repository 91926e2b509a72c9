"""curves_figure: detectors against labels, over all thresholds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from fastdrift.errors import DataError
from fastdrift.evaluation.checks import check_classes, check_labels, check_scores
from fastdrift.evaluation.ranking import count_above, rank_metrics
from fastdrift.plots.axes import SIZE, new_figure, plain_text, short

if TYPE_CHECKING:
    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from fastdrift.arrays import Booleans, Floats


# A detector each; the colours are Okabe and Ito's, and so many dashes that no pair repeats.
CURVES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES = ("-", "--", "-.", ":")
TRIVIAL = "0.45"
# Pixel columns that a curve is reduced to.
CURVE_COLUMNS = 500


def curves_figure(detectors: Mapping[str, npt.ArrayLike], labels: npt.ArrayLike) -> Figure:
    """Draw the ROC and the precision-recall curves of detectors side by side, with the trivial lines.

    All are judged on the same rows: those that every detector has scored.

    Parameters
    ----------
    detectors : mapping of str to array_like, shape (n_rows,)
        Scores by the detector's name, bigger is more abnormal; NaN where a row has none.
    labels : array_like of bool or 0/1, shape (n_rows,)
        True where the system had drifted.

    Returns
    -------
    matplotlib.figure.Figure
        Turn it into bytes with `to_bytes`. The legends give ROC AUC and average precision, those of `evaluate`.

    Raises
    ------
    DataError
        When there is no detector, lengths differ, labels are not 0/1 or of one kind only, or no row is scored by all.
    ImportError
        When matplotlib or scikit-learn is not installed.

    Notes
    -----
    Davis and Goadrich (2006), "The relationship between precision-recall and ROC curves".

    Examples
    --------
    >>> figure = curves_figure({"one": [1.0, 2.0, 4.0, 3.0], "other": [1.0, 4.0, 2.0, 3.0]}, [0, 0, 1, 1])
    >>> [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    ['one  (AUC 1.000)', 'other  (AUC 0.500)', 'random score  (AUC 0.500)']
    """
    scored, truth = _common_rows(detectors, labels)
    figure = new_figure(SIZE[0], 6.0 + 0.2 * len(scored))
    roc_axes, precision_axes = figure.subplots(1, 2)
    _prepare_curves(roc_axes, "ROC", "share of healthy rows flagged", "share of labelled rows flagged (recall)")
    _prepare_curves(precision_axes, "Precision and recall", "recall", "precision")
    for place, (name, scores) in enumerate(scored.items()):
        roc_auc, average_precision = rank_metrics(scores, truth)
        style = {"color": CURVES[place % len(CURVES)], "linestyle": DASHES[place % len(DASHES)]}
        roc, precision = _curves(scores, truth)
        roc_axes.plot(*roc, label=f"{short(name)}  (AUC {roc_auc:.3f})", **style)
        precision_axes.plot(*precision, label=f"{short(name)}  (AP {average_precision:.3f})", **style)
    share = float(truth.mean())
    roc_axes.plot([0, 1], [0, 1], color=TRIVIAL, linewidth=1, label="random score  (AUC 0.500)")
    label = f"random score, flag everything  (AP {share:.3f})"
    precision_axes.plot([0, 1], [share, share], color=TRIVIAL, linewidth=1, label=label)
    for axes in (roc_axes, precision_axes):
        plain_text(axes.legend(loc="upper left", bbox_to_anchor=(0, -0.12), frameon=False, borderaxespad=0).get_texts())
    title = f"{truth.size:,} rows with a score, {truth.sum():,} labelled ({100 * share:.1f} %)"
    figure.suptitle(title, x=0.01, ha="left", fontweight="bold")
    return figure


def _common_rows(detectors: Mapping[str, npt.ArrayLike], labels: npt.ArrayLike) -> tuple[dict[str, Floats], Booleans]:
    """Return scores and labels of the rows that every detector has scored."""
    if not isinstance(detectors, Mapping) or not detectors:
        raise DataError("name at least one detector: pass a mapping like {'mahalanobis': scores}")
    truth = check_labels(labels, np.size(labels))
    is_scored = np.ones(truth.size, np.bool_)
    values = {}
    for name, scores in detectors.items():
        values[str(name)] = own = check_scores(scores)
        if own.size != truth.size:
            raise DataError(f"labels have {truth.size} rows, but there are {own.size} scores of {name!r}")
        if np.isnan(own).all():
            raise DataError(f"all {own.size} scores of {name!r} are NaN")
        is_scored &= ~np.isnan(own)
    if truth.size and not is_scored.any():
        raise DataError("no row is scored by every detector: they can't be compared")
    check_classes(np.where(is_scored, 0.0, np.nan), truth)
    return {name: own[is_scored] for name, own in values.items()}, truth[is_scored]


def _curves(scores: Floats, labels: Booleans) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
    """Return the points of the ROC curve and those of the precision-recall curve, reduced."""
    _, hits, false_alarms = count_above(scores, labels)
    recall, false_rate = hits / hits[-1], false_alarms / false_alarms[-1]
    roc = _reduce(np.append(0.0, false_rate), np.append(0.0, recall))
    # nothing is known at a recall of 0: the first hit's precision is taken
    first = int((hits > 0).argmax())
    precision = (hits / (hits + false_alarms))[first:]
    return roc, _reduce(np.append(0.0, recall[first:]), np.append(precision[0], precision))


def _reduce(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Keep the first, last, lowest and highest point of each pixel column of a curve that goes right."""
    starts = np.flatnonzero(np.diff(np.floor(x * CURVE_COLUMNS), prepend=-1))
    kept = {0, len(x) - 1}
    for start, stop in zip(starts, np.append(starts[1:], len(x)), strict=True):
        piece = y[start:stop]
        kept |= {int(start), int(stop) - 1, int(start + piece.argmin()), int(start + piece.argmax())}
    rows = np.array(sorted(kept))
    return x[rows], y[rows]


def _prepare_curves(axes: Axes, title: str, x_name: str, y_name: str) -> None:
    axes.set_title(title, loc="left")
    axes.set_xlabel(x_name)
    axes.set_ylabel(y_name)
    # a curve along the edge shows whole
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(-0.01, 1.02)
    axes.grid(color="0.9")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
