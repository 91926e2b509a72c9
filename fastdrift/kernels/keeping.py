"""Where compiled kernels are kept, and what their files hold: object code and what it was made for, nothing pickled.

No Numba here: importing it takes longer than all that a process with kept kernels does before its first score.

A file is a line with the digest of all that follows, a line of JSON, and the object. It is read only by a process for
which it was made, by everything that could make a difference; any other file is no file, and is written anew.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.util
import json
import os
import sys
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import llvmlite
import numpy as np
from llvmlite import binding

from fastdrift.errors import DriftWarning

_HERE = Path(__file__).parent
_MAGIC = b"fastdrift kernel 1 "
SUFFIX = ".kernel"
# settings of Numba that change nothing in the code it makes
_NO_MATTER = {"NUMBA_CACHE_DIR", "NUMBA_NUM_THREADS", "NUMBA_THREADING_LAYER", "NUMBA_THREADING_LAYER_PRIORITY"}


class Kept(NamedTuple):
    """The object code of a kernel, and how it is called."""

    code: bytes
    function: str  # what it is called in the object
    needs: tuple[str, ...]  # what it calls of the process's own, such as memset
    words: str  # the kinds of its arguments and of its results, as `struct` names them; an array is its address
    results: str


def read_kept(name: str, dtype: np.dtype[Any] | None) -> Kept | None:
    """Return a kernel that was kept by a process like this one; None if there is none, or its file is damaged."""
    made_for = identity()
    if made_for is None:
        return None
    for base in _bases():
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            return _unpacked((base / _file_name(name, dtype)).read_bytes(), name, dtype)
    return None


def write_kept(name: str, dtype: np.dtype[Any] | None, kept: Kept) -> None:
    """Keep a kernel for later processes, or warn once that there is no place."""
    directory = cache_directory()
    if directory is None:
        return
    path = directory / _file_name(name, dtype)
    # a process that ends meanwhile leaves the old file or none, and two that write leave the one or the other's
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        unfinished.write_bytes(_packed(kept, name, dtype))
        unfinished.replace(path)
    except OSError as error:
        warn_not_kept(f"compiled kernels cannot be kept in {directory} ({error.strerror})")
        with contextlib.suppress(OSError):
            unfinished.unlink()


def _packed(kept: Kept, name: str, dtype: np.dtype[Any] | None) -> bytes:
    header = {"kernel": name, "dtype": str(dtype), "for": identity()} | kept._asdict()
    del header["code"]
    content = json.dumps(header).encode() + b"\n" + kept.code
    return _MAGIC + hashlib.sha256(content).hexdigest().encode() + b"\n" + content


def _unpacked(file: bytes, name: str, dtype: np.dtype[Any] | None) -> Kept:
    first, _, content = file.partition(b"\n")
    if first != _MAGIC + hashlib.sha256(content).hexdigest().encode():
        raise ValueError("not a file of ours, or a damaged one")
    line, _, code = content.partition(b"\n")
    header = json.loads(line)
    if (header.pop("kernel"), header.pop("dtype"), header.pop("for")) != (name, str(dtype), identity()):
        raise ValueError("made for another kernel or process")
    return Kept(code=code, **header | {"needs": tuple(header["needs"])})


def _file_name(name: str, dtype: np.dtype[Any] | None) -> str:
    made_for = hashlib.sha256(json.dumps(identity()).encode()).hexdigest()
    return f"{name}-{dtype}-{made_for[:16]}{SUFFIX}"


@functools.cache
def identity() -> dict[str, Any] | None:
    """Return all that compiled code depends on, None where that can't be told: then nothing is kept."""
    try:
        return {
            "kernels": code_digest(),
            "numba": _numba_digest(),
            "llvmlite": llvmlite.__version__,
            "numpy": np.__version__,
            "python": sys.version,
            "object": object.__basicsize__,
            "target": binding.get_process_triple(),
            "cpu": binding.get_host_cpu_name(),
            "features": binding.get_host_cpu_features().flatten(),
            "settings": _settings(),
        }
    except (OSError, RuntimeError):
        return None


def _numba_digest() -> str:
    """Return a digest of the file in which Numba tells its version: its metadata would take ten times as long."""
    found = importlib.util.find_spec("numba")
    if found is None or found.origin is None:
        raise RuntimeError("there is no Numba")
    return hashlib.sha256(Path(found.origin).with_name("_version.py").read_bytes()).hexdigest()


def _settings() -> dict[str, str]:
    """Return what Numba is told in the environment, and in the file that it looks for in the working directory."""
    settings = {name: value for name, value in sorted(os.environ.items()) if name.startswith("NUMBA_")}
    with contextlib.suppress(FileNotFoundError):
        settings["file"] = Path(".numba_config.yaml").read_text(encoding="utf-8", errors="replace")
    return {name: value for name, value in settings.items() if name not in _NO_MATTER}


@functools.cache
def code_digest() -> str:
    """Return a digest of every file of this folder: what was compiled from others is never loaded."""
    digest = hashlib.sha256()
    for path in sorted(_HERE.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


@functools.cache
def cache_directory() -> Path | None:
    """Return the first writable place for compiled kernels; warn once and return None where there is none."""
    import tempfile

    for directory in _bases():
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            with tempfile.TemporaryFile(dir=directory):
                return directory
        except OSError:
            continue
    warn_not_kept("no place to keep compiled kernels is writable")
    return None


def _bases() -> list[Path]:
    """Return where compiled kernels may be kept, the best place first."""
    asked = os.environ.get("FASTDRIFT_CACHE_DIR") or os.environ.get("NUMBA_CACHE_DIR")
    if asked:
        places = [Path(asked) / "fastdrift"]
    else:
        places = [_HERE.parent / "__pycache__" / "kernels"]
        if os.environ.get("XDG_CACHE_HOME"):
            places.append(Path(os.environ["XDG_CACHE_HOME"]) / "fastdrift")
        else:
            with contextlib.suppress(RuntimeError):  # a user without a home
                places.append(Path.home() / ".cache" / "fastdrift")
    return [place / code_digest()[:16] for place in places]


@functools.cache
def warn_not_kept(reason: str) -> None:
    """Warn, once for each reason, that kernels are compiled in every process."""
    message = f"{reason}: kernels are compiled anew in each process; set FASTDRIFT_CACHE_DIR to a writable directory"
    warnings.warn(message, DriftWarning, stacklevel=2)
