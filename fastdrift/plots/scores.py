"""Draw drift scores with matplotlib's Figure interface: no pyplot state, no display, any number of rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from fastdrift.evaluation.checks import check_labels, check_scores
from fastdrift.plots.axes import (
    BASELINE_SHADE,
    FLAGGED,
    LABELLED,
    LABELLED_SHADE,
    SIZE,
    check_rows,
    column_extremes,
    column_shares,
    draw_band,
    draw_strips,
    new_figure,
    pixel_columns,
    score_limits,
    set_log_ticks,
    set_row_axis,
    shade,
    stretches,
)
from fastdrift.plots.events import Marked, draw_events, draw_levels

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from fastdrift.arrays import Floats


def score_figure(
    scores: npt.ArrayLike,
    threshold: float,
    *,
    index: pd.DatetimeIndex | None = None,
    baseline: tuple[int, int] | None = None,
    labels: npt.ArrayLike | None = None,
    events: Iterable[Marked] | None = None,
    levels: tuple[float, float] | None = None,
    title: str | None = None,
) -> Figure:
    """Draw scores over time on a log axis, with what is flagged and what is labelled in strips below.

    Rows are first reduced to the smallest and the largest score of each pixel column, and to the share of
    flagged and of labelled rows: the height of the bars in the strips. A lone spike, flag or label survives.

    Parameters
    ----------
    scores : array_like, shape (n_rows,)
        Drift scores; NaN leaves a gap, 0 and inf are drawn at the edges of the axis.
    threshold : float
        In the unit of the scores; rows strictly above are flagged.
    index : pandas.DatetimeIndex, length n_rows, optional
        Increasing times of the rows. Row numbers when not given.
    baseline : (int, int), optional
        First row of the baseline and the row after its last.
    labels : array_like of bool or 0/1, shape (n_rows,), optional
        True where the system had drifted.
    events : iterable of events, optional
        What `detect` found: alarms and notices get a strip each. An alarm's bar is pale from its onset to the row in
        which it was raised; one of missing data is grey.
    levels : (float, float), optional
        The scores above which events are alarms, and notices.
    title : str, optional
        Says how many rows are flagged when not given.

    Returns
    -------
    matplotlib.figure.Figure
        Save it with its `savefig`, or turn it into bytes with `to_bytes`.

    Raises
    ------
    DataError
        When there is no row, lengths differ, labels are not 0/1, times decrease, or the baseline has no rows.
    ImportError
        When matplotlib is not installed.

    Notes
    -----
    The reduction is a part of Jugel et al. (2014), "M4: a visualization-oriented time series data aggregation".

    Examples
    --------
    >>> import numpy as np
    >>> scores = np.array([np.nan, 2.0, 3.0, 2.5, 9.0, 30.0])
    >>> figure = score_figure(scores, 5.0, baseline=(0, 3), labels=[0, 0, 0, 0, 1, 1])
    >>> figure.axes[0].get_title(loc="left")
    'Drift score: 2 of 5 scored rows flagged (40.0 %)'
    """
    values = check_scores(scores)
    truth = None if labels is None else check_labels(labels, len(values))
    check_rows(index, baseline, len(values))
    marked = None if events is None else list(events)
    n_strips = 1 + (truth is not None) + (0 if marked is None else 2)
    figure, score_axes, strip_axes = _axes(title or _flagged_title(values, threshold), n_strips)
    starts, x, left, right = pixel_columns(index, len(values))
    _draw_scores(score_axes, x, column_extremes(values, starts), threshold, levels)
    strips = {"flagged": (column_shares(values > threshold, starts), FLAGGED)}
    is_baseline = np.zeros(len(starts), bool)
    if baseline is not None:
        is_baseline = (starts < baseline[1]) & (np.append(starts[1:], len(values)) > baseline[0])
        shade(score_axes, stretches(is_baseline, left, right), BASELINE_SHADE, "baseline")
    if truth is not None:
        labelled = column_shares(truth, starts)
        strips["labelled"] = labelled, LABELLED
        # what is labelled of a baseline shows in the strip: a shade over it would hide where the baseline ends
        shade(score_axes, stretches((labelled > 0) & ~is_baseline, left, right), LABELLED_SHADE, "labelled")
    draw_strips(strip_axes, x, strips)
    if marked is not None:
        draw_events(strip_axes, marked, index, len(strips), len(values))
    set_row_axis(strip_axes, index, (left[0], right[-1]))
    _draw_legend(score_axes, strip_axes)
    return figure


def _draw_legend(score_axes: Axes, strip_axes: Axes) -> None:
    """Name everything between the title and the scores, in one line or two."""
    handles, names = score_axes.get_legend_handles_labels()
    others = strip_axes.get_legend_handles_labels()
    handles, names = handles + others[0], names + others[1]
    n_columns = len(names) if len(names) <= 5 else -(-len(names) // 2)
    if len(names) > 5:
        score_axes.set_title(score_axes.get_title(loc="left"), loc="left", pad=46, fontweight="bold")
    score_axes.legend(
        handles, names, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.3, ncols=n_columns, frameon=False
    )


def _axes(title: str, n_strips: int) -> tuple[Figure, Axes, Axes]:
    """Return a figure with empty axes for the scores and, below, for the strips."""
    width, height = SIZE
    figure = new_figure(width, height + 0.25 * max(0, n_strips - 2))
    score_axes, strip_axes = figure.subplots(2, sharex=True, height_ratios=(8, max(1.0, 0.5 * n_strips)))
    score_axes.spines[["top", "right"]].set_visible(False)
    strip_axes.spines[["top", "right", "left"]].set_visible(False)
    # The padding, in points, leaves a line for the legend.
    score_axes.set_title(title, loc="left", pad=28, fontweight="bold")
    return figure, score_axes, strip_axes


def _flagged_title(scores: Floats, threshold: float) -> str:
    flagged, scored = np.count_nonzero(scores > threshold), np.count_nonzero(~np.isnan(scores))
    share = f" ({100 * flagged / scored:.1f} %)" if scored else ""
    return f"Drift score: {flagged:,} of {scored:,} scored rows flagged{share}"


def _draw_scores(
    axes: Axes, x: Floats, extremes: tuple[Floats, Floats], threshold: float, levels: tuple[float, float] | None
) -> None:
    low, high = extremes
    limits = score_limits(low, np.append(high, levels or ()), threshold)
    axes.set_yscale("log")
    axes.set_ylim(limits)
    axes.set_ylabel("drift score (log scale)")
    axes.grid(axis="y", color="0.9")
    axes.set_axisbelow(True)
    set_log_ticks(axes.yaxis, *limits)
    draw_band(axes, x, low, high, limits, "score")
    line = float(np.clip(threshold, *limits))
    axes.axhline(line, color=FLAGGED, linestyle="--", label=f"threshold {threshold:.4g}")
    if levels is not None:
        draw_levels(axes, levels)
