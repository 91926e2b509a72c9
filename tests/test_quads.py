"""Windows merged four at a time: exact, forgetful and the same bits for every remainder, layout and processor."""

from __future__ import annotations

import platform

import numpy as np
import pytest
from oracle import relative_error, rolling_exact, telemetry

import fastdrift as fd

# every remainder modulo four, below and above one quad, and windows of several tiles
WINDOWS = (2, 3, 4, 5, 6, 7, 8, 9, 50, 127, 128, 129, 130, 193)


def columns_of(kind, n_rows, seed=1):
    """Return a column of one of eight kinds of data."""
    rng = np.random.default_rng(seed)
    normal = rng.normal(size=n_rows)
    return {
        "normal": normal,
        "offset": 1e9 + normal,
        "walk": normal.cumsum(),
        "spikes": normal + 1e12 * (rng.random(n_rows) < 0.02),
        "magnitudes": normal * 10.0 ** rng.integers(-8, 8, n_rows),
        "small whole numbers": rng.integers(0, 3, n_rows).astype(float),
        "steps": 1e6 * np.repeat(rng.normal(size=n_rows // 5 + 1), 5)[:n_rows],
        "nearly constant": 1e6 + 1e-9 * rng.integers(0, 2, n_rows),
    }[kind]


KINDS = ("normal", "offset", "walk", "spikes", "magnitudes", "small whole numbers", "steps", "nearly constant")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("window", WINDOWS)
def test_a_std_is_within_a_few_last_digits_on_every_kind_of_data(kind, window):
    column = columns_of(kind, 26 * window if window < 100 else 5 * window)
    mean, std = rolling_exact(column, window)
    ours = fd.rolling_std(column, window)
    assert relative_error(ours, std) < 1.1e-15
    moving = std > 0
    assert not moving.any() or np.median(np.abs(ours[moving] / std[moving] - 1)) < 4.3e-16
    assert np.nanmax(np.abs(fd.rolling_mean(column, window) - mean)) < 5e-16 * np.abs(column).max()


@pytest.mark.parametrize("window", [2, 3, 4, 5, 8, 10, 11, 130])
def test_what_stands_at_any_place_of_a_block_leaves_no_trace(window):
    clean = telemetry(20 * window, 2, seed=window)
    expected = fd.rolling_mean(clean, window), fd.rolling_std(clean, window)
    for place in range(9 * window, 11 * window, 1 if window < 100 else 17):
        for value in (np.nan, 1e12):
            spoiled = clean.copy()
            spoiled[place, 0] = value
            touched = slice(place, place + window)
            for rolling, before in zip((fd.rolling_mean, fd.rolling_std), expected, strict=True):
                after = rolling(spoiled, window)
                assert after[:, 1].tobytes() == before[:, 1].tobytes()
                assert np.isnan(after[touched, 0]).all() or not np.isnan(value)
                after[touched] = before[touched]
                assert after.tobytes() == before.tobytes()


@pytest.mark.parametrize("window", [2, 3, 4, 5, 6, 7, 8, 9, 129, 130])
@pytest.mark.parametrize("n_columns", [1, 2, 3, 4, 7, 8, 9])
def test_every_layout_and_type_gives_the_same_bytes(window, n_columns):
    rows = telemetry(20 * window + window // 2 + 1, n_columns, seed=window).astype(np.float32)
    expected = fd.rolling_std(rows.astype(np.float64), window).tobytes()
    wide = np.hstack([rows, rows, rows])
    ways = [
        rows,
        np.asfortranarray(rows),
        np.repeat(rows, 2, axis=0)[::2],
        wide[:, :n_columns],
        wide[:, n_columns:][:, :n_columns],
    ]
    for way in ways:
        assert fd.rolling_std(way, window).tobytes() == expected
        assert fd.rolling_std(way.astype(np.float64, order="K"), window, threads=2).tobytes() == expected


@pytest.mark.parametrize("window", [5, 8, 50, 130, 200])
def test_a_table_that_starts_anywhere_gives_the_same_bytes(window):
    rows = telemetry(17 * window, 3, seed=3)
    expected = fd.rolling_std(rows, window)
    for first in (1, 3, window - 1, window, window + 2, 3 * window + 5):
        part = fd.rolling_std(rows[first:], window, first_row=first)
        assert part[window - 1 :].tobytes() == expected[first + window - 1 :].tobytes()


def test_a_constant_stretch_at_any_place_has_its_value_and_no_std():
    for window in (2, 3, 4, 5, 6, 7, 11, 130):
        for start in range(0, window + 4, 1 if window < 100 else 13):
            column = np.random.default_rng(start).normal(0, 1e6, 12 * window)
            still = slice(start + window, start + 4 * window)
            column[still] = 0.1
            ends = slice(still.start + window - 1, still.stop)
            assert (fd.rolling_std(column, window)[ends] == 0.0).all()
            assert (fd.rolling_mean(column, window)[ends] == 0.1).all()


HASHES = """
import hashlib, numpy as np, fastdrift as fd
rows = np.random.default_rng(0).normal(size=(3_000, 5)).cumsum(axis=0) + 1e6
for window in (2, 3, 4, 5, 10, 50, 131, 200):
    digest = hashlib.sha256(fd.rolling_std(rows, window).tobytes())
    digest.update(fd.rolling_mean(rows.astype(np.float32), window).tobytes())
    print(digest.hexdigest())
from fastdrift.kernels import compiling
print("zmm" in next(iter(compiling.compile_in_numba("feature_range", np.dtype(float)).inspect_asm().values())))
"""


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="names x86 processors")
def test_a_processor_with_half_the_registers_gives_the_same_bytes(run_python, tmp_path):
    *here, _ = run_python(HASHES).split()
    options = {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": "", "FASTDRIFT_CACHE_DIR": str(tmp_path)}
    *there, wide = run_python(HASHES, **options).split()
    assert there == here
    assert wide == "False"
