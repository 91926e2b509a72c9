"""Shapes of the pictures in a report: paths of SVG, of a bounded length for any number of rows.

They are made by hand because a picture by matplotlib takes 160 ms and 30 kB where one of these takes 0.5 ms and 2 kB,
and because they take their colours from the page, which is dark or light as the reader has it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from fastdrift.arrays import Booleans, Floats, Integers
from fastdrift.evaluation.events import runs
from fastdrift.plots.axes import GAP, column_extremes, column_starts, usual_step

# the box that shapes are drawn in; the page stretches it to its own width
WIDTH, HEIGHT = 1000, 100


class Axis(NamedTuple):
    """Where rows lie from left to right, by their times or their numbers, which increase."""

    positions: Integers

    def x(self, rows: Integers) -> Floats:
        """Return where rows lie in the box."""
        first, last = self.positions[0], self.positions[-1]
        x: Floats = (self.positions[rows] - first) * (WIDTH / max(1, int(last - first)))
        return x

    def cover(self, stretches: Iterable[tuple[int, int]]) -> Booleans:
        """Return which of the box's pixel columns hold a row of one of the stretches, given as (first, stop).

        An empty stretch holds its first row.
        """
        covered = np.zeros(WIDTH, bool)
        ends = np.array([*stretches], np.int64).reshape(-1, 2)
        last = len(self.positions) - 1
        lows, highs = ends[:, 0].clip(0, last), (ends[:, 1] - 1).clip(0, last)
        left = self.x(lows).astype(np.int64).clip(0, WIDTH - 1)
        right = self.x(np.maximum(lows, highs)).astype(np.int64).clip(0, WIDTH - 1)
        for start, stop in zip(left.tolist(), right.tolist(), strict=True):
            covered[start : stop + 1] = True
        return covered


def extremes(values: Floats, axis: Axis, columns: int = WIDTH) -> tuple[Floats, Floats, Floats]:
    """Return where pixel columns lie, and the smallest and the largest value of each, so that no spike is lost."""
    starts = column_starts(axis.positions, columns)
    return axis.x(starts), *column_extremes(values, starts)


def heights(values: Floats, low: float, high: float) -> Floats:
    """Return how far from the top of the box values lie, at its edge where they lie beyond."""
    share = (values - low) / (high - low)
    result: Floats = HEIGHT * (1 - share.clip(0, 1))
    return result


def line(x: Floats, low: Floats, high: Floats) -> str:
    """Return a path through the smallest and the largest height of each pixel column.

    It is broken where there is none, and over holes in the times, where nothing was measured.
    """
    parts: list[str] = []
    is_drawing, last, longest = False, 0.0, GAP * usual_step(x)
    for place, bottom, top in zip(x.round(1).tolist(), low.round(1).tolist(), high.round(1).tolist(), strict=True):
        is_drawing = is_drawing and place - last <= longest
        last = place
        if bottom != bottom:  # noqa: PLR0124  # NaN
            is_drawing = False
            continue
        parts.append(f"{'L' if is_drawing else 'M'}{place:g} {bottom:g}")
        if top != bottom:
            parts.append(f"V{top:g}")
        elif not is_drawing:
            parts.append("h0")  # a point alone is drawn by its round ends
        is_drawing = True
    return "".join(parts)


def bars(covered: Booleans) -> str:
    """Return bars over runs of pixel columns."""
    starts, stops = runs(covered)
    ends = zip(starts.tolist(), stops.tolist(), strict=True)
    return "".join(f"M{start} 0V{HEIGHT}H{stop}V0Z" for start, stop in ends)
