"""Models from files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fastdrift.detectors.blend import VERSION, BlendedModel, check_members, member_fields, prefix
from fastdrift.detectors.fields import FIELDS, FILE_NAMES, Check
from fastdrift.detectors.history import Stretch, check_history
from fastdrift.detectors.model import FORMAT, Model
from fastdrift.detectors.promise import Promise, check_promise
from fastdrift.detectors.registry import DETECTORS
from fastdrift.detectors.rows import RowStatistics
from fastdrift.errors import ModelError
from fastdrift.files.archive import Archive
from fastdrift.files.disk import PathLike

# the factor of 8,000 columns; what is larger is no model
MAX_MODEL_BYTES = 1 << 31
# the arrays of what constant columns and single rows are like
CONSTANT_VALUES = "never_moved_values"
ROW_ARRAYS = tuple(f"row_{name}" for name in RowStatistics._fields)


def load_model(path: PathLike) -> Model:
    """Read a model that `Model.save` wrote; nothing in the file can run code.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    Model
        Scores byte for byte as the model that was saved.

    Raises
    ------
    FileError
        If there is no such file, it is a pipe or a device, or it cannot be read.
    ModelError
        If it is not a model, is damaged or comes from a newer version; the message says which and what to do.
    """
    path = Path(path)
    try:
        return decode(FORMAT.read(path, MAX_MODEL_BYTES))
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error


def decode(content: bytes) -> Model:
    """Return the model in the content of a file; raise ModelError if there is none, saying why and what to do."""
    archive = FORMAT.decode(content)
    # the first files had but this one, and did not say so
    detector = archive.header.get("detector", "mahalanobis")
    if not isinstance(detector, str) or detector not in DETECTORS:
        raise ModelError(f"its detector cannot be {detector!r:.80}: upgrade fastdrift, or fit the model anew")
    kind, version = DETECTORS[detector], archive.header["version"]
    known: Any = archive.header.get("model")
    has_members, history = version >= VERSION and "members" in archive.header, _read_history(archive, known)
    beside = {"history"} if history else set()
    n_stretches = max(1, len(history))
    if not has_members:
        promised = ((), ()) if version < 2 else (("promise",), ROW_ARRAYS)
        names = ("detector", "model", *promised[0], *beside)
        archive.check_names(names, (*kind.own_arrays, CONSTANT_VALUES, *promised[1]))
        _check_fields({**FIELDS, **kind.own_fields}, known, n_stretches)
        return _read_model(kind, archive, _read_common(archive, known) | {"history": history})
    _check_fields(FIELDS, known, n_stretches)
    own = check_members(archive.header.get("members"), known, kind, n_stretches)
    arrays = [prefix(one["window"]) + name for one in own for name in kind.own_arrays]
    archive.check_names(("detector", "model", "promise", "members", *beside), (*arrays, CONSTANT_VALUES, *ROW_ARRAYS))
    common = _read_common(archive, known)
    shared = member_fields(common)
    members = [_read_model(kind, archive.under(prefix(one["window"])), shared | one) for one in own]
    return BlendedModel(**common, history=history, members=tuple(members))


def _read_history(archive: Archive, known: Any) -> tuple[Stretch, ...]:
    """Return the stretches that a model was fitted on; nothing if its file holds none."""
    history: Any = archive.header.get("history")
    if archive.header["version"] < VERSION or history is None:
        return ()
    if not check_history(history, known.get("baseline_rows") if isinstance(known, dict) else -1):
        raise ModelError("its history is not one of the rows it was fitted on: fit the model anew")
    return tuple(Stretch(**one) for one in history)


def _read_model(kind: type[Model], archive: Archive, common: dict[str, Any]) -> Model:
    """Return a model of one window: what is known of it, with the detector's own arrays."""
    arrays = kind.read_arrays(archive, 2 * (len(common["columns"]) - len(common["constant_columns"])))
    return kind(**common | arrays)


def _read_common(archive: Archive, known: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of a model that its header and the arrays of every model hold."""
    n_constant = len(known["never_moved"])
    values = {**known, CONSTANT_VALUES: archive.array(CONSTANT_VALUES, (n_constant,))}
    values |= _read_promise(archive, len(known["columns"]), n_constant)
    attributes = {old: new for new, old in FILE_NAMES.items()}
    return {
        attributes.get(name, name): tuple(value) if isinstance(value, list) else value for name, value in values.items()
    }


def _read_promise(archive: Archive, n_columns: int, n_constant: int) -> dict[str, Any]:
    """Return the promise and the statistics of rows; the first version had none."""
    if archive.header["version"] < 2:
        return {}
    promise: Any = archive.header.get("promise")
    n_varying = n_columns - n_constant
    if not check_promise(promise):
        raise ModelError("its promise is none: fit the model anew")
    shapes = {"mean": (n_varying,), "spread": (n_varying,), "factor": (n_varying, n_varying), "missing": (n_columns,)}
    rows = RowStatistics(**{name: archive.array(f"row_{name}", shape) for name, shape in shapes.items()})
    if not ((rows.spread > 0).all() and (np.diag(rows.factor) > 0).all() and (rows.missing >= 0).all()):
        raise ModelError("its statistics of rows are none: fit the model anew")
    return {"promise": Promise(**promise), "rows": rows}


def _check_fields(checks: Mapping[str, Check], fields: Any, n_stretches: int) -> None:
    if not isinstance(fields, dict) or fields.keys() != checks.keys():
        raise ModelError("its header has too few fields, or too many: fit the model anew")
    for name, is_right in checks.items():
        if not is_right(fields[name]):
            raise ModelError(f"its {name} cannot be {fields[name]!r:.80}: fit the model anew")
    if not {*fields["never_moved"]} < {*fields["columns"]}:
        raise ModelError("its columns that never moved are not some of its columns: fit the model anew")
    n_windows = fields["baseline_rows"] - n_stretches * (fields["window"] - 1)
    if fields["windows_used"] + fields["windows_left_out"] != n_windows:
        raise ModelError("its counts of rows and of windows do not agree: fit the model anew")
