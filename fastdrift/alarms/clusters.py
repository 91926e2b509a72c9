"""Clusters: flagged rows that belong together, as windows that overlap share what made them high."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from fastdrift.arrays import Booleans, Floats, Integers
from fastdrift.evaluation.events import runs

# windows for which scores stay under a threshold before what rises above it is something new. After a single one, a
# quarter of smd's false notices were the last one once more; with two hardly an incident was lost for it
QUIET_WINDOWS = 2


class Clusters(NamedTuple):
    """Flagged rows, in order, and where among them each cluster begins."""

    rows: Integers
    heads: Integers

    @property
    def starts(self) -> Integers:
        """The first row of each."""
        return self.rows[self.heads]

    @property
    def stops(self) -> Integers:
        """The row after the last of each."""
        lasts = np.append(self.heads[1:], self.rows.size) - 1
        ends: Integers = self.rows[lasts[: self.heads.size]] + 1
        return ends

    def peaks(self, scores: Floats) -> Floats:
        """Return the highest score of each."""
        if not self.heads.size:
            return np.zeros(0)
        highest: Floats = np.maximum.reduceat(scores[self.rows], self.heads)
        return highest


def find_clusters(scores: Floats, threshold: float, quiet: int, *, blind: int) -> Clusters:
    """Join rows above a threshold until scores have stayed under it for so many rows.

    Rows without a score neither join nor part, but more than `blind` of them in a row part.
    """
    rows = np.flatnonzero(scores > threshold)
    if not rows.size:
        return Clusters(rows, rows)
    between = np.diff(rows) - 1
    is_apart = between >= quiet
    doubtful = np.flatnonzero(between > min(blind, quiet - 1))
    if doubtful.size:
        is_apart[doubtful] = _parted(np.isnan(scores), rows, doubtful, quiet, blind)
    return Clusters(rows, np.append(0, np.flatnonzero(is_apart) + 1))


def _parted(unscored: Booleans, rows: Integers, doubtful: Integers, quiet: int, blind: int) -> Booleans:
    """Return which of the gaps hold enough scores that are quiet, or too many rows in a row without one."""
    if not unscored.any():
        return np.diff(rows)[doubtful] - 1 >= quiet
    count = np.append(0, np.cumsum(unscored))
    n_unscored = count[rows[doubtful + 1]] - count[rows[doubtful]]
    n_quiet = rows[doubtful + 1] - rows[doubtful] - 1 - n_unscored
    starts, stops = runs(unscored)
    long_starts = starts[stops - starts > blind]
    held = np.searchsorted(long_starts, rows[doubtful + 1]) > np.searchsorted(long_starts, rows[doubtful])
    parted: Booleans = (n_quiet >= quiet) | held
    return parted


def is_parted(between: int, unscored: Sequence[int], quiet: int, blind: int) -> bool:
    """Return whether two flagged rows with so many between are of two clusters.

    `unscored` are the lengths of the runs without a score among those; see `find_clusters`.
    """
    if between <= min(blind, quiet - 1):
        return False
    return between - sum(unscored) >= quiet or any(length > blind for length in unscored)
