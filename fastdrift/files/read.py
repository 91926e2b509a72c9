"""Tables read from CSV and Parquet files, or from a stream."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict, Unpack, cast

from fastdrift.errors import DataError
from fastdrift.files.csv import csv_layout, read_csv
from fastdrift.files.disk import PathLike
from fastdrift.files.parquet import parquet_layout, read_parquet
from fastdrift.files.parse import UNIT_NAMES, epoch_of, holds_times, numbers, time_index
from fastdrift.files.source import Layout, Source, as_source
from fastdrift.tables.roles import TimeUnit, speaks_of_time
from fastdrift.tables.table import listed

if TYPE_CHECKING:
    import pandas as pd


TIME_NAMES = ("timestamp", "@timestamp", "datetime", "time", "date")


class NotedTable(NamedTuple):
    """A table that was read, and a line for each thing that was taken for something without being asked."""

    frame: pd.DataFrame
    notes: tuple[str, ...]


class Reading(TypedDict, total=False):
    """The options of `read_noted_table`."""

    timestamp: str | None
    columns: Sequence[str] | None
    drop: Collection[str]
    metrics: Collection[str]
    any_order: bool
    text: bool


def read_table(table: PathLike | Source, **options: Unpack[Reading]) -> pd.DataFrame:
    """Read a table of numbers in time order from a CSV or Parquet file: the frame of `read_noted_table` alone."""
    return read_noted_table(table, **options).frame


def read_noted_table(
    table: PathLike | Source,
    *,
    timestamp: str | None = None,
    columns: Sequence[str] | None = None,
    drop: Collection[str] = (),
    metrics: Collection[str] = (),
    any_order: bool = False,
    text: bool = False,
) -> NotedTable:
    """Read a table of numbers in time order from a CSV or Parquet file, and say what was taken for what.

    Parameters
    ----------
    table : path-like or Source
        A file that ends in ``.csv`` or ``.tsv``, with ``.gz`` or ``.zst`` after it if it is packed, or in ``.parquet``;
        or what `spooled` made of a stream.
    timestamp : str, optional
        The column that holds the time. By default the time index of a Parquet file or a first column of times without
        a name, as pandas writes one; else the column called timestamp, @timestamp, datetime, time or date; else the
        first one of times that is called like one, such as ts, time_ms or epoch, or of times since 1970.
    columns : sequence of str, optional
        The columns to read, in this order; all of them by default.
    drop : collection of str
        Columns to leave out.
    metrics : collection of str
        Columns that are not the time, whatever they are called.
    any_order : bool, default False
        Take rows whose timestamps go back, for `clean` to sort.
    text : bool, default False
        Take columns of text that holds something else than numbers, for `clean` to read.

    Returns
    -------
    NotedTable
        ``(frame, notes)``: numeric columns, in Parquet's own types; the time as index, else row numbers.

    Raises
    ------
    FileError
        If there is no such file, or it is not what its ending says.
    DataError
        If it is no table of numbers in time order; the message names the column, and the row counted from 0.

    Notes
    -----
    Columns of a CSV are separated by commas, semicolons, tabs or bars, whichever fits the first rows. Beside commas a
    number may have a decimal comma. A gap is an empty value or one of the words `fastdrift.files.csv.GAPS`: NA, N/A,
    NaN, NULL, None and their like. Times since 1970, in UTC, are what `fit` takes for such:
    `fastdrift.tables.roles.time_unit` has the rule. Here they may come in any order, for whoever reads to sort.
    """
    source = as_source(table)
    layout = _read_layout(source)
    others = {*(columns or ()), *drop, *metrics}
    time = _find_time(source, layout, timestamp, others)
    guesses = [] if time is not None else _guesses(layout, others, all_read=columns is None)
    wanted = _choose(source, layout, columns, drop, time)
    read, notes = _read_columns(source, layout, wanted, guesses if time is None else [time])
    if not read.num_rows:
        raise DataError(f"{source}: there is no row below the columns' names")
    guess = next((name for name in guesses if holds_times(read.column(name), name)), None)
    if guess is not None:
        time, wanted = guess, _choose(source, layout, columns, drop, guess)
    if time is None:
        return NotedTable(_frame(source, read, wanted, text=text), notes)
    unit = epoch_of(read.column(time), "time")
    times = time_index(source, read.column(time), time, unit, any_order=any_order)
    if unit is not None or (timestamp is None and time in ("", guess)):
        notes = (*notes, _note(time, unit))
    return NotedTable(_frame(source, read, wanted, text=text).set_axis(times), notes)


def column_names(table: PathLike | Source) -> list[str]:
    """Return the names of the columns of a CSV or Parquet file, those that hold the time among them."""
    return _read_layout(as_source(table)).names


def _read_layout(source: Source) -> Layout:
    layout = parquet_layout(source) if source.ending == ".parquet" else csv_layout(source)
    twice = next((name for name, count in Counter(layout.names).items() if count > 1), None)
    if twice is not None:
        raise DataError(f"{source}: column {twice!r} is there twice: rename or drop one")
    return layout


def _find_time(source: Source, layout: Layout, asked: str | None, others: Collection[str]) -> str | None:
    if asked is None:
        called = {name.lower(): name for name in reversed(layout.names) if name not in others}
        named = next((called[name] for name in TIME_NAMES if name in called), None)
        return named if layout.time is None else layout.time
    if asked not in layout.names:
        raise DataError(
            f"{source}: column {asked!r}, said to hold the time, is not there; there are {listed(layout.names)}"
        )
    return asked


def _guesses(layout: Layout, others: Collection[str], *, all_read: bool) -> list[str]:
    """Return the columns that may be the time; of those that are not read anyway, the ones that are called so."""
    return [name for name in layout.may_be_times if name not in others and (all_read or speaks_of_time(name))]


def _choose(
    source: Source, layout: Layout, columns: Sequence[str] | None, drop: Collection[str], time: str | None
) -> list[str]:
    names = layout.names
    unknown = next((name for name in (*(columns or ()), *drop) if name not in names), None)
    if unknown is not None:
        raise DataError(f"{source}: column {unknown!r} is not there; there are {listed(names)}")
    chosen = [name for name in (names if columns is None else columns) if name != time and name not in drop]
    if not chosen:
        raise DataError(f"{source}: no column of numbers is left; there are {listed(names)}")
    if "" in chosen:
        raise DataError(
            f"{source}: column {names.index('')} has no name: name it, or write the file without row numbers"
        )
    return chosen


def _read_columns(source: Source, layout: Layout, wanted: list[str], times: list[str]) -> tuple[Any, tuple[str, ...]]:
    """Return an Arrow table of some columns, and notes on how it was read."""
    if source.ending == ".parquet":
        return read_parquet(source, list(dict.fromkeys([*wanted, *times]))), ()
    return read_csv(source, layout, wanted, times)


def _frame(source: Source, read: Any, wanted: list[str], *, text: bool) -> pd.DataFrame:
    import pyarrow as pa

    columns = [numbers(source, read.column(name), name, text=text) for name in wanted]
    return cast("pd.DataFrame", pa.table(columns, names=wanted).to_pandas())


def _note(time: str, unit: TimeUnit | None) -> str:
    what = f"column {time!r}" if time else "the first column, which has no name,"
    return f"{what} is taken as the time{'' if unit is None else f': {UNIT_NAMES[unit]} since 1970, in UTC'}"
