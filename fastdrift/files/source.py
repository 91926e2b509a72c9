"""Where a table is read from: a file known by its ending, or a stream known by its first bytes."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple, cast

from fastdrift.errors import FileError
from fastdrift.files.disk import PathLike, check_is_file, reading, table_ending

# the first bytes of what has such an ending
MAGICS = {".parquet": b"PAR1", ".gz": b"\x1f\x8b", ".zst": b"\x28\xb5\x2f\xfd"}
PACKINGS = {".gz": "gzip", ".zst": "zstd"}
_PIECE_BYTES = 1 << 20


@dataclass(frozen=True)
class Source:
    """A table to read: what messages call it, an ending for its kind, and a file or a stream that can go back."""

    name: str
    ending: str
    place: Path | IO[bytes]

    def __str__(self) -> str:
        """Return what messages call it."""
        return self.name

    @property
    def packing(self) -> str | None:
        """How it is packed, if it is."""
        return PACKINGS.get(Path(self.ending).suffix)

    def open(self) -> IO[bytes]:
        """Open the file as it is, or the stream from its start."""
        if isinstance(self.place, Path):
            return self.place.open("rb")
        again = os.fdopen(os.dup(self.place.fileno()), "rb")
        again.seek(0)
        return again

    def unpacked(self) -> IO[bytes]:
        """Open what is in the file as an Arrow stream, which unpacks it."""
        import pyarrow as pa

        return cast("IO[bytes]", pa.input_stream(self.open(), compression=self.packing))


class Layout(NamedTuple):
    """What is known of a table before its values are read.

    Names, which of them is marked as the time and which others may hold it, and what separates columns.
    """

    names: list[str]
    time: str | None
    may_be_times: list[str]
    separator: str = ","


def as_source(table: PathLike | Source) -> Source:
    """Return a file as something to read a table from; nothing is opened that is no file."""
    if isinstance(table, Source):
        return table
    path = Path(table)
    check_is_file(path)
    return Source(str(path), table_ending(path), path)


@contextlib.contextmanager
def spooled(stream: IO[bytes], name: str = "standard input") -> Iterator[Source]:
    """Yield a stream, such as ``sys.stdin.buffer``, as something to read a table from, more than once.

    Its first bytes say whether it is Parquet or CSV, and whether that is packed. A stream that is no file is kept in a
    temporary one meanwhile, so the memory this takes does not grow with it.
    """
    with contextlib.ExitStack() as stack:
        file = stream if _is_file(stream) else stack.enter_context(_copy(stream, name))
        file.seek(0)
        first = file.read(max(map(len, MAGICS.values())))
        kind = next((ending for ending, magic in MAGICS.items() if first.startswith(magic)), "")
        yield Source(name, kind if kind == ".parquet" else f".csv{kind}", file)


def _is_file(stream: IO[bytes]) -> bool:
    try:
        return stat.S_ISREG(os.fstat(stream.fileno()).st_mode) and stream.tell() == 0
    except (AttributeError, OSError):
        return False


@contextlib.contextmanager
def _copy(stream: IO[bytes], name: str) -> Iterator[IO[bytes]]:
    with contextlib.ExitStack() as stack:
        try:
            file = stack.enter_context(tempfile.TemporaryFile(prefix="fastdrift-"))
            while piece := _next_piece(stream, name):
                file.write(piece)
            file.flush()
        except OSError as error:
            reason = error.strerror or error
            raise FileError(f"{name}: it cannot be kept in a temporary file ({reason}): set TMPDIR") from error
        yield cast("IO[bytes]", file)


def _next_piece(stream: IO[bytes], name: str) -> bytes:
    with reading(name):
        return stream.read(_PIECE_BYTES)
