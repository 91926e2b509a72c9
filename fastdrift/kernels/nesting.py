"""Inner functions are compiled as parts of the kernel they are in, not each for itself as well.

Numba optimises and emits every jitted function that another one calls, though all that is wanted of it is its part of
the caller: two thirds of the time. Here it waits, as numba made it, for the kernel that it is linked into to be
optimised as a whole.

Numba has no public way to say so. What is used of its inside is told by `FOUND`; a numba without it compiles in its own
way, to the same bytes, and `tests/test_cold_start.py` fails.
"""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Iterator
from functools import partial
from typing import Any

try:
    from numba.core.codegen import JITCodeLibrary
    from numba.core.compiler_lock import global_compiler_lock
    from numba.core.registry import cpu_target
except ImportError:
    JITCodeLibrary = object

FOUND = all(
    hasattr(JITCodeLibrary, name)
    for name in (
        "_optimize_functions",
        "_optimize_final_module",
        "_finalize_final_module",
        "_finalize_dynamic_globals",
        "get_pointer_to_function",
    )
)


class _Part(JITCodeLibrary):
    """The code of an inner function: linked into its callers, and nothing that Python could call."""

    def _optimize_functions(self, ll_module: Any) -> None:
        ll_module.data_layout = self._codegen._data_layout

    def _optimize_final_module(self) -> None:
        pass

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._finalized = True

    def get_pointer_to_function(self, _name: str) -> int:
        # called from Python, this returns nothing and sets no error, of which Python makes a SystemError
        return ctypes.cast(ctypes.pythonapi.PyErr_Occurred, ctypes.c_void_p).value or 0


@contextlib.contextmanager
def compiled_whole(name: str) -> Iterator[None]:
    """Compile the function called `name` with those that it calls as parts of it."""
    codegen: Any = cpu_target.target_context.codegen() if FOUND else None
    if not (hasattr(codegen, "_engine") and hasattr(codegen._engine, "is_symbol_defined")):
        yield
        return
    create_library, set_env = codegen.create_library, codegen.set_env

    def create_part(library_name: str, **options: Any) -> Any:
        return (create_library if library_name == name else partial(_Part, codegen))(library_name, **options)

    def set_env_of_whole(env_name: str, env: Any) -> None:
        if codegen._engine.is_symbol_defined(env_name):  # a part is nowhere yet
            set_env(env_name, env)

    with global_compiler_lock:
        codegen.create_library, codegen.set_env = create_part, set_env_of_whole
        try:
            yield
        finally:
            del codegen.create_library, codegen.set_env
