"""Archives: arrays beside a JSON header, in a NumPy ``.npz`` sealed with a SHA-256. They know nothing of models.

The same content gives the same bytes. The checksum is the archive's comment and covers every byte before it, so nothing
is parsed that was damaged; nothing is ever unpickled or decompressed.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import re
import zipfile
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fastdrift.arrays import Floats
from fastdrift.files.disk import check_is_file, reading

HEADER = "header.json"
DIGEST_LENGTH = 2 * hashlib.sha256().digest_size
MAGIC = b"PK\x03\x04"
# of the first bytes, those of the first entry's name
_NAME = slice(30, 30 + len(HEADER))

_NPY_HEADER = re.compile(
    rb"\x93NUMPY\x01\x00..\{'descr': '<f8', 'fortran_order': False, 'shape': (\([\d, ]*\)), \} *\n", re.DOTALL
)


@dataclass(frozen=True)
class ArchiveFormat:
    """One kind of archive: what its header says it is, and what is raised if a file is something else.

    Attributes
    ----------
    schema : str
        The name of the kind, in the header.
    version : int
        The newest version that can be read, and the one that is written.
    error : type
        What is raised.
    not_ours : str
        What to say of a file that is no such archive.
    remedy : str
        What to do about one that is damaged or does not add up.
    """

    schema: str
    version: int
    error: type[ValueError]
    not_ours: str
    remedy: str

    def encode(self, header: Mapping[str, Any], arrays: Mapping[str, Floats], *, version: int | None = None) -> bytes:
        """Return a header and arrays as the content of a file, of the newest version unless told otherwise."""
        full = {"schema": self.schema, "version": self.version if version is None else version, **header}
        entries = {HEADER: json.dumps(full, allow_nan=False).encode()}
        entries |= {f"{name}.npy": _to_npy(array) for name, array in arrays.items()}
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, entry in entries.items():
                info = zipfile.ZipInfo(name)  # of 1980, whenever it is written
                info.create_system = 3
                archive.writestr(info, entry)
            archive.comment = bytes(DIGEST_LENGTH)
        body = buffer.getvalue()[:-DIGEST_LENGTH]
        return body + _digest(body)

    def read(self, path: Path, limit: int) -> bytes:
        """Return the content of a file of at most `limit` bytes; of one that is none of ours a few bytes are read."""
        check_is_file(path)
        with reading(path), path.open("rb") as file:
            first = file.read(_NAME.stop)
            is_ours = first.startswith(MAGIC) and first[_NAME] == HEADER.encode()
            if not is_ours or os.fstat(file.fileno()).st_size > limit:
                raise self.error(self.not_ours)
            file.seek(0)
            return file.read()

    def decode(self, content: bytes) -> Archive:
        """Return what is in the content of a file, its checksum, schema and version found right."""
        entries = self._read_entries(content)
        try:
            header = json.loads(entries.get(HEADER, b""), object_pairs_hook=self._once)
        except self.error:  # which is a ValueError too
            raise
        except (ValueError, RecursionError) as error:
            raise self.error(self.not_ours) from error
        if not isinstance(header, dict) or header.get("schema") != self.schema:
            raise self.error(self.not_ours)
        version = header.get("version")
        if type(version) is not int or version < 0:
            raise self.error(self.not_ours)
        if version > self.version:
            raise self.error(f"it has version {version}, and this fastdrift reads {self.version}: upgrade fastdrift")
        return Archive(self, header, entries)

    def _once(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """Return pairs as a dictionary: of two of one name each reader might take another."""
        counts = Counter(name for name, _ in pairs)
        twice = next((name for name, count in counts.items() if count > 1), None)
        if twice is not None:
            raise self.error(f"it holds {twice!r:.80} twice: {self.remedy}")
        return dict(pairs)

    def _read_entries(self, content: bytes) -> dict[str, bytes]:
        if not content.startswith(MAGIC):
            raise self.error(self.not_ours)
        if _digest(content[:-DIGEST_LENGTH]) != content[-DIGEST_LENGTH:]:
            raise self.error(f"{self.not_ours}; or it is damaged or cut short: copy it again, or {self.remedy}")
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                entries = [(entry.filename, entry) for entry in archive.infolist()]
                # stored as they are and side by side, what is read cannot be larger than the file
                n_bytes = sum(entry.file_size for _, entry in entries)
                is_plain = n_bytes <= len(content) and not any(entry.compress_type for _, entry in entries)
                contents = [(name, archive.read(entry)) for name, entry in entries] if is_plain else []
        except (zipfile.BadZipFile, ValueError, RuntimeError, EOFError) as error:
            raise self.error(self.not_ours) from error
        return self._once(contents)


@dataclass(frozen=True)
class Archive:
    """What was read from a file: its header, and arrays that are read when asked for."""

    kind: ArchiveFormat
    header: dict[str, Any]
    entries: dict[str, bytes]

    def check_names(self, header: Collection[str], arrays: Collection[str]) -> None:
        """Raise the kind's error if anything is there beside the header's fields and the arrays that are known."""
        known = {HEADER, *(f"{name}.npy" for name in arrays)}
        unknown = next(
            iter([*(self.header.keys() - {"schema", "version", *header}), *(self.entries.keys() - known)]), None
        )
        if unknown is not None:
            raise self.kind.error(f"it holds {unknown!r:.80}, which none of its kind does: {self.kind.remedy}")

    def under(self, prefix: str) -> Archive:
        """Return the entries whose names begin with a prefix, without it."""
        entries = {name.removeprefix(prefix): entry for name, entry in self.entries.items() if name.startswith(prefix)}
        return Archive(self.kind, self.header, entries)

    def length(self, name: str) -> int:
        """Return how many numbers an array can hold; reading it checks that it says so too."""
        entry = self.entries.get(f"{name}.npy", b"")
        header = _NPY_HEADER.match(entry)
        return (len(entry) - header.end()) // 8 if header else 0

    def array(self, name: str, shape: tuple[int, ...], *, finite: bool = True) -> Floats:
        """Return an array that must have `shape`, and hold no NaN or inf unless it may.

        NumPy's own reader would first allocate whatever its header says.
        """
        entry = self.entries.get(f"{name}.npy", b"")
        header = _NPY_HEADER.match(entry)
        data = entry[header.end() :] if header else b""
        if header is None or header[1].decode() != str(shape) or len(data) != 8 * math.prod(shape):
            raise self.kind.error(f"its {name} is not float64 numbers of shape {shape}: {self.kind.remedy}")
        array = np.frombuffer(data, "<f8").reshape(shape)
        if finite and not np.isfinite(array).all():
            raise self.kind.error(f"its {name} holds a NaN or inf: {self.kind.remedy}")
        return array


def _digest(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest().encode()


def _to_npy(array: Floats) -> bytes:
    entry = io.BytesIO()
    np.lib.format.write_array(entry, array.astype("<f8", copy=False), (1, 0), allow_pickle=False)
    return entry.getvalue()
