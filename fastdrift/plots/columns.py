"""Pictures of telemetry, column by column, and of scores, baseline beside monitored."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fastdrift.errors import DataError
from fastdrift.evaluation.checks import check_labels
from fastdrift.plots.axes import (
    BASELINE_SHADE,
    FLAGGED,
    LABELLED,
    SIZE,
    PixelColumns,
    check_rows,
    column_extremes,
    column_shares,
    draw_band,
    draw_strips,
    new_figure,
    pixel_columns,
    plain_text,
    set_row_axis,
    shade,
    short,
    stretches,
)
from fastdrift.tables.convert import reader_of
from fastdrift.tables.frames import is_frame

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from fastdrift.arrays import Booleans, Floats


MOST_COLUMNS = 12
# Linear axes: beyond this their margins would overflow.
LARGEST = 1e100

# Shades of flagged stretches, by the least share of flagged rows in a pixel column.
# False alarms at 5 %, among a million rows, shaded 90 % of the healthy stretch from any share on, 12 % from 0.1 on and
# nothing from 0.25 on.
FLAGGED_SHADES = {0.25: "#F6DCC7", 0.5: "#F0C7A6"}


def columns_figure(
    frame: Any,
    flags: npt.ArrayLike,
    *,
    baseline: tuple[int, int] | None = None,
    labels: npt.ArrayLike | None = None,
    columns: Sequence[Hashable] | None = None,
) -> Figure:
    """Draw columns one below the other over time, with flagged stretches shaded.

    Rows are reduced to the smallest and the largest value of each pixel column; it is shaded where
    over a quarter of its rows are flagged, and darker over a half. Strips below show the shares of flagged and of
    labelled rows, and never lose a lone one.

    Parameters
    ----------
    frame : frame or array of shape (n_rows, n_columns)
        Telemetry in any units; a frame is one of pandas, polars or Arrow. A DatetimeIndex, increasing, makes an axis of
        times; else it is of row numbers.
    flags : array_like of bool or 0/1, shape (n_rows,)
        True where rows are flagged, as in ``scores > model.threshold``.
    baseline : (int, int), optional
        First row of the baseline and the row after its last.
    labels : array_like of bool or 0/1, shape (n_rows,), optional
        True where the system had drifted.
    columns : sequence, optional
        Names (or places) of the columns to draw, at most 12. The first ones when not given.

    Returns
    -------
    matplotlib.figure.Figure
        Turn it into bytes with `to_bytes`. Its title says how many columns are left out.

    Raises
    ------
    DataError
        When there is no row, lengths differ, columns are missing or not numbers, flags or labels are not 0/1, times
        decrease, or the baseline has no rows.
    ImportError
        When matplotlib is not installed.

    Notes
    -----
    Tufte (1990), "Envisioning information", on small multiples.

    Examples
    --------
    >>> import fastdrift as fd
    >>> data = fd.generate(2_000, seed=1, columns=14)
    >>> figure = columns_figure(data.frame, data.labels, baseline=(0, 600))
    >>> figure.get_suptitle()
    'Telemetry: 459 of 2,000 rows flagged (22.9 %); 12 of 14 columns, 2 left out'
    """
    reader = reader_of(frame)
    names = list(reader.names if columns is None else columns)[:MOST_COLUMNS]
    if not names:
        raise DataError("there is no column to draw")
    n_rows = reader.n_rows
    marks = {"flagged": (check_labels(flags, n_rows, "flags"), FLAGGED)}
    if labels is not None:
        marks["labelled"] = check_labels(labels, n_rows), LABELLED
    index = _times(frame)
    check_rows(index, baseline, n_rows)
    figure, panels, strip_axes = _panels(len(names), len(marks))
    grid = pixel_columns(index, n_rows)
    strips = {name: (column_shares(mask, grid.starts), color) for name, (mask, color) in marks.items()}
    for axes, name in zip(panels, names, strict=True):
        values = reader.table([name], takes_time=False).rows(0, n_rows)[:, 0].astype(np.float64, copy=False)
        _draw_column(axes, grid, values, str(name))
        _shade_rows(axes, grid, strips["flagged"][0], baseline, n_rows)
    draw_strips(strip_axes, grid.x, strips)
    set_row_axis(strip_axes, index, (grid.left[0], grid.right[-1]))
    shades = [shade for shade in panels[0].collections if not str(shade.get_label()).startswith("_")]
    if shades:
        figure.legend(handles=shades, loc="outside lower left", ncols=2, frameon=False)
    figure.suptitle(
        _columns_title(marks["flagged"][0], len(names), len(reader.names)), x=0.01, ha="left", fontweight="bold"
    )
    return figure


def _times(frame: Any) -> pd.DatetimeIndex | None:
    if not is_frame(frame):
        return None
    import pandas as pd  # it is loaded already: `frame` is of it

    return frame.index if isinstance(frame.index, pd.DatetimeIndex) else None


def _columns_title(flags: Booleans, n_shown: int, n_columns: int) -> str:
    flagged = np.count_nonzero(flags)
    title = f"Telemetry: {flagged:,} of {flags.size:,} rows flagged ({100 * flagged / flags.size:.1f} %)"
    left_out = n_columns - n_shown
    return f"{title}; {n_shown} of {n_columns} columns, {left_out} left out" if left_out else title


def _panels(n_panels: int, n_strips: int) -> tuple[Figure, list[Axes], Axes]:
    """Return a figure with axes for each column and, below, for the strips."""
    heights = [max(1.15, 3.5 / n_panels)] * n_panels + [0.35 * n_strips]
    figure = new_figure(SIZE[0], sum(heights) + 1.2)
    *panels, strip_axes = figure.subplots(n_panels + 1, sharex=True, height_ratios=heights)
    for axes in panels:
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(axis="x", length=0)
    strip_axes.spines[["top", "right", "left"]].set_visible(False)
    return figure, panels, strip_axes


def _draw_column(axes: Axes, grid: PixelColumns, values: Floats, name: str) -> None:
    low, high = column_extremes(values, grid.starts)
    ends = np.concatenate([low, high])
    ends = ends[np.isfinite(ends)].clip(-LARGEST, LARGEST)
    bottom, top = (float(ends.min()), float(ends.max())) if ends.size else (0.0, 0.0)
    # where nothing moves, an axis a little wider than a point
    margin = 0.05 * (top - bottom) or 0.05 * abs(top) or 1.0
    axes.set_ylim(bottom - margin, top + margin)
    draw_band(axes, grid.x, low, high, (bottom - margin, top + margin), "value")
    axes.locator_params(axis="y", nbins=3)
    # what is taken off the ticks stands beside them, and leaves the line above to the name
    axes.yaxis.get_offset_text().set(horizontalalignment="right", x=-0.005)
    title = short(name) if ends.size else f"{short(name)}: no finite value"
    plain_text([axes.set_title(title, loc="left", fontsize=10, y=1, pad=3)])


def _shade_rows(axes: Axes, grid: PixelColumns, flagged: Floats, baseline: tuple[int, int] | None, n_rows: int) -> None:
    if baseline is not None:
        stops = np.append(grid.starts[1:], n_rows)
        is_baseline = (grid.starts < baseline[1]) & (stops > baseline[0])
        shade(axes, stretches(is_baseline, grid.left, grid.right), BASELINE_SHADE, "baseline")
    shown = {least: color for least, color in FLAGGED_SHADES.items() if (flagged > least).any()}
    for least, color in shown.items():
        label = "flagged" if least == max(shown) else "_flagged"  # one in the legend
        shade(axes, stretches(flagged > least, grid.left, grid.right), color, label)
