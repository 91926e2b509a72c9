"""A promise held against the baseline's own later parts: what came beside what was promised."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Callable, Hashable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from fastdrift.alarms.detect import detect
from fastdrift.alarms.events import MISSING
from fastdrift.detectors.model import Model
from fastdrift.errors import DataError, DriftWarning
from fastdrift.evaluation.lines import counted, percent
from fastdrift.tables.table import Table

# shares of a baseline that are learnt from, each to look at what follows it up to the next
CUTS = (0.4, 0.6, 0.8, 1.0)
# how many times the share of flagged rows that was asked for is still kept, and how unlikely alarms may be: the
# baselines learnt from are shorter than the whole, and a few hundred rows are a small sample
MOST_FLAGGED, LEAST_CHANCE = 2.0, 0.01


@dataclass(frozen=True)
class Part:
    """A later part of a baseline, looked at by a model of the rows before it.

    Attributes
    ----------
    start, stop : int
        Its first row, and the row after its last; the model learnt from all rows before the first.
    scored, flagged : int
        Its rows with a score, and those flagged.
    alarms, promised : float
        Alarms of drift that came, and the most that were promised.
    why : str
        What the first alarm was for, if there was one.
    """

    start: int
    stop: int
    scored: int
    flagged: int
    alarms: int
    promised: float
    why: str = ""


@dataclass(frozen=True)
class Backtest:
    """A promise held against the baseline's own later parts.

    Attributes
    ----------
    asked : float
        The share of rows that may be flagged.
    parts : tuple of Part
    """

    asked: float
    parts: tuple[Part, ...]

    @property
    def scored(self) -> int:
        """Rows with a score."""
        return sum(part.scored for part in self.parts)

    @property
    def flagged_share(self) -> float | None:
        """The share of them that was flagged; None if there are none."""
        return sum(part.flagged for part in self.parts) / self.scored if self.scored else None

    @property
    def alarms(self) -> int:
        """Alarms that came."""
        return sum(part.alarms for part in self.parts)

    @property
    def promised(self) -> float:
        """The most that were promised."""
        return sum(part.promised for part in self.parts)

    @property
    def keeps_rows(self) -> bool | None:
        """Whether rows were flagged no more often than twice as asked; None if none could be looked at."""
        return None if self.flagged_share is None else self.flagged_share <= MOST_FLAGGED * self.asked

    @property
    def keeps_alarms(self) -> bool | None:
        """Whether alarms came no more often than chance makes of the promise in one case of a hundred."""
        return None if not self.scored else chance_of(self.alarms, self.promised) >= LEAST_CHANCE

    @property
    def worst(self) -> Part | None:
        """The part with most flagged rows, if so many are flagged that the rate is not kept."""
        return max(self.parts, key=lambda part: part.flagged) if self.keeps_rows is False else None

    def text(self) -> str:
        """Return what came beside what was promised, in words."""
        return (
            f"{percent(self.flagged_share)} of the rows flagged ({percent(self.asked)} asked for) and "
            f"{counted(self.alarms, 'alarm')} (at most {self.promised:.2g} promised)"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return everything ready for JSON."""
        return {
            "asked": self.asked,
            "scored": self.scored,
            "flagged_share": self.flagged_share,
            "alarms": self.alarms,
            "promised_alarms": self.promised,
            "keeps_rows": self.keeps_rows,
            "keeps_alarms": self.keeps_alarms,
            "parts": [asdict(part) for part in self.parts],
        }


def chance_of(count: int, expected: float) -> float:
    """Return the chance of so many events or more where so many are expected (Poisson)."""
    chance, term = 1.0, math.exp(-expected)
    for number in range(count):
        chance -= term
        term *= expected / (number + 1)
    return max(0.0, chance)


def look_back(table: Table, learn: Callable[[Any, Sequence[Hashable]], Model], asked: float, threads: int) -> Backtest:
    """Return what models of the first rows find in those that follow; `learn` fits one on a frame's columns.

    Parts before which there are too few rows to learn from are passed over.
    """
    import pandas as pd

    # whatever kind the table is, so that rows can be cut off; a row between two stretches is NaN, and in no window
    frame = pd.DataFrame(table.rows(0, table.n_rows), columns=pd.Index(table.names, dtype=object))
    edges = [round(share * table.n_rows) for share in CUTS]
    parts = []
    for start, stop in itertools.pairwise(edges):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DriftWarning)
            try:
                model = learn(frame.iloc[:start], table.names)
                head = start - model.window + 1
                found = detect(model, frame.iloc[head:stop], since=start - head, threads=threads)
            except DataError:
                continue
        drifts = [event for event in found.alarms if event.kind != MISSING]
        why = drifts[0].why if drifts else ""
        parts.append(Part(start, stop, found.n_scored, found.n_flagged, len(drifts), found.expected_false_alarms, why))
    return Backtest(asked, tuple(parts))
