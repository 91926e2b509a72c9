"""Compiled kernels by name."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

_compiling = threading.Lock()
_kernels: dict[tuple[str, np.dtype[Any] | None], Callable[..., Any]] = {}


def _after_fork() -> None:
    global _compiling  # noqa: PLW0603  # the parent's may be held by a thread that is not here
    _compiling = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def kernel(name: str, dtype: npt.DTypeLike | None = None) -> Callable[..., Any]:
    """Return a kernel compiled for rows of `dtype`, or loaded where one was kept."""
    key = name, None if dtype is None else np.dtype(dtype)
    found = _kernels.get(key)
    if found is None:
        with _compiling:
            if key not in _kernels:
                _kernels[key] = _kept_or_compiled(*key)
            found = _kernels[key]
    return found


def prepared(found: Callable[..., Any], *rest: Any) -> Callable[[Any], float]:
    """Return a kernel that takes an array and returns a number with all its arguments given but that, the first.

    Packing them anew takes twice as long as a row of a stream. What is returned is for one thread at a time.
    """
    prepare: Callable[..., Callable[[Any], float]] | None = getattr(found, "prepare", None)
    return partial(_call, found, rest) if prepare is None else prepare(*rest)


def _call(found: Callable[..., Any], rest: tuple[Any, ...], first: Any) -> Any:
    return found(first, *rest)


def _kept_or_compiled(name: str, dtype: np.dtype[Any] | None) -> Callable[..., Any]:
    # llvmlite takes a while to import, and numba half a second: only when something is computed, or compiled
    from fastdrift.kernels.calling import kept_kernel

    found = kept_kernel(name, dtype)
    if found is None:
        from fastdrift.kernels.compiling import compile_kernel

        found = compile_kernel(name, dtype)
    return found
