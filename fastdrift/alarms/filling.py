"""Rows of events with what they lack filled in: what onsets and reasons are told by."""

from __future__ import annotations

import itertools

import numpy as np

from fastdrift.alarms.scene import Scene
from fastdrift.arrays import Floats, Integers
from fastdrift.detectors.blend import members_of
from fastdrift.detectors.gaps import gaps_of
from fastdrift.engine.compiled import kernel
from fastdrift.scoring.gaps import gap_arguments, gap_scratch
from fastdrift.tables.array import ArrayReader
from fastdrift.tables.table import Table

# numbers of filled rows that are in memory at once
MOST_NUMBERS = 1 << 22


def filled_table(scene: Scene, firsts: Integers, stops: Integers) -> tuple[Table, Integers]:
    """Return the model's columns in rows `firsts` … `stops` - 1 of each stretch, and where each begins in that table.

    What is missing is filled as for scores of windows side by side, the longest of the model; columns that are gone
    from one are made so that they add nothing to it. One that was constant is as ever where it is missing.
    """
    begins = np.cumsum(stops - firsts) - (stops - firsts)
    rows: Floats = np.empty((int((stops - firsts).sum()), scene.columns.size))
    for first, stop, begin in zip(firsts.tolist(), stops.tolist(), begins.tolist(), strict=True):
        rows[begin : begin + stop - first] = _filled(scene, first, stop)
    return ArrayReader(rows, one_column=False).table(), begins


def _filled(scene: Scene, first: int, stop: int) -> Floats:
    """Return the rows of a stretch, filled by windows that lie side by side from its end."""
    model, table = members_of(scene.model)[-1], scene.table
    window, varies = model.window, model.varies
    ends = np.maximum(np.arange(stop - 1, first - 1, -window), window - 1)[::-1].copy()
    start = int(ends[0]) - window + 1
    laid = table.laid(start, stop)
    raw = table.rows(start, stop)[:, scene.columns].astype(np.float64)
    values = np.empty((ends.size * window, int(varies.sum())))
    gap = gap_arguments(model, gaps_of(scene.model)[-1], laid.places[scene.columns[varies]])
    kernel("filled_windows", table.dtype)(laid.rows, start, ends, gap, gap_scratch(model), values)
    for place, end in enumerate(ends.tolist()):
        raw[end - window + 1 - start : end + 1 - start, varies] = values[place * window : (place + 1) * window]
    constant = raw[:, ~varies]
    raw[:, ~varies] = np.where(np.isfinite(constant), constant, model.constant_values)
    filled: Floats = raw[first - start :]
    return filled


def groups(scene: Scene, lengths: Integers) -> list[slice]:
    """Return events in groups of which the filled rows, so many of each, are in memory at once."""
    held = np.cumsum(lengths) * scene.columns.size // MOST_NUMBERS
    edges = [0, *(np.flatnonzero(np.diff(held)) + 1).tolist(), lengths.size]
    return [slice(start, stop) for start, stop in itertools.pairwise(edges)]
