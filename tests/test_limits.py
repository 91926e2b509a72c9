"""The machine's limit counts what a row needs of each unit, and is of the best way to make roots."""

from __future__ import annotations

import re

import numpy as np
import pytest

from benchmarks import limits, roofline
from benchmarks.limits import MEASURES, Measure, limit, need, rates, unit_times
from benchmarks.work import Shape

# numbers a second; ten of each, and next to nothing for memory
EVEN = dict.fromkeys(("products", "operations", "roots", "multiplied roots", "turned"), 10.0) | {"bytes": 1e6}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(limits, "TURN", 0.0)


def test_a_row_of_one_column_needs_what_is_counted_by_hand():
    needed = need(1, 4)
    assert needed["bytes"] == 4 + 8
    assert needed["sums"] == 34 / 4
    assert needed["products"] == 14 / 4 + 29 / 4 + 1 + 2  # merge, solve of two features, their squares
    assert (needed["roots"], needed["turned"]) == (2, 2)
    assert needed["flops"] == 48 / 4 + 2 * (29 / 4 + 3) + 2


def test_wide_rows_grow_by_the_square_of_their_columns():
    assert need(64, 8)["products"] / need(32, 8)["products"] == pytest.approx(4, rel=0.1)
    assert need(64, 8)["sums"] / need(32, 8)["sums"] == 2


def test_roots_that_are_multiplied_spare_the_divider_and_cost_the_multipliers():
    needed = need(4, 8)
    divided, shared = (unit_times(needed, EVEN, share) for share in (0.0, 0.5))
    assert shared["divider"] == divided["divider"] / 2
    assert shared["multipliers"] - divided["multipliers"] == pytest.approx(needed["roots"] / 2 / 10)


@pytest.mark.parametrize(
    ("changed", "bound"),
    [
        ({}, "all units"),
        ({"operations": 20.0}, "multipliers"),
        ({"roots": 0.1, "multiplied roots": 0.1}, "divider"),
        ({"turned": 0.1}, "shuffles"),
        ({"bytes": 0.1}, "memory"),
    ],
)
def test_the_unit_that_is_busy_for_longest_is_the_limit(changed, bound):
    times, found = limit(8, 8, EVEN | changed)
    assert found == bound
    assert times[found] == max(times.values())


def test_a_slow_divider_is_spared_and_a_fast_one_is_not():
    slow, fast = EVEN | {"roots": 0.2}, EVEN | {"roots": 100.0}
    assert limit(8, 8, slow)[0] == unit_times(need(8, 8), slow, 0.5)
    assert limit(8, 8, fast)[0] == unit_times(need(8, 8), fast, 0.0)


def test_rates_are_of_kernels_whose_results_are_checked(monkeypatch):
    machine = rates(1, rounds=1)
    assert machine.keys() == {*MEASURES, "multiplied roots"}
    assert all(machine[name] > 0 for name in MEASURES)
    right = MEASURES["roots"]
    monkeypatch.setitem(MEASURES, "roots", Measure(*right[:3], right.expected * 1.001))
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        rates(1, rounds=1)


def test_a_shape_has_a_line_with_its_share_of_the_limit(capsys, monkeypatch):
    monkeypatch.setattr(roofline, "rates", lambda _threads: EVEN)
    roofline.main(["--rows", "2000", "--rounds", "1", "--shape", "3x20", "--dtype", "float32"])
    printed = capsys.readouterr().out
    cells = re.search(r"\| 3 \| 20 \| float32 \|(.*)\|", printed)[1].split(" | ")
    assert cells[-1].strip() == "all units"
    assert "% |" in printed


@pytest.mark.parametrize(("one", "share"), [((4, 50), 0.55), ((8, 10), 0.6), ((64, 500), 0.6), ((8, 5000), 0.0)])
def test_what_is_aimed_at_depends_on_the_shape(one, share):
    assert roofline.target(Shape(*one)) == share


def test_roots_are_of_numbers_whose_roots_are_long():
    assert np.mean(np.sqrt(limits.VALUES) ** 2 != limits.VALUES) > 0.2
    assert limits.ROOTS.shape == (8,)
