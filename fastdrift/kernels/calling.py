"""Load the object code of kernels, and call it, without Numba.

A kernel's object has one function of our own, made by `packing`: it takes the addresses of its arguments and of room
for its results. llvmlite loads it as it does for Numba, each object for itself, as two of them may call different
things by one name; ctypes calls it, without the lock of the interpreter.
"""

from __future__ import annotations

import ctypes
import functools
import struct
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from llvmlite import binding

from fastdrift.kernels.keeping import Kept, read_kept
from fastdrift.kernels.layout import ADDRESS_LETTER, ARRAY_FIELDS, DTYPE_FIELDS

# a status, an error's place, both Numba's, and results
_Room = ctypes.c_int64 * 4
_Function = ctypes.CFUNCTYPE(ctypes.c_int32, _Room, _Room, ctypes.c_char_p, _Room)
# the same with references made before, which need no conversion; to let go of the lock takes a tenth of such a call
_Prepared = ctypes.PYFUNCTYPE(ctypes.c_int32)


def kept_kernel(name: str, dtype: np.dtype[Any] | None) -> Callable[..., Any] | None:
    """Return a kernel that was compiled by another process, None if there is none that serves here."""
    kept = read_kept(name, dtype) if arrays_are_as_expected() else None
    return None if kept is None else load_kernel(name, kept)


def load_kernel(name: str, kept: Kept) -> Callable[..., Any] | None:
    """Return a kernel from its object code; None if that can't be loaded here."""
    try:
        binding.initialize_native_target()
        binding.initialize_native_asmprinter()
        machine = binding.Target.from_default_triple().create_target_machine()
        engine = binding.create_mcjit_compiler(binding.parse_assembly(""), machine)
        # LLVM ends the process where a name is missing
        if not all(map(binding.address_of_symbol, kept.needs)):
            return None
        engine.add_object_file(binding.ObjectFileRef.from_data(kept.code))
        engine.finalize_object()
        address = engine.get_function_address(kept.function)
    except (RuntimeError, OSError):
        return None
    return _callable(name, kept, address, engine) if address else None


def _callable(name: str, kept: Kept, address: int, engine: Any) -> Callable[..., Any]:
    function = _Function(address)
    pack = struct.Struct(f"={kept.words}").pack
    places = [place for place, letter in enumerate(kept.words) if letter == ADDRESS_LETTER]
    # a truth value is the first byte of its word
    unpack = struct.Struct("=" + kept.results.replace("?", "?7x")).unpack_from
    n_results = len(kept.results)

    def packed(arguments: Sequence[Any]) -> bytes:
        words: list[Any] = []
        for argument in arguments:
            if isinstance(argument, tuple):
                words += argument
            else:
                words.append(argument)
        for place in places:
            if not isinstance(words[place], np.ndarray):
                raise TypeError(f"{name} takes an array, and no {type(words[place]).__name__}, as its number {place}")
            words[place] = id(words[place])
        return pack(*words)

    def call(*arguments: Any) -> Any:
        room = _Room()
        if function(room, room, packed(arguments), room) or room[0]:
            raise _misfit(name, room[0])
        if n_results:
            results = unpack(room, 8)
            return results if n_results > 1 else results[0]
        return None

    def prepare(*rest: Any) -> Callable[[Any], float]:
        # any array stands for the first one
        words = (ctypes.c_int64 * len(kept.words)).from_buffer_copy(packed((np.empty(0), *rest)))
        room = _Room()
        result = ctypes.c_double.from_buffer(room, 8)  # behind the status
        run, room_at, words_at = _Prepared(address), ctypes.byref(room), ctypes.byref(words)

        def call_prepared(array: Any) -> float:
            if not isinstance(array, np.ndarray):
                raise TypeError(f"{name} takes an array, and no {type(array).__name__}, as its number 0")
            words[0] = id(array)
            if run(room_at, room_at, words_at, room_at) or room[0]:
                raise _misfit(name, room[0])
            return result.value

        call_prepared.held = rest, engine  # type: ignore[attr-defined]  # whose addresses are among the words
        return call_prepared

    call.engine = engine  # type: ignore[attr-defined]  # the code goes with it
    call.prepare = prepare  # type: ignore[attr-defined]
    call.__name__ = call.__qualname__ = name
    return call


def _misfit(name: str, word: int) -> TypeError:
    return TypeError(f"{name} does not take its number {word - 1}: an array of another kind or layout")


@functools.cache
def arrays_are_as_expected() -> bool:
    """Return whether arrays lie in memory as the code expects: `id` is an address, and NumPy's fields are there."""
    head = object.__basicsize__
    if struct.calcsize("P") != 8 or np.ndarray.__basicsize__ < head + ARRAY_FIELDS["flags"] + 4:
        return False
    array = np.zeros((2, 3), np.float32)[:, :2]

    def at(kind: Any, address: int) -> Any:
        return kind.from_address(address)

    def word(field: str) -> int:
        return int(at(ctypes.c_int64, id(array) + head + ARRAY_FIELDS[field]).value)

    # what is no address is not followed
    return (
        (word("data"), word("dtype")) == (array.ctypes.data, id(array.dtype))
        and (word("ndim") & 0xFFFF_FFFF, word("flags") & 0xFFFF_FFFF) == (2, array.flags.num)
        and tuple(at(ctypes.c_int64 * 4, word("shape"))) == array.shape + array.strides
        and word("strides") == word("shape") + 16
        and at(ctypes.c_int32, id(array.dtype) + head + DTYPE_FIELDS["num"]).value == array.dtype.num
        and at(ctypes.c_char, id(array.dtype) + head + DTYPE_FIELDS["byteorder"]).value == b"="
    )
