"""A dash for a file: a table from standard input, results to standard output."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from fastdrift.cli.settings import DASH
from fastdrift.cli.terminal import send_json, standard
from fastdrift.files.disk import table_ending, write_json
from fastdrift.files.source import Source, spooled
from fastdrift.files.write import write_csv, write_table

if TYPE_CHECKING:
    import pandas as pd


@contextlib.contextmanager
def opened(path: str) -> Iterator[str | Source]:
    """Yield what a table is read from: a file by its path, or standard input, whose first bytes say what it holds."""
    if path != DASH:
        yield path
        return
    with spooled(standard(sys.stdin, "input")) as source:
        yield source


def told(path: str) -> str:
    """Return what messages call a table."""
    return path if path != DASH else "standard input"


def named(*paths: str | None) -> list[str]:
    """Return the files among places that results go to."""
    return [path for path in paths if path is not None and path != DASH]


def check_table(path: str | None, *, or_json: bool = False) -> None:
    """Raise FileError if the name of a file does not say which kind of table it is."""
    if path is not None and path != DASH and not (or_json and path.endswith(".json")):
        table_ending(Path(path))


def write_frame(frame: pd.DataFrame, path: str | None) -> None:
    """Write a table to a file by its ending, or as CSV to standard output."""
    if path == DASH:
        write_csv([frame], standard(sys.stdout, "output"))
    elif path is not None:
        write_table(frame, path)


def write_document(document: object, path: str | None) -> None:
    """Write JSON to a file or to standard output."""
    if path == DASH:
        send_json(document)
    elif path is not None:
        write_json(document, path)


def write_either(frame: pd.DataFrame, document: object, path: str | None) -> None:
    """Write a table, or a document to what ends in .json."""
    if path is not None and path.endswith(".json"):
        write_document(document, path)
    else:
        write_frame(frame, path)
