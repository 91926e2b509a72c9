"""Small pictures of columns: their values before, at and after an onset, beside their healthy band."""

from __future__ import annotations

from collections.abc import Hashable
from typing import NamedTuple

import numpy as np

from fastdrift.alarms.events import MISSING, Event
from fastdrift.arrays import Floats
from fastdrift.detectors.model import Model
from fastdrift.evaluation.lines import counted
from fastdrift.reports.shapes import WIDTH, Axis, extremes, heights, line
from fastdrift.reports.words import figure, short
from fastdrift.tables.table import Table

# usual spreads on either side of the usual mean that are the healthy band: some 95 % of healthy rows
BAND = 2.0
# pixel columns of a sketch
COLUMNS = 240
# windows that are shown before an onset, at least and at most, and after it at most: with 30 of them, what long events
# turned to was out of the picture
LEAST_BEFORE, MOST_BEFORE, MOST_AFTER = 2, 100, 400


class Sketch(NamedTuple):
    """A picture of a column around an event, and the same in words."""

    name: str
    share: str  # of the score
    line: str  # a path
    band: tuple[float, float]  # the top of the healthy band, and its height
    event: tuple[float, float]  # where the event begins, and its width
    limits: tuple[str, str]  # the values at the bottom and the top
    healthy: str
    before: str
    after: str
    peak: str

    @property
    def alt(self) -> str:
        """What the picture shows, in words."""
        return f"{self.name}: {self.caption}"

    @property
    def caption(self) -> str:
        """What the picture shows, under its name."""
        peak = f"; at its peak {self.peak}" if self.peak else ""
        return f"Healthy {self.healthy}. Before the onset {self.before}; in the event {self.after}{peak}."


class View(NamedTuple):
    """The rows that the sketches of an event show."""

    first: int
    stop: int

    @classmethod
    def of(cls, event: Event, window: int, n_rows: int) -> View:
        """Return the rows around an onset: a part of what was before, and the event unless it is very long."""
        length = max(event.stop - event.onset, window)
        before = int(np.clip(length // 2, LEAST_BEFORE * window, MOST_BEFORE * window))
        after = min(length + before, MOST_AFTER * window)
        return cls(max(0, event.onset - before), min(n_rows, event.onset + after))


def sketch(model: Model, table: Table, column: int, name: Hashable, event: Event, share: str) -> Sketch:
    """Draw a column of a table around an event."""
    view = View.of(event, model.window, table.n_rows)
    values = np.asarray(table.rows(view.first, view.stop)[:, column], np.float64)
    values = np.where(np.isfinite(values), values, np.nan)
    usual = healthy_band(model, name)
    low, high = _limits(values, usual)
    x, lows, highs = extremes(values, Axis(np.arange(values.size)), COLUMNS)
    top, bottom = heights(np.array(usual[::-1]), low, high)
    scale = WIDTH / max(1, values.size - 1)
    begin, end = (min(float(WIDTH), max(0.0, (row - view.first) * scale)) for row in (event.onset, event.stop))
    within = slice(event.onset - view.first, max(event.stop, event.onset + 1) - view.first)
    return Sketch(
        name=short(name),
        share=share,
        line=line(x, heights(lows, low, high), heights(highs, low, high)),
        band=(round(top, 1), round(max(bottom - top, 0.0), 1)),
        event=(round(begin, 1), round(end - begin, 1)),
        limits=(figure(low), figure(high)),
        healthy=_range(usual),
        before=_told(values[: event.onset - view.first]),
        after=_told(values[within], of_gap=event.kind == MISSING),
        peak=_at_peak(table, column, event, model.window),
    )


def _at_peak(table: Table, column: int, event: Event, window: int) -> str:
    """Return the mean of the window that the reason was taken from, which may lie beyond the picture."""
    if event.peak_row < 0:
        return ""
    rows = table.rows(event.peak_row - window + 1, event.peak_row + 1)[:, column]
    return figure(float(np.asarray(rows, np.float64).mean()))


def healthy_band(model: Model, name: Hashable) -> tuple[float, float]:
    """Return where a column of a model's baseline lies."""
    if name in model.constant_columns:
        value = float(model.constant_values[model.constant_columns.index(name)])
        return value, value
    assert model.rows is not None  # noqa: S101  # they come with the promise
    place = model.varying_columns.index(name)
    mean, spread = float(model.rows.mean[place]), float(model.rows.spread[place])
    return mean - BAND * spread, mean + BAND * spread


def _limits(values: Floats, band: tuple[float, float]) -> tuple[float, float]:
    """Return the ends of an axis that holds values and band, with a margin; wider than a point."""
    ends = np.concatenate([values[np.isfinite(values)], band])
    low, high = float(ends.min()), float(ends.max())
    margin = 0.06 * (high - low) or 0.06 * abs(high) or 1.0
    return low - margin, high + margin


def _range(band: tuple[float, float]) -> str:
    low, high = map(figure, band)
    return f"always {low}" if band[0] == band[1] else f"{low} to {high}"


def _told(values: Floats, *, of_gap: bool = False) -> str:
    """Return what values are like: their mean, and how many are missing."""
    n_missing = int(np.isnan(values).sum())
    if not values.size:
        return "no row"
    if n_missing == values.size:
        return "no value"
    mean = f"{figure(float(np.nanmean(values)))} on average"
    return f"{mean}, {counted(n_missing, 'value')} missing" if of_gap and n_missing else mean
