"""Parquet files."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fastdrift.errors import FileError
from fastdrift.files.disk import first_line, reading


def parquet_names(path: Path) -> tuple[list[str], str | None]:
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

    with reading(path):
        try:
            yield
        except (pa.ArrowException, OSError) as error:
            if getattr(error, "errno", None) is not None:  # it is not the file's fault but the disk's
                raise
            reason = first_line(error)
            raise FileError(f"{path}: it is not a Parquet file, or it is damaged ({reason})") from error


def read_parquet(path: Path, names: list[str], time: str | None) -> Any:
    """Read columns of a Parquet file into an Arrow table."""
    from pyarrow import parquet

    with _reading_parquet(path):
        # without partitioning: names of the folders that the file lies in are no columns
        return parquet.read_table(path, columns=names if time is None else [*names, time], partitioning=None)
