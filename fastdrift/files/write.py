"""Writing files whole or not at all: what was there stays until all of the new is on the disk."""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
from collections.abc import Iterable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from fastdrift.files.disk import PathLike, replacing, table_ending

if TYPE_CHECKING:
    import pandas as pd


def write_table(table: pd.DataFrame | Iterable[pd.DataFrame], path: PathLike) -> None:
    """Write a frame, or one that comes in pieces, to a CSV or Parquet file by its ending.

    The index becomes the first column, unless it is a count without a name.
    """
    import pandas as pd

    path = Path(path)
    write = {".csv": write_csv, ".csv.gz": _write_gzip, ".parquet": _write_parquet}[table_ending(path)]
    with replacing(path) as file:
        write([table] if isinstance(table, pd.DataFrame) else table, file)


def write_csv(pieces: Iterable[pd.DataFrame], file: IO[bytes]) -> None:
    """Write frames as one CSV, every number with the fewest digits that give it back.

    pyarrow takes 0.25 s for 300,000 rows × 8 columns where pandas takes 2.5 s.
    """
    from pyarrow import csv as arrow_csv

    options = arrow_csv.WriteOptions(include_header=False)  # it would put every name in quotes
    for number, piece in enumerate(pieces):
        table = _with_short_times(_to_arrow(piece))
        if not number:
            header = io.StringIO()
            csv.writer(header, lineterminator="\n").writerow(table.column_names)
            file.write(header.getvalue().encode())
        arrow_csv.write_csv(table, file, options)


def _write_gzip(pieces: Iterable[pd.DataFrame], file: IO[bytes]) -> None:
    with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
        write_csv(pieces, cast("IO[bytes]", packed))


def _write_parquet(pieces: Iterable[pd.DataFrame], file: IO[bytes]) -> None:
    from pyarrow import parquet

    tables = map(_to_arrow, pieces)
    first = next(tables)
    with parquet.ParquetWriter(file, first.schema, compression="zstd") as writer:
        writer.write_table(first)
        for table in tables:
            writer.write_table(table)


def _to_arrow(frame: pd.DataFrame) -> Any:
    import pandas as pd
    import pyarrow as pa

    is_count = isinstance(frame.index, pd.RangeIndex) and frame.index.name is None
    table = pa.Table.from_pandas(frame, preserve_index=not is_count)
    names = table.column_names
    return table if is_count else table.select([names[-1], *names[:-1]])


def _with_short_times(table: Any) -> Any:
    """Return a table whose times have no more digits of a second than they need."""
    import pyarrow as pa

    for place, field in enumerate(table.schema):
        if not pa.types.is_timestamp(field.type):
            continue
        for unit in ("ms", "s"):
            with contextlib.suppress(pa.ArrowInvalid):
                times = table.column(place).cast(pa.timestamp(unit, field.type.tz))
                table = table.set_column(place, field.name, times)
    return table
