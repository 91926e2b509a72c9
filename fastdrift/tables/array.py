"""Arrays, and lists that make one, as tables; and what is neither these nor a frame that is known."""

from __future__ import annotations

import sys
from collections.abc import Hashable, Iterator, Mapping, Sequence, Set
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from fastdrift.arrays import Floats
from fastdrift.errors import DataError
from fastdrift.tables.columns import Column, readable
from fastdrift.tables.reader import Reader
from fastdrift.tables.table import Table, check_columns

# how frames of other libraries become one that is known
CONVERSIONS = ("to_pandas", "toPandas", "compute", "collect", "to_dataframe", "to_table")
# what only frames have: not `compute`, which arrays may have too
SIGNS = ("columns", "__dataframe__", "to_pandas", "toPandas", "to_dataframe", "to_table")
# what one column of a frame has
COLUMN_SIGNS = ("to_frame", "__arrow_c_array__")
FRAMES = "as with pandas.DataFrame(data), polars.DataFrame(data) or pyarrow.table(data)"
KNOWN = "pass rows × columns, as an array, or a frame of pandas, polars or Arrow"


class ArrayReader(Reader):
    """An array of rows × columns, or of one column."""

    named: ClassVar[bool] = False

    def __init__(self, data: Any, *, one_column: bool) -> None:
        array = as_array(data)
        self.shape = array.shape
        self.array = array[:, None] if array.ndim == 1 and one_column else array
        if self.array.ndim != 2:
            raise DataError(f"the table has {array.ndim} dimension(s): {KNOWN}")
        if array.dtype.kind not in "fiub" or array.dtype.itemsize > 8:
            raise DataError(f"the array holds {array.dtype}: convert it to float64")
        super().__init__(range(self.array.shape[1]), self.array.shape[0])

    def table(self, columns: Sequence[Hashable] | None = None, *, time: Hashable | None = None, **_: Any) -> Table:
        """Return all columns, or those at the places `columns`, as a table."""
        self.check_time(time)
        everything = list(range(self.array.shape[1]))
        places = everything if columns is None else [self.place_of(column) for column in columns]
        check_columns(places)
        if places == everything and readable(self.array):
            return Table(places, self.n_rows, self.array, [])
        return Table(places, self.n_rows, None, [Column(self.array[:, place]) for place in places])

    def place_of(self, column: Hashable) -> int:
        """Return a column's place; raise DataError if it is none."""
        n_columns = self.array.shape[1]
        if isinstance(column, (int, np.integer)) and not isinstance(column, bool) and 0 <= column < n_columns:
            return int(column)
        raise DataError(f"column {column!r} is not there: an array's columns are 0 … {n_columns - 1}")

    def check_time(self, time: Hashable | None) -> None:
        """Raise DataError unless `time` is None: an array has numbers alone."""
        if time is not None:
            raise DataError(f"time is {time!r}, but an array has no column of times: pass a frame, or leave time out")

    def scores(self, values: Floats, _time: Hashable | None, _name: str = "score") -> Any:
        """Return the values as they are."""
        return values

    def like(self, values: Floats, _time: Hashable | None) -> Any:
        """Return the values in the shape of the original."""
        return values.reshape(self.shape)


def as_array(data: Any) -> npt.NDArray[Any]:
    """Return `data` as an array; raise DataError if it is masked, ragged, or no array at all."""
    if isinstance(data, np.ma.MaskedArray):
        raise DataError("the array is masked: fill it, as with data.filled(np.nan), so that what is missing is NaN")
    if isinstance(data, np.ndarray):
        return data
    _refuse_strangers(data)
    try:
        array = np.asarray(data)
    except (TypeError, ValueError) as error:
        raise DataError(_ragged(data) or f"the table is a {_kind(data)}, and no array: {error}") from error
    if array.ndim == 0 and array.dtype == object:
        raise DataError(f"the table is a {_kind(data)}: {KNOWN}")
    return array


def _refuse_strangers(data: Any) -> None:
    """Raise DataError for what numpy would take apart, or by place, though its columns have names."""
    if isinstance(data, (list, tuple)):
        # numpy would take each for a row
        strange = next((one for kind, one in {type(one): one for one in data}.items() if _is_named(kind)), None)
        if strange is not None:
            kinds = f"{_kind(strange).removesuffix('s')}s"
            raise DataError(f"the table is a {_kind(data)} of {kinds}: {_way(strange)}")
        return
    if isinstance(data, Mapping):
        raise DataError(f"the table is a {_kind(data)}: make a frame of it, {FRAMES}")
    if data is None or isinstance(data, (str, bytes, Set, Iterator)):
        raise DataError(f"the table is a {_kind(data)}: {KNOWN}")
    # asked of the type: an object's own answer may run a query
    if any(hasattr(type(data), sign) for sign in SIGNS):
        way = next((f".{name}()" for name in CONVERSIONS if hasattr(type(data), name)), None)
        remedy = f"make one of it first, as with {way}" if way else "make one of it first"
        raise DataError(f"the table is a {_kind(data)}, not a frame of pandas, polars or Arrow: {remedy}")


def _is_named(kind: type) -> bool:
    """Return whether objects of a type hold names, or are columns, of which a list is no list of rows."""
    return issubclass(kind, Mapping) or any(hasattr(kind, sign) for sign in (*SIGNS, *COLUMN_SIGNS))


def _way(part: Any) -> str:
    """Say what to do with a list of such parts."""
    if isinstance(part, Mapping):
        return f"make a frame of it, {FRAMES}"
    if hasattr(type(part), "columns") or hasattr(type(part), "column_names"):
        return "give one at a time; only `fit`, and `accept` as its baseline, take several stretches"
    return "make one frame of them, as with pandas.concat(data, axis=1) where each is a column"


def _kind(data: Any) -> str:
    kind, name = type(data), type(data).__qualname__
    root = kind.__module__.partition(".")[0]
    # by the name that users write, where it is that: pandas.Series, not pandas.core.series.Series
    place = root if getattr(sys.modules.get(root), name, None) is kind else kind.__module__
    return name if place == "builtins" else f"{place}.{name}"


def _ragged(data: Any) -> str | None:
    """Say which row of a list is of another length than the first, if that is what is wrong."""
    try:
        lengths = [len(row) for row in data]
    except TypeError:
        return None
    row = next((row for row, length in enumerate(lengths) if length != lengths[0]), None)
    if row is None:
        return None
    return f"row {row} holds {lengths[row]} numbers and row 0 {lengths[0]}: give every row as many"
