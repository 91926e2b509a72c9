"""Tables read from CSV and Parquet files."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from fastdrift.errors import DataError
from fastdrift.files.csv import csv_names, read_csv
from fastdrift.files.disk import PathLike, table_ending
from fastdrift.files.parquet import parquet_names, read_parquet
from fastdrift.files.parse import numbers, time_index

if TYPE_CHECKING:
    import pandas as pd


TIME_NAMES = ("timestamp", "datetime", "time", "date")


def read_table(
    path: PathLike,
    *,
    timestamp: str | None = None,
    columns: Sequence[str] | None = None,
    drop: Collection[str] = (),
    any_order: bool = False,
    text: bool = False,
) -> pd.DataFrame:
    """Read a table of numbers in time order from a CSV or Parquet file.

    Parameters
    ----------
    path : path-like
        A file that ends in ``.csv``, ``.csv.gz`` or ``.parquet``.
    timestamp : str, optional
        The column that holds the time. By default the time index of a Parquet file, or the column called timestamp,
        datetime, time or date, if there is one.
    columns : sequence of str, optional
        The columns to read, in this order; all of them by default.
    drop : collection of str
        Columns to leave out.
    any_order : bool, default False
        Take rows whose timestamps go back, for `clean` to sort.
    text : bool, default False
        Take columns of text that holds something else than numbers, for `clean` to read.

    Returns
    -------
    pandas.DataFrame
        Numeric columns, in Parquet's own types; the time as index, else row numbers.

    Raises
    ------
    FileError
        If there is no such file, or it is not what its ending says.
    DataError
        If it is no table of numbers in time order; the message names the column, and the row counted from 0.
    """
    import pyarrow as pa

    path = Path(path)
    names, index = _read_names(path)
    time = _find_time(path, names, timestamp, {*(columns or ()), *drop}) or index
    wanted = _choose(path, names, columns, {*drop} if time is None else {*drop, time})
    read = read_parquet if table_ending(path) == ".parquet" else read_csv
    table = read(path, wanted, time)
    if not table.num_rows:
        raise DataError(f"{path}: there is no row below the columns' names")
    times = None if time is None else time_index(path, table.column(time), time, any_order=any_order)
    metrics = pa.table([numbers(path, table.column(name), name, text=text) for name in wanted], names=wanted)
    frame = cast("pd.DataFrame", metrics.to_pandas())
    return frame if times is None else frame.set_axis(times)


def column_names(path: PathLike) -> list[str]:
    """Return the names of the columns of a CSV or Parquet file, those that hold the time among them."""
    return _read_names(Path(path))[0]


def _read_names(path: Path) -> tuple[list[str], str | None]:
    """Return the names of a file's columns, and that of its time index if it is marked as such."""
    names, index = parquet_names(path) if table_ending(path) == ".parquet" else (csv_names(path), None)
    twice = next((name for place, name in enumerate(names) if name in names[:place]), None)
    if twice is not None:
        raise DataError(f"{path}: column {twice!r} is there twice: rename or drop one")
    return names, index


def _find_time(path: Path, names: list[str], asked: str | None, others: Collection[str]) -> str | None:
    if asked is None:
        called = {name.lower(): name for name in reversed(names) if name not in others}
        return next((called[name] for name in TIME_NAMES if name in called), None)
    if asked not in names:
        raise DataError(f"{path}: column {asked!r}, said to hold the time, is not there; there are {_listed(names)}")
    return asked


def _choose(path: Path, names: list[str], columns: Sequence[str] | None, without: Collection[str]) -> list[str]:
    unknown = next((name for name in (*(columns or ()), *without) if name not in names), None)
    if unknown is not None:
        raise DataError(f"{path}: column {unknown!r} is not there; there are {_listed(names)}")
    chosen = [name for name in (names if columns is None else columns) if name not in without]
    if not chosen:
        raise DataError(f"{path}: no column of numbers is left; there are {_listed(names)}")
    if "" in chosen:
        raise DataError(f"{path}: column {names.index('')} has no name: name it, or write the file without row numbers")
    return chosen


def _listed(names: Sequence[str], limit: int = 8) -> str:
    shown = ", ".join(repr(name) for name in names[:limit])
    return shown + (f" and {len(names) - limit} more" if len(names) > limit else "")
