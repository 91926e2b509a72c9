"""The disk: whole files or none, and errors that name the file."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO

from fastdrift.errors import FileError
from fastdrift.files.scratch import scratch_file, scratch_folder

PathLike = str | os.PathLike[str]

ENDINGS = (".csv", ".csv.gz", ".csv.zst", ".tsv", ".tsv.gz", ".tsv.zst", ".parquet")


@contextlib.contextmanager
def reading(name: object, packing: str | None = None) -> Iterator[None]:
    """Turn what goes wrong with a file, which may be packed as gzip or zstd, into a FileError that says what it was."""
    try:
        yield
    except FileNotFoundError as error:
        raise FileError(f"{name}: there is no such file") from error
    except IsADirectoryError as error:
        raise FileError(f"{name}: it is a directory, not a file") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise FileError(f"{name}: it is not a CSV, which is text in UTF-8 ({error})") from error
    except OSError as error:
        if packing is not None and error.errno is None:  # of Arrow, which unpacks
            raise FileError(f"{name}: it is not a whole {packing} file ({first_line(error)})") from error
        raise FileError(f"{name}: it cannot be read ({error.strerror or error})") from error


def check_is_file(path: Path) -> None:
    """Raise FileError if there is something else than a file: it may be endless, or make whoever opens it wait."""
    try:
        mode = path.stat().st_mode
    except OSError:  # whoever opens it is told
        return
    if stat.S_ISDIR(mode):
        raise FileError(f"{path}: it is a directory, not a file")
    if not stat.S_ISREG(mode):
        kind = "pipe" if stat.S_ISFIFO(mode) else "socket" if stat.S_ISSOCK(mode) else "device"
        raise FileError(f"{path}: it is a {kind}, not a file: name a file")


def first_line(error: Exception) -> str:
    """Return the first line of what an error says."""
    return str(error).partition("\n")[0]


def table_ending(path: Path) -> str:
    """Return which of the endings of tables a file has."""
    ending = next((ending for ending in ENDINGS if path.name.lower().endswith(ending)), None)
    if ending is None:
        raise FileError(f"{path}: a table is a file that ends in .csv or .tsv, with .gz or .zst if packed, or .parquet")
    return ending


def write_json(document: object, path: PathLike) -> None:
    """Write a document as JSON."""
    write_bytes((json.dumps(document, indent=2, allow_nan=False) + "\n").encode(), path)


def write_bytes(content: bytes, path: PathLike) -> None:
    """Write bytes to a file."""
    with replacing(Path(path)) as file:
        file.write(content)


@contextlib.contextmanager
def _writing(name: object) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise FileError(f"{name}: it cannot be written ({error.strerror or error})") from error


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Yield a file that takes the place of `path` once it is written, and leaves no trace if it never is.

    What a writer left that was killed goes too. Of two that write at once the last to end stays.
    """
    with _writing(path):
        target = path.resolve()  # a link stays, and what it points to is replaced
        if target.exists() and not stat.S_ISREG(target.stat().st_mode):
            with target.open("wb") as file:  # a device or a pipe cannot be replaced
                yield file
            return
        with scratch_file(target) as partial:
            with partial.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            if target.exists():
                shutil.copymode(target, partial)
            partial.replace(target)


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
        made = [place for place in (directory, *directory.parents) if not place.exists()]
        try:
            directory.mkdir(parents=True, exist_ok=True)
            # in there, so that a move is no copy, and the next one finds what was left
            with scratch_folder(directory) as stage:
                try:
                    yield stage
                finally:
                    settle()
                _move_files(stage, directory, replaces)
        finally:
            for place in made:
                with contextlib.suppress(OSError):  # it is not empty
                    place.rmdir()


def _move_files(stage: Path, directory: Path, replaces: Iterable[str]) -> None:
    files = [path.relative_to(stage) for path in stage.rglob("*") if path.is_file()]
    for parent in {(directory / file).parent for file in files}:
        parent.mkdir(parents=True, exist_ok=True)
    for old in replaces:
        (directory / old).unlink(missing_ok=True)
    for file in files:
        (stage / file).replace(directory / file)


@contextlib.contextmanager
def sending(stream: IO[bytes], name: str = "standard output") -> Iterator[IO[bytes]]:
    """Yield a file whose bytes go to a stream, such as ``sys.stdout.buffer``; all are there at the end.

    Raises
    ------
    BrokenPipeError
        If whoever reads the stream has gone, which is no fault: `head` has seen enough.
    FileError
        If the stream cannot take the bytes: its disk is full, say.
    """
    try:
        stream.flush()
        with _own_buffer(stream) as file:
            yield file
            file.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise FileError(f"{name}: it cannot be written ({error.strerror or error})") from error


def _own_buffer(stream: IO[bytes]) -> contextlib.AbstractContextManager[IO[bytes]]:
    """Return a file that writes where a stream does, with a buffer that can be thrown away.

    What a stream holds that it cannot write stays there, and Python complains of it once more when it exits.
    """
    try:
        return os.fdopen(os.dup(stream.fileno()), "wb")
    except (AttributeError, OSError):  # it is in memory
        return contextlib.nullcontext(stream)
