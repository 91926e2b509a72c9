"""Draw events below scores: when each began, when it was raised, and how long it lasted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from fastdrift.plots.axes import ALARM, NOTICE, ONSET, SILENT, on_axis

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from fastdrift.arrays import Floats

# points that a bar has at least: one of 30 rows among 100,000 would be half a pixel
LEAST_WIDTH = 1.2
# of bars in a strip, which is one high
BOTTOM, HEIGHT = 0.15, 0.7


class Marked(Protocol):
    """What is drawn of an event."""

    @property
    def kind(self) -> str: ...  # noqa: D102
    @property
    def onset(self) -> int: ...  # noqa: D102
    @property
    def start(self) -> int: ...  # noqa: D102
    @property
    def alarm_row(self) -> int: ...  # noqa: D102
    @property
    def stop(self) -> int: ...  # noqa: D102


def draw_levels(axes: Axes, levels: tuple[float, float]) -> None:
    """Draw the levels of alarms and notices as thin lines."""
    styles = (("alarm", ALARM, "-"), ("notice", NOTICE, (0, (4, 2))))
    for level, (name, color, style) in zip(levels, styles, strict=True):
        height = float(np.clip(level, *axes.get_ylim()))
        axes.axhline(height, color=color, linestyle=style, linewidth=1, label=f"{name} level {level:.4g}")


def draw_events(
    axes: Axes, events: Sequence[Marked], index: pd.DatetimeIndex | None, n_strips: int, n_rows: int
) -> None:
    """Draw two more strips above those there are: notices, and alarms, pale from the onset to the row of the alarm."""
    alarms = [event for event in events if event.alarm_row >= 0]
    drifts = [event for event in alarms if event.kind != "missing data"]
    silences = [event for event in alarms if event.kind == "missing data"]
    notices = [event for event in events if event.alarm_row < 0]
    parts = (
        ("_notice", NOTICE, n_strips, [(event.start, event.stop) for event in notices]),
        ("onset to alarm", ONSET, n_strips + 1, [(event.onset, event.alarm_row) for event in drifts]),
        ("alarm", ALARM, n_strips + 1, [(event.alarm_row, event.stop) for event in drifts]),
        ("missing data", SILENT, n_strips + 1, [_silence(event) for event in silences]),
    )
    for name, color, strip, ends in parts:
        if ends:
            left, right = on_axis(np.array(ends, np.int64).clip(max=n_rows - 1).T.ravel(), index).reshape(2, -1)
            _draw_bars(axes, left, right, strip, color, name)
    axes.set_ylim(0, n_strips + 2)
    ticks = [*axes.get_yticks(), n_strips + 0.5, n_strips + 1.5]
    axes.set_yticks(ticks, [*(label.get_text() for label in axes.get_yticklabels()), "notices", "alarms"])


def _silence(event: Marked) -> tuple[int, int]:
    """Return the rows between which data are missing; rows that were never logged lie between two that were."""
    return (event.onset, event.stop) if event.stop > event.onset else (max(0, event.onset - 1), event.stop)


def _draw_bars(axes: Axes, left: Floats, right: Floats, strip: int, color: str, name: str) -> None:
    bars = list(zip(left, np.maximum(right - left, 0.0), strict=True))
    axes.broken_barh(
        bars, (strip + BOTTOM, HEIGHT), facecolor=color, edgecolor=color, linewidth=LEAST_WIDTH, label=name
    )
