"""The picture: VUS-PR of every detector on every set, and healthy rows flagged beside the nominal share."""

from typing import Any

from benchmarks.detection.fitted import RATE, TRIVIAL
from benchmarks.detection.tables import Figures
from fastdrift.plots.axes import BASELINE_SHADE, FLAGGED, SCORE, new_figure

COLOURS = {"ours": SCORE, "others": "0.65", "trivial": FLAGGED}


def detection_figure(figures: Figures, machine: str) -> Any:
    """Draw a column of bars for each set, best first, over the shares of healthy rows that are flagged."""
    figure = new_figure(3.4 * len(figures) + 1.6, 9.0)
    panels = figure.subplots(2, len(figures), squeeze=False)
    for (group, detectors), (upper, lower) in zip(figures.items(), panels.T, strict=True):
        areas = {title: one["vus_pr"] for title, one in detectors.items() if one["vus_pr"] is not None}
        bars(upper, dict(sorted(areas.items(), key=lambda pair: pair[1])), "{:.2f}")
        upper.set(title=f"{group}: VUS-PR", xlim=(0, 1.15 * max(areas.values(), default=1.0)))
        flagged = {title: detectors[title]["healthy_flagged"] for title in areas}
        flagged = {title: value for title, value in flagged.items() if value is not None}
        bars(lower, dict(sorted(flagged.items(), key=lambda pair: -pair[1])), "{:.1%}")
        lower.axvspan(RATE / 1.5, RATE * 1.5, color=BASELINE_SHADE, linewidth=0, zorder=0)
        lower.set(title=f"{group}: healthy test rows flagged", xscale="log", xlim=(1e-3, 5.0))
    figure.suptitle(
        "What is found, and what healthy rows cost (blue: fastdrift; orange: trivial; green: the nominal 5 %)",
        x=0.01, ha="left", fontweight="bold",
    )  # fmt: skip
    figure.supxlabel(machine, x=0.01, ha="left", fontsize=9, color="0.35")
    return figure


def bars(axes: Any, values: dict[str, float], shape: str) -> None:
    """Draw a bar a detector, its value beside it."""
    trivial = {detector.title for detector in TRIVIAL.values()}
    kinds = ["ours" if "fastdrift" in title else "trivial" if title in trivial else "others" for title in values]
    axes.barh(list(values), list(values.values()), color=[COLOURS[kind] for kind in kinds], zorder=2)
    for place, value in enumerate(values.values()):
        axes.annotate(shape.format(value), (value, place), (3, 0), textcoords="offset points", va="center", fontsize=8)
    axes.tick_params(axis="y", labelsize=8, length=0)
    axes.spines[["top", "right"]].set_visible(False)
