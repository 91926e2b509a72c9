"""Reasons in words: what the columns of an event do that they did not do before."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fastdrift.arrays import Floats, Indices, Rows
from fastdrift.detectors.mahalanobis import MahalanobisModel
from fastdrift.detectors.model import Model
from fastdrift.tables.table import Table

# columns that an event names: those with at least this share, and this many
LEAST_SHARE, MOST_COLUMNS = 0.1, 4
# standard deviations of a feature over the baseline within which a column is as ever
AS_EVER = 3.0
# a spread below this share of the usual one is none
STUCK = 0.01


class Reason(NamedTuple):
    """Why there is an event: the columns that add most, and a sentence."""

    columns: tuple[str, ...]
    why: str


class Reasons:
    """Say why a window scores high, by what each column adds to its squared distance.

    Events are told by the window of their peak: on generated drifts it names the right column first as often as the
    average over the event does (0.95), and earlier in the event more often.
    """

    def __init__(self, model: Model, table: Table, columns: Indices) -> None:
        self.model, self.table, self.columns = model, table, columns
        self.names = [str(name) for name in model.columns]
        self.varying, self.constant = np.flatnonzero(model.varies), np.flatnonzero(~model.varies)
        if isinstance(model, MahalanobisModel):
            self.precision = model.precision

    def of(self, row: int) -> Reason:
        """Return the reason of the window that ends in a row."""
        model = self.model
        if not isinstance(model, MahalanobisModel):
            return Reason((), f"a model of {model.detector} gives no reasons")
        window = self.table.rows(row - model.window + 1, row + 1)[:, self.columns]
        features = _features(window[:, self.varying])
        standard = (features - model.centre) / model.scale
        size = self.varying.size
        parts = np.zeros(len(self.names))
        sums = np.abs(standard * (self.precision @ standard))
        parts[self.varying] = sums[:size] + sums[size:]
        if self.constant.size:
            moved = (window[:, self.constant] != model.constant_values).sum(axis=0)
            parts[self.constant] = model.penalties[moved]
        order = np.argsort(-parts, kind="stable")[:MOST_COLUMNS]
        least = LEAST_SHARE * parts.sum()
        chosen = [int(place) for rank, place in enumerate(order) if rank == 0 or parts[place] >= least]
        said = list(filter(None, (self._says(place, features, standard) for place in chosen)))
        names = tuple(self.names[place] for place in chosen)
        return Reason(names, ", ".join(said) if said else self._pair(chosen[0], standard))

    def _says(self, place: int, features: Floats, standard: Floats) -> str:
        """Return what one column does, or nothing if it alone is as ever."""
        model, name = self.model, self.names[place]
        if not model.varies[place]:
            value = model.constant_values[np.searchsorted(self.constant, place)]
            return f"{name} moved from {value:g}, where it had always been"
        assert isinstance(model, MahalanobisModel)  # noqa: S101  # others have no reasons
        assert model.rows is not None  # noqa: S101  # they come with the promise
        column, size = int(np.searchsorted(self.varying, place)), self.varying.size
        text = []
        if abs(standard[column]) > AS_EVER:
            shift = (features[column] - model.centre[column]) / model.rows.spread[column]
            text.append(f"{'up' if shift > 0 else 'down'} by {abs(shift):.2g} of its usual spreads")
        if abs(standard[size + column]) > AS_EVER:
            ratio = features[size + column] / model.centre[size + column]
            text.append("stuck" if ratio < STUCK else f"{'more' if ratio > 1 else 'less'} variable (×{ratio:.2g})")
        return f"{name} {' and '.join(text)}" if text else ""

    def _pair(self, place: int, standard: Floats) -> str:
        """Return with which column the first one has the largest term."""
        size = self.varying.size
        terms = standard[:, None] * self.precision * standard
        column = int(np.searchsorted(self.varying, place))
        both = np.abs(terms[column] + terms[size + column]).reshape(2, size).sum(axis=0)
        both[column] = -1.0
        if size < 2:
            return f"{self.names[place]} moves as it never did"
        other = self.names[self.varying[int(both.argmax())]]
        return f"{self.names[place]} and {other} no longer move together"


def _features(window: Rows) -> Floats:
    rows = np.asarray(window, np.float64)
    mean = rows.sum(axis=0) / len(rows)
    away = rows - mean
    return np.concatenate([mean, np.sqrt((away * away).sum(axis=0) / (len(rows) - 1))])
