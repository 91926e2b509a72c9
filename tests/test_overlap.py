"""Rows that two tables share are found by their times or by their numbers."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from fastdrift.tables.convert import as_table, reader_of
from fastdrift.tables.overlap import row_in_both


def shared(rows, others, block):
    """Return what `row_in_both` does, slowly: blocks are compared one by one."""
    blocks, of_others = (
        [
            (place, values[place : place + block].tolist())
            for place in range(len(values) - block + 1)
            if any(row != values[place].tolist() for row in values[place : place + block].tolist())
        ]
        for values in (np.where(np.isnan(values), 1e300, values) for values in (rows, others))
    )
    return next(
        ((mine, theirs) for (mine, one), (theirs, other) in itertools.product(blocks, of_others) if one == other), None
    )


@pytest.mark.parametrize("block", [1, 2, 5])
def test_the_first_shared_block_is_the_one_that_comparing_all_finds(block):
    rng = np.random.default_rng(block)
    found = []
    for trial in range(60):
        rows, others = (rng.choice([0.0, 1.0, np.nan], size=(int(rng.integers(0, 25)), 2)) for _ in range(2))
        if trial % 3 == 0:
            others = np.concatenate([others, rows[int(rng.integers(0, 10)) :]])
        expected = shared(rows, others, block)
        assert row_in_both(as_table(rows), as_table(others), block) == expected
        found.append(expected)
    assert block == 1 or 10 < sum(one is not None for one in found) < 60


def test_a_block_is_the_same_in_float32_with_another_zero_and_another_nan():
    rows = np.array([[0.0, 1.0], [np.nan, 2.5], [3.0, -0.0]])
    other = np.array([[9.0, 9.0], [-0.0, 1.0], [-np.nan, 2.5], [3.0, 0.0]], np.float32)
    assert row_in_both(as_table(rows), as_table(other), 3) == (0, 1)
    other[2, 1] = np.nextafter(np.float32(2.5), np.float32(3))
    assert row_in_both(as_table(rows), as_table(other), 3) is None


def test_columns_that_change_places_are_other_rows():
    rows = np.random.default_rng(1).normal(size=(50, 2))
    assert row_in_both(as_table(rows), as_table(rows), 10) == (0, 0)
    assert row_in_both(as_table(rows), as_table(rows[:, ::-1]), 10) is None


def test_times_decide_where_both_have_them_and_rows_without_a_time_are_left_aside():
    index = pd.DatetimeIndex(["2024-01-01", "NaT", "2024-01-02", "2024-01-03"])
    rows = pd.DataFrame({"a": [1.0, 2.0, 3.0, 4.0]}, index)
    same_numbers = rows.set_axis(index + pd.Timedelta("9D"))
    other_numbers = (rows + 7)[::-1]

    def table(frame):
        return reader_of(frame).table()

    assert row_in_both(table(rows), table(same_numbers), 2) is None
    assert row_in_both(table(rows), table(other_numbers), 2) == (0, 3)
    assert row_in_both(table(rows[1:2]), table(rows[1:2]), 1) is None
    assert row_in_both(table(rows.reset_index(drop=True)), table(same_numbers), 2) == (0, 0)
