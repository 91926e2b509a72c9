"""Tables some rows of which are set aside."""

from __future__ import annotations

import numpy as np

from fastdrift.arrays import Floats, Indices, Rows
from fastdrift.tables.columns import Column, Laid
from fastdrift.tables.table import NO_ROWS, Table

# rows that are converted at once
PIECE_ROWS = 1 << 16


class KeptRows(Table):
    """A table some rows of which are set aside: they read as NaN, so that windows that hold one are left out.

    Rows that its table has set aside stay so.
    """

    def __init__(self, table: Table, aside: Indices = NO_ROWS) -> None:
        self.__dict__.update(table.__dict__)
        self.aside: Indices = np.union1d(table.aside, aside) if isinstance(table, KeptRows) else aside

    def rows(self, start: int, stop: int) -> Rows:
        """Return rows `start` … `stop` - 1, a view where that is possible and no row is set aside."""
        piece = super().rows(start, stop)
        first, last = np.searchsorted(self.aside, (start, stop))
        if first < last:
            piece = piece.copy(order="K")
            piece[self.aside[first:last] - start] = np.nan
        return piece

    def laid(self, start: int, stop: int) -> Laid:
        """Return rows `start` … `stop` - 1 for kernels: where they lie, unless one of them is set aside."""
        first, last = np.searchsorted(self.aside, (start, stop))
        if first == last:
            return super().laid(start, stop)
        return Laid(self.rows(start, stop), np.arange(self.n_columns), ())

    def picked(self, rows: Indices) -> Floats:
        """Return the given rows, set aside or not."""
        if self._whole is not None:
            return np.asarray(self._whole[rows], np.float64)
        return np.stack([_picked(column, rows, self.n_rows) for column in self._columns], axis=1)


def few_of_stretches(table: Table, rows: Indices, share: float) -> Indices:
    """Return rows, in order, without those of stretches of which they are more than a share.

    So much is what a stretch is like, above all one that was accepted as the new normal.
    """
    parts = [rows[slice(*np.searchsorted(rows, bounds))] for bounds in table.bounds()]
    few = [
        part for part, (start, stop) in zip(parts, table.bounds(), strict=True) if part.size <= share * (stop - start)
    ]
    return np.concatenate([*few, NO_ROWS])


def _picked(column: Column, rows: Indices, n_rows: int) -> Floats:
    """Return a column's numbers in the given rows; what need be converted is, a piece at a time."""
    if len(column.parts) == 1 and isinstance(column.parts[0], np.ndarray):
        return np.asarray(column.parts[0][rows], np.float64)
    picked: Floats = np.empty(rows.size)
    for start in range(0, n_rows, PIECE_ROWS):
        here = (rows >= start) & (rows < start + PIECE_ROWS)
        if here.any():
            picked[here] = column.read(start, min(start + PIECE_ROWS, n_rows))[rows[here] - start]
    return picked
