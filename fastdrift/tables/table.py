"""Table: rows of numeric columns, read piece by piece."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fastdrift.arrays import Indices, Rows, Times
from fastdrift.errors import DataError
from fastdrift.tables.columns import Column, Laid, Part, absent_column, is_dense, lay_out

# numbers in a piece that is looked at, or converted, at once
CHUNK_NUMBERS = 1 << 19
FIRST_CHUNK = 64

NO_ROWS: Indices = np.zeros(0, np.int64)


class Table:
    """Rows of numeric columns, read piece by piece.

    Attributes
    ----------
    names : tuple
        The columns' names; 0, 1, … for an array.
    n_rows : int
    first_row : int
        Absolute number of the first row: a table may be a chunk of a stream.
    dtype : numpy.dtype
        float32 or float64: what pieces are made of.
    gaps : array
        Rows that are none but part two stretches, and read as NaN.
    absent : tuple
        Names of columns that are none, and read as NaN.
    """

    def __init__(
        self,
        names: Sequence[Hashable],
        n_rows: int,
        whole: Rows | None,
        columns: Sequence[Column],
        times: Callable[[], Times | None] = lambda: None,
        zone: Callable[[], Any] = lambda: None,
    ) -> None:
        self.names = tuple(names)
        self.n_rows = n_rows
        self.first_row = 0
        self.gaps: Indices = NO_ROWS
        self.absent: tuple[Hashable, ...] = ()
        self._stretches: tuple[Table, ...] = ()
        self._whole = whole
        self._columns = columns
        self._read_times, self._read_zone = times, zone
        narrow = all(column.dtype == np.float32 for column in columns)
        self.dtype = np.dtype(np.float32 if narrow else np.float64) if whole is None else whole.dtype

    @functools.cached_property
    def _all(self) -> Laid | None:
        """All rows where they lie, if no column need be converted or put together."""
        if self._whole is not None:
            return Laid(self._whole, np.arange(self.n_columns), ())
        if not all(len(column.parts) == 1 and is_dense(column.parts[0], self.dtype) for column in self._columns):
            return None
        return lay_out([column.pieces(0, self.n_rows) for column in self._columns], self.n_rows, self.dtype)

    def with_absent(self, names: Sequence[Hashable]) -> Table:
        """Return the same rows with columns of NaN after the others, which take no memory."""
        absent = [absent_column(self.n_rows, self.dtype) for _ in names]
        columns = [*self._columns, *absent]
        table = Table([*self.names, *names], self.n_rows, None, columns, self._read_times, self._read_zone)
        table.absent = tuple(names)
        return table

    def starting_at(self, first_row: int) -> Table:
        """Return the same rows as a chunk of a stream whose first is absolute row `first_row`."""
        if first_row == self.first_row:
            return self
        table = copy.copy(self)
        table.first_row = first_row
        return table

    @property
    def end_row(self) -> int:
        """Absolute number of the row after the last."""
        return self.first_row + self.n_rows

    @property
    def n_columns(self) -> int:
        """Number of columns."""
        return len(self.names)

    @functools.cached_property
    def times(self) -> Times | None:
        """Times of the rows, in UTC, NaT where there is none; None if neither index nor time column holds times."""
        return self._read_times()

    @functools.cached_property
    def zone(self) -> Any:
        """What the rows' times are told in, as pandas takes it; None if they have no zone."""
        return self._read_zone()

    @property
    def stretches(self) -> tuple[Table, ...]:
        """The stretches that the table was joined from: itself, unless it has gaps."""
        return self._stretches or (self,)

    @property
    def n_given(self) -> int:
        """Number of rows without those of gaps."""
        return self.n_rows - self.gaps.size

    def join(self, gaps: Indices, stretches: Sequence[Table]) -> None:
        """Say that the table was joined from stretches, and which of its rows lie between them."""
        self.gaps, self._stretches = gaps, tuple(stretches)

    def bounds(self) -> list[tuple[int, int]]:
        """Return the first row of every stretch and the row after its last, counted with gaps."""
        return [*zip([0, *self.gaps + 1], [*self.gaps, self.n_rows], strict=True)]

    def told(self, row: int) -> str:
        """Return where a row is, as text: its number, within its stretch if there are several."""
        if not self.gaps.size:
            return f"row {row}"
        number = int(np.searchsorted(self.gaps, row))
        return f"row {row - self.bounds()[number][0]} of stretch {number + 1}"

    def parts_of(self, place: int) -> Sequence[Part]:
        """Return the parts of a column, where they lie."""
        return self._columns[place].parts if self._whole is None else (self._whole[:, place],)

    @property
    def lies(self) -> bool:
        """Whether all rows lie in memory, so that none need be converted or put together."""
        return self._all is not None

    def rows(self, start: int, stop: int) -> Rows:
        """Return absolute rows `start` … `stop` - 1, a view if they lie in one array."""
        start, stop = start - self.first_row, stop - self.first_row
        if self._whole is not None:
            return self._whole[start:stop]
        piece: Rows = np.empty((stop - start, self.n_columns), self.dtype, order="F")
        for place, column in enumerate(self._columns):
            piece[:, place] = column.read(start, stop)
        return piece

    def laid(self, start: int, stop: int) -> Laid:
        """Return absolute rows `start` … `stop` - 1 where they lie, each column for itself, for kernels alone."""
        start, stop = start - self.first_row, stop - self.first_row
        if self._all is None:
            return lay_out([column.pieces(start, stop) for column in self._columns], stop - start, self.dtype)
        rows, places, held = self._all
        return Laid(rows[start:stop], places, held)

    def chunks(self) -> Iterator[tuple[int, Rows]]:
        """Yield the first row of each piece of a bounded size, counted from the table's own first, and the piece.

        Pieces grow: the first few rows answer most questions.
        """
        start, step = 0, FIRST_CHUNK
        while start < self.n_rows:
            rows = self.rows(self.first_row + start, self.first_row + min(start + step, self.n_rows))
            yield start, rows
            start, step = start + step, max(1, min(2 * step, CHUNK_NUMBERS // self.n_columns))

    def first_finite(self) -> npt.NDArray[np.float64]:
        """Return the first finite number of every column; NaN where there is none."""
        first = np.full(self.n_columns, np.nan)
        for _, rows in self.chunks():
            for column in np.flatnonzero(np.isnan(first)):
                finite = np.isfinite(rows[:, column])
                if finite.any():
                    first[column] = rows[finite.argmax(), column]
            if not np.isnan(first).any():
                break
        return first

    def place_of_broken(self, indices: Indices) -> str:
        """Say in which row, and which of the columns `indices`, the first NaN or inf stands."""
        for start, rows in self.chunks():
            broken = ~np.isfinite(rows[:, indices])
            broken[self.gaps[(self.gaps >= start) & (self.gaps < start + len(rows))] - start] = False
            if broken.any():
                row = int(broken.any(axis=1).argmax())
                return f"column {self.names[indices[broken[row].argmax()]]!r}, {self.told(start + row)}"
        return "nowhere"


def check_columns(names: Sequence[Hashable]) -> None:
    """Raise DataError if there are no columns, or two of one name."""
    if not names:
        raise DataError("the table has no columns")
    seen = set()
    for name in names:
        if name in seen:
            raise DataError(f"column {name!r} is there twice: rename or drop one")
        seen.add(name)


def listed(names: Sequence[Hashable] | Any, limit: int = 8) -> str:
    """Return names as text, the first few of them."""
    shown = ", ".join(repr(name) for name in list(names)[:limit])
    return shown + (f" and {len(names) - limit} more" if len(names) > limit else "")


def usual_step(times: Times | None) -> float | None:
    """Return the usual seconds from a row to the next; None without times that advance."""
    if times is None or len(times) < 2:
        return None
    # a step from or to no time is negative
    steps = np.diff(times.astype("M8[ns]")).astype(np.int64)
    steps = steps[steps > 0]
    return float(np.median(steps)) / 1e9 if steps.size else None
