"""Give a kernel the form in which it can be kept: one function of addresses, which needs nothing of Numba's.

Its arguments are words of eight bytes: numbers, and the addresses of NumPy's array objects, which are looked at where
they lie and refused if they are not what the kernel was compiled for: ctypes would let anything pass.
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
from fastdrift.kernels.layout import ADDRESS_LETTER, ARRAY_FIELDS, DTYPE_FIELDS

ADDRESS = types.voidptr
_BYTE, _HALF, _WORD = ir.IntType(8), ir.IntType(32), ir.IntType(64)
_POINTER = _BYTE.as_pointer()
_HEAD = object.__basicsize__
_CONTIGUOUS, _ALIGNED, _WRITEABLE = 0x1, 0x100, 0x400  # NumPy's flags


def packed_entry(entry: Entry, kinds: Sequence[Any]) -> tuple[Callable[..., Any], Any]:
    """Return a function that calls a kernel with arguments at an address and puts its results at another; and that.

    It returns 0, or which word, from 1 on, is the first of an array that the kernel can't take.
    """
    kernel, misfit, arguments = jit(entry.function), _misfit(kinds), _arguments(kinds)

    def call(words, results):  # type: ignore[no-untyped-def]
        wrong = misfit(words)
        if wrong == 0:
            _put(results, kernel(*arguments(words)))
        return wrong

    call.__name__ = call.__qualname__ = f"packed_{entry.function.__name__}"
    return call, kernel


def letters(kinds: Sequence[Any], flag: str = "q") -> str:
    """Return the kinds of words, as `struct` names them; arrays alone are an address, and truth values a `flag`."""
    names = {types.Array: ADDRESS_LETTER, types.Float: "d", types.Boolean: flag}
    return "".join(next((names[one] for one in names if isinstance(kind, one)), "q") for kind in _flat(kinds))


def _flat(kinds: Sequence[Any]) -> Iterator[Any]:
    """Yield the types of all words; an argument is one, or a tuple of some."""
    for kind in kinds:
        if isinstance(kind, types.BaseTuple):
            yield from kind
        elif kind != types.none:
            yield kind


def _load(builder: Any, base: Any, offset: int, kind: Any) -> Any:
    place = builder.gep(base, [_WORD(offset)])
    return builder.load(builder.bitcast(place, kind.as_pointer()))


def _misfit(kinds: Sequence[Any]) -> Any:
    """Return an intrinsic that returns the place, from 1 on, of the first array that is not as it must be, or 0."""
    arrays = [(place, kind) for place, kind in enumerate(_flat(kinds)) if isinstance(kind, types.Array)]

    @intrinsic
    def misfit(_typing: Any, words: Any) -> Any:
        def generate(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
            wrong = _WORD(0)
            for place, kind in reversed(arrays):
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

    @intrinsic
    def arguments(_typing: Any, words: Any) -> Any:
        def generate(context: Any, builder: Any, _signature: Any, args: Any) -> Any:
            place = iter(range(0, 1 << 10, 8))

            def make(kind: Any) -> Any:
                if isinstance(kind, types.BaseTuple):
                    return context.make_tuple(builder, kind, [make(part) for part in kind])
                if isinstance(kind, types.Array):
                    return _array(context, builder, _load(builder, args[0], next(place), _POINTER), kind)
                if kind == types.boolean:
                    return builder.trunc(_load(builder, args[0], next(place), _WORD), ir.IntType(1))
                return _load(builder, args[0], next(place), context.get_value_type(kind))

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
