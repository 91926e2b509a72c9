"""The smallest shift of each column that raises an alarm, and how soon."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np

from fastdrift.arrays import Floats, Indices
from fastdrift.detectors.blend import members_of
from fastdrift.detectors.mahalanobis import MahalanobisModel
from fastdrift.detectors.model import Model
from fastdrift.scoring.batch import score_table
from fastdrift.tables.table import Table

# rows after a shift's first at which its score is looked at, at most; halvings of the span that a shift lies in
MOMENTS, HALVINGS = 100, 60


@dataclass(frozen=True)
class Shift:
    """The smallest lasting shift of a column's level that a middling healthy window turns into an alarm.

    Attributes
    ----------
    column : object
        Its name.
    amount, spreads : float
        The shift, in the column's units and in standard deviations of its rows; 0 for a column that never moved.
    rows, rows_of_twice : int
        Rows after its first until the alarm, and those of a shift twice as large.
    """

    column: Any
    amount: float
    spreads: float
    rows: int
    rows_of_twice: int

    def to_dict(self) -> dict[str, Any]:
        """Return the fields by name, ready for JSON."""
        return asdict(self)


class _Member(NamedTuple):
    """What windows of one length are scored by, as far as a shift of one column changes it."""

    window: int
    square: float  # of a middling healthy score
    centre: Floats  # of the deviations
    scales: Floats  # of means and deviations, a line each
    precisions: Floats  # of mean with mean, mean with deviation, deviation with deviation, a line each


def smallest_shifts(model: Model, table: Table, threads: int) -> tuple[Shift, ...]:
    """Return the smallest shifts of a model's columns that raise an alarm, the smallest in spreads first.

    A shift moves its window's mean by the share of rows that it has reached, and while it does so the deviation too. To
    the squared distance of a middling healthy window this adds what these two features add to it.
    """
    members = [_member(one, table, threads) for one in members_of(model) if isinstance(one, MahalanobisModel)]
    if not members or model.promise is None or model.rows is None:
        return ()
    level, longest = model.promise.alarm_level, model.window
    unit = 1.0 if len(members) == 1 else model.unit  # type: ignore[attr-defined]  # a blend has one
    moments = np.unique(np.linspace(1, longest, min(longest, MOMENTS)).astype(np.int64))
    amounts = _least_amounts(members, unit, level, moments)
    rows = _first_rows(members, unit, level, moments, amounts * (1 + 1e-9))
    sooner = _first_rows(members, unit, level, moments, 2 * amounts)
    spreads = amounts / model.rows.spread
    shifts = [
        Shift(name, *(one.item() for one in own))
        for name, own in zip(model.varying_columns, zip(amounts, spreads, rows, sooner, strict=True), strict=True)
    ]
    shifts.sort(key=lambda shift: shift.spreads)
    return (*_constant_shifts(model, members, unit, level), *shifts)


def _member(model: MahalanobisModel, table: Table, threads: int) -> _Member:
    scores, _ = score_table(model, table, np.arange(table.n_columns), threads)
    size = model.centre.size // 2
    precision = model.precision
    diagonal = np.diag(precision)
    crossed = np.diag(precision[:size, size:])
    return _Member(
        model.window,
        float(np.nanmedian(scores)) ** 2,
        model.centre[size:],
        model.scale.reshape(2, size),
        np.stack([diagonal[:size], crossed, diagonal[size:]]),
    )


def _scores(members: Sequence[_Member], unit: float, amounts: Floats, rows: int) -> Floats:
    """Return the scores of middling windows so many rows after a shift of each column began."""
    logs: Floats = np.zeros(amounts.size)
    for member in members:
        window, reached = member.window, min(rows, member.window)
        mean = amounts * (reached / window) / member.scales[0]
        inside = reached * (window - reached) / (window * (window - 1.0))
        deviation = (np.sqrt(member.centre**2 + inside * amounts**2) - member.centre) / member.scales[1]
        own, crossed, other = member.precisions
        squares = member.square + own * mean**2 + 2 * crossed * mean * deviation + other * deviation**2
        logs += np.log(np.maximum(squares, np.finfo(float).tiny)) / 2
    scores: Floats = unit * np.exp(logs / len(members))
    return scores


def _highest(members: Sequence[_Member], unit: float, amounts: Floats, moments: Indices) -> Floats:
    highest: Floats = np.max([_scores(members, unit, amounts, rows) for rows in moments.tolist()], axis=0)
    return highest


def _least_amounts(members: Sequence[_Member], unit: float, level: float, moments: Indices) -> Floats:
    """Return the smallest amounts whose highest score passes a level, by halving."""
    low: Floats = np.zeros(members[0].centre.size)
    high: Floats = members[0].scales[0].copy()
    while not (passed := _highest(members, unit, high, moments) > level).all():
        high = np.where(passed, high, 2 * high)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        passed = _highest(members, unit, middle, moments) > level
        low, high = np.where(passed, low, middle), np.where(passed, middle, high)
    return high


def _first_rows(members: Sequence[_Member], unit: float, level: float, moments: Indices, amounts: Floats) -> Indices:
    """Return how many rows after its beginning the score of a shift passes a level."""
    passed = np.array([_scores(members, unit, amounts, rows) > level for rows in moments.tolist()])
    first: Indices = moments[passed.argmax(axis=0)]
    return first


def _constant_shifts(model: Model, members: Sequence[_Member], unit: float, level: float) -> list[Shift]:
    """Return in how many rows a column that never moved must move; none if no window holds enough of them."""
    if not model.constant_columns:
        return []
    for rows in range(1, model.window + 1):
        squares = [
            one.square + own.penalties[min(rows, one.window)]
            for one, own in zip(members, members_of(model), strict=True)
        ]
        if unit * float(np.exp(np.mean(np.log(squares)) / 2)) > level:
            return [Shift(name, 0.0, 0.0, rows, rows) for name in model.constant_columns]
    return []
