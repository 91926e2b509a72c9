"""Compile kernels, once a dtype, and keep what was compiled where that is possible.

Numba's own ``cache=True`` raises where nothing is writable and on a truncated file, and does not notice a change in a
file that the function's file imports. So the cache is attached here, on a best-effort basis, under a digest of the
whole folder.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numba import types
from numba.core.caching import CompileResultCacheImpl, FunctionCache, _CacheLocator

from fastdrift.errors import DriftWarning, EngineError
from fastdrift.kernels import (  # noqa: F401  # they bring the entries
    blending,
    distances,
    features,
    moments,
    onsets,
    parts,
    pushing,
    reasons,
    rows,
    solving,
    trees,
)
from fastdrift.kernels.jitting import ENTRIES, OPTIONS
from fastdrift.kernels.nesting import compiled_whole

_HERE = Path(__file__).parent


def kernel_keys() -> list[tuple[str, np.dtype[Any] | None]]:
    """Return the name and dtype of every kernel there is."""
    kinds = np.dtype(np.float64), np.dtype(np.float32)
    return [(name, kind) for name, one in ENTRIES.items() for kind in (kinds if one.takes_rows else (None,))]


def compile_kernel(name: str, dtype: np.dtype[Any] | None, *, keep: bool = True) -> Any:
    """Return the kernel `name` for rows of `dtype`, compiled or loaded; it will never compile again.

    Without `keep` it is compiled anew and not kept: numba shows no assembly of what it has loaded.
    """
    if numba.config.DISABLE_JIT:
        raise EngineError("fastdrift cannot run without compilation, which NUMBA_DISABLE_JIT forbids: unset it")
    kernel = ENTRIES[name]
    arguments = kernel.arguments(types.float32 if dtype == np.float32 else types.float64)
    dispatcher = numba.njit(**OPTIONS)(kernel.function)
    directory = cache_directory() if keep else None
    if directory is not None:
        dispatcher._cache = _KernelCache(dispatcher.py_func, directory, str(dtype))
    with compiled_whole(name):
        dispatcher.compile(arguments)
    dispatcher.disable_compile()
    return dispatcher


@functools.cache
def cache_directory() -> Path | None:
    """Return the first writable place for compiled kernels; warn once and return None where there is none."""
    digest = code_digest()[:16]
    for base in _cache_bases():
        directory = base / digest
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            with tempfile.TemporaryFile(dir=directory):
                return directory
        except OSError:
            continue
    _warn("no place to keep compiled kernels is writable")
    return None


def _cache_bases() -> list[Path]:
    asked = os.environ.get("FASTDRIFT_CACHE_DIR") or os.environ.get("NUMBA_CACHE_DIR")
    if asked:
        return [Path(asked) / "fastdrift"]
    places = [_HERE.parent / "__pycache__" / "kernels"]
    if os.environ.get("XDG_CACHE_HOME"):
        places.append(Path(os.environ["XDG_CACHE_HOME"]) / "fastdrift")
    else:
        with contextlib.suppress(RuntimeError):  # a user without a home
            places.append(Path.home() / ".cache" / "fastdrift")
    return places


@functools.cache
def code_digest() -> str:
    """Return a digest of every file of this folder: what was compiled from others is never loaded."""
    digest = hashlib.sha256()
    for path in sorted(_HERE.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


@functools.cache
def _warn(reason: str) -> None:
    message = f"{reason}: kernels are compiled anew in each process; set FASTDRIFT_CACHE_DIR to a writable directory"
    warnings.warn(message, DriftWarning, stacklevel=2)


class _KernelCache(FunctionCache):
    """Numba's cache in our directory, where a failure costs a compilation and no more."""

    def __init__(self, function: Any, directory: Path, variant: str) -> None:
        class Locator(_CacheLocator):
            _py_file = str(directory)

            def get_cache_path(self) -> str:
                return str(directory)

            def get_source_stamp(self) -> str:
                return code_digest()

            def get_disambiguator(self) -> str:
                return variant

            @classmethod
            def from_function(cls, _function: Any, _file: str) -> Any:
                return cls()

        class Implementation(CompileResultCacheImpl):
            _locator_classes = (Locator,)

        self._impl_class = Implementation
        super().__init__(function)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            return super().load_overload(sig, target_context)
        except Exception:  # a damaged cache file raises anything at all
            _warn(f"the compiled kernels in {self.cache_path} cannot be read")
            with contextlib.suppress(OSError):
                self.flush()  # so that what is compiled now replaces them
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            super().save_overload(sig, data)
        except OSError as error:
            _warn(f"compiled kernels cannot be kept in {self.cache_path} ({error.strerror})")
