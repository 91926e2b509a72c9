"""Archives: arrays beside a JSON header, in a NumPy ``.npz`` sealed with a SHA-256. They know nothing of models.

The same content gives the same bytes. The checksum is the archive's comment and covers every byte before it, so nothing
is parsed that was damaged; nothing is ever unpickled or decompressed.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastdrift.arrays import Floats

HEADER = "header.json"
DIGEST_LENGTH = 2 * hashlib.sha256().digest_size
MAGIC = b"PK\x03\x04"

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

    def encode(self, header: Mapping[str, Any], arrays: Mapping[str, Floats]) -> bytes:
        """Return a header and arrays as the content of a file."""
        full = {"schema": self.schema, "version": self.version, **header}
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

    def decode(self, content: bytes) -> Archive:
        """Return what is in the content of a file, its checksum, schema and version found right."""
        entries = self._read_entries(content)
        try:
            header = json.loads(entries.get(HEADER, b""))
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

    def _read_entries(self, content: bytes) -> dict[str, bytes]:
        if not content.startswith(MAGIC):
            raise self.error(self.not_ours)
        if _digest(content[:-DIGEST_LENGTH]) != content[-DIGEST_LENGTH:]:
            raise self.error(f"{self.not_ours}; or it is damaged or cut short: copy it again, or {self.remedy}")
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                entries = {entry.filename: entry for entry in archive.infolist()}
                # stored as they are, what is read cannot be many times larger than the file
                if any(entry.compress_type or entry.file_size > len(content) for entry in entries.values()):
                    raise self.error(self.not_ours)
                return {name: archive.read(entry) for name, entry in entries.items()}
        except (zipfile.BadZipFile, ValueError, RuntimeError, EOFError) as error:
            raise self.error(self.not_ours) from error


@dataclass(frozen=True)
class Archive:
    """What was read from a file: its header, and arrays that are read when asked for."""

    kind: ArchiveFormat
    header: dict[str, Any]
    entries: dict[str, bytes]

    def length(self, name: str) -> int:
        """Return how many numbers an array can hold; reading it checks that it says so too."""
        entry = self.entries.get(f"{name}.npy", b"")
        header = _NPY_HEADER.match(entry)
        return (len(entry) - header.end()) // 8 if header else 0

    def array(self, name: str, shape: tuple[int, ...]) -> Floats:
        """Return an array that must have `shape`; NumPy's own reader would first allocate whatever its header says."""
        entry = self.entries.get(f"{name}.npy", b"")
        header = _NPY_HEADER.match(entry)
        data = entry[header.end() :] if header else b""
        if header is None or header[1].decode() != str(shape) or len(data) != 8 * math.prod(shape):
            raise self.kind.error(f"its {name} is not float64 numbers of shape {shape}: {self.kind.remedy}")
        array = np.frombuffer(data, "<f8").reshape(shape)
        if not np.isfinite(array).all():
            raise self.kind.error(f"its {name} holds a NaN or inf: {self.kind.remedy}")
        return array


def _digest(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest().encode()


def _to_npy(array: Floats) -> bytes:
    entry = io.BytesIO()
    np.lib.format.write_array(entry, array.astype("<f8", copy=False), (1, 0), allow_pickle=False)
    return entry.getvalue()
