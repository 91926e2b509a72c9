"""The picture: VUS-PR of every detector on every set, and healthy rows flagged beside the nominal share."""

from typing import Any

from benchmarks.detection.fitted import RATE, TRIVIAL
from benchmarks.detection.tables import Figures, share
from fastdrift.plots.axes import BASELINE_SHADE, FLAGGED, SCORE, new_figure

OTHERS = "0.62"


def detection_figure(figures: Figures, machine: str) -> Any:
    """Draw for each set areas as bars, the best on top, over shares of healthy rows as dots, the lowest on top."""
    figure = new_figure(3.1 * len(figures) + 0.6, 7.4)
    panels = figure.subplots(2, len(figures), squeeze=False)
    for (group, detectors), (upper, lower) in zip(figures.items(), panels.T, strict=True):
        areas = {title: one["vus_pr"] for title, one in detectors.items() if one["vus_pr"] is not None}
        areas = dict(sorted(areas.items(), key=lambda pair: pair[1]))
        upper.barh(list(areas), list(areas.values()), color=colours(areas), zorder=2)
        label(upper, f"{group}\nVUS-PR", {title: f"{area:.2f}" for title, area in areas.items()}, areas)
        upper.set_xlim(0, 1.18 * max(areas.values(), default=1.0))
        flagged = {title: one["healthy_flagged"] for title, one in detectors.items() if one["healthy_flagged"]}
        flagged = dict(sorted(flagged.items(), key=lambda pair: -pair[1]))
        lower.scatter(list(flagged.values()), list(flagged), color=colours(flagged), s=28, zorder=2)
        lower.axvspan(RATE / 1.5, RATE * 1.5, color=BASELINE_SHADE, linewidth=0, zorder=0)
        label(lower, f"{group}\nhealthy flagged", {title: share(one) for title, one in flagged.items()}, flagged)
        lower.set(
            xscale="log",
            xlim=(1e-3, 40.0),
            xticks=[0.001, 0.01, 0.1, 1.0],
            xticklabels=["0.1", "1", "10", "100 %"],
        )
        lower.grid(axis="y", color="0.93", zorder=0)
        lower.minorticks_off()
    title = "What is found, and what healthy rows cost (blue: fastdrift; orange: trivial; green: 5 % as asked for)"
    figure.suptitle(title, x=0.01, ha="left", fontweight="bold")
    figure.supxlabel(machine, x=0.01, ha="left", fontsize=9, color="0.35")
    return figure


def colours(titles: dict[str, float]) -> list[str]:
    trivial = {detector.title for detector in TRIVIAL.values()}
    return [SCORE if "fastdrift" in title else FLAGGED if title in trivial else OTHERS for title in titles]


def label(axes: Any, title: str, texts: dict[str, str], values: dict[str, float]) -> None:
    """Write values beside their marks, and a title over them."""
    for place, (name, text) in enumerate(texts.items()):
        axes.annotate(text, (values[name], place), (5, 0), textcoords="offset points", va="center", fontsize=7.5)
    axes.set_title(title, loc="left", fontsize=9.5)
    axes.tick_params(axis="y", labelsize=7.5, length=0)
    axes.tick_params(axis="x", labelsize=7.5)
    axes.spines[["top", "right"]].set_visible(False)
