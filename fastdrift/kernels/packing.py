"""Give a kernel the form in which it can be kept: one function of addresses, which needs nothing of Numba's.

Its arguments' words, arrays first, are the addresses of NumPy's array objects and numbers of eight bytes. Arrays are
looked at where they lie and refused if they are not what the kernel was compiled for: ctypes would let anything pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.numpy_support import as_dtype

from fastdrift.kernels.jitting import Entry, jit
from fastdrift.kernels.layout import ARRAY_FIELDS, DTYPE_FIELDS

ADDRESS = types.voidptr
_BYTE, _HALF, _WORD = ir.IntType(8), ir.IntType(32), ir.IntType(64)
_POINTER = _BYTE.as_pointer()
_HEAD = object.__basicsize__
_CONTIGUOUS, _ALIGNED, _WRITEABLE = 0x1, 0x100, 0x400  # NumPy's flags


def packed_entry(entry: Entry, kinds: Sequence[Any]) -> tuple[Callable[..., Any], Any]:
    """Return a function that calls a kernel with arguments at an address and puts its results at another; and that.

    It returns 0, or which array is the first that the kernel can't take.
    """
    kernel, misfit, arguments = jit(entry.function), _misfit(kinds), _arguments(kinds)

    def call(words, results):  # type: ignore[no-untyped-def]
        wrong = misfit(words)
        if wrong == 0:
            _put(results, kernel(*arguments(words)))
        return wrong

    call.__name__ = call.__qualname__ = f"packed_{entry.function.__name__}"
    return call, kernel


def flat(kind: Any) -> Iterator[Any]:
    """Yield the types of all parts of a type, tuples taken apart."""
    if isinstance(kind, types.BaseTuple):
        for part in kind:
            yield from flat(part)
    elif kind != types.none:
        yield kind


def letters(kinds: Sequence[Any]) -> str:
    """Return the kinds of numbers of eight bytes, as `struct` names them."""
    return "".join("d" if isinstance(kind, types.Float) else "q" for kind in kinds)


def split_kinds(kinds: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """Return the types of all arrays among a kernel's arguments, and of all others."""
    everything = [*flat(types.Tuple(kinds))]
    arrays = [kind for kind in everything if isinstance(kind, types.Array)]
    return arrays, [kind for kind in everything if not isinstance(kind, types.Array)]


def _load(builder: Any, base: Any, offset: int, kind: Any) -> Any:
    place = builder.gep(base, [_WORD(offset)])
    return builder.load(builder.bitcast(place, kind.as_pointer()))


def _misfit(kinds: Sequence[Any]) -> Any:
    """Return an intrinsic that returns the number of the first array that is not what it must be, from 1 on, or 0."""
    arrays, _ = split_kinds(kinds)

    @intrinsic
    def misfit(_typing: Any, words: Any) -> Any:
        def generate(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
            wrong = _WORD(0)
            for place, kind in reversed([*enumerate(arrays)]):
                array = _load(builder, args[0], 8 * place, _POINTER)
                wrong = builder.select(_fits(builder, array, kind), wrong, _WORD(place + 1))
            return wrong

        return types.int64(words), generate

    return misfit


def _fits(builder: Any, array: Any, kind: Any) -> Any:
    flags = _ALIGNED | _CONTIGUOUS * (kind.layout == "C") | _WRITEABLE * kind.mutable
    dtype = _load(builder, array, _HEAD + ARRAY_FIELDS["dtype"], _POINTER)
    found = _load(builder, array, _HEAD + ARRAY_FIELDS["flags"], _HALF)
    wanted = [
        (_load(builder, array, _HEAD + ARRAY_FIELDS["ndim"], _HALF), kind.ndim),
        (_load(builder, dtype, _HEAD + DTYPE_FIELDS["num"], _HALF), as_dtype(kind.dtype).num),
        (_load(builder, dtype, _HEAD + DTYPE_FIELDS["byteorder"], _BYTE), ord("=")),
        (builder.and_(found, _HALF(flags)), flags),
    ]
    fits = ir.IntType(1)(1)
    for value, right in wanted:
        fits = builder.and_(fits, builder.icmp_unsigned("==", value, value.type(right)))
    return fits


def _arguments(kinds: Sequence[Any]) -> Any:
    """Return an intrinsic that returns the arguments whose words lie at an address."""
    everything = types.Tuple(kinds)
    n_arrays = len(split_kinds(kinds)[0])

    @intrinsic
    def arguments(_typing: Any, words: Any) -> Any:
        def generate(context: Any, builder: Any, _signature: Any, args: Any) -> Any:
            next_place = {True: 0, False: n_arrays}  # by whether it is an array

            def make(kind: Any) -> Any:
                if isinstance(kind, types.BaseTuple):
                    return context.make_tuple(builder, kind, [make(part) for part in kind])
                is_array = isinstance(kind, types.Array)
                place = 8 * next_place[is_array]
                next_place[is_array] += 1
                if is_array:
                    return _array(context, builder, _load(builder, args[0], place, _POINTER), kind)
                if kind == types.boolean:
                    return builder.trunc(_load(builder, args[0], place, _WORD), ir.IntType(1))
                return _load(builder, args[0], place, context.get_value_type(kind))

            return make(everything)

        return everything(words), generate

    return arguments


def _array(context: Any, builder: Any, address: Any, kind: Any) -> Any:
    """Make Numba's view of an array of NumPy's: it borrows the memory, and counts no references."""

    def numbers(field: str) -> list[Any]:
        first = _load(builder, address, _HEAD + ARRAY_FIELDS[field], _POINTER)
        return [_load(builder, first, 8 * axis, _WORD) for axis in range(kind.ndim)]

    array = cgutils.create_struct_proxy(kind)(context, builder)
    data = _load(builder, address, _HEAD + ARRAY_FIELDS["data"], _POINTER)
    array.data = builder.bitcast(data, array.data.type)
    shape = numbers("shape")
    array.shape, array.strides = cgutils.pack_array(builder, shape), cgutils.pack_array(builder, numbers("strides"))
    size = _WORD(1)
    for length in shape:
        size = builder.mul(size, length)
    array.nitems, array.itemsize = size, _WORD(np.dtype(as_dtype(kind.dtype)).itemsize)
    return array._getvalue()


@intrinsic
def _put(_typing: Any, results: Any, value: Any) -> Any:
    """Put the numbers of a result one after the other, from the second word on."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = iter(range(8, 1 << 10, 8))

        def store(kind: Any, part: Any) -> None:
            if isinstance(kind, types.BaseTuple):
                for index, one in enumerate(kind):
                    store(one, builder.extract_value(part, index))
            elif kind != types.none:
                target = builder.gep(args[0], [_WORD(next(place))])
                builder.store(part, builder.bitcast(target, part.type.as_pointer()))

        store(signature.args[1], args[1])
        return context.get_dummy_value()

    return types.none(results, value), generate
