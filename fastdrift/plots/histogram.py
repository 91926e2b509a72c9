"""The histogram of scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fastdrift.errors import DataError
from fastdrift.evaluation.checks import check_scores
from fastdrift.plots.axes import (
    BASELINE_SHADE,
    FLAGGED,
    SCORE,
    SIZE,
    check_rows,
    new_figure,
    score_limits,
    set_log_ticks,
)

if TYPE_CHECKING:
    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from fastdrift.arrays import Floats


# Bars of a histogram, at most.
BARS = 80


def histogram_figure(scores: npt.ArrayLike, threshold: float, *, baseline: tuple[int, int]) -> Figure:
    """Draw how baseline and monitored scores are spread, on a log axis, with the threshold.

    Parameters
    ----------
    scores : array_like, shape (n_rows,)
        Drift scores; NaN is left out, 0 and inf are counted in the bars at the edges.
    threshold : float
        In the unit of the scores; rows strictly above are flagged.
    baseline : (int, int)
        First row of the baseline and the row after its last. All other rows are monitored.

    Returns
    -------
    matplotlib.figure.Figure
        Bars are shares of the scored rows of their kind. Turn it into bytes with `to_bytes`.

    Raises
    ------
    DataError
        When no row has a score, the threshold is NaN, or the baseline is not a stretch of the rows.
    ImportError
        When matplotlib is not installed.

    Notes
    -----
    Scott (1979), "On optimal and data-based histograms", on the number of bars; here it is capped by what can be read.

    Examples
    --------
    >>> figure = histogram_figure([2.0, 3.0, 2.5, 4.0, 9.0, 30.0], 5.0, baseline=(0, 3))
    >>> [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    ['baseline: 0.0 % of 3 scores flagged', 'monitored: 66.7 % of 3 scores flagged', 'threshold 5']
    """
    values = check_scores(scores)
    check_rows(None, baseline, len(values))
    if np.isnan(threshold):
        raise DataError("the threshold is NaN, which no score is above; pass the one of a fitted model")
    kinds = {"baseline": values[slice(*baseline)], "monitored": np.delete(values, slice(*baseline))}
    kinds = {kind: part[~np.isnan(part)] for kind, part in kinds.items()}
    n_scores = max(part.size for part in kinds.values())
    if not n_scores:
        raise DataError(f"none of the {len(values)} rows has a score: the rows are too few, or values are missing")
    edges = _edges(values, threshold, n_scores)
    figure = new_figure(*SIZE)
    axes = figure.subplots()
    for (kind, part), fill, line in zip(kinds.items(), (BASELINE_SHADE, "none"), ("#009E73", SCORE), strict=True):
        _draw_shares(axes, part, threshold, edges, (kind, fill, line))
    place = float(np.clip(threshold, edges[0], edges[-1]))
    axes.axvline(place, color=FLAGGED, linestyle="--", label=f"threshold {threshold:.4g}")
    _finish_histogram(axes, edges)
    return figure


def _edges(scores: Floats, threshold: float, n_scores: int) -> Floats:
    """Return the edges of bars of equal width on a log axis, one of them at the threshold."""
    bottom, top = score_limits(scores, scores, threshold)
    middle = float(np.clip(threshold, bottom, top)) if threshold > 0 else bottom
    n_bars = int(np.clip(2 * n_scores ** (1 / 3), 10, BARS))
    step = np.log(top / bottom) / n_bars
    n_below, n_above = (int(np.ceil(np.log(ratio) / step)) for ratio in (middle / bottom, top / middle))
    edges: Floats = middle * np.exp(step * np.arange(-n_below, n_above + 1))
    return edges


def _draw_shares(axes: Axes, scores: Floats, threshold: float, edges: Floats, style: tuple[str, str, str]) -> None:
    kind, fill, line = style
    if not scores.size:
        return
    places = np.searchsorted(edges[1:-1], scores, side="left")  # a score at the threshold is not above
    shares = np.bincount(places, minlength=len(edges) - 1) / scores.size
    flagged = np.count_nonzero(scores > threshold) / scores.size
    label = f"{kind}: {100 * flagged:.1f} % of {scores.size:,} scores flagged"
    is_filled = fill != "none"
    axes.stairs(shares, edges, fill=is_filled, facecolor=fill, edgecolor=line, linewidth=1.5, label=label)


def _finish_histogram(axes: Axes, edges: Floats) -> None:
    from matplotlib import ticker

    axes.set_xscale("log")
    axes.set_xlim(edges[0], edges[-1])
    axes.set_ylim(bottom=0)
    set_log_ticks(axes.xaxis, edges[0], edges[-1])
    axes.yaxis.set_major_formatter(ticker.FuncFormatter(lambda share, _: f"{100 * share:g} %"))
    axes.set_xlabel("drift score (log scale)")
    axes.set_ylabel("share of scores in a bar")
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title("Baseline and monitored scores", loc="left", pad=28, fontweight="bold")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.3, ncols=3, frameon=False)
