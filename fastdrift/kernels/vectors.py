"""A vector of eight doubles as a Numba type: the alphabet the kernels are written in.

Kernels that name their vectors do not depend on LLVM finding them: there is no loop to vectorise, no alias check and
no remainder, and compilation is ten times shorter than through the auto-vectoriser. Every operation is one correctly
rounded IEEE operation a lane, so a machine with narrower registers splits a vector in two or four and gets the same
bits. Nothing here is fast-math.
"""

from __future__ import annotations

import operator
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.imputils import lower_builtin
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, models, register_model

from fastdrift.kernels.layout import LANES

_DOUBLES = ir.VectorType(ir.DoubleType(), LANES)
_FLOATS = ir.VectorType(ir.FloatType(), LANES)
_INDEX = ir.IntType(32)
# the largest exponent of two of numbers whose roots are made by multiplication
ROOT_RANGE = 900


class LanesType(types.Type):
    """The Numba type of one vector of eight doubles."""

    def __init__(self) -> None:
        super().__init__(name=f"float64x{LANES}")


lanes = LanesType()


@register_model(LanesType)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, numba_type: Any) -> None:
        super().__init__(manager, numba_type, _DOUBLES)


def _define_operator(function: Any, instruction: str) -> None:
    @infer_global(function)
    class _Signature(AbstractTemplate):
        def generic(self, args: Any, _keywords: Any) -> Any:
            return signature(lanes, lanes, lanes) if args == (lanes, lanes) else None

    @lower_builtin(function, lanes, lanes)
    def _lower(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return getattr(builder, instruction)(*args)


_define_operator(operator.add, "fadd")
_define_operator(operator.sub, "fsub")
_define_operator(operator.mul, "fmul")
_define_operator(operator.truediv, "fdiv")


def _spread(builder: Any, scalar: Any) -> Any:
    undefined = ir.Constant(_DOUBLES, ir.Undefined)
    first = builder.insert_element(undefined, scalar, _INDEX(0))
    return builder.shuffle_vector(first, undefined, _mask([0] * LANES))


def _mask(positions: list[int]) -> Any:
    return ir.Constant(ir.VectorType(_INDEX, LANES), positions)


def _pointer(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    # straight to the data: no wrap-around of negative indices, no bounds
    return builder.gep(context.make_array(array_type)(context, builder, array).data, [index])


def _call(builder: Any, name: str, args: list[Any]) -> Any:
    function_type = ir.FunctionType(_DOUBLES, [_DOUBLES] * len(args))
    full_name = f"llvm.{name}.v{LANES}f64"
    return builder.call(cgutils.get_or_insert_function(builder.module, function_type, full_name), args)


@intrinsic
def opaque(_typing: Any, number: Any) -> Any:
    """Return a whole number as it is, but so that the compiler can't tell what it depends on.

    LLVM keeps every address of a loop's rare branches, too, as a number of its own that it moves on in each round, and
    in memory where registers run out: that took a quarter of the time of short windows.
    """

    def generate(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        whole = ir.IntType(64)
        return builder.asm(ir.FunctionType(whole, [whole]), "", "=r,0", args, side_effect=False)

    return types.int64(types.int64), generate


@intrinsic
def spread(_typing: Any, scalar: Any) -> Any:
    """Return a vector with `scalar` in every lane."""

    def generate(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return _spread(builder, args[0])

    return lanes(types.float64), generate


@intrinsic
def spread_from(_typing: Any, array: Any, index: Any) -> Any:
    """Return a vector with `array[index]` in every lane."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _spread(builder, builder.load(_pointer(context, builder, sig.args[0], *args)))

    return lanes(array, types.intp), generate


@intrinsic
def load(_typing: Any, array: Any, index: Any) -> Any:
    """Return the eight doubles that start at `array[index]`."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        pointer = _pointer(context, builder, sig.args[0], *args)
        return builder.load(builder.bitcast(pointer, _DOUBLES.as_pointer()), align=8)

    return lanes(array, types.intp), generate


@intrinsic
def store(_typing: Any, array: Any, index: Any, vector: Any) -> Any:
    """Write the eight lanes of `vector` from `array[index]` on."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        pointer = _pointer(context, builder, sig.args[0], args[0], args[1])
        builder.store(args[2], builder.bitcast(pointer, _DOUBLES.as_pointer()), align=8)
        return context.get_dummy_value()

    return types.void(array, types.intp, vector), generate


@intrinsic
def fma(_typing: Any, factor: Any, other: Any, addend: Any) -> Any:
    """Return `factor * other + addend`, rounded once."""

    def generate(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return _call(builder, "fma", list(args))

    return lanes(factor, other, addend), generate


@intrinsic
def square_root(_typing: Any, vector: Any) -> Any:
    """Return the square root of every lane, correctly rounded."""

    def generate(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return _call(builder, "sqrt", list(args))

    return lanes(vector), generate


@intrinsic
def absolute(_typing: Any, vector: Any) -> Any:
    """Return every lane without its sign."""

    def generate(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return _call(builder, "fabs", list(args))

    return lanes(vector), generate


@intrinsic
def roots_of_group(_typing: Any, first: Any, second: Any, third: Any, fourth: Any) -> Any:
    """Return the square roots of the lanes of four vectors, correctly rounded, every other by multiplication if it can.

    From an estimate of 1 / √x to 14 bits, Goldschmidt's iteration leads to √x and 1 / (2 √x), and a last step by the
    exact remainder rounds as the true root would (Markstein 1990; Cornea, Harrison and Tang 2002). Lanes out of the
    range in which that holds, zero among them, send all four to the divider. A test goes through the roots nearest to
    a rounding boundary, which are the only ones that could go wrong.
    """

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        if "+avx512f" not in context.codegen().magic_tuple()[2]:
            return context.make_tuple(builder, sig.return_type, [_call(builder, "sqrt", [value]) for value in args])
        results = [cgutils.alloca_once(builder, _DOUBLES) for _ in range(2)]
        with builder.if_else(_any_beyond(builder, args, ROOT_RANGE), likely=False) as (rare, usual):
            with rare:
                for result, value in zip(results, args[1::2], strict=True):
                    builder.store(_call(builder, "sqrt", [value]), result)
            with usual:
                for result, value in zip(results, args[1::2], strict=True):
                    builder.store(_refine_root(builder, value), result)
        roots = [_call(builder, "sqrt", [value]) for value in args]
        roots[1::2] = map(builder.load, results)
        return context.make_tuple(builder, sig.return_type, roots)

    return types.UniTuple(lanes, 4)(first, second, third, fourth), generate


@intrinsic
def any_beyond(_typing: Any, first: Any, second: Any, third: Any, fourth: Any) -> Any:
    """Return whether any lane of four vectors is out of the range of `roots_of_group`'s multiplication."""

    def generate(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return _any_beyond(builder, args, ROOT_RANGE)

    return types.boolean(first, second, third, fourth), generate


def _any_beyond(builder: Any, values: Any, exponent: int) -> Any:
    """Return whether any lane lies outside 2 to the power of -exponent … exponent, or is negative or NaN."""
    wholes = ir.VectorType(ir.IntType(64), LANES)
    least, spread_of_bits = (1023 - exponent) << 52, 2 * exponent << 52
    highest, *others = [
        builder.sub(builder.bitcast(value, wholes), ir.Constant(wholes, [least] * LANES)) for value in values
    ]
    for other in others:
        highest = builder.select(builder.icmp_unsigned(">", other, highest), other, highest)
    beyond = builder.icmp_unsigned(">", highest, ir.Constant(wholes, [spread_of_bits] * LANES))
    return builder.icmp_unsigned("!=", builder.bitcast(beyond, ir.IntType(LANES)), ir.IntType(LANES)(0))


def _refine_root(builder: Any, value: Any) -> Any:
    half, zero = (ir.Constant(_DOUBLES, [number] * LANES) for number in (0.5, 0.0))
    mask_type = ir.IntType(8)
    estimate_type = ir.FunctionType(_DOUBLES, [_DOUBLES, _DOUBLES, mask_type])
    estimate = cgutils.get_or_insert_function(builder.module, estimate_type, "llvm.x86.avx512.rsqrt14.pd.512")
    inverse = builder.call(estimate, [value, zero, mask_type(255)])
    root, half_inverse = builder.fmul(value, inverse), builder.fmul(half, inverse)
    for _ in range(2):
        error = _call(builder, "fma", [builder.fneg(root), half_inverse, half])
        root, half_inverse = (_call(builder, "fma", [one, error, one]) for one in (root, half_inverse))
    remainder = _call(builder, "fma", [builder.fneg(root), root, value])
    return _call(builder, "fma", [remainder, half_inverse, root])


@intrinsic
def within(_typing: Any, low: Any, value: Any, high: Any) -> Any:
    """Return 1.0 where `low <= value < high`, 0.0 elsewhere (and where any of them is NaN)."""

    def generate(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        low, value, high = args
        above = builder.fcmp_ordered("<=", low, value)
        below = builder.fcmp_ordered("<", value, high)
        one, zero = (ir.Constant(_DOUBLES, [number] * LANES) for number in (1.0, 0.0))
        return builder.select(builder.and_(above, below), one, zero)

    return lanes(low, value, high), generate


@intrinsic
def equal(_typing: Any, vector: Any, other: Any) -> Any:
    """Return whether two vectors are equal in every lane."""

    def generate(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        bits = builder.bitcast(builder.fcmp_ordered("==", *args), ir.IntType(LANES))
        return builder.icmp_unsigned("==", bits, ir.IntType(LANES)((1 << LANES) - 1))

    return types.boolean(vector, other), generate


@intrinsic
def keep(_typing: Any, weight: Any, vector: Any) -> Any:
    """Return `vector` where `weight` is not 0, and 0 elsewhere, NaN or not."""

    def generate(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        zero = ir.Constant(_DOUBLES, [0.0] * LANES)
        return builder.select(builder.fcmp_ordered("!=", args[0], zero), args[1], zero)

    return lanes(weight, vector), generate


@intrinsic
def prefetch(_typing: Any, array: Any, byte: Any) -> Any:
    """Ask for the cache line `byte` bytes into `array`; harmless anywhere, even outside it."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        void_pointer = ir.IntType(8).as_pointer()
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        pointer = builder.gep(builder.bitcast(data, void_pointer), [args[1]])
        function_type = ir.FunctionType(ir.VoidType(), [void_pointer, _INDEX, _INDEX, _INDEX])
        function = cgutils.get_or_insert_function(builder.module, function_type, "llvm.prefetch.p0")
        read, second_level_cache, data_cache = _INDEX(0), _INDEX(2), _INDEX(1)
        builder.call(function, [pointer, read, second_level_cache, data_cache])
        return context.get_dummy_value()

    return types.void(array, types.intp), generate


def _transposed(builder: Any, rows: list[Any]) -> list[Any]:
    # three rounds of two-input shuffles, each one instruction: 24 for 64 numbers, where scalar loads need 64
    def shuffle(first: Any, second: Any, positions: list[int]) -> Any:
        return builder.shuffle_vector(first, second, _mask(positions))

    def round_of(vectors: list[Any], distance: int, low: list[int], high: list[int]) -> list[Any]:
        result = list(vectors)
        for first in (k for k in range(LANES) if not k & distance):
            pair = vectors[first], vectors[first + distance]
            result[first], result[first + distance] = shuffle(*pair, low), shuffle(*pair, high)
        return result

    rows = round_of(rows, 1, [0, 8, 2, 10, 4, 12, 6, 14], [1, 9, 3, 11, 5, 13, 7, 15])
    rows = round_of(rows, 2, [0, 1, 8, 9, 4, 5, 12, 13], [2, 3, 10, 11, 6, 7, 14, 15])
    return round_of(rows, 4, [0, 1, 2, 3, 8, 9, 10, 11], [4, 5, 6, 7, 12, 13, 14, 15])


@intrinsic
def transpose(_typing: Any, source: Any, byte: Any, lane_bytes: Any, target: Any, index: Any, step: Any) -> Any:
    """Transpose an 8 × 8 tile from `source` into the double array `target`.

    Run k of the tile is the eight adjacent numbers (float32 or float64) `byte + k * lane_bytes` bytes into `source`;
    the k-th numbers of all runs land side by side at `target[index + k * step]`.
    """
    width, vector_type = (4, _FLOATS) if source.dtype == types.float32 else (8, _DOUBLES)

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        source_array, byte, lane_bytes, target_array, index, step = args
        data = context.make_array(sig.args[0])(context, builder, source_array).data
        data = builder.bitcast(data, ir.IntType(8).as_pointer())
        runs = []
        for _ in range(LANES):
            pointer = builder.bitcast(builder.gep(data, [byte]), vector_type.as_pointer())
            run = builder.load(pointer, align=width)
            runs.append(builder.fpext(run, _DOUBLES) if vector_type is _FLOATS else run)
            byte = builder.add(byte, lane_bytes)
        for vector in _transposed(builder, runs):
            pointer = _pointer(context, builder, sig.args[3], target_array, index)
            builder.store(vector, builder.bitcast(pointer, _DOUBLES.as_pointer()), align=8)
            index = builder.add(index, step)
        return context.get_dummy_value()

    intp = types.intp
    return types.void(source, intp, intp, target, intp, intp), generate
