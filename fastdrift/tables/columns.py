"""Columns that lie where their owner put them: in pieces, in other dtypes, each somewhere else in memory."""

from __future__ import annotations

import bisect
import functools
import itertools
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
    def ends(self) -> list[int]:
        """The row after the last of each part."""
        return list(itertools.accumulate(len(part) for part in self.parts))

    @property
    def dtype(self) -> np.dtype[Any]:
        """float32 if that is what all parts hold, else float64."""
        narrow = all(isinstance(part, np.ndarray) and part.dtype == np.float32 for part in self.parts)
        return np.dtype(np.float32 if self.parts and narrow else np.float64)

    def pieces(self, start: int, stop: int) -> list[npt.NDArray[Any]]:
        """Return rows `start` … `stop` - 1 part by part, each where it lies unless it must be converted."""
        if len(self.parts) == 1:
            return [self.parts[0][start:stop]]
        pieces = []
        # by bisect: numpy's searchsorted and cumsum took 3 % of the score of a table in two chunks
        index = bisect.bisect_right(self.ends, start)
        while start < stop:
            part, end = self.parts[index], self.ends[index]
            begin = end - len(part)
            if end > start:
                pieces.append(part[start - begin : min(stop, end) - begin])
            start, index = max(start, end), index + 1
        return pieces or [np.empty(0, self.dtype)]

    def read(self, start: int, stop: int) -> npt.NDArray[Any]:
        """Return rows `start` … `stop` - 1, where they lie if that is in one part and nothing need be converted."""
        pieces = self.pieces(start, stop)
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces, dtype=self.dtype)


def absent_column(n_rows: int, dtype: np.dtype[Any]) -> Column:
    """Return a column of NaN that takes no memory."""
    return Column(np.broadcast_to(np.array(np.nan, dtype), n_rows))


class Laid(NamedTuple):
    """Rows where they lie, for kernels alone: what lies between the columns may be nobody's memory."""

    rows: Rows
    places: Indices  # which column of `rows` each of the table's is
    held: Sequence[npt.NDArray[Any]]  # whose memory it is, which must outlive the rows


def lay_out(columns: Sequence[Sequence[npt.NDArray[Any]]], n_rows: int, dtype: np.dtype[Any]) -> Laid:
    """Lay a view over columns of `n_rows` rows, wherever each lies; those in pieces or of another dtype are copied.

    The view starts at the lowest address and its columns are one number apart, so that each of ours is one of its,
    most likely far beyond its width: kernels take what they are told.
    """
    is_copied = [len(pieces) > 1 or not is_dense(pieces[0], dtype) for pieces in columns]
    block = iter(np.empty((sum(is_copied), n_rows), dtype))
    held = [
        _filled(next(block), pieces) if copied else pieces[0] for pieces, copied in zip(columns, is_copied, strict=True)
    ]
    addresses = np.array([column.__array_interface__["data"][0] for column in held])
    lowest = int(addresses.argmin())
    places = (addresses - addresses[lowest]) // dtype.itemsize
    shape = (n_rows, min(int(places.max()) + 1, MANY_COLUMNS))
    rows = np.lib.stride_tricks.as_strided(held[lowest], shape, (dtype.itemsize,) * 2, writeable=False)
    return Laid(rows, places, held)


def _filled(target: npt.NDArray[Any], pieces: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    start = 0
    for piece in pieces:
        target[start : start + len(piece)] = piece
        start += len(piece)
    return target


def is_dense(part: Part, dtype: np.dtype[Any]) -> bool:
    """Return whether a part lies in memory as one number of `dtype` after the other, at a multiple of its size."""
    if not isinstance(part, np.ndarray) or part.dtype != dtype or not part.dtype.isnative:
        return False
    # aligned is a multiple of the size on every machine that Numba knows
    return part.flags.c_contiguous and part.flags.aligned


def readable(array: npt.NDArray[Any]) -> bool:
    """Return whether kernels can read an array where it lies."""
    return array.dtype in (np.float64, np.float32) and array.dtype.isnative and bool(array.flags.aligned)
