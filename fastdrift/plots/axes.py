"""What pictures share: colours, reduction to pixel columns, and axes."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from fastdrift.errors import DataError
from fastdrift.evaluation.events import runs

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

    from fastdrift.arrays import Booleans, Floats, Integers

    Runs = list[tuple[float, float]]


def to_bytes(figure: Figure, kind: Literal["png", "svg"]) -> bytes:
    """Render a figure as a PNG or SVG picture, in the same bytes each time.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Any figure.
    kind : {"png", "svg"}
        Pixels, or lines that stay sharp at any size.

    Returns
    -------
    bytes
        The content of the file.

    Raises
    ------
    DataError
        When it is another kind.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> figure = Figure()
    >>> to_bytes(figure, "png")[1:4], to_bytes(figure, "svg")[:5]
    (b'PNG', b'<?xml')
    """
    if kind not in ("png", "svg"):
        raise DataError(f"a picture is 'png' or 'svg', not {kind!r}")
    from matplotlib import rc_context

    picture = io.BytesIO()
    # an SVG names its parts by random numbers and tells the hour, unless told otherwise
    with rc_context({"svg.hashsalt": "fastdrift"}):
        figure.savefig(picture, format=kind, metadata={"Date": None} if kind == "svg" else None)
    return picture.getvalue()


# Inches and dots an inch; the axes are then a little over 1,600 pixels wide.
SIZE, DPI = (12.0, 5.0), 150
PIXEL_COLUMNS = 1_600

# Okabe and Ito's colours, told apart with every common colour blindness. Shades are mixed with white, not
# transparent, so that they stay even where patches overlap.
SCORE = "#0072B2"
FLAGGED = "#D55E00"
LABELLED = "#E69F00"
LABELLED_SHADE = "#FAE6BF"
BASELINE_SHADE = "#D5EFE6"
ALARM, ONSET, NOTICE, SILENT = "#7A0C2E", "#D98CA5", "#CC79A7", "#555555"

# A log axis beyond this is of no use and its margins would overflow; how far to look below the threshold;
# top / bottom up to which ticks are even, and up to which they are at 1, 2, 5, 10, 20, ...
DRAWABLE = (1e-100, 1e100)
DEPTH = 1e3
EVEN_TICKS, DECIMAL_TICKS = 10.0, 1e4
# The line is broken where times are further apart than this many usual steps: nothing was measured there.
GAP = 10
# Letters of a name that are shown.
MOST_LETTERS = 60


class PixelColumns(NamedTuple):
    """Say which rows each pixel column draws, from `starts` on, and where it lies: middle and edges."""

    starts: Integers
    x: Floats
    left: Floats
    right: Floats


def column_starts(positions: Integers, n_columns: int = PIXEL_COLUMNS) -> Integers:
    """Return the first row of each of `n_columns` equal stretches of the axis, empty ones left out."""
    if len(positions) <= n_columns:
        return np.arange(len(positions))
    edges = np.linspace(positions[0], positions[-1], n_columns, endpoint=False)
    return np.unique(np.searchsorted(positions, np.ceil(edges).astype(np.int64)))


def column_extremes(values: Floats, starts: Integers) -> tuple[Floats, Floats]:
    """Return the smallest and the largest value of each column, NaN where it holds nothing else."""
    return np.fmin.reduceat(values, starts), np.fmax.reduceat(values, starts)


def column_shares(mask: Booleans, starts: Integers) -> Floats:
    """Return the share of true rows in each column."""
    # Counting column by column takes 3 ms for 1e7 rows, np.add.reduceat 190 ms.
    return np.array([np.count_nonzero(piece) / len(piece) for piece in np.split(mask, starts[1:])])


def check_rows(index: pd.DatetimeIndex | None, baseline: tuple[int, int] | None, n_rows: int) -> None:
    """Refuse no rows at all, times that do not fit them, and a baseline that is no stretch of them."""
    if not n_rows:
        raise DataError("there is no row to draw")
    if index is not None and len(index) != n_rows:
        raise DataError(f"the index has {len(index)} times, but there are {n_rows} rows")
    if index is not None and not index.is_monotonic_increasing:
        raise DataError("times decrease or are missing; sort the rows by time first")
    if baseline is not None and not 0 <= baseline[0] < baseline[1] <= n_rows:
        raise DataError(f"baseline {baseline} is not a stretch of the {n_rows} rows; give (first, last + 1)")


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of so many inches."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("pictures need matplotlib: pip install 'fastdrift[cli]'") from error
    return Figure(figsize=(width, height), dpi=DPI, layout="constrained")


def pixel_columns(index: pd.DatetimeIndex | None, n_rows: int) -> PixelColumns:
    """Cut rows into the pixel columns of an axis of times or, without times, of row numbers."""
    starts = column_starts(positions_of(index, n_rows))
    x = on_axis(starts, index)
    half = usual_step(x) / 2
    last = np.append(starts[1:], n_rows) - 1
    return PixelColumns(starts, x, x - half, on_axis(last, index) + half)


def positions_of(index: pd.DatetimeIndex | None, n_rows: int) -> Integers:
    """Return row numbers, or microseconds since 1970 in UTC."""
    return np.arange(n_rows) if index is None else np.asarray(index, dtype="datetime64[us]").view(np.int64)


def on_axis(rows: Integers, index: pd.DatetimeIndex | None) -> Floats:
    """Return where rows lie in the unit that matplotlib draws in: row numbers, or its own days."""
    if index is None:
        return rows.astype(np.float64)
    from matplotlib import dates

    times = np.asarray(index[rows], dtype="datetime64[us]")
    return np.asarray(dates.date2num(times))  # type: ignore[no-untyped-call]  # matplotlib.dates is untyped


def score_limits(low: Floats, high: Floats, threshold: float) -> tuple[float, float]:
    """Return the ends of a log axis that holds the threshold and the scores such an axis can show."""
    ends = np.concatenate([low, high, [threshold]])
    ends = ends[np.isfinite(ends) & (ends > 0)].clip(*DRAWABLE)
    if not len(ends):
        return 0.1, 10.0
    bottom, top = float(ends.min()), float(ends.max())
    bottom = max(bottom, min(threshold, top) / DEPTH)
    margin = max(1.1, (top / bottom) ** 0.05)
    return bottom / margin, top * margin


def draw_band(axes: Axes, x: Floats, low: Floats, high: Floats, limits: tuple[float, float], label: str) -> None:
    """Draw the band from low to high, at the edge of the axis where it lies beyond."""
    is_broken = np.diff(x, append=x[-1]) > GAP * usual_step(x)
    band = np.column_stack([low, high, np.where(is_broken, np.nan, high)]).clip(*limits)
    axes.plot(np.repeat(x, 3), band.ravel(), color=SCORE, linewidth=0.8, label=label)
    # What lies between two gaps is a line without a length, which is not drawn.
    is_gap = np.isnan(np.pad(low, 1, constant_values=np.nan))
    is_lone = is_gap[:-2] & is_gap[2:]
    axes.plot(x[is_lone], band[is_lone, 1], ".", color=SCORE, markersize=3)


def set_log_ticks(axis: Axis, bottom: float, top: float) -> None:
    """Write plain numbers where there are few decades: a log axis would name powers of ten only."""
    from matplotlib import ticker

    axis.set_minor_formatter(ticker.NullFormatter())
    if top / bottom <= DECIMAL_TICKS:
        is_narrow = top / bottom <= EVEN_TICKS
        axis.set_major_locator(ticker.AutoLocator() if is_narrow else ticker.LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(ticker.StrMethodFormatter("{x:g}"))


def usual_step(x: Floats) -> float:
    """Return the usual distance between columns, 1 where there is none."""
    steps = np.diff(x)
    return float(np.median(steps[steps > 0])) if (steps > 0).any() else 1.0


def stretches(mask: Booleans, left: Floats, right: Floats) -> Runs:
    """Return where each run of true columns begins and how wide it is."""
    starts, stops = runs(mask)
    begin, end = left[starts], right[stops - 1]
    return list(zip(begin, end - begin, strict=True))


def shade(axes: Axes, runs: Runs, color: str, label: str) -> None:
    """Shade stretches of the x-axis from the bottom to the top."""
    transform = axes.get_xaxis_transform()
    axes.broken_barh(runs, (0, 1), transform=transform, color=color, linewidth=0.5, zorder=0, label=label)


def draw_strips(axes: Axes, x: Floats, shares: dict[str, tuple[Floats, str]]) -> None:
    """Draw a strip of bars for each name, as high as the share of rows; a single row still shows."""
    # In points, and a little too wide: neighbours overlap rather than leave hairlines.
    pitch = 72 * SIZE[0] / len(x)
    width = max(1.0, min(1.3 * pitch, 0.96 * pitch + 1))
    for base, (share, color) in enumerate(shares.values()):
        shown = share > 0
        tops = base + 0.15 + 0.7 * share[shown].clip(0.15)
        axes.vlines(x[shown], base + 0.15, tops, color=color, linewidth=width, antialiased=False)
    axes.set_ylim(0, len(shares))
    axes.set_yticks(np.arange(len(shares)) + 0.5, list(shares))
    axes.tick_params(axis="y", length=0)


def set_row_axis(axes: Axes, index: pd.DatetimeIndex | None, limits: tuple[float, float]) -> None:
    """Set the ends and the ticks of an axis of times or row numbers."""
    from matplotlib import dates, ticker

    axes.set_xlim(limits)
    if index is None:
        axes.set_xlabel("row")
        axes.xaxis.set_major_locator(ticker.MaxNLocator(integer=True, steps=[1, 2, 5, 10], min_n_ticks=1))
        axes.xaxis.set_major_formatter(ticker.StrMethodFormatter("{x:,.0f}"))
        return
    locator = dates.AutoDateLocator(tz=index.tz)  # type: ignore[no-untyped-call]  # as above
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator, tz=index.tz))  # type: ignore[no-untyped-call]
    axes.set_xlabel("time" if index.tz is None else f"time ({index.tz})")


def short(name: str) -> str:
    """Return a name, cut where it would not fit."""
    return name if len(name) <= MOST_LETTERS else name[: MOST_LETTERS - 1] + "…"


def plain_text(texts: Sequence[Any]) -> None:
    """Take a dollar in a name for a dollar, not for a formula."""
    for text in texts:
        text.set_parse_math(False)
