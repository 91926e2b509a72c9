"""polars frames as tables."""

from __future__ import annotations

import sys
from collections.abc import Hashable
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np

from fastdrift.arrays import Floats, Times
from fastdrift.errors import DataError
from fastdrift.tables.columns import Column, Converted, Part
from fastdrift.tables.reader import Reader, Sample, nanoseconds

if TYPE_CHECKING:
    import polars as pl

# what numpy has a dtype for
PLAIN = ("Float64", "Float32", "Int64", "Int32", "Int16", "Int8", "UInt64", "UInt32", "UInt16", "UInt8")


def is_polars_frame(data: object) -> TypeGuard[pl.DataFrame]:
    """Return whether `data` is a polars DataFrame, without importing polars; a lazy one is an error."""
    polars = sys.modules.get("polars")
    if polars is not None and isinstance(data, polars.LazyFrame):
        raise DataError("the table is a polars LazyFrame: make a DataFrame of it with .collect()")
    return polars is not None and isinstance(data, polars.DataFrame)


def is_polars_series(data: object) -> TypeGuard[pl.Series]:
    """Return whether `data` is a polars Series, without importing polars."""
    polars = sys.modules.get("polars")
    return polars is not None and isinstance(data, polars.Series)


class PolarsReader(Reader):
    """A polars DataFrame, or a Series as a frame of one column."""

    remedy = ".cast(polars.Float64)"

    def __init__(self, data: pl.DataFrame | pl.Series) -> None:
        self.data = data
        self.frame: pl.DataFrame = data.to_frame() if is_polars_series(data) else data
        super().__init__(self.frame.columns, self.frame.height)

    def column(self, name: Hashable) -> Column | None:
        """Return a column's numbers, None if it holds something else."""
        series = self._series(name)
        dtype = series.dtype
        if dtype.is_numeric() or str(dtype) in ("Boolean", "Null"):
            return Column(*(_part(chunk) for chunk in series.get_chunks()))
        return None

    def sample(self, name: Hashable) -> Sample:
        """Return the first value of a column that is none of its nulls."""
        series = self._series(name)
        known = series.is_not_null()
        row = (known.arg_max() or 0) if len(series) else 0
        return Sample(series.dtype, row, series[row] if len(series) else None)

    def is_time(self, name: Hashable) -> bool:
        """Return whether a column holds dates, or dates and times of day."""
        return str(self._series(name).dtype.base_type()) in ("Date", "Datetime")

    def column_times(self, name: Hashable) -> Times:
        """Return the times of a column; polars keeps those of any time zone in UTC."""
        return nanoseconds(self._series(name).to_numpy(), name)

    def zone(self, time: Hashable | None) -> Any:
        """Return the time zone of a column."""
        return None if time is None else getattr(self._series(time).dtype, "time_zone", None)

    def scores(self, values: Floats, _time: Hashable | None, name: str = "score") -> Any:
        """Return a Series."""
        import polars as pl  # it is loaded already: the frame is of it

        return pl.Series(name, values)

    def like(self, values: Floats, time: Hashable | None) -> Any:
        """Return a Series or frame with the names of the original."""
        import polars as pl  # it is loaded already: the frame is of it

        columns = iter(np.ascontiguousarray(values.T))
        names = self.frame.columns
        series = [self._series(name) if name == time else pl.Series(name, next(columns)) for name in names]
        return series[0] if is_polars_series(self.data) else pl.DataFrame(series)

    def _series(self, name: Hashable) -> pl.Series:
        return self.frame.get_column(str(name))


def _part(chunk: pl.Series) -> Part:
    """Return a chunk's numbers where they lie, or what converts them: polars' casts round as numpy's do."""
    import polars as pl  # it is loaded already: the chunk is of it

    if str(chunk.dtype) in PLAIN and not chunk.null_count():
        return np.asarray(chunk.to_numpy(allow_copy=False))
    return Converted(len(chunk), lambda start, stop: chunk[start:stop].cast(pl.Float64).to_numpy())
