"""Shapes are short for any number of rows, lose no spike, and are broken where nothing was measured."""

from __future__ import annotations

import re

import numpy as np
import pytest

from fastdrift.reports.shapes import HEIGHT, WIDTH, Axis, bars, extremes, heights, line
from fastdrift.reports.words import Clock, duration, figure, short


def drawn(values, positions=None):
    axis = Axis(np.arange(len(values)) if positions is None else np.asarray(positions, np.int64))
    x, low, high = extremes(np.asarray(values, float), axis)
    return line(x, heights(low, 0.0, 1.0), heights(high, 0.0, 1.0))


def test_a_line_goes_through_its_points_from_the_top_of_the_box_to_the_bottom():
    assert drawn([0.0, 1.0, 0.5]) == "M0 100h0L500 0L1000 50"


def test_a_line_is_broken_where_a_value_is_missing_and_a_point_alone_is_drawn():
    assert drawn([0.0, np.nan, 1.0, np.nan, np.nan]) == "M0 100h0M500 0h0"


def test_a_line_is_broken_over_a_hole_in_the_times():
    positions = [*range(100), *range(5_000, 5_100)]
    assert drawn(np.zeros(200), positions).count("M") == 2
    assert drawn(np.zeros(200)).count("M") == 1


@pytest.mark.parametrize("n_rows", [5_000, 300_000])
def test_a_million_rows_are_a_short_line_that_keeps_every_spike(n_rows):
    values = np.full(n_rows, 0.5)
    values[n_rows // 3], values[n_rows // 2] = 1.0, 0.0
    path = drawn(values)
    assert len(path) < 20_000
    assert path.count("V0") == 1
    assert path.count(" 100V50") == 1


def test_what_lies_beyond_the_axis_is_drawn_at_its_edge():
    assert heights(np.array([-np.inf, -5.0, 0.0, 1.0, 9.0, np.inf]), 0.0, 1.0).tolist() == [HEIGHT] * 3 + [0] * 3


def test_bars_cover_the_rows_they_are_of_and_a_row_alone_still_shows():
    axis = Axis(np.arange(1_000_000))
    covered = axis.cover([(0, 1), (500_000, 750_000), (999_999, 1_000_000)])
    starts = [tuple(map(int, ends)) for ends in re.findall(r"M(\d+) 0V100H(\d+)V0Z", bars(covered))]
    assert starts == [(0, 1), (500, 750), (WIDTH - 1, WIDTH)]


def test_however_many_stretches_there_are_bars_are_bounded():
    rng = np.random.default_rng(0)
    starts = rng.integers(0, 1_000_000, 20_000)
    assert len(bars(Axis(np.arange(1_000_000)).cover((row, row + 3) for row in starts))) < 15_000
    assert bars(Axis(np.arange(10)).cover([])) == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"), (1234.5, "1234"), (12345.6, "12,346"), (999_999.0, "1 M"), (2.798e7, "27.98 M"),
        (1.61e10, "16.1 G"), (-3.2e13, "-32 T"), (4e15, "4e+15"), (1.5e-7, "1.5e-07"), (float("nan"), "–"),
    ],
)  # fmt: skip
def test_numbers_are_told_with_four_digits(value, text):
    assert figure(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.25, "0.25 s"), (59, "59 s"), (3600, "1 h"), (3661, "1 h 1 min"), (90_000, "1 d 1 h"), (4e8, "12.7 years")],
)
def test_lengths_of_time_are_told_by_their_two_largest_units(seconds, text):
    assert duration(seconds) == text


def test_rows_are_told_by_their_times_if_they_have_some():
    times = np.array(["2024-03-01T10:00", "2024-03-01T10:01"], "M8[ns]")
    assert Clock(None).at(1_234) == "row 1,234"
    assert Clock(times, None, 60.0).at(1) == "2024-03-01 10:01"
    assert Clock(times, "Asia/Tokyo", 60.0).at(1) == "2024-03-01 19:01"
    assert Clock(times, None, 5.0).at(1) == "2024-03-01 10:01:00"
    assert Clock(times, None, 60.0).length(120) == "120 rows (2 h)"
    assert Clock(times, None, 60.0).about(302_000) == "300,000 rows (208 days)"


def test_a_long_name_keeps_its_ends():
    assert short("x" * 60) == "x" * 60
    assert short("a" + "x" * 98 + "z") == "a" + "x" * 28 + "…" + "x" * 29 + "z"
