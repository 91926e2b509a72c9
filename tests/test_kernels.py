"""The vectors that kernels are made of do what their IEEE operations say, and nothing else."""

from __future__ import annotations

import platform
import re
from fractions import Fraction

import numpy as np
import pytest
from numba import njit

from fastdrift import compilation, engine
from fastdrift.lanes import LANES, fma, keep, load, spread, spread_from, square_root, store, transpose, within


@njit
def fused(factor, other, addend, out):
    for at in range(0, out.size, LANES):
        store(out, at, fma(load(factor, at), load(other, at), load(addend, at)))


@njit
def arithmetic(first, second, out):
    for at in range(0, first.size, LANES):
        one, two = load(first, at), load(second, at)
        store(out, 3 * at, one + two)
        store(out, 3 * at + LANES, one - two)
        store(out, 3 * at + 2 * LANES, one * two)


@njit
def roots(square, out):
    for at in range(0, out.size, LANES):
        store(out, at, square_root(load(square, at)))


@njit
def chosen(low, value, high, out):
    weight = within(load(low, 0), load(value, 0), load(high, 0))
    store(out, 0, weight)
    store(out, LANES, keep(weight, load(value, 0)))


@njit
def spreads(array, index, out):
    store(out, 0, spread(array[index]))
    store(out, LANES, spread_from(array, index))


@njit
def transposed(source, byte, lane_bytes, out, index, step):
    transpose(source, byte, lane_bytes, out, index, step)


def doubles_of_every_size(count, seed):
    """Return doubles of every exponent and sign: random bits, NaN and inf made finite."""
    bits = np.random.default_rng(seed).integers(0, 2**64, count, dtype=np.uint64)
    values = bits.view(np.float64)
    return np.where(np.isfinite(values), values, 1.0)


def test_fma_rounds_once():
    rng = np.random.default_rng(0)
    factor, other = rng.normal(size=4_000), rng.normal(size=4_000)
    addend = -factor * other  # all that is left is what a product of its own would round away
    out = np.empty_like(factor)
    fused(factor, other, addend, out)
    exact = [float(Fraction(a) * Fraction(b) + Fraction(c)) for a, b, c in zip(factor, other, addend, strict=True)]
    assert out.tobytes() == np.array(exact).tobytes()
    assert np.count_nonzero(out) > 3_000


def test_sums_differences_and_products_are_those_of_numpy():
    first, second = doubles_of_every_size(800_000, 1), doubles_of_every_size(800_000, 2)
    out = np.empty(3 * first.size)
    arithmetic(first, second, out)
    sums, differences, products = np.moveaxis(out.reshape(-1, 3, LANES), 1, 0)
    with np.errstate(all="ignore"):
        assert sums.tobytes() == (first + second).tobytes()
        assert differences.tobytes() == (first - second).tobytes()
        assert products.tobytes() == (first * second).tobytes()


def test_roots_are_those_of_numpy_over_all_exponents():
    rng = np.random.default_rng(3)
    squares = np.abs(doubles_of_every_size(4_000_000, 3))
    squares[:8] = 0.0, 5e-324, 2.2250738585072014e-308, np.finfo(float).max, np.inf, 1.0, 4.0, 2.0
    squares[8:1_000_000] = rng.random(999_992) * 4
    out = np.empty_like(squares)
    roots(squares, out)
    assert out.tobytes() == np.sqrt(squares).tobytes()


def test_within_is_half_open_and_false_for_nan_and_keep_drops_even_nan():
    low = np.array([0.0, 0.0, 0.0, 0.0, np.nan, 0.0, 0.0, -np.inf])
    value = np.array([0.0, 0.5, 1.0, -1.0, 0.5, np.nan, np.inf, -5.0])
    high = np.array([1.0, 1.0, 1.0, 1.0, 1.0, 1.0, np.inf, 0.0])
    out = np.empty(2 * LANES)
    chosen(low, value, high, out)
    assert out[:LANES].tolist() == [1, 1, 0, 0, 0, 0, 0, 1]
    assert out[LANES:].tolist() == [0, 0.5, 0, 0, 0, 0, 0, -5]


def test_a_spread_number_stands_in_every_lane():
    out = np.empty(2 * LANES)
    spreads(np.arange(10.0), 7, out)
    assert out.tolist() == [7.0] * (2 * LANES)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("start", "pitch", "step"), [(0, 8, 8), (3, 11, 8), (5, 64, 24)])
def test_a_transposed_tile_has_runs_as_lanes(dtype, start, pitch, step):
    source = np.random.default_rng(4).normal(size=600).astype(dtype)
    out = np.full(16 + LANES * step, -1.0)
    size = source.itemsize
    transposed(source, start * size, pitch * size, out, 9, step)
    expected = np.full_like(out, -1.0)
    for lane in range(LANES):
        for number in range(LANES):
            expected[9 + number * step + lane] = source[start + lane * pitch + number]
    assert out.tolist() == expected.tolist()


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="reads x86 assembly")
def test_the_score_kernel_is_made_of_packed_fused_arithmetic(monkeypatch):
    # numba shows no assembly of what it has loaded from its cache
    monkeypatch.setattr(compilation, "cache_directory", lambda: None)
    (assembly,) = compilation.compile_kernel("score_range", np.dtype(np.float64)).inspect_asm().values()
    if not re.search(r"vfn?m(add|sub)", assembly):
        pytest.skip("this processor has no fused multiply-add")
    assert len(re.findall(r"vfn?madd\d+pd", assembly)) > 100
    assert not re.findall(r"vfn?madd\d+sd", assembly)


def test_a_kernel_is_compiled_once_and_never_again():
    kernel = engine.kernel("score_range", np.float64)
    assert kernel is engine.kernel("score_range", "f8")
    assert len(kernel.signatures) == 1
    settle = engine.kernel("settle_range", np.float64)
    with pytest.raises(TypeError, match="No matching definition"):
        settle(np.zeros((2, 2), np.int64), 0, np.zeros(1, np.int64), 2, 1, 2, np.zeros(2), 0)
    assert len(settle.signatures) == 1


def test_the_rooms_above_the_kernels_know_their_sizes_and_layouts():
    from fastdrift import engine, forest, kernels, lanes

    assert engine.LANES == lanes.LANES
    assert forest.GROUP_SIZE == kernels.GROUP_SIZE
    rows, columns = np.zeros((3, 4)), np.arange(4)
    layouts = [engine.layout_of(array, columns)[0] for array in (rows, np.asfortranarray(rows), rows[:, ::-1])]
    assert layouts == [kernels.FLAT, kernels.COLUMNS, kernels.ANY]
