"""The last rows of a stream, their scores and times, in one place after the other."""

from __future__ import annotations

import numpy as np

from fastdrift.arrays import Floats, Integers, Rows
from fastdrift.kernels.layout import HISTORY_HEAD
from fastdrift.tables.table import Table

# rows taken in before old ones are let go of
SLACK_ROWS = 2_048


class History:
    """The last rows of a stream: `keep` of them at least, as soon as there have been so many.

    Attributes
    ----------
    buffer : array
        What the kernel writes into: how many rows are there, how many there is room for, rows, scores.
    rows, scores : array
        Views of it; what is behind those that are there is garbage.
    stamps : array
        Times of the rows in ns, in UTC; garbage where the stream has none.
    first : int
        The number of the first row held.
    """

    def __init__(self, n_columns: int, keep: int) -> None:
        self.keep, self.room = keep, keep + max(keep, SLACK_ROWS)
        self.buffer = np.empty(HISTORY_HEAD + self.room * (n_columns + 1))
        self.buffer[:HISTORY_HEAD] = 0, self.room
        end = HISTORY_HEAD + self.room * n_columns
        self.rows: Floats = self.buffer[HISTORY_HEAD:end].reshape(self.room, n_columns)
        self.scores: Floats = self.buffer[end:]
        self.stamps: Integers = np.empty(self.room, np.int64)
        self.first = 0

    @property
    def count(self) -> int:
        """How many rows are held."""
        return int(self.buffer[0])

    @property
    def end(self) -> int:
        """How many rows there have been."""
        return self.first + self.count

    def add(self, rows: Rows, scores: Floats | None = None) -> slice:
        """Add rows, for which there must be room, and return where they are."""
        where = slice(self.count, self.count + len(rows))
        self.rows[where] = rows
        if scores is not None:
            self.scores[where] = scores
        self.buffer[0] = where.stop
        return where

    def let_go(self) -> None:
        """Let go of all rows but those to keep."""
        n_gone = max(0, self.count - self.keep)
        for array in (self.rows, self.scores, self.stamps):
            array[: self.keep] = array[n_gone : n_gone + self.keep].copy()
        self.buffer[0] -= n_gone
        self.first += n_gone

    def last(self, n_rows: int) -> Floats:
        """Return the last rows, as many as there are up to a number."""
        return self.rows[max(0, self.count - n_rows) : self.count]

    def table(self, start: int = 0) -> Table:
        """Return the rows held as a chunk of the stream, or those from a place on."""
        start = max(0, start)
        rows = self.rows[start : self.count]
        return Table(range(rows.shape[1]), len(rows), rows, []).starting_at(self.first + start)
