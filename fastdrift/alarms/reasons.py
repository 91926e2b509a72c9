"""Reasons in words: what the columns of an event do that they did not do before."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from fastdrift.alarms.pieces import each_piece
from fastdrift.arrays import Floats, Indices, Integers
from fastdrift.detectors.blend import members_of
from fastdrift.detectors.mahalanobis import MahalanobisModel
from fastdrift.detectors.model import Model
from fastdrift.engine.compiled import kernel
from fastdrift.engine.threads import thread_scratch
from fastdrift.kernels.layout import CHANGES
from fastdrift.tables.columns import Laid
from fastdrift.tables.table import Table

# columns that an event names: those with at least this share, and this many
LEAST_SHARE, MOST_COLUMNS = 0.1, 4
# standard deviations of a feature over the baseline within which a column is as ever
AS_EVER = 3.0
# windows before an event's highest and after it, one beside the other, that bear out what a column does there, and the
# mean over all of them, in standard deviations, that does. Where columns part ways, the highest window has one far off
# by chance: of 13 generated correlation breaks 3 were told as "up" or "down"; borne out, none, and all else as before
LOOKS, BORNE_OUT = 2, 1.5
# what is said of columns that are as ever, each alone
PARTED = "no longer move together"
# a spread below this share of the usual one is none
STUCK = 0.01


# what a kernel of events takes last, made of scratch and of the events that are meant
Rest = Callable[[Floats, slice], tuple[Any, ...]]


class Reason(NamedTuple):
    """Why there is an event: the columns that add most, and a sentence."""

    columns: tuple[str, ...]
    why: str


class PeakReason:
    """The reason of one of several peaks, put into words when it is read.

    Words take longer than all else that is to be known of an event, and of most events they are never read.
    """

    __slots__ = ("peaks", "place")

    def __init__(self, peaks: Peaks, place: int) -> None:
        self.peaks, self.place = peaks, place

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns that add most, the first most."""
        return self.peaks.columns(self.place)

    @property
    def why(self) -> str:
        """What those columns do."""
        return self.peaks.why(self.place)

    def __repr__(self) -> str:
        """Return the words."""
        return repr(Reason(self.columns, self.why))

    def __eq__(self, other: object) -> bool:
        """Return whether another says the same."""
        return isinstance(other, (PeakReason, Reason)) and (self.columns, self.why) == (other.columns, other.why)

    def __hash__(self) -> int:
        """Return a hash of the words."""
        return hash((self.columns, self.why))


class Peaks(NamedTuple):
    """What the windows with the highest scores of events show, a line each, by numbers."""

    names: tuple[str, ...]
    constant_values: dict[int, float]
    chosen: Integers  # places of the columns that add most, -1 for none, and of the one that the first goes with
    changes: Floats  # of each of them: `layout.CHANGES` numbers

    def columns(self, place: int) -> tuple[str, ...]:
        """Return the names of the columns that add most to a peak."""
        return tuple(self.names[column] for column in self.chosen[place, :-1].tolist() if column >= 0)

    def why(self, place: int) -> str:
        """Return what those columns do; if each alone is as ever, which no longer go together."""
        *chosen, other = self.chosen[place].tolist()
        changes = self.changes[place].tolist()
        said = [self._says(column, *change) for column, change in zip(chosen, changes, strict=True) if column >= 0]
        if text := ", ".join(filter(None, said)):
            return text
        name = self.names[chosen[0]]
        return f"{name} moves as it never did" if other < 0 else f"{name} and {self.names[other]} {PARTED}"

    def _says(
        self, column: int, mean: float, shift: float, std: float, ratio: float, usual_mean: float, usual_std: float
    ) -> str:
        """Return what one column does, or nothing if it alone is as ever."""
        name = self.names[column]
        if column in self.constant_values:
            return f"{name} moved from {self.constant_values[column]:g}, where it had always been"
        text = []
        if _is_told(mean, usual_mean):
            text.append(f"{'up' if shift > 0 else 'down'} by {_rough(abs(shift))} of its usual spreads")
        if _is_told(std, usual_std):
            text.append("stuck" if ratio < STUCK else f"{'more' if ratio > 1 else 'less'} variable (×{_rough(ratio)})")
        return f"{name} {' and '.join(text)}" if text else ""


def _is_told(standard: float, usual: float) -> bool:
    """Return whether a feature is far off, and in other windows of the event as well."""
    return abs(standard) > AS_EVER and not math.copysign(1.0, standard) * usual <= BORNE_OUT


def _rough(value: float) -> str:
    """Return two digits of a number, written out: 1,300 rather than 1.3e+03."""
    return f"{value:.2g}" if value < 99.5 or value >= 1e9 else f"{float(f'{value:.2g}'):,.0f}"


def find_reasons(
    model: Model, table: Table, columns: Indices, looks: Integers, threads: int
) -> list[Reason] | list[PeakReason]:
    """Return why events score high, by what each column adds to the squared distance.

    A line of `looks` has the row in which an event's highest window ends, then those of other windows of it, -1 for
    none.

    Events are told by the window of their peak: on generated drifts it names the right column first as often as the
    average over the event does (0.95), and earlier in the event more often. Of windows of several lengths the shares
    are averaged: in 40 broken correlations the right column came first in 0.67, by one length alone in 0.49 to 0.67.
    What the columns do is told by the longest: of 20 it had the right words for 0.63, the others for 0.37 to 0.42.
    """
    members = [one for one in members_of(model) if isinstance(one, MahalanobisModel)]
    if not members:
        return [Reason((), f"a model of {model.detector} gives no reasons")] * len(looks)
    assert model.rows is not None  # noqa: S101  # they come with the promise
    seen = _Seen(table, columns, np.flatnonzero(model.varies), np.flatnonzero(~model.varies), looks, threads)
    shares = _summed_shares(seen, members) if len(members) > 1 else np.zeros((0, columns.size))
    chosen = np.empty((len(looks), MOST_COLUMNS + 1), np.int64)
    changes = np.zeros((len(looks), MOST_COLUMNS, CHANGES))

    def rest(scratch: Floats, which: slice) -> tuple[Any, ...]:
        return LEAST_SHARE, shares[which], scratch, chosen[which], changes[which].reshape(-1)

    seen.run("event_reasons", members[-1], (model.rows.spread,), rest)
    values = dict(zip(seen.constant.tolist(), model.constant_values.tolist(), strict=True))
    peaks = Peaks(tuple(str(name) for name in model.columns), values, chosen, changes)
    return [PeakReason(peaks, place) for place in range(len(looks))]


class _Seen(NamedTuple):
    """Windows that are looked at, and the places of the model's columns that vary, and of those that were constant."""

    table: Table
    columns: Indices
    varying: Indices
    constant: Indices
    looks: Integers
    threads: int

    def run(self, name: str, member: MahalanobisModel, numbers: tuple[Floats, ...], rest: Rest) -> None:
        """Run a kernel on windows of a member's length, on many events at once."""
        looks, varying, constant = self.looks, self.varying, self.constant
        needed = 10 * varying.size + 2 * constant.size
        scales = (member.centre, member.scale, *numbers, np.ascontiguousarray(member.precision))

        def work(laid: Laid, first_row: int, which: slice) -> None:
            of_varying, of_constant = laid.places[self.columns[varying]], laid.places[self.columns[constant]]
            places = (of_varying, varying, of_constant, constant, member.constant_values, member.penalties)
            here = np.where(looks[which] < 0, -1, looks[which] - first_row)
            others = rest(thread_scratch(needed)[:needed], which)
            kernel(name, self.table.dtype)(laid.rows, member.window, *places, *scales, here, *others)

        firsts = np.where(looks < 0, looks[:, :1], looks).min(axis=1) - member.window + 1
        each_piece(self.table, firsts, looks.max(axis=1) + 1, self.threads, work)


def _summed_shares(seen: _Seen, members: Sequence[MahalanobisModel]) -> Floats:
    """Return the shares of every column in each event's highest window, summed over windows of several lengths."""
    shares = np.zeros((len(seen.looks), seen.columns.size))
    size = 4 * seen.varying.size + seen.columns.size
    for member in members:
        seen.run("event_shares", member, (), lambda scratch, which: (scratch[:size], shares[which]))
    return shares
