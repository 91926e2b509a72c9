"""Places in a table, as they are written on the command line: a row, a time, or a stretch from one to another."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from fastdrift.errors import DataError

if TYPE_CHECKING:
    import pandas as pd


def find_row(text: str, index: pd.Index[Any], option: str) -> int:
    """Return the row that a text means: its number, or the first row at a time or after it.

    One past the end is the number of rows; whether that will do is for the caller to say.
    """
    import pandas as pd

    if re.fullmatch(r"\s*[\d_,]+\s*", text):
        return int(text.replace(",", "").replace("_", ""))
    if not isinstance(index, pd.DatetimeIndex):
        raise DataError(f"{option} {text}: the rows have no times; give the number of a row, counted from 0")
    try:
        time = pd.Timestamp(text)
    except ValueError as error:
        raise DataError(
            f"{option} {text}: that is neither a row, counted from 0, nor a time such as 2024-03-01T06:00"
        ) from error
    if time.tzinfo is None:
        time = time.tz_localize(index.tz)
    elif index.tz is None:
        time = time.tz_convert("UTC").tz_localize(None)
    return int(index.searchsorted(time))


def find_since(since: str | None, last: int | None, index: pd.Index[Any]) -> int:
    """Return the first of the rows that --since or --last asks about; 0 without either."""
    n_rows = len(index)
    if last is not None:
        return max(0, n_rows - last)
    row = 0 if since is None else find_row(since, index, "--since")
    if row >= n_rows:
        raise DataError(f"--since {since}: no row is so late; the last is {_named_row(n_rows - 1, index)}")
    return row


def find_stretch(text: str, index: pd.Index[Any], option: str) -> tuple[int, int]:
    """Return the first row of FROM..TO and the row after its last: TO is not of it; an end left out is the table's."""
    first, mark, last = text.partition("..")
    n_rows = len(index)
    if not mark or not (first.strip() or last.strip()):
        raise DataError(f"{option} {text}: give FROM..TO, such as 600..720 or 2024-03-01T00:00..2024-03-02T06:00")
    start = find_row(first, index, option) if first.strip() else 0
    stop = find_row(last, index, option) if last.strip() else n_rows
    if not 0 <= start < stop <= n_rows:
        raise DataError(f"{option} {text}: no row lies there; there are rows 0 to {_named_row(n_rows - 1, index)}")
    return start, stop


def _named_row(row: int, index: pd.Index[Any]) -> str:
    import pandas as pd

    return f"{row} ({index[row]})" if isinstance(index, pd.DatetimeIndex) else str(row)
