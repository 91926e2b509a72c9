"""Logarithms of a vector, and limits for its lanes."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba.extending import intrinsic

from fastdrift.kernels.jitting import inline
from fastdrift.kernels.layout import LANES
from fastdrift.kernels.vectors import fma, lanes, spread

_DOUBLES, _WHOLES = ir.VectorType(ir.DoubleType(), LANES), ir.VectorType(ir.IntType(64), LANES)
# the bits of the root of a half: mantissas lie between it and the root of two, where the series is shortest
_ROOT_OF_HALF = int(np.sqrt(0.5).view(np.int64))
_EXPONENT = ~((1 << 52) - 1)
_LOG_2 = float(np.log(2.0))


@intrinsic
def within_limits(_typing: Any, vector: Any, least: Any, most: Any) -> Any:
    """Return a vector with `least` for what is not above it, and `most` for what is beyond that."""

    def generate(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        vector, least, most = args
        raised = builder.select(builder.fcmp_ordered(">", vector, least), vector, least)
        return builder.select(builder.fcmp_ordered("<", raised, most), raised, most)

    return lanes(vector, least, most), generate


def _split_bits(builder: Any, vector: Any) -> tuple[Any, Any]:
    """Return the bits of positive numbers, and those of their exponents, counted from the root of a half."""
    bits = builder.bitcast(vector, _WHOLES)
    return bits, builder.sub(bits, ir.Constant(_WHOLES, [_ROOT_OF_HALF] * LANES))


@intrinsic
def exponent(_typing: Any, vector: Any) -> Any:
    """Return the powers of two by which positive, normal numbers are told from their mantissas."""

    def generate(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        _, above = _split_bits(builder, args[0])
        return builder.sitofp(builder.ashr(above, ir.Constant(_WHOLES, [52] * LANES)), _DOUBLES)

    return lanes(vector), generate


@intrinsic
def mantissa(_typing: Any, vector: Any) -> Any:
    """Return the mantissas of positive, normal numbers, from the root of a half to that of two."""

    def generate(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        bits, above = _split_bits(builder, args[0])
        power = builder.and_(above, ir.Constant(_WHOLES, [_EXPONENT] * LANES))
        return builder.bitcast(builder.sub(bits, power), _DOUBLES)

    return lanes(vector), generate


@inline
def logarithm(vector):
    """Return the natural logarithms of positive, normal numbers to a few units of the last digit.

    With s = (m - 1) / (m + 1) it is that of the power of two and 2 (s + s³/3 + s⁵/5 + …). No library's: those differ
    from machine to machine, and take a number at a time.
    """
    rest = mantissa(vector) - spread(1.0)
    ratio = rest / (rest + spread(2.0))
    square = ratio * ratio
    series = spread(1 / 21)
    for divisor in (19.0, 17.0, 15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0):
        series = fma(series, square, spread(1 / divisor))
    series = fma(series, square, spread(1.0))
    return fma(exponent(vector), spread(_LOG_2), series * (ratio + ratio))
