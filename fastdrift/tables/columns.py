"""Columns that lie where their owner put them: in pieces, in other dtypes, each somewhere else in memory."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fastdrift.arrays import Indices, Rows

# as wide as a view need be, for kernels to know that its columns are not side by side: numpy can't count any width
MANY_COLUMNS = 1 << 20


class Converted:
    """A part of a column whose numbers are made when they are asked for.

    `convert(start, stop)` returns rows `start` … `stop` - 1 of the part as float64, NaN where there is none.
    """

    def __init__(self, n_rows: int, convert: Callable[[int, int], npt.NDArray[Any]]) -> None:
        self.n_rows, self.convert = n_rows, convert

    def __len__(self) -> int:
        return self.n_rows

    def __getitem__(self, rows: slice) -> npt.NDArray[Any]:
        start, stop, _ = rows.indices(self.n_rows)
        return np.asarray(self.convert(start, stop))


Part = npt.NDArray[Any] | Converted


class Column:
    """Numbers of a column, in one part or in several one after the other."""

    def __init__(self, *parts: Part) -> None:
        self.parts = parts

    @functools.cached_property
    def ends(self) -> Indices:
        """The row after the last of each part."""
        return np.cumsum([len(part) for part in self.parts])

    @property
    def dtype(self) -> np.dtype[Any]:
        """float32 if that is what all parts hold, else float64."""
        narrow = all(isinstance(part, np.ndarray) and part.dtype == np.float32 for part in self.parts)
        return np.dtype(np.float32 if self.parts and narrow else np.float64)

    def read(self, start: int, stop: int) -> npt.NDArray[Any]:
        """Return rows `start` … `stop` - 1, where they lie if that is in one part and nothing need be converted."""
        if len(self.parts) == 1:
            return self.parts[0][start:stop]
        if start >= stop:
            return np.empty(0, self.dtype)
        first, last = np.searchsorted(self.ends, [start, stop - 1], side="right")
        begins = self.ends[first : last + 1] - [len(part) for part in self.parts[first : last + 1]]
        pieces = [
            part[max(start - begin, 0) : stop - begin]
            for part, begin in zip(self.parts[first : last + 1], begins.tolist(), strict=True)
        ]
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces, dtype=self.dtype)


class Laid(NamedTuple):
    """Rows where they lie, for kernels alone: what lies between the columns may be nobody's memory."""

    rows: Rows
    places: Indices  # which column of `rows` each of the table's is
    held: Sequence[npt.NDArray[Any]]  # whose memory it is, which must outlive the rows


def lay_out(columns: Sequence[npt.NDArray[Any]], dtype: np.dtype[Any]) -> Laid:
    """Lay a view over columns of one length, wherever each lies; those of another dtype, or with gaps, are copied.

    The view starts at the lowest address and its columns are one number apart, so that each of ours is one of its,
    most likely far beyond its width: kernels take what they are told.
    """
    held = [column if is_dense(column, dtype) else column.astype(dtype, order="C") for column in columns]
    addresses = np.array([_address(column) for column in held])
    lowest = int(addresses.argmin())
    places = (addresses - addresses[lowest]) // dtype.itemsize
    shape = (len(held[lowest]), min(int(places.max()) + 1, MANY_COLUMNS))
    rows = np.lib.stride_tricks.as_strided(held[lowest], shape, (dtype.itemsize,) * 2, writeable=False)
    return Laid(rows, places, held)


def _address(array: npt.NDArray[Any]) -> int:
    return int(array.__array_interface__["data"][0])


def is_dense(part: Part, dtype: np.dtype[Any]) -> bool:
    """Return whether a part lies in memory as one number of `dtype` after the other, at a whole number's address."""
    if not isinstance(part, np.ndarray) or part.dtype != dtype or not part.dtype.isnative:
        return False
    return part.flags.c_contiguous and not _address(part) % dtype.itemsize


def readable(array: npt.NDArray[Any]) -> bool:
    """Return whether kernels can read an array where it lies."""
    return array.dtype in (np.float64, np.float32) and array.dtype.isnative and bool(array.flags.aligned)
