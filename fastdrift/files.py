"""Files: tables in CSV and Parquet, and models. With `writing`, the only room that touches the disk."""

from __future__ import annotations

import contextlib
import csv
import gzip
import os
import zlib
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

import numpy as np

from fastdrift import model_format
from fastdrift.errors import DataError, FileError, ModelError
from fastdrift.model import Model
from fastdrift.writing import PathLike, table_ending, write_bytes

if TYPE_CHECKING:
    import pandas as pd

TIME_NAMES = ("timestamp", "datetime", "time", "date")
# the factor of 8,000 columns; what is larger is no model
MAX_MODEL_BYTES = 1 << 31


def save_model(model: Model, path: PathLike) -> None:
    """Write a model to a file, whole or not at all; see `Model.save`."""
    write_bytes(model_format.encode(model), path)


def load_model(path: PathLike) -> Model:
    """Read a model that `Model.save` wrote; nothing in the file can run code.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    Model
        Scores byte for byte as the model that was saved.

    Raises
    ------
    FileError
        If there is no such file, or it cannot be read.
    ModelError
        If it is not a model, is damaged or comes from a newer version; the message says which and what to do.
    """
    path = Path(path)
    with _reading(path), path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        content = b"" if size > MAX_MODEL_BYTES else file.read()
    try:
        return model_format.decode(content)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error


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
    read = _read_parquet if table_ending(path) == ".parquet" else _read_csv
    table = read(path, wanted, time)
    if not table.num_rows:
        raise DataError(f"{path}: there is no row below the columns' names")
    times = None if time is None else _time_index(path, table.column(time), time, any_order=any_order)
    numbers = pa.table([_numbers(path, table.column(name), name, text=text) for name in wanted], names=wanted)
    frame = cast("pd.DataFrame", numbers.to_pandas())
    return frame if times is None else frame.set_axis(times)


def column_names(path: PathLike) -> list[str]:
    """Return the names of the columns of a CSV or Parquet file, those that hold the time among them."""
    return _read_names(Path(path))[0]


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn what goes wrong with a file into a FileError that says what it was."""
    try:
        yield
    except FileNotFoundError as error:
        raise FileError(f"{path}: there is no such file") from error
    except IsADirectoryError as error:
        raise FileError(f"{path}: it is a directory, not a file") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise FileError(f"{path}: it is not a CSV, which is text in UTF-8 ({error})") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise FileError(f"{path}: it is not a whole gzip file ({error})") from error
    except OSError as error:
        raise FileError(f"{path}: it cannot be read ({error.strerror or error})") from error


def _read_names(path: Path) -> tuple[list[str], str | None]:
    """Return the names of a file's columns, and that of its time index if it is marked as such."""
    names, index = _parquet_names(path) if table_ending(path) == ".parquet" else (_csv_names(path), None)
    twice = next((name for place, name in enumerate(names) if name in names[:place]), None)
    if twice is not None:
        raise DataError(f"{path}: column {twice!r} is there twice: rename or drop one")
    return names, index


def _csv_names(path: Path) -> list[str]:
    with _reading(path), _open_text(path) as file:
        names = next(filter(None, csv.reader(file)), None)
    if names is None:
        raise FileError(f"{path}: it is empty")
    if any("\0" in name for name in names):
        raise FileError(f"{path}: it is not a CSV but binary: check the file, or its ending")
    if len(names) == 1 and any(mark in names[0] for mark in ";\t|"):
        raise FileError(f"{path}: its columns are not separated by commas ({names[0][:40]!r}): write it with commas")
    if all(map(_is_number, names)) and names != [str(place) for place in range(len(names))]:
        raise DataError(f"{path}: the first line holds numbers ({names[0]}, …): put the columns' names there")
    return names


def _open_text(path: Path) -> IO[str]:
    if path.suffix.lower() == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _parquet_names(path: Path) -> tuple[list[str], str | None]:
    """Return the names of the columns and that of the time index; an index of anything else is no column."""
    import pyarrow as pa
    from pyarrow import parquet

    with _reading_parquet(path):
        schema = parquet.read_schema(path)
    marked = (schema.pandas_metadata or {}).get("index_columns", ())
    index = [name for name in marked if isinstance(name, str) and name in schema.names]
    times = [name for name in index if pa.types.is_timestamp(schema.types[schema.names.index(name)])]
    names = [name for name in schema.names if name not in index or name in times]
    return names, next(iter(times), None)


@contextlib.contextmanager
def _reading_parquet(path: Path) -> Iterator[None]:
    import pyarrow as pa

    with _reading(path):
        try:
            yield
        except (pa.ArrowException, OSError) as error:
            if getattr(error, "errno", None) is not None:  # it is not the file's fault but the disk's
                raise
            reason = _first_line(error)
            raise FileError(f"{path}: it is not a Parquet file, or it is damaged ({reason})") from error


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


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


def _read_parquet(path: Path, names: list[str], time: str | None) -> Any:
    from pyarrow import parquet

    with _reading_parquet(path):
        # without partitioning: names of the folders that the file lies in are no columns
        return parquet.read_table(path, columns=names if time is None else [*names, time], partitioning=None)


def _read_csv(path: Path, names: list[str], time: str | None) -> Any:
    """Read numbers to the last bit, which pandas' own parser does not, or all as text where some are none."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    times = {} if time is None else {time: pa.string()}
    reason = ""
    for kind in (pa.float64(), pa.string()):
        types = dict.fromkeys(names, kind) | times
        options = arrow_csv.ConvertOptions(column_types=types, include_columns=list(types), strings_can_be_null=True)
        try:
            with _reading(path):
                return arrow_csv.read_csv(path, convert_options=options)
        except pa.ArrowInvalid as error:
            reason = _first_line(error)
            _check_rows(path)
    raise FileError(f"{path}: it is not a CSV ({reason})")


def _check_rows(path: Path) -> None:
    """Raise DataError for the first line that has more or fewer values than the header has names."""
    with _reading(path), _open_text(path) as file:
        reader = csv.reader(file)
        rows = filter(None, reader)
        width = len(next(rows))
        for row in rows:
            if len(row) != width:
                raise DataError(f"{path}: line {reader.line_num} has {len(row)} values for {width} columns")


def _numbers(path: Path, column: Any, name: str, *, text: bool) -> Any:
    """Return an Arrow column as numbers, or name the first value that is none unless text may stay."""
    import pyarrow as pa
    from pyarrow import types

    kind = column.type
    if types.is_integer(kind) or types.is_floating(kind) or (types.is_boolean(kind) and not column.null_count):
        return column
    if types.is_boolean(kind) or types.is_decimal(kind) or types.is_null(kind):
        return column.cast(pa.float64())
    if not _is_text(kind):
        raise DataError(f"{path}: column {name!r} holds {kind}, not numbers: leave it out (fit with --drop {name})")
    for target in (pa.float64(), pa.bool_()):
        with contextlib.suppress(pa.ArrowInvalid):
            return column.cast(target).cast(pa.float64())
    if text:
        return column
    row = _first_text(column)
    raise DataError(
        f"{path}: column {name!r}, row {row}: {column[row].as_py()!r} is not a number: "
        f"correct it, leave the column out (fit with --drop {name}), or make it a gap with `fastdrift prepare`"
    )


def _is_text(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_string(kind) or types.is_large_string(kind))


def _first_text(column: Any) -> int:
    """Return the first row of a column of text that holds no number, by halving."""
    import pyarrow as pa

    low, high = 0, len(column)
    while high - low > 1:
        middle = (low + high) // 2
        try:
            column[low:middle].cast(pa.float64())
            low = middle
        except pa.ArrowInvalid:
            high = middle
    return low


def _time_index(path: Path, column: Any, name: str, *, any_order: bool) -> pd.Index[Any]:
    """Return a column as an index of times, or of numbers, that never goes back unless its times may."""
    import pandas as pd

    is_unnamed = name.startswith("__index_level_")  # what pandas calls it in Parquet
    index: pd.Index[Any] = pd.Index(_times(path, column, name), name="timestamp" if is_unnamed else name)
    missing = np.flatnonzero(index.isna())
    if missing.size:
        raise DataError(f"{path}: row {missing[0]} has no time in column {name!r}: fill it in, or drop the row")
    is_sortable = isinstance(index, pd.DatetimeIndex)
    if any_order and is_sortable:
        return index
    backward = np.flatnonzero(np.asarray(index[1:] < index[:-1]))
    if backward.size:
        row = int(backward[0]) + 1
        raise DataError(
            f"{path}: time goes back in column {name!r}: row {row} has {index[row]} after {index[row - 1]}: "
            f"sort the rows by time{', as `fastdrift prepare` does' if is_sortable else ''}"
        )
    return index


def _times(path: Path, column: Any, name: str) -> Any:
    import pandas as pd
    import pyarrow as pa

    if pa.types.is_date(column.type):
        return column.cast(pa.timestamp("s")).to_pandas()
    if not _is_text(column.type):
        return column.to_pandas()
    with contextlib.suppress(pa.ArrowInvalid):
        return column.cast(pa.float64()).to_pandas()
    texts = column.to_pandas()
    with contextlib.suppress(ValueError):
        return pd.to_datetime(texts, format="ISO8601")
    # some are no times, or they are of summer and winter
    times = pd.to_datetime(texts, format="ISO8601", errors="coerce", utc=True)
    wrong = np.flatnonzero(times.isna() & texts.notna())
    if wrong.size:
        raise DataError(
            f"{path}: column {name!r}, row {wrong[0]}: {texts[wrong[0]]!r} is not a time such as 2024-01-31 12:00:00: "
            f"correct it, or name the column that holds the time (--timestamp)"
        )
    return times
