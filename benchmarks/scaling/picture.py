"""The curves as small multiples: each target a green band, each title the finding."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING

from benchmarks.scaling.claims import (
    FIT_IN_SCORES,
    MEMORY_MIB,
    ROWS_SPREAD,
    SPEED_UP_OF_TWO,
    STEEPEST,
    WINDOW_SPREAD,
    Claim,
)
from benchmarks.scaling.curves import Curve
from fastdrift.plots.axes import BASELINE_SHADE, FLAGGED, SCORE, new_figure, set_log_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE = (13.0, 8.0)
BAR = 0.8
# as in the pictures of scores: Okabe and Ito's, their orange kept for what is missed
COLOURS, DASHES, INK = (SCORE, "#56B4E9"), ("-", "--"), "0.25"
# words for the worst measured figure of a curve
TITLES = {
    "rows": "Any number of rows: time a row within {:.2f} ×",
    "window": "Any window: time a row within {:.2f} ×",
    "columns": "Columns: never steeper than $d^{{{:.2f}}}$",
    "threads": "Two threads: {:.2f} × as fast as one",
    "fit": "A fit costs {:.1f} scores",
    "memory": "Memory of a score: {:.1f} MiB",
}


def scaling_figure(curves: Mapping[str, Curve], claims: list[Claim], machine: str) -> Figure:
    """Draw all curves, six small pictures in two rows."""
    figure = new_figure(*SIZE)
    for (name, draw), axes in zip(PANELS.items(), figure.subplots(2, 3).flat, strict=True):
        axes.set_xlabel(curves[name].x_name)
        axes.grid(axis="y", color="0.9")
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        draw(axes, curves[name])
        set_title(axes, name, [claim for claim in claims if claim.curve == name])
        axes.legend(frameon=False, fontsize=9, loc="best")
    figure.suptitle("How fit and score scale (green: the target)", x=0.01, ha="left", fontweight="bold")
    figure.supxlabel(machine, x=0.01, ha="left", fontsize=9, color="0.35")
    return figure


def worst_of(claims: list[Claim]) -> Claim:
    """Return the claim that is nearest to missing its target, or furthest beyond."""
    return max(claims, key=lambda claim: claim.share if claim.at_most else -claim.share)


def set_title(axes: Axes, name: str, claims: list[Claim]) -> None:
    """Say what was found, in red where a target is missed."""
    worst = worst_of(claims)
    found = name.capitalize() if worst.verdict == "not measured" else TITLES[name].format(worst.measured)
    bound = f"target: at {'most' if worst.at_most else 'least'} {worst.target:g}"
    color = FLAGGED if worst.verdict == "missed" else "black"
    axes.set_title(f"{found}\n{bound}, {worst.verdict}", loc="left", fontsize=11, color=color)


def draw_series(axes: Axes, curve: Curve, *, rising: bool = False) -> None:
    """Draw a line for each series over a log axis, with its values; those of a rising one to the left."""
    lowest = min(curve.series.values(), key=lambda points: min(points.values(), default=0.0))
    for place, (name, points) in enumerate(curve.series.items()):
        style = {"color": COLOURS[place], "linestyle": DASHES[place]}
        axes.plot(list(points), list(points.values()), marker="o", markersize=4, label=name, **style)
        is_below = len(curve.series) > 1 and points is lowest
        for x, y in points.items():
            write(axes, x, y, short_figure(y), "right" if rising else "center", below=is_below)
    axes.set_xscale("log")
    axes.margins(x=0.08)
    axes.set_ylabel(curve.y_name)


def write(axes: Axes, x: float, y: float, text: str, align: str = "center", *, below: bool = False) -> None:
    """Write a value above its point, or below."""
    offset = (0, -13 if below else 5)
    axes.annotate(text, (x, y), offset, textcoords="offset points", ha=align, fontsize=8.5, color=INK)


def short_figure(value: float) -> str:
    """Return a figure with a digit behind the point where it is below 100."""
    return f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def shade_spread(axes: Axes, curve: Curve, factor: float) -> None:
    """Shade, for each series, what lies between its least value and `factor` times that."""
    for points in curve.series.values():
        least = min(points.values())
        axes.fill_between(list(points), least, least * factor, color=BASELINE_SHADE, linewidth=0, zorder=0)


def name_places(axes: Axes, curve: Curve) -> None:
    """Write the measured places below the axis, and nothing between them."""
    places = sorted({place for points in curve.series.values() for place in points})
    axes.set_xticks(places, [short_number(place) for place in places])
    axes.minorticks_off()


def short_number(number: int) -> str:
    """Return a number with k or M for thousands and millions."""
    for unit, name in ((1_000_000, "M"), (1_000, "k")):
        if number >= unit:
            return f"{number / unit:g}{name}"
    return str(number)


def set_log_values(axes: Axes, curve: Curve) -> None:
    """Make the axis of the values logarithmic, with plain numbers, and room for the legend."""
    values = [value for points in curve.series.values() for value in points.values()]
    bottom, top = 0.75 * min(values), 2.2 * max(values)
    axes.set_yscale("log")
    axes.set_ylim(bottom, top)
    set_log_ticks(axes.yaxis, bottom, top)


def draw_rows(axes: Axes, curve: Curve) -> None:
    """Draw time a row over the number of rows, from 0."""
    draw_series(axes, curve)
    shade_spread(axes, curve, ROWS_SPREAD)
    name_places(axes, curve)
    axes.set_ylim(0, 1.5 * max(max(points.values()) for points in curve.series.values()))


def draw_window(axes: Axes, curve: Curve) -> None:
    """Draw time a row over the window; equal factors are equal heights."""
    draw_series(axes, curve)
    shade_spread(axes, curve, WINDOW_SPREAD)
    name_places(axes, curve)
    set_log_values(axes, curve)


def draw_columns(axes: Axes, curve: Curve) -> None:
    """Draw time a row over the columns; from each point a wedge as steep as the next may lie."""
    draw_series(axes, curve, rising=True)
    for points in curve.series.values():
        for (x, y), (next_x, _) in pairwise(sorted(points.items())):
            top = y * (next_x / x) ** STEEPEST
            axes.fill_between([x, next_x], [y, y], [y, top], color=BASELINE_SHADE, linewidth=0, zorder=0)
    name_places(axes, curve)
    set_log_values(axes, curve)


def draw_bars(axes: Axes, bars: Mapping[str, Mapping[int, float]]) -> None:
    """Draw a group of bars for each number of threads."""
    places = sorted({place for points in bars.values() for place in points})
    width = BAR / len(bars)
    for number, (name, points) in enumerate(bars.items()):
        middles = [places.index(place) - BAR / 2 + width * (number + 0.5) for place in points]
        axes.bar(middles, list(points.values()), 0.92 * width, color=COLOURS[number], label=name)
        for x, y in zip(middles, points.values(), strict=True):
            write(axes, x, y, f"{y:.2f} ×")
    axes.set_xticks(range(len(places)), [str(place) for place in places])


def draw_threads(axes: Axes, curve: Curve) -> None:
    """Draw how many times as fast as one thread each number of threads is."""
    bars = {name: {x: points[1] / y for x, y in points.items()} for name, points in curve.series.items()}
    draw_bars(axes, bars)
    axes.set_ylabel("times as fast as one thread")
    if any(2 in points for points in bars.values()):
        axes.fill_between([0.5, 1.5], SPEED_UP_OF_TWO, 2.0, color=BASELINE_SHADE, linewidth=0, zorder=0)
    axes.margins(y=0.25)


def draw_fit(axes: Axes, curve: Curve) -> None:
    """Draw how many scores of the same rows a fit takes."""
    fit, score = curve.series["fit"], curve.series["score"]
    draw_bars(axes, {"fit, with held-out threshold": {x: y / score[x] for x, y in fit.items()}})
    axes.axhspan(0, FIT_IN_SCORES, color=BASELINE_SHADE, linewidth=0, zorder=0)
    axes.set_ylabel("scores of the same rows")
    axes.margins(y=0.25)


def draw_memory(axes: Axes, curve: Curve) -> None:
    """Draw memory beside input and output over the number of rows."""
    draw_series(axes, curve)
    axes.axhspan(0, MEMORY_MIB, color=BASELINE_SHADE, linewidth=0, zorder=0)
    name_places(axes, curve)
    most = max((value for points in curve.series.values() for value in points.values()), default=0.0)
    axes.set_ylim(0, 1.25 * max(MEMORY_MIB, most))


PANELS: dict[str, Callable[[Axes, Curve], None]] = {
    "rows": draw_rows,
    "window": draw_window,
    "columns": draw_columns,
    "threads": draw_threads,
    "fit": draw_fit,
    "memory": draw_memory,
}
