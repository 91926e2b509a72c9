"""What a baseline can support, and what is to be said of one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from fastdrift.detectors.constant import split_columns
from fastdrift.detectors.moments import Moments
from fastdrift.fitting.metrics import choose_metrics
from fastdrift.fitting.worth import FEW_WORTH
from fastdrift.tables.convert import reader_of

if TYPE_CHECKING:
    import pandas as pd


# separate windows a feature below which a baseline is called thin, and those that a window is chosen for: below the
# first the rate falls short of what was asked (10,000 rows × 32, windows of 50: 0.2 to 0.65 of it), and still a window
# that leaves the second finds more than a shorter one
THIN, USABLE = 8.0, 2.0
WINDOW, LEAST_WINDOW = 50, 5
# how the notes begin that say that a baseline is short
THIN_NOTE, SLOW_NOTE = "the baseline is thin", "the baseline's columns change slowly"
# separate windows by memory that are enough for slow columns: memory is told too short where there are fewer
ENOUGH_WORTH = 25


def baseline_notes(
    whole: Moments, n_aside: float, n_features: int, window: int, rate: float, memory: float
) -> list[str]:
    """Return what is to be said of a baseline: windows left out, and too few for its features or its false-alarm rate.

    Of the windows that are left out `n_aside` are for values that can be no readings, which is said elsewhere. They
    stay alike for `memory` rows, 0 if for no longer than rows that they share.
    """
    notes = []
    n_broken = whole.n_left_out - n_aside
    if n_broken:
        total = whole.n_windows + whole.n_left_out
        notes.append(f"{n_broken:.0f} of the baseline's {total:.0f} windows hold a NaN or inf and were left out")
    size, wanted = whole.n_windows / window, max(THIN * n_features, 1 / rate)
    rows = rows_of(wanted, window)
    enough = f"{rows} rows would be enough"
    if is_slow(whole.n_windows, memory):
        rows = max(rows, math.ceil(ENOUGH_WORTH * memory))
        notes.append(
            f"{SLOW_NOTE}: windows stay alike for about {memory:.0f} rows, so that it is worth "
            f"{whole.n_windows / memory:.0f} independent ones and may show but part of what the columns do; then more "
            f"rows are flagged than asked for, up to 3 times as many at 5 %, 12 at 1 %; give {rows} rows at least"
        )
    elif size < THIN * n_features:
        notes.append(
            f"{THIN_NOTE}: its effective sample size is {size:.0f} separate windows for {n_features} "
            f"features; fewer rows are flagged than asked for, and real drift may be missed; {enough}"
        )
    elif size < wanted:
        notes.append(
            f"a false-alarm rate of {rate:g} is the share of less than one window in an effective sample size of "
            f"{size:.0f} separate windows: the threshold rests on too few, and more rows are flagged than asked for, "
            f"if anything; {enough}"
        )
    return notes


def rows_of(n_separate: float, window: int) -> int:
    """Return how many rows hold so many separate windows."""
    return math.ceil(n_separate * window) + window - 1


def is_slow(n_windows: float, memory: float) -> bool:
    """Return whether a baseline's columns change so slowly that it shows but part of what they do."""
    return memory > 0 and n_windows < FEW_WORTH * memory


def usable_window(n_rows: int, n_columns: int) -> int:
    """Return the window for a baseline: 50 rows, fewer where it is thin for that, but at least 5.

    That is the longest for which the baseline is worth two separate windows a feature; `fit` calls it thin up to eight.
    Of 1,000 generated rows, 300 of them the baseline (means of 50 seeds; tests/test_thin.py), at 5 columns:

    ======================================  ====  ====  ====  ====  ====
    window                                     5    10    14    20    50
    clean monitored rows that are flagged    5.1   5.0   4.5   3.9   2.1  %
    drifted rows that are found               61    66    65    60    34  %
    ======================================  ====  ====  ====  ====  ====

    At 8 columns windows of 9 find 75 %, of 50 46 %. Of 500 rows and fewer the shortest windows find most, but a
    standard deviation of fewer than 5 rows is hardly one.
    """
    n_features = 2 * n_columns
    return max(LEAST_WINDOW, min(WINDOW, int((n_rows + 1) / (USABLE * n_features + 1))))


def count_varying(baseline: pd.DataFrame, columns: Sequence[str] | None, drop: Sequence[str] | None) -> int:
    """Return how many of the columns that a model is fitted on vary in a baseline."""
    chosen = [name for name in (columns or baseline.columns) if name not in (drop or ())]
    metrics = choose_metrics(reader_of(baseline), None if columns is None and not drop else chosen)
    return len(split_columns(metrics.table)[0])
