"""The disk: whole files or none, and errors that name the file."""

from __future__ import annotations

import contextlib
import csv
import gzip
import json
import os
import secrets
import shutil
import stat
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO

from fastdrift.errors import FileError


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
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


def first_line(error: Exception) -> str:
    """Return the first line of what an error says."""
    return str(error).partition("\n")[0]


PathLike = str | os.PathLike[str]

ENDINGS = (".csv", ".csv.gz", ".parquet")


def table_ending(path: Path) -> str:
    """Return which of the endings of tables a file has."""
    ending = next((ending for ending in ENDINGS if path.name.lower().endswith(ending)), None)
    if ending is None:
        raise FileError(f"{path}: a table is a file that ends in {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}")
    return ending


def write_json(document: object, path: PathLike) -> None:
    """Write a document as JSON."""
    write_bytes((json.dumps(document, indent=2, allow_nan=False) + "\n").encode(), path)


def write_bytes(content: bytes, path: PathLike) -> None:
    """Write bytes to a file."""
    with replacing(Path(path)) as file:
        file.write(content)


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise FileError(f"{path}: it cannot be written ({error.strerror or error})") from error


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Yield a file that takes the place of `path` once it is written, and leaves no trace if it never is."""
    with _writing(path):
        target = path.resolve()  # a link stays, and what it points to is replaced
        if target.exists() and not stat.S_ISREG(target.stat().st_mode):
            with target.open("wb") as file:  # a device or a pipe cannot be replaced
                yield file
            return
        partial = target.with_name(f".{secrets.token_hex(8)}.partial")
        try:
            with partial.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            if target.exists():
                shutil.copymode(target, partial)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)


@contextlib.contextmanager
def staged(
    directory: PathLike, *, replaces: Iterable[str] = (), settle: Callable[[], None] = lambda: None
) -> Iterator[Path]:
    """Yield a directory whose files move to `directory` once all are written; if they never are, it is as before.

    `directory` and its parents are made. Of what is in it, the files named in `replaces` go, and no others. `settle` is
    called once, when all are written or never will be, right before they are moved or removed; if it raises, they are
    removed.
    """
    with _writing(Path(directory)):
        directory = Path(directory).absolute()
        # on the same disk as where the files go: a move must not become a copy
        home = next(place for place in (directory, *directory.parents) if place.exists())
        with tempfile.TemporaryDirectory(prefix=".fastdrift-", dir=home, ignore_cleanup_errors=True) as name:
            stage = Path(name)
            try:
                yield stage
            finally:
                settle()
            files = [path.relative_to(stage) for path in stage.rglob("*") if path.is_file()]
            for parent in {(directory / file).parent for file in files}:
                parent.mkdir(parents=True, exist_ok=True)
            for old in replaces:
                (directory / old).unlink(missing_ok=True)
            for file in files:
                (stage / file).replace(directory / file)
