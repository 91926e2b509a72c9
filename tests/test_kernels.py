"""The vectors that kernels are made of do what their IEEE operations say, and nothing else."""

from __future__ import annotations

import math
import platform
import re
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from numba import njit

import fastdrift as fd
from fastdrift.detectors.mahalanobis import pack_distance
from fastdrift.engine import compiled, plan
from fastdrift.engine.windows import Sweep
from fastdrift.kernels import compiling, layout
from fastdrift.kernels.vectors import (
    LANES,
    equal,
    fma,
    keep,
    load,
    roots_of_group,
    spread,
    spread_from,
    square_root,
    store,
    transpose,
    within,
)
from fastdrift.tables.convert import as_table


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
def refined_roots(square, out, other):
    for at in range(0, out.size, LANES):
        one = load(square, at)
        _, second, _, fourth = roots_of_group(one, one, one, one)
        store(out, at, second)
        store(other, at, fourth)


@njit
def all_equal(first, second):
    return equal(load(first, 0), load(second, 0))


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


def roots_of_minus(number, bits):
    """Return the odd numbers below 2**bits whose squares are -number modulo 2**bits; there are four or none."""
    if -number % 8 != 1:
        return []
    root = 1
    for known in range(3, bits):  # root² + number is 0 modulo 2**known
        if (root * root + number) >> known & 1:
            root += 1 << (known - 1)
    half, whole = 1 << (bits - 1), 1 << bits
    return [one % whole for one in (root, -root, root + half, -root + half)]


def squares_nearest_to_a_rounding_boundary(nearest):
    """Return doubles in [1, 4) whose roots lie nearest to the middle of two doubles.

    A middle is M / 2**53 with M odd. With the square A / 2**52, or A / 2**51, the distance is in proportion to the
    whole number A 2**54 - M², or A 2**55 - M²; all those up to `nearest` are found by roots modulo a power of 2.
    """
    found = []
    for number in range(-nearest | 1, nearest + 1, 2):
        for bits, unit in ((54, 52), (55, 51)):
            for root in roots_of_minus(number, bits):
                whole, rest = divmod(root * root + number, 1 << bits)
                assert rest == 0
                if 1 << 53 <= root < 1 << 54 and 1 << 52 <= whole < 1 << 53:
                    found.append(whole / 2.0**unit)
    return found


def test_refined_roots_are_those_of_numpy_even_next_to_rounding_boundaries():
    # before it is rounded, a refined root is wrong by less than 2**-50 of the last digit, the distance of number 64
    hardest = squares_nearest_to_a_rounding_boundary(100_000)
    assert len(hardest) > 10_000
    middles = [math.isqrt(int(Fraction(square) * 2**240)) for square in hardest]
    assert max(abs(middle % 2**68 / 2**68 - 0.5) for middle in middles) < 1e-11  # they are as hard as claimed
    squares = np.abs(doubles_of_every_size(4_000_000, 3))
    squares[: len(hardest)] = hardest
    squares[-16:] = [0.0, 5e-324, 1e-308, np.finfo(float).max, np.inf, 2.0**-900, 2.0**900, 4.0] * 2
    out, other = np.empty_like(squares), np.empty_like(squares)
    refined_roots(squares, out, other)
    assert out.tobytes() == other.tobytes() == np.sqrt(squares).tobytes()
    out, other = np.empty(LANES), np.empty(LANES)
    refined_roots(np.array([-1.0, np.nan, -0.0, 0.0, -np.inf, 1.0, 2.0, 9.0]), out, other)
    assert np.isnan(out[[0, 1, 4]]).all()
    assert out[[2, 3, 5, 6, 7]].tolist() == [0.0, 0.0, 1.0, math.sqrt(2.0), 3.0]


def test_vectors_are_equal_only_if_all_lanes_are():
    one = np.arange(8.0)
    assert all_equal(one, one.copy())
    for lane in range(LANES):
        assert not all_equal(one, np.where(np.arange(8) == lane, -1.0, one))
    assert not all_equal(np.full(8, np.nan), np.full(8, np.nan))


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
def test_the_score_kernel_is_made_of_packed_fused_arithmetic():
    (assembly,) = compiling.compile_in_numba("score_range", np.dtype(np.float64)).inspect_asm().values()
    if not re.search(r"vfn?m(add|sub)", assembly):
        pytest.skip("this processor has no fused multiply-add")
    assert len(re.findall(r"vfn?madd\d+pd", assembly)) > 100
    assert not re.findall(r"vfn?madd\d+sd", assembly)


def test_a_kernel_is_compiled_once_and_never_again():
    kernel = compiled.kernel("score_range", np.float64)
    assert kernel is compiled.kernel("score_range", "f8")
    settle = compiling.compile_in_numba("settle_range", np.dtype(np.float64))
    with pytest.raises(TypeError, match="No matching definition"):
        settle(np.zeros((2, 2), np.int64), 0, np.zeros(1, np.int64), 2, (0, 1, 1, 2), (np.zeros(2), 0))
    assert len(settle.signatures) == 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_columns", [1, 2, 3, 4, 5, 7, 9])
def test_columns_that_lie_each_for_itself_give_the_same_bytes_whatever_rows_are_left_of_eights(n_columns, dtype):
    rows = np.random.default_rng(n_columns).normal(size=(1_000, n_columns)).astype(dtype)
    for window in (*range(2, 18), 130, 133):  # of the longest, tiles end anywhere
        expected = fd.rolling_std(rows, window).tobytes()
        assert fd.rolling_std(np.asfortranarray(rows), window).tobytes() == expected
        frame = pd.DataFrame({name: rows[:, name].copy() for name in range(n_columns)})
        assert fd.rolling_std(frame, window).to_numpy().tobytes() == expected


def test_rows_are_read_in_the_fastest_way_their_layout_allows():
    rows, columns = np.zeros((3, 4)), np.arange(4)
    layouts = [plan.layout_of(array, columns)[0] for array in (rows, np.asfortranarray(rows), rows[:, ::-1])]
    assert layouts == [layout.FLAT, layout.COLUMNS, layout.ANY]


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="names x86 processors")
@pytest.mark.parametrize("kernel", ["feature_range", "score_range"])
def test_a_kernel_writes_the_rows_of_its_span_and_no_others(kernel):
    n_columns, window, n_rows = 3, 10, 160  # two blocks a lane: nothing but the bounds keeps the last one in its place
    rows = np.random.default_rng(4).normal(size=(n_rows, n_columns))
    packed = pack_distance(window, np.zeros(2 * n_columns), np.ones(2 * n_columns), np.eye(2 * n_columns))
    sweep = Sweep(as_table(rows), np.arange(n_columns), window)
    for row, end_row in [(at, n_rows) for at in range(9, 22)] + [(9, n_rows - at) for at in range(12)]:
        piece = sweep.piece(layout.Span(0, n_rows // window, row, end_row))
        if kernel == "feature_range":
            out = np.full((n_rows, 2 * n_columns), -7.0)
            sweep.call(kernel, piece, packed.scales, 2 * n_columns, (0, 2 * n_columns), (out.reshape(-1), 0))
        else:
            out = np.full((n_rows, 1), -7.0)
            sweep.call(kernel, piece, packed.scales, 1, packed.factor, False, (out.reshape(-1), 0))
        written = (out != -7.0).all(axis=1)
        np.testing.assert_array_equal(written, (out != -7.0).any(axis=1))
        assert np.flatnonzero(written).tolist() == list(range(row, end_row))


def test_another_processor_gives_the_same_bytes(run_python, tmp_path):
    code = """
import hashlib, numpy as np, fastdrift as fd
rows = np.random.default_rng(0).normal(size=(9_000, 5)).cumsum(axis=0)
for window in (20, 200):
    model = fd.fit(rows, window=window, threshold="in-sample")
    print(hashlib.sha256(fd.score(model, rows).tobytes() + model.cholesky.tobytes()).hexdigest())
from fastdrift.kernels import compiling
print("zmm" in next(iter(compiling.compile_in_numba("score_range", np.dtype(float)).inspect_asm().values())))
"""
    *here, _ = run_python(code, "-W", "ignore").split()
    options = {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": "", "FASTDRIFT_CACHE_DIR": str(tmp_path)}
    *there, wide = run_python(code, "-W", "ignore", **options).split()
    assert there == here
    assert wide == "False"
