"""Streams in files: archives of numbers, which belong to one model and can run no code."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from fastdrift.arrays import Floats, Integers
from fastdrift.detectors.model import Model
from fastdrift.errors import DataError, ModelError
from fastdrift.files.archive import Archive, ArchiveFormat
from fastdrift.files.disk import PathLike, write_bytes

# a million streams of 8 columns and windows of 50
MAX_BYTES = 1 << 33


def stream_format(name: str) -> ArchiveFormat:
    """Return the format of the files of a class of streams."""
    return ArchiveFormat(
        schema=f"fastdrift-{name.lower()}",
        version=1,
        error=ModelError,
        not_ours=f"it holds no {name} of fastdrift: name a file that `{name}.save` wrote",
        remedy="start anew, without it",
    )


def fingerprint(model: Model) -> str:
    """Return what tells a model from all others; raise ModelError for one that cannot be saved."""
    return hashlib.sha256(model.encode()).hexdigest()


def save(kind: ArchiveFormat, model: Model, header: dict[str, Any], arrays: dict[str, Floats], path: PathLike) -> None:
    """Write a file, atomically."""
    write_bytes(kind.encode({"model": fingerprint(model), **header}, arrays), path)


@contextmanager
def opened(
    kind: ArchiveFormat, model: Model, path: PathLike, header: Sequence[str], arrays: Sequence[str]
) -> Iterator[Archive]:
    """Yield what is in a file; raise ModelError, which names it, if it is another model's or does not add up."""
    path = Path(path)
    if not isinstance(model, Model):
        raise DataError(f"the first argument is a {type(model).__name__}, not a Model: call load(model, path)")
    try:
        archive = kind.decode(kind.read(path, MAX_BYTES))
        archive.check_names(("model", *header), arrays)
        _check_model(archive, model)
        try:
            yield archive
        except (KeyError, IndexError, TypeError, AttributeError, OverflowError) as error:
            raise ModelError(f"what it holds does not add up ({error!r:.80}): {kind.remedy}") from error
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error


def _check_model(archive: Archive, model: Model) -> None:
    if archive.header.get("model") != fingerprint(model):
        raise ModelError(f"it belongs to another model: load the one it was saved with, or {archive.kind.remedy}")


def split_stamps(stamps: Integers) -> Floats:
    """Return whole numbers of 64 bits as pairs of doubles, which hold 53."""
    return np.stack([stamps >> 32, stamps & 0xFFFFFFFF], 1).astype(np.float64)


def join_stamps(pairs: Floats) -> Integers:
    """Return the whole numbers of `split_stamps`."""
    whole: Integers = (pairs[:, 0].astype(np.int64) << 32) + pairs[:, 1].astype(np.int64)
    return whole


def whole_number(value: Any) -> int:
    """Return a whole number of at least 0 from a file; raise TypeError if it is none."""
    if type(value) is not int or value < 0:
        raise TypeError(f"{value!r:.40} is no number of rows")
    return value
