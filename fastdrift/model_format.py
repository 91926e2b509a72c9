"""The bytes of a model file: a NumPy ``.npz`` of the model's arrays beside a JSON header, sealed with a SHA-256.

The same model gives the same bytes. The checksum is the archive's comment and covers every byte before it, so nothing
is parsed that was damaged; nothing is ever unpickled or decompressed.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import re
import zipfile
from collections.abc import Callable, Hashable
from numbers import Integral
from typing import Any

import numpy as np
import numpy.typing as npt

from fastdrift.errors import ModelError
from fastdrift.forest import Forest, check_forest
from fastdrift.model import ForestModel, MahalanobisModel, Model

SCHEMA, VERSION = "fastdrift-model", 1
HEADER = "header.json"
NODE_ARRAYS = ("feature", "split", "left", "right", "length")
# the arrays of a model by its detector, and its class
ARRAYS = {
    "mahalanobis": ("centre", "scale", "cholesky", "never_moved_values"),
    "isolation-forest": (*NODE_ARRAYS, "roots", "expected", "never_moved_values"),
}
CLASSES: dict[str, type[Model]] = {"mahalanobis": MahalanobisModel, "isolation-forest": ForestModel}
DIGEST_LENGTH = 2 * hashlib.sha256().digest_size

Floats = npt.NDArray[np.float64]

_NPY_HEADER = re.compile(
    rb"\x93NUMPY\x01\x00..\{'descr': '<f8', 'fortran_order': False, 'shape': (\([\d, ]*\)), \} *\n", re.DOTALL
)

NOT_OURS = "it is not a model of fastdrift: name a file that `fit` or `Model.save` wrote"


def encode(model: Model) -> bytes:
    """Return a model as the content of a file; raise ModelError for a column whose name cannot be kept."""
    fields = {name: getattr(model, name) for name in _fields_of(model.detector)}
    fields |= {name: [_plain_name(column) for column in fields[name]] for name in ("columns", "never_moved")}
    header = json.dumps(
        {"schema": SCHEMA, "version": VERSION, "detector": model.detector, "model": fields}, allow_nan=False
    )
    arrays = {f"{name}.npy": _to_npy(getattr(model, name)) for name in ARRAYS[model.detector]}
    entries = {HEADER: header.encode()} | arrays
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, entry in entries.items():
            info = zipfile.ZipInfo(name)  # of 1980, whenever it is written
            info.create_system = 3
            archive.writestr(info, entry)
        archive.comment = bytes(DIGEST_LENGTH)
    body = buffer.getvalue()[:-DIGEST_LENGTH]
    return body + _digest(body)


def _plain_name(name: Hashable) -> str | int:
    if isinstance(name, str):
        return str(name)
    if isinstance(name, Integral) and not isinstance(name, bool):
        return int(name)
    raise ModelError(f"column {name!r} cannot be saved: rename it to text or a whole number before fitting")


def _digest(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest().encode()


def _to_npy(array: Floats) -> bytes:
    entry = io.BytesIO()
    np.lib.format.write_array(entry, array.astype("<f8", copy=False), (1, 0), allow_pickle=False)
    return entry.getvalue()


def decode(content: bytes) -> Model:
    """Return the model in the content of a file; raise ModelError if there is none, saying why and what to do."""
    entries = _read_entries(content)
    detector, fields = _read_header(entries)
    n_features = 2 * (len(fields["columns"]) - len(fields["never_moved"]))
    shapes = _shapes(entries, detector, n_features) | {"never_moved_values": (len(fields["never_moved"]),)}
    arrays: dict[str, Any] = {name: _read_array(entries, name, shapes[name]) for name in ARRAYS[detector]}
    if detector == "mahalanobis":
        _check_factor(arrays["scale"], arrays["cholesky"])
    else:
        check_forest(Forest(*(arrays[name] for name in (*NODE_ARRAYS, "roots", "expected"))), n_features)
    tuples = {name: tuple(value) for name, value in fields.items() if isinstance(value, list)}
    return CLASSES[detector](**(fields | tuples), **arrays)


def _shapes(entries: dict[str, bytes], detector: str, n_features: int) -> dict[str, tuple[int, ...]]:
    if detector == "mahalanobis":
        return {"centre": (n_features,), "scale": (n_features,), "cholesky": (n_features, n_features)}
    of_nodes: tuple[int, ...] = (_stored_length(entries, "feature"),)
    return dict.fromkeys(NODE_ARRAYS, of_nodes) | {"roots": (_stored_length(entries, "roots"),), "expected": (1,)}


def _stored_length(entries: dict[str, bytes], name: str) -> int:
    """Return how many numbers an entry can hold; reading it checks that it says so too."""
    entry = entries.get(f"{name}.npy", b"")
    header = _NPY_HEADER.match(entry)
    return (len(entry) - header.end()) // 8 if header else 0


def _check_factor(scale: Floats, factor: Floats) -> None:
    if not (np.all(scale > 0) and np.all(np.diag(factor) > 0) and not np.triu(factor, 1).any()):
        raise ModelError("its arrays are no scale and Cholesky factor: fit the model anew")


def _read_entries(content: bytes) -> dict[str, bytes]:
    """Return what is stored under each name, once the checksum is found right."""
    if not content.startswith(b"PK\x03\x04"):
        raise ModelError(NOT_OURS)
    if _digest(content[:-DIGEST_LENGTH]) != content[-DIGEST_LENGTH:]:
        raise ModelError(f"{NOT_OURS}; or it is damaged or cut short: copy it again, or fit the model anew")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = {entry.filename: entry for entry in archive.infolist()}
            # stored as they are, what is read cannot be many times larger than the file
            if any(entry.compress_type or entry.file_size > len(content) for entry in entries.values()):
                raise ModelError(NOT_OURS)
            return {name: archive.read(entry) for name, entry in entries.items()}
    except (zipfile.BadZipFile, ValueError, RuntimeError, EOFError) as error:
        raise ModelError(NOT_OURS) from error


def _read_header(entries: dict[str, bytes]) -> tuple[str, dict[str, Any]]:
    """Return the model's detector, and its fields but its arrays, each checked."""
    try:
        header = json.loads(entries.get(HEADER, b""))
    except (ValueError, RecursionError) as error:
        raise ModelError(NOT_OURS) from error
    if not isinstance(header, dict) or header.get("schema") != SCHEMA or not _is_count(header.get("version")):
        raise ModelError(NOT_OURS)
    if header["version"] > VERSION:
        raise ModelError(f"it has version {header['version']}, and this fastdrift reads {VERSION}: upgrade fastdrift")
    fields = header.get("model")
    detector = header.get("detector", "mahalanobis")  # the first files had but this one, and did not say so
    if detector not in ARRAYS:
        raise ModelError(f"its detector cannot be {detector!r:.80}: upgrade fastdrift, or fit the model anew")
    if not isinstance(fields, dict) or fields.keys() != _fields_of(detector).keys():
        raise ModelError("its header has too few fields, or too many: fit the model anew")
    _check_fields(_fields_of(detector), fields)
    return detector, fields


def _read_array(entries: dict[str, bytes], name: str, shape: tuple[int, ...]) -> Floats:
    """Return an array that must have `shape`; NumPy's own reader would first allocate whatever its header says."""
    entry = entries.get(f"{name}.npy", b"")
    header = _NPY_HEADER.match(entry)
    data = entry[header.end() :] if header else b""
    if header is None or header[1].decode() != str(shape) or len(data) != 8 * math.prod(shape):
        raise ModelError(f"its {name} is not float64 numbers of shape {shape}: fit the model anew")
    array = np.frombuffer(data, "<f8").reshape(shape)
    if not np.isfinite(array).all():
        raise ModelError(f"its {name} holds a NaN or inf: fit the model anew")
    return array


def _is_names(value: object) -> bool:
    return isinstance(value, list) and all(type(name) in (str, int) for name in value) and len({*value}) == len(value)


def _is_float(value: object) -> bool:
    return type(value) is float and math.isfinite(value)


def _is_count(value: object) -> bool:
    return type(value) is int and value >= 0


# the fields of a model but its arrays, and what each must be by itself
_FIELDS: dict[str, Callable[[Any], bool]] = {
    "columns": _is_names,
    "named": lambda value: type(value) is bool,
    "allow_extra": lambda value: type(value) is bool,
    "window": lambda value: _is_count(value) and value >= 2,
    "false_alarm_rate": lambda value: _is_float(value) and 0 < value <= 0.5,
    "threshold": lambda value: _is_float(value) and value >= 0,
    "threshold_rule": lambda value: value in ("cross-fit", "in-sample"),
    "never_moved": _is_names,
    "baseline_rows": _is_count,
    "windows_used": lambda value: _is_count(value) and value > 0,
    "windows_left_out": _is_count,
    "warnings": lambda value: isinstance(value, list) and all(isinstance(warning, str) for warning in value),
}


_MAHALANOBIS_FIELDS: dict[str, Callable[[Any], bool]] = {
    "shrinkage": lambda value: _is_float(value) and 0 <= value <= 1,
    "shrinkage_rule": lambda value: value in ("ledoit-wolf", "oas", "fixed"),
}


def _fields_of(detector: str) -> dict[str, Callable[[Any], bool]]:
    return _FIELDS | _MAHALANOBIS_FIELDS if detector == "mahalanobis" else _FIELDS


def _check_fields(checks: dict[str, Callable[[Any], bool]], fields: dict[str, Any]) -> None:
    for name, is_right in checks.items():
        if not is_right(fields[name]):
            raise ModelError(f"its {name} cannot be {fields[name]!r:.80}: fit the model anew")
    if not {*fields["never_moved"]} < {*fields["columns"]}:
        raise ModelError("its columns that never moved are not some of its columns: fit the model anew")
    if fields["windows_used"] + fields["windows_left_out"] != fields["baseline_rows"] - fields["window"] + 1:
        raise ModelError("its counts of rows and of windows do not agree: fit the model anew")
