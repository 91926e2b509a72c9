"""Any kind of table in, the same kind out."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from fastdrift.arrays import Floats, Indices
from fastdrift.errors import DataError
from fastdrift.tables.array import ArrayReader
from fastdrift.tables.arrow import ArrowReader, is_arrow_array, is_arrow_frame, is_capsule, read_capsule
from fastdrift.tables.frames import PandasReader, is_frame, is_series
from fastdrift.tables.polars import PolarsReader, is_polars_frame, is_polars_series
from fastdrift.tables.reader import Reader
from fastdrift.tables.table import Table, check_columns, listed

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd
    import polars as pl
    import pyarrow as pa

ArrayOrFrame = TypeVar(
    "ArrayOrFrame",
    "npt.NDArray[Any]",
    "pd.Series[Any]",
    "pd.DataFrame",
    "pl.Series",
    "pl.DataFrame",
    "pa.Array",
    "pa.ChunkedArray",
    "pa.RecordBatch",
    "pa.Table",
)


def reader_of(data: Any, *, one_column: bool = False) -> Reader:
    """Return what reads a table of any kind, by its columns' names if it has them; or one column, if that may be.

    A library is known by what it has loaded: none is imported for the asking, but by an object that hands out Arrow's
    C streams, which are read once.

    Raises
    ------
    DataError
        If `data` is no array and no frame that is known, or holds a column where a table is wanted.
    """
    if type(data) is np.ndarray:
        return ArrayReader(data, one_column=one_column)
    if is_frame(data) or (one_column and is_series(data)):
        return PandasReader(data)
    if is_polars_frame(data) or (one_column and is_polars_series(data)):
        return PolarsReader(data)
    if is_arrow_frame(data) or (one_column and is_arrow_array(data)):
        return ArrowReader(data)
    if is_series(data) or is_polars_series(data):
        raise DataError(
            f"the table is a {type(data).__module__.partition('.')[0]} Series: make a frame with .to_frame()"
        )
    if is_arrow_array(data):
        raise DataError("the table is a pyarrow Array: make a table of it, as with pyarrow.table({'name': data})")
    if is_capsule(data):
        return _capsule_reader(data)
    return ArrayReader(data, one_column=one_column)


class _ForNumpy(PolarsReader):
    """What polars read where there is no pyarrow, for someone who uses neither: results are arrays."""

    def scores(self, values: Floats, _time: Hashable | None, _name: str = "score") -> Any:
        """Return the values as they are."""
        return values

    def like(self, values: Floats, _time: Hashable | None) -> Any:
        """Return the values as they are."""
        return values


def _capsule_reader(data: Any) -> Reader:
    frame = read_capsule(data)
    return ArrowReader(frame) if is_arrow_frame(frame) else _ForNumpy(frame)


def as_table(data: Any, columns: Sequence[Hashable] | None = None) -> Table:
    """Return `data`, or its columns named `columns`, as a table.

    Raises
    ------
    DataError
        If `data` is not a two-dimensional array or a frame of numbers, or lacks a column.
    """
    return reader_of(data).table(columns, takes_time=False)


def match_columns(
    names: Sequence[Hashable],
    reader: Reader,
    *,
    named: bool,
    allow_extra: bool,
    time: Hashable | None = None,
    may_lack: bool = False,
) -> tuple[Table, Indices]:
    """Return what `reader` reads as a table, and the indices in it of the columns a model knows as `names`.

    A frame's columns are matched by name, in any order, if the model was fitted on a frame of any kind; else by place.
    Those matched by name `may_lack` up to half of the model's: the table then has them as columns of NaN.
    """
    if named and reader.named:
        return _match_names(names, reader, allow_extra, time, may_lack)
    table = reader.table(time=time)
    if isinstance(reader, ArrayReader) and allow_extra and not named:
        return table, np.array([reader.place_of(name) for name in names], np.int64)
    if allow_extra and not named:
        raise DataError("the model was fitted on an array's columns: pass an array")
    if table.n_columns != len(names):
        raise DataError(f"the table has {table.n_columns} columns and the model {len(names)}")
    return table, np.arange(len(names), dtype=np.int64)


def _match_names(
    names: Sequence[Hashable], reader: Reader, allow_extra: bool, time: Hashable | None, may_lack: bool
) -> tuple[Table, Indices]:
    check_columns(reader.names)
    present, known = set(reader.names), set(names)
    missing = [name for name in names if name not in present]
    if missing and may_lack and 2 * len(missing) > len(names):
        raise DataError(
            f"{len(missing)} of the {len(names)} columns of the model are missing, too many to score around: "
            f"{listed(missing)}; the table has {listed(reader.names)}"
        )
    if missing and not may_lack:
        raise DataError(f"column {missing[0]!r} of the model is missing; the table has {listed(reader.names)}")
    if time in known and time is not None:
        raise DataError(f"column {time!r} is a metric of the model: it can't be the rows' time as well")
    reader.check_time(time)
    extra = [name for name in reader.names if name not in known and (time is None or name != time)]
    if extra and not allow_extra:
        remedy = "drop it, or name the columns to use when fitting (columns=…)"
        if reader.is_time(extra[0]):
            remedy = f"if it holds the rows' times say time={extra[0]!r}, else drop it"
        raise DataError(f"column {extra[0]!r} is not the model's: {remedy}")
    table = reader.table([name for name in reader.names if name in known], time=time)
    if missing:
        table = table.with_absent(missing)
    place = {name: index for index, name in enumerate(table.names)}
    return table, np.array([place[name] for name in names], np.int64)
