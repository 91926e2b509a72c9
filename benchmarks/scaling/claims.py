"""What the curves are claimed to do, whether they do, and a picture of that."""

import math
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any, NamedTuple

from benchmarks.scaling.curves import Curve, threads_name
from fastdrift.plots.axes import BASELINE_SHADE, FLAGGED, SCORE, new_figure, set_log_ticks

Points = Mapping[int, float]
# a figure beside its target, and their share, as in the file; None where it was not measured
Claim = dict[str, Any]
# as in the pictures of scores: Okabe and Ito's, their orange kept for what is missed
STYLES = ({"color": SCORE, "linestyle": "-"}, {"color": "#56B4E9", "linestyle": "--"})


class Target(NamedTuple):
    """What is claimed of a curve: in a table and a title, the figure of its points, and the most or least of that."""

    what: str
    title: str
    figure: Callable[[Points], float | None]
    bound: float
    at_most: bool = True

    def __str__(self) -> str:
        return f"at {'most' if self.at_most else 'least'} {self.bound:g}"


def spread(points: Points) -> float:
    return max(points.values()) / min(points.values())


def steepest(points: Points) -> float:
    """Return the largest slope between neighbours where both axes are logarithmic."""
    logs = [(math.log(x), math.log(y)) for x, y in sorted(points.items())]
    return max((y - y_before) / (x - x_before) for (x_before, y_before), (x, y) in pairwise(logs))


def largest(points: Points) -> float | None:
    return max(points.values(), default=None)


TARGETS = {
    "rows": Target("longest / shortest time a row", "Any number of rows: time a row within {:.2f} ×", spread, 1.25),
    "window": Target("longest / shortest time a row", "Any window: time a row within {:.2f} ×", spread, 1.5),
    "columns": Target("steepest power of the columns", "Columns: never steeper than $d^{{{:.2f}}}$", steepest, 2.0),
    "threads": Target(
        "speed-up of two threads", "Two threads: {:.2f} × as fast as one", lambda points: points.get(2), 1.8, False
    ),
    "fit": Target("time of a fit / time of a score", "A fit costs {:.1f} scores", largest, 4.0),
    "memory": Target("MiB beside input and output", "Memory of a score: {:.1f} MiB", largest, 12.0),
}


def ratios(name: str, curve: Curve) -> Curve:
    """Return a curve of what is claimed: times one thread's speed, or scores that a fit takes; others as they are."""
    series = curve.series
    if name == "threads":
        faster = {one: {count: points[1] / spent for count, spent in points.items()} for one, points in series.items()}
        return Curve(curve.x_name, "times as fast as one thread", faster)
    if name == "fit":
        each = {threads_name(count): {count: spent / series["score"][count]} for count, spent in series["fit"].items()}
        return Curve(curve.x_name, "scores of the same rows", each)
    return curve


def judge(curves: Mapping[str, Curve]) -> list[Claim]:
    """Return every claim on the curves, in their order."""
    claims = []
    for name, (what, _, figure, bound, at_most) in TARGETS.items():
        for series, points in ratios(name, curves[name]).series.items():
            measured, share, verdict = figure(points), None, "not measured"
            if measured is not None:
                holds = measured <= bound if at_most else measured >= bound
                share, verdict = measured / bound, "within" if holds else "missed"
            claim = {"curve": name, "series": series, "what": what, "measured": measured, "target": bound}
            claims.append(claim | {"at_most": at_most, "share": share, "verdict": verdict})
    return claims


def scaling_figure(curves: Mapping[str, Curve], claims: list[Claim], machine: str) -> Any:
    """Draw all claims, six small pictures in two rows: each target a green band, each title the finding."""
    figure = new_figure(13.0, 8.0)
    for (name, target), axes in zip(TARGETS.items(), figure.subplots(2, 3).flat, strict=True):
        draw(axes, name, ratios(name, curves[name]))
        # the one that is nearest to its target, or furthest beyond
        order = sorted((one for one in claims if one["curve"] == name), key=lambda one: one["share"] or 0.0)
        worst = order[-1 if target.at_most else 0]
        found = name.capitalize() if worst["measured"] is None else target.title.format(worst["measured"])
        color = FLAGGED if worst["verdict"] == "missed" else "black"
        axes.set_title(f"{found}\ntarget: {target}, {worst['verdict']}", loc="left", fontsize=11, color=color)
    figure.suptitle("How fit and score scale (green: the target)", x=0.01, ha="left", fontweight="bold")
    figure.supxlabel(machine, x=0.01, ha="left", fontsize=9, color="0.35")
    return figure


def draw(axes: Any, name: str, curve: Curve) -> None:
    """Draw a line for each series, its values beside it, and a band for its target."""
    from matplotlib import ticker

    bound, band = TARGETS[name].bound, {"color": BASELINE_SHADE, "linewidth": 0, "zorder": 0}
    for (label, points), style in zip(curve.series.items(), STYLES, strict=False):
        axes.plot(list(points), list(points.values()), marker="o", markersize=4, label=label, **style)
        for x, y in points.items():
            text, offset = f"{y:.3g}" if y < 1_000 else f"{y:,.0f}", (0, 5 if style is STYLES[0] else -13)
            axes.annotate(text, (x, y), offset, textcoords="offset points", ha="center", fontsize=8.5, color="0.25")
        if name in ("rows", "window"):
            axes.fill_between(list(points), min(points.values()), bound * min(points.values()), **band)
        elif name == "columns":  # from each point a wedge as steep as the next may lie
            for (x, y), (next_x, _) in pairwise(sorted(points.items())):
                axes.fill_between([x, next_x], y, [y, y * (next_x / x) ** bound], **band)
        elif name == "threads":
            axes.fill_between([1.8, 2.2], bound, 2.0, **band)
        else:
            axes.axhspan(0, bound, **band)
    axes.set(xscale="log", xlabel=curve.x_name, ylabel=curve.y_name, axisbelow=True)
    axes.set_xticks(curve.places)
    axes.xaxis.set_major_formatter(ticker.EngFormatter(sep=""))
    axes.minorticks_off()
    axes.margins(0.08, 0.25)
    if name in ("window", "columns"):
        axes.set_yscale("log")
        set_log_ticks(axes.yaxis, *axes.get_ylim())
    else:
        axes.set_ylim(0)
    axes.grid(axis="y", color="0.9")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=9, loc="best")
