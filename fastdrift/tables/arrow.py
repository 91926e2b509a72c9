"""Arrow tables and record batches, and whatever hands out Arrow's C streams, as tables."""

from __future__ import annotations

import sys
from collections.abc import Hashable
from typing import Any

import numpy as np
import numpy.typing as npt

from fastdrift.arrays import Floats, Times
from fastdrift.errors import DataError
from fastdrift.tables.columns import Column, Converted, Part
from fastdrift.tables.reader import Reader, Sample, nanoseconds


def is_arrow_frame(data: object) -> bool:
    """Return whether `data` is a pyarrow Table or RecordBatch, without importing pyarrow."""
    pyarrow = sys.modules.get("pyarrow")
    return pyarrow is not None and isinstance(data, (pyarrow.Table, pyarrow.RecordBatch))


def is_arrow_array(data: object) -> bool:
    """Return whether `data` is a pyarrow Array or ChunkedArray, without importing pyarrow."""
    pyarrow = sys.modules.get("pyarrow")
    return pyarrow is not None and isinstance(data, (pyarrow.Array, pyarrow.ChunkedArray))


def is_capsule(data: object) -> bool:
    """Return whether `data` hands itself out through the Arrow PyCapsule interface."""
    return hasattr(type(data), "__arrow_c_stream__") or hasattr(type(data), "__arrow_c_array__")


class ArrowReader(Reader):
    """A pyarrow Table or RecordBatch, or an Array or ChunkedArray as a table of one column."""

    remedy = "pyarrow.compute.cast"

    def __init__(self, data: Any) -> None:
        import pyarrow as pa  # it is loaded already: `data` is of it

        self.data = self.frame = data
        if isinstance(data, (pa.Array, pa.ChunkedArray)):
            self.frame = pa.table({"values": data})
        elif isinstance(data, pa.RecordBatch):
            self.frame = pa.Table.from_batches([data])
        super().__init__(self.frame.column_names, self.frame.num_rows)

    def column(self, name: Hashable) -> Column | None:
        """Return a column's numbers, None if it holds something else."""
        from pyarrow import types

        column = self.frame.column(name)
        kinds = (types.is_integer, types.is_floating, types.is_decimal, types.is_boolean, types.is_null)
        if any(is_kind(column.type) for is_kind in kinds):
            return Column(*(_part(chunk) for chunk in column.chunks))
        return None

    def sample(self, name: Hashable) -> Sample:
        """Return the first value of a column that is none of its nulls."""
        column = self.frame.column(name)
        row = max(column.is_valid().index(True).as_py(), 0)
        if not len(column):
            return Sample(column.type, row, None)
        # nanoseconds are no datetime's business
        return Sample(column.type, row, str(column[row]) if self.is_time(name) else column[row].as_py())

    def is_time(self, name: Hashable) -> bool:
        """Return whether a column holds dates, or dates and times of day."""
        from pyarrow import types

        kind = self.frame.column(name).type
        return bool(types.is_timestamp(kind) or types.is_date(kind))

    def column_times(self, name: Hashable) -> Times:
        """Return the times of a column; Arrow keeps those of any time zone in UTC."""
        return nanoseconds(self.frame.column(name).to_numpy(), name)

    def zone(self, time: Hashable | None) -> Any:
        """Return the time zone of a column."""
        return None if time is None else getattr(self.frame.column(time).type, "tz", None)

    def scores(self, values: Floats, _time: Hashable | None, _name: str = "score") -> Any:
        """Return an Array."""
        import pyarrow as pa  # it is loaded already: the table is of it

        return pa.array(values)

    def like(self, values: Floats, time: Hashable | None) -> Any:
        """Return numbers in the kind of the original, with its names."""
        import pyarrow as pa  # it is loaded already: the table is of it

        arrays = [pa.array(column) for column in np.ascontiguousarray(values.T)]
        if isinstance(self.data, pa.Array):
            return arrays[0]
        if isinstance(self.data, pa.ChunkedArray):
            return pa.chunked_array(arrays)
        numbers = iter(arrays)
        columns = [self.data.column(name) if name == time else next(numbers) for name in self.names]
        return type(self.data).from_arrays(columns, names=self.names)


def _part(chunk: Any) -> Part:
    """Return a chunk's numbers where they lie, or what converts them."""
    import pyarrow as pa  # it is loaded already: the chunk is of it

    is_plain = pa.types.is_integer(chunk.type) or pa.types.is_floating(chunk.type)
    if is_plain and not chunk.null_count:
        return np.asarray(chunk.to_numpy())
    return Converted(len(chunk), lambda start, stop: _doubles(chunk[start:stop]))


def _doubles(chunk: Any) -> npt.NDArray[Any]:
    """Return a chunk as float64 numbers, each the nearest to its own, NaN where there is none."""
    import pyarrow as pa  # it is loaded already: the chunk is of it

    if pa.types.is_decimal(chunk.type):  # Arrow's own cast is off by a digit in one number of eight
        chunk = chunk.cast(pa.string())
    return np.asarray(chunk.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False))


def read_capsule(data: Any) -> Any:
    """Return what an object hands out as a pyarrow Table, or a polars DataFrame where there is no pyarrow."""
    kind = f"the table is a {type(data).__module__}.{type(data).__qualname__}"
    try:
        import pyarrow as pa
    except ImportError:
        return _read_by_polars(data, kind)
    try:
        return pa.table(data) if hasattr(data, "__arrow_c_stream__") else pa.table(pa.record_batch(data))
    except (TypeError, ValueError, pa.ArrowException) as error:
        raise DataError(f"{kind}, which pyarrow can't read as a table: {error}") from error


def _read_by_polars(data: Any, kind: str) -> Any:
    try:
        import polars as pl
    except ImportError:
        raise DataError(f"{kind}: install pyarrow to have it read") from None
    return pl.DataFrame(data)
