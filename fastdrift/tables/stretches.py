"""Several stretches of rows as one table, kept apart by a row of NaN: no window reaches over it."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from fastdrift.arrays import Times
from fastdrift.errors import DataError
from fastdrift.tables.arrow import is_arrow_array, is_arrow_frame, is_capsule
from fastdrift.tables.columns import Column
from fastdrift.tables.convert import reader_of
from fastdrift.tables.frames import is_frame, is_series
from fastdrift.tables.polars import is_polars_frame, is_polars_series
from fastdrift.tables.reader import Reader
from fastdrift.tables.table import Table


def is_stretches(data: Any) -> bool:
    """Return whether data is a list of tables, each a stretch: a list of rows of numbers is one table."""
    return isinstance(data, (list, tuple)) and any(map(_is_table, data))


def _is_table(data: Any) -> bool:
    if isinstance(data, np.ndarray):
        return data.ndim == 2
    if is_series(data) or is_polars_series(data) or is_arrow_array(data):
        return False
    return is_frame(data) or is_polars_frame(data) or is_arrow_frame(data) or is_capsule(data)


def stretches_of(data: Any) -> list[Any]:
    """Return the tables of a list of stretches, or one table as the only one."""
    return [*data] if is_stretches(data) else [data]


def reader_of_stretches(data: Any) -> Reader:
    """Return what reads a table, or a list of tables of any kinds as the stretches of one."""
    readers = []
    for number, one in enumerate(stretches_of(data), 1):
        try:
            readers.append(reader_of(one))
        except DataError as error:
            raise DataError(f"stretch {number}: {error}" if is_stretches(data) else str(error)) from error
    return readers[0] if len(readers) == 1 else StretchesReader(readers)


class StretchesReader(Reader):
    """Tables one after the other, their columns matched to the first one's: by name where both have names."""

    def __init__(self, readers: Sequence[Reader]) -> None:
        self._readers = readers
        self.named = readers[0].named  # type: ignore[misc]  # of a kind of table, here of the first stretch's
        super().__init__(readers[0].names, sum(reader.n_rows for reader in readers))

    @property
    def readers(self) -> Sequence[Reader]:
        """What reads each stretch."""
        return self._readers

    def table(
        self, columns: Sequence[Hashable] | None = None, *, time: Hashable | None = None, takes_time: bool = True
    ) -> Table:
        """Return the stretches as one table, with a row of NaN between two."""
        tables = [self.readers[0].table(columns, time=time, takes_time=takes_time)]
        for number, reader in enumerate(self.readers[1:], 2):
            own_time = time if reader.named else None
            try:
                names = self._names_in(reader, tables[0].names, own_time, chosen=columns is not None)
                tables.append(reader.table(names, time=own_time, takes_time=takes_time))
            except DataError as error:
                raise DataError(f"stretch {number}: {error}") from error
        return joined(tables)

    def _names_in(
        self, reader: Reader, names: Sequence[Hashable], time: Hashable | None, *, chosen: bool
    ) -> list[Hashable]:
        """Return what columns of the first stretch are called in another."""
        firsts, others = ([name for name in one.names if time is None or name != time] for one in (self, reader))
        if self.named and reader.named:
            extra = next((name for name in others if name not in firsts), None)
            if extra is not None and not chosen:
                raise DataError(f"column {extra!r} is not the first stretch's: drop it, or name the columns to use")
            return list(names)
        if len(firsts) != len(others):
            raise DataError(f"it has {len(others)} columns and the first stretch {len(firsts)}")
        return [others[firsts.index(name)] for name in names]


def joined(tables: Sequence[Table]) -> Table:
    """Return tables of the same columns one after the other, with a row of NaN between two."""
    narrow = all(table.dtype == np.float32 for table in tables)
    gap = np.full(1, np.nan, np.float32 if narrow else np.float64)
    columns = []
    for place in range(tables[0].n_columns):
        parts = [part for table in tables for part in (gap, *table.parts_of(place))]
        columns.append(Column(*parts[1:]))
    ends = np.cumsum([table.n_rows + 1 for table in tables])
    first = tables[0]
    whole = Table(first.names, int(ends[-1]) - 1, None, columns, lambda: _times(tables), lambda: first.zone)
    whole.join(ends[:-1] - 1, tables)
    return whole


def _times(tables: Sequence[Table]) -> Times | None:
    if all(table.times is None for table in tables):
        return None
    gap, parts = np.full(1, "NaT", "M8[ns]"), []
    for table in tables:
        parts += [gap, np.full(table.n_rows, "NaT", "M8[ns]") if table.times is None else table.times]
    return np.concatenate(parts[1:])
