"""How kernels are compiled: the options, and the signature that an entry kernel carries.

An entry kernel is one that Python calls. It takes plain tuples, which cost 0.3 µs a call where named ones cost 15, and
names their fields inside. It is compiled by `compiling`, for rows of one dtype at a time and never for anything else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from numba import njit, types

# no fast-math, ever: the same bits on every machine rest on it; and no reference counts, which are atomic additions:
# they cost a fifth of the time of short windows. Wrappers cost as much to compile as what they wrap: C gets none, and
# Python those of entries alone, so that another jitted function must be what calls an inner one
OPTIONS = {"error_model": "numpy", "nogil": True, "_nrt": False, "no_cfunc_wrapper": True}
jit = njit(**OPTIONS, no_cpython_wrapper=True)
# LLVM calls what takes many arrays, and pushes each of their fields; in the loop over groups that cost a fifth
inline = njit(**OPTIONS, no_cpython_wrapper=True, forceinline=True)

INT = types.int64
FLOAT = types.float64
BOOLEAN = types.boolean
FLOATS = types.Array(types.float64, 1, "C")
INTS = types.Array(types.int64, 1, "C")
INT_MATRIX = types.Array(types.int64, 2, "C")
FIXED_FLOATS = types.Array(types.float64, 1, "C", readonly=True)
MATRIX = types.Array(types.float64, 2, "C")
FIXED_MATRIX = types.Array(types.float64, 2, "C", readonly=True)
FLOATS_32 = types.Array(types.float32, 1, "C")
FIXED_FLOATS_32 = types.Array(types.float32, 1, "C", readonly=True)
FIXED_INTS_32 = types.Array(types.int32, 1, "C", readonly=True)
INDICES = types.Array(types.int64, 1, "C", readonly=True)
SIZES = INDICES
# the fields of `layout.Work`, `layout.Span` and `layout.Output`
WORK = types.Tuple((INT, INT, INT, FIXED_FLOATS, FIXED_FLOATS, FLOATS, SIZES))
SPAN = types.UniTuple(INT, 4)
OUTPUT = types.Tuple((FLOATS, INT))


def rows_type(dtype: Any) -> Any:
    """Return the type of rows of a dtype in any layout, which may be read-only."""
    return types.Array(dtype, 2, "A", readonly=True)


def source_type(dtype: Any) -> Any:
    """Return the type of the fields of a `layout.Source`."""
    return types.Tuple((rows_type(dtype), INT, INDICES, INDICES, INT))


class Entry(NamedTuple):
    """A kernel that Python calls, and its arguments' types for rows of a dtype."""

    function: Callable[..., Any]
    arguments: Callable[[Any], tuple[Any, ...]]
    takes_rows: bool


ENTRIES: dict[str, Entry] = {}


def entry(*arguments: Any) -> Callable[[Callable[..., Any]], Any]:
    """Make a function an entry kernel; an argument's type may be a function of the rows' dtype."""

    def register(function: Callable[..., Any]) -> Any:
        of_rows = [isinstance(kind, type(source_type)) for kind in arguments]

        def types_for(dtype: Any) -> tuple[Any, ...]:
            return tuple(
                kind(dtype) if is_of_rows else kind for kind, is_of_rows in zip(arguments, of_rows, strict=True)
            )

        ENTRIES[function.__name__] = Entry(function, types_for, any(of_rows))
        return jit(function)

    return register
