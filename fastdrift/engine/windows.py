"""Windows over some columns of a table, swept span by span."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from fastdrift.arrays import Floats, Indices, Rows
from fastdrift.engine.compiled import kernel
from fastdrift.engine.plan import MIN_RANGES, cut_spans, layout_of, make_plan
from fastdrift.engine.threads import thread_scratch
from fastdrift.errors import DataError
from fastdrift.kernels.layout import FLAT, Span
from fastdrift.tables.table import Table


def check_window(window: object) -> int:
    """Return `window` as an int, or raise DataError if it is not a whole number of at least 2."""
    whole = isinstance(window, (int, np.integer)) and not isinstance(window, bool)
    if not whole or int(window) < 2:  # type: ignore[call-overload]
        raise DataError(f"window is {window!r}: give a whole number of rows, at least 2")
    return int(window)  # type: ignore[call-overload,no-any-return]


def check_first_row(first_row: object, name: str = "first_row", n_rows: int | None = None) -> int:
    """Return the number of a row as an int, or raise DataError if it is none of at least 0, or beyond `n_rows`."""
    whole = isinstance(first_row, (int, np.integer)) and not isinstance(first_row, bool)
    if not whole or int(first_row) < 0:  # type: ignore[call-overload]
        raise DataError(f"{name} is {first_row!r}: give the number of a row, at least 0")
    if n_rows is not None and int(first_row) > n_rows:  # type: ignore[call-overload]
        raise DataError(f"{name} is {first_row!r}, but there are {n_rows} rows")
    return int(first_row)  # type: ignore[call-overload,no-any-return]


def check_length(n_rows: int, window: int) -> None:
    """Raise DataError if `n_rows` rows hold no window."""
    if n_rows < window:
        raise DataError(f"{n_rows} rows hold no window of {window}: give at least {window} rows, or a shorter window")


def feature_scales(window: int, centre: Floats, gain: Floats) -> Floats:
    """Return centres and gains of the features, in the order and units the kernels use.

    A column has the centre and gain of its mean, and the gain and shift of its std. The kernels make the square root of
    the sum of squares; its divisor window - 1 is in the numbers here.
    """
    n_columns = centre.size // 2
    mean_gain, std_gain = gain[:n_columns], gain[n_columns:] / np.sqrt(window - 1.0)
    shift = -centre[n_columns:] * gain[n_columns:]
    columns = (centre[:n_columns], mean_gain, std_gain, shift)
    return np.ascontiguousarray(np.stack(columns, 1).ravel())


class Piece(NamedTuple):
    """A span and the rows that its windows need, where they lie: for kernels alone."""

    span: Span
    rows: Rows
    first_row: int  # absolute number of the first of them
    places: Indices  # which column of `rows` each of the table's is
    held: Any  # whose memory it is


class Sweep:
    """Windows over some columns of a table, swept span by span."""

    def __init__(self, table: Table, columns: Indices, window: int) -> None:
        self.table, self.columns, self.window = table, columns, window

    @property
    def n_numbers(self) -> int:
        """How many numbers the table holds: what decides whether threads are worth it."""
        return self.table.n_rows * self.table.n_columns

    @property
    def first_end(self) -> int:
        """Absolute row in which the first whole window ends."""
        return self.table.first_row + self.window - 1

    def spans(self, row: int = 0, end_row: int | None = None, n_ranges: int = MIN_RANGES) -> list[Span]:
        """Return the spans of the windows that end in rows `row` … `end_row` - 1, if many at least `n_ranges`."""
        end_row = self.table.end_row if end_row is None else end_row
        return list(cut_spans(max(row, self.first_end), end_row, self.window, self.table.n_columns, n_ranges))

    def piece(self, span: Span) -> Piece:
        """Return a span with the rows that its windows need."""
        # from the whole block before, if it is there: what lies within the table loads faster
        first = max(self.table.first_row, (span.block - 1) * self.window)
        laid = self.table.laid(first, min(self.table.end_row, span.end_block * self.window))
        return Piece(span, laid.rows, first, laid.places, laid.held)

    def call(self, name: str, piece: Piece, scales: Floats, width: int, *rest: Any) -> Any:
        """Run one of the sweeping kernels over a piece, and return what it returns."""
        columns = piece.places[self.columns]
        layout, slots = layout_of(piece.rows, columns)
        n_slots = piece.rows.shape[1] if layout == FLAT else self.columns.size
        plan = make_plan(self.window, self.columns.size, n_slots, width)
        source = (piece.rows, piece.first_row, columns, slots, layout)
        scratch = thread_scratch(plan.scratch_size)
        work = (self.window, plan.tile, plan.held, plan.shares, scales, scratch, plan.sizes)
        return kernel(name, self.table.dtype)(source, work, tuple(piece.span), *rest)
