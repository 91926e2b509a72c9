"""Compile kernels, once a dtype, and keep what was compiled where that is possible.

Numba's own ``cache=True`` raises where nothing is writable and on a truncated file, does not notice a change in a file
that the function's file imports, and takes Numba to load what it has kept. So `keeping` keeps the object code, under a
digest of the whole folder, and `calling` loads it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numba import types

from fastdrift.errors import EngineError
from fastdrift.kernels import (  # noqa: F401  # they bring the entries
    blending,
    distances,
    features,
    gaps,
    moments,
    onsets,
    parts,
    pushing,
    reasons,
    rows,
    solving,
    trees,
)
from fastdrift.kernels.calling import arrays_are_as_expected, load_kernel
from fastdrift.kernels.jitting import ENTRIES, OPTIONS, jit
from fastdrift.kernels.keeping import Kept, warn_not_kept, write_kept
from fastdrift.kernels.nesting import compiled_whole
from fastdrift.kernels.packing import ADDRESS, letters, packed_entry

# what LLVM may call for an operation of its own, where the processor has no instruction for it
_MAY_CALL = {"memcpy", "memmove", "memset", "fma", "sqrt", "exp", "log", "pow", "floor", "ceil", "trunc", "rint"}
# what may be called of the process's own, beside those: it is there without Numba
_MATHEMATICS = _MAY_CALL | {"exp2", "log2", "log1p", "expm1", "ldexp", "frexp"}


def kernel_keys() -> list[tuple[str, np.dtype[Any] | None]]:
    """Return the name and dtype of every kernel there is."""
    kinds = np.dtype(np.float64), np.dtype(np.float32)
    return [(name, kind) for name, one in ENTRIES.items() for kind in (kinds if one.takes_rows else (None,))]


def compile_kernel(name: str, dtype: np.dtype[Any] | None) -> Callable[..., Any]:
    """Return the kernel `name` for rows of `dtype`, compiled, and kept for other processes if that is possible."""
    if numba.config.DISABLE_JIT:
        raise EngineError("fastdrift cannot run without compilation, which NUMBA_DISABLE_JIT forbids: unset it")
    kept = compile_object(name, dtype) if arrays_are_as_expected() else None
    kernel: Callable[..., Any] | None = None if kept is None else load_kernel(name, kept)
    if kept is None or kernel is None:
        warn_not_kept("with this Numba, compiled kernels cannot be kept")
        kernel = compile_in_numba(name, dtype)
    else:
        write_kept(name, dtype, kept)
    return kernel


def compile_in_numba(name: str, dtype: np.dtype[Any] | None) -> Any:
    """Return the kernel `name` as Numba calls it, which tells its assembly; it will never compile again."""
    with compiled_whole(name):
        return _compiled(numba.njit(**OPTIONS)(ENTRIES[name].function), _kinds(name, dtype))


def compile_object(name: str, dtype: np.dtype[Any] | None) -> Kept | None:
    """Return the object code of the kernel `name`, None if it cannot be had or be used without Numba.

    What Numba's libraries tell to its own cache is not public. A Numba that does not tell it costs a compilation a
    process, and `tests/test_warm_start.py` fails.
    """
    kinds = _kinds(name, dtype)
    function, kernel = packed_entry(ENTRIES[name], kinds)
    with compiled_whole(function.__qualname__):
        dispatcher = _compiled(jit(function), (ADDRESS, ADDRESS))
    try:
        (compiled,) = dispatcher.overloads.values()
        _, _, (code, *_) = compiled.library.serialize_using_object_code()
        symbol = compiled.fndesc.llvm_func_name
    except (AttributeError, TypeError, ValueError, RuntimeError):
        return None
    (text,), (signature,) = dispatcher.inspect_llvm().values(), kernel.nopython_signatures
    needs = needed_by(text)
    if not isinstance(code, bytes) or not needs <= _MATHEMATICS or not _is_called_as_expected(text, symbol):
        return None
    return Kept(code, symbol, tuple(sorted(needs)), letters(kinds), letters([signature.return_type], "?"))


def needed_by(text: str) -> set[str]:
    """Return the functions that are called by LLVM's code, but not defined there."""
    declared = re.findall(r'^declare .*?@"?([^"( ]+)', text, re.MULTILINE)
    own = {name for name in declared if not name.startswith("llvm.")}
    return own | ({name.split(".")[1] for name in declared if name.startswith("llvm.")} & _MAY_CALL)


def _is_called_as_expected(text: str, symbol: str) -> bool:
    """Return whether a function's arguments are room for a status, then for an error's place, then its own two."""
    (line,) = re.findall(rf'^define .*@"?{re.escape(symbol)}"?(\(.*)', text, re.MULTILINE) or [""]
    return re.findall(r"%([\w.]+)[,)]", line) == ["retptr", "excinfo", "arg.words", "arg.results"]


def _kinds(name: str, dtype: np.dtype[Any] | None) -> tuple[Any, ...]:
    return ENTRIES[name].arguments(types.float32 if dtype == np.float32 else types.float64)


def _compiled(dispatcher: Any, kinds: tuple[Any, ...]) -> Any:
    dispatcher.compile(kinds)
    dispatcher.disable_compile()
    return dispatcher
