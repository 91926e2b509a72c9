"""Rows that two tables share, told by their times, or by blocks of rows that hold the same numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastdrift.tables.table import Table

Hashes = npt.NDArray[np.uint64]

# odd numbers for mixing; the inverse of the first modulo 2 ** 64
ROW, MIX = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9
INVERSE = pow(ROW, -1, 1 << 64)


def row_in_both(table: Table, other: Table, block: int) -> tuple[int, int] | None:
    """Return a row of a table and the row of another that it is, or None if they share none.

    Where both have times, rows of one time are one. Else rows are those of a block of so many rows with the same
    numbers; where a system rests all rows are alike, and tell nothing.
    """
    if table.times is not None and other.times is not None:
        return _first_common(_known(table.times), _known(other.times))
    return _first_common(_block_hashes(_row_hashes(table), block), _block_hashes(_row_hashes(other), block))


def _first_common(keys: tuple[Any, Any], others: tuple[Any, Any]) -> tuple[int, int] | None:
    """Return the places of the first of some keys that is among others; both are places and keys."""
    found = np.flatnonzero(np.isin(keys[1], others[1]))
    if not found.size:
        return None
    place = int(np.flatnonzero(others[1] == keys[1][found[0]])[0])
    return int(keys[0][found[0]]), int(others[0][place])


def _known(times: Any) -> tuple[Any, Any]:
    places = np.flatnonzero(~np.isnat(times))
    return places, times[places]


def _row_hashes(table: Table) -> Hashes:
    hashes = np.zeros(table.n_rows, np.uint64)
    for start, rows in table.chunks():
        here = hashes[start : start + len(rows)]
        for column in range(table.n_columns):
            numbers = rows[:, column].astype(np.float64) + 0.0
            numbers[np.isnan(numbers)] = np.nan
            here[:] = _mixed(here + numbers.view(np.uint64))
    return hashes


def _mixed(hashes: Hashes) -> Hashes:
    hashes = (hashes ^ (hashes >> np.uint64(30))) * np.uint64(MIX)
    return (hashes ^ (hashes >> np.uint64(27))) * np.uint64(ROW)


def _block_hashes(hashes: Hashes, block: int) -> tuple[Any, Hashes]:
    """Return the first rows of blocks that are not one row over and over, and a hash of each: a polynomial."""
    n_blocks = hashes.size - block + 1
    if n_blocks < 1:
        return np.zeros(0, np.int64), np.zeros(0, np.uint64)
    powers, inverses = (
        np.cumprod(np.append(np.uint64(1), np.full(hashes.size - 1, base, np.uint64)), dtype=np.uint64)
        for base in (ROW, INVERSE)
    )
    sums = np.append(np.uint64(0), np.cumsum(hashes * powers, dtype=np.uint64))
    moves = np.append(0, np.cumsum(hashes[1:] != hashes[:-1]))
    places = np.flatnonzero(moves[block - 1 :] > moves[:n_blocks])
    blocks = (sums[block:] - sums[:-block]) * inverses[:n_blocks]
    return places, blocks[places]
