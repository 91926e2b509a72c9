"""CSV files."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path
from typing import IO, Any

from fastdrift.errors import DataError, FileError
from fastdrift.files.disk import first_line, reading


def csv_names(path: Path) -> list[str]:
    """Return the names of the columns of a CSV file."""
    with reading(path), _open_text(path) as file:
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


def read_csv(path: Path, names: list[str], time: str | None) -> Any:
    """Read numbers to the last bit, which pandas' own parser does not, or all as text where some are none."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    times = {} if time is None else {time: pa.string()}
    reason = ""
    for kind in (pa.float64(), pa.string()):
        types = dict.fromkeys(names, kind) | times
        options = arrow_csv.ConvertOptions(column_types=types, include_columns=list(types), strings_can_be_null=True)
        try:
            with reading(path):
                return arrow_csv.read_csv(path, convert_options=options)
        except pa.ArrowInvalid as error:
            reason = first_line(error)
            _check_rows(path)
    raise FileError(f"{path}: it is not a CSV ({reason})")


def _check_rows(path: Path) -> None:
    """Raise DataError for the first line that has more or fewer values than the header has names."""
    with reading(path), _open_text(path) as file:
        reader = csv.reader(file)
        rows = filter(None, reader)
        width = len(next(rows))
        for row in rows:
            if len(row) != width:
                raise DataError(f"{path}: line {reader.line_num} has {len(row)} values for {width} columns")
