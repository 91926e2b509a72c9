"""What a detector learns from, and what it must give in return."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple, Protocol

from fastdrift.arrays import Floats
from fastdrift.detectors.moments import Folds, Standardisation
from fastdrift.engine.windows import Piece, Sweep

# rows of a flat result and the absolute row that the first of them is of
Output = tuple[Floats, int]


class PackedParameters(Protocol):
    """What a detector has learnt, in the form a kernel wants it."""

    @property
    def adds_squares(self) -> bool:
        """Whether a score is a root, and what is added to it is added under the root."""

    @property
    def serial(self) -> bool:
        """Whether pieces must be scored one after the other, on the thread that asks."""

    def score_piece(self, sweep: Sweep, piece: Piece, output: Output, squared: bool, /) -> bool:
        """Write the scores of a piece's windows, or their squares; return whether all are finite."""


class PackedFeatures(PackedParameters, Protocol):
    """The same of a detector whose scores are told from features in the columns' units."""

    def score_features(self, features: Floats, /) -> Floats:
        """Return the scores of windows by their features, shape (n_windows, n_features)."""


class Baseline(NamedTuple):
    """What a detector learns from: windows, where their features lie, and the folds that are held out in turn."""

    sweep: Sweep
    standardisation: Standardisation
    folds: Folds
    held_out: Folds  # the folds, or none for a threshold from the very windows that were learnt from
    threads: int

    @property
    def names(self) -> list[Hashable]:
        """Names of the columns that vary."""
        return [self.sweep.table.names[column] for column in self.sweep.columns]

    def keeps(self, rows: Any, fold: tuple[int, int]) -> Any:
        """Return which of the windows that end in `rows` share no row with those of a fold."""
        gap = self.sweep.window - 1
        return (rows < fold[0] - gap) | (rows >= fold[1] + gap)


class Learnt(NamedTuple):
    """What a detector has learnt: its model's own fields, and what scores the folds held out."""

    fields: dict[str, Any]
    packed: PackedParameters
    packed_folds: Sequence[PackedParameters]
