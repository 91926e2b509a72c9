"""Parquet files."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import IO, Any

from fastdrift.errors import FileError
from fastdrift.files.disk import first_line, reading
from fastdrift.files.source import Layout, Source
from fastdrift.tables.roles import speaks_of_time


def parquet_layout(source: Source) -> Layout:
    """Return the names of the columns and that of the time index; an index of anything else is no column."""
    import pyarrow as pa
    from pyarrow import parquet

    with _reading_parquet(source) as file:
        schema = parquet.read_schema(file)
    marked = (schema.pandas_metadata or {}).get("index_columns", ())
    index = [name for name in marked if isinstance(name, str) and name in schema.names]
    times = [name for name in index if pa.types.is_timestamp(schema.types[schema.names.index(name)])]
    names = [name for name in schema.names if name not in index or name in times]
    may_be_times = [name for name in names if speaks_of_time(name) or pa.types.is_integer(schema.field(name).type)]
    return Layout(names, next(iter(times), None), may_be_times)


@contextlib.contextmanager
def _reading_parquet(source: Source) -> Iterator[IO[bytes]]:
    import pyarrow as pa

    with reading(source), source.open() as file:
        try:
            yield file
        except (pa.ArrowException, OSError) as error:
            if getattr(error, "errno", None) is not None:  # it is not the file's fault but the disk's
                raise
            reason = first_line(error)
            raise FileError(f"{source}: it is not a Parquet file, or it is damaged ({reason})") from error


def read_parquet(source: Source, names: list[str]) -> Any:
    """Read columns of a Parquet file into an Arrow table."""
    from pyarrow import parquet

    with _reading_parquet(source) as file:
        # without partitioning: names of the folders that the file lies in are no columns
        return parquet.read_table(file, columns=names, partitioning=None)
