"""Draw what columns add to a score as bars, the longest on top."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from fastdrift.errors import DataError
from fastdrift.plots.axes import FLAGGED, SCORE, new_figure, plain_text, short

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# bars that are drawn; the others are one bar together
MOST_BARS = 20
# letters of a title's line, and its lines
LINE, LINES = 95, 3
OTHERS = "0.6"


def reasons_figure(parts: Mapping[str, float], *, title: str, signed: bool = False) -> Figure:
    """Draw what columns add to a score as bars, the longest on top, and the last of many as one.

    Parameters
    ----------
    parts : mapping of str to float
        What every column adds: its share, or with `signed` its part of the squared score.
    title : str
        What they are the reason of.
    signed : bool, default False
        Whether parts have signs; those that lower the score have another colour.

    Returns
    -------
    matplotlib.figure.Figure
        Turn it into bytes with `to_bytes`.

    Raises
    ------
    DataError
        When there is no column, or a part is not finite.
    ImportError
        When matplotlib is not installed.

    Notes
    -----
    Cleveland and McGill (1984), "Graphical perception": lengths along a common scale are read best.

    Examples
    --------
    >>> figure = reasons_figure({"cpu": 0.2, "latency": 0.7, "memory": 0.1}, title="rows 10 to 20")
    >>> [label.get_text() for label in figure.axes[0].get_yticklabels()]
    ['latency', 'cpu', 'memory']
    """
    if not parts or not np.isfinite(list(parts.values())).all():
        raise DataError("there is nothing to draw: give every column a finite part")
    names, values = _longest(parts)
    figure = new_figure(9.0, 1.5 + 0.32 * len(names))
    axes = figure.add_subplot()
    colors = [FLAGGED if value >= 0 else SCORE for value in values]
    if len(parts) > len(names):
        colors[-1] = OTHERS
    bars = axes.barh(np.arange(len(names)), values, color=colors, height=0.7)
    axes.bar_label(bars, [f"{value:,.2f}" if signed else f"{100 * value:.1f} %" for value in values], padding=4)
    axes.set_yticks(np.arange(len(names)), [short(name) for name in names])
    axes.invert_yaxis()
    axes.set_xlabel("part of the squared score" if signed else "share of the score")
    # room for the numbers at the bars' ends
    low, high = min(0.0, *values), max(0.0, *values)
    room = 0.14 * (high - low) or 1.0
    axes.set_xlim(low - room if low < 0 else 0.0, high + room)
    axes.spines[["top", "right"]].set_visible(False)
    axes.axvline(0.0, color="0.3", linewidth=0.8)
    if not signed:
        axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:g} %")
    lines = textwrap.wrap(title, LINE, max_lines=LINES, placeholder=" …")
    heading = figure.suptitle("\n".join(lines), x=0.01, ha="left", fontsize=10, fontweight="bold")
    plain_text([heading, *axes.get_yticklabels()])
    return figure


def _longest(parts: Mapping[str, float]) -> tuple[list[str], list[float]]:
    order = sorted(parts, key=lambda name: -abs(parts[name]))
    if len(order) <= MOST_BARS:
        return order, [parts[name] for name in order]
    shown, others = order[: MOST_BARS - 1], order[MOST_BARS - 1 :]
    return [*shown, f"{len(others)} others"], [parts[name] for name in shown] + [sum(parts[name] for name in others)]
