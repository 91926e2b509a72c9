"""What a baseline can support, and what is to be said of one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from fastdrift.detectors.constant import split_columns
from fastdrift.detectors.moments import Moments
from fastdrift.tables.convert import as_table

if TYPE_CHECKING:
    import pandas as pd


# separate windows a feature, below which a baseline is called thin
THIN = 2.0
WINDOW, LEAST_WINDOW = 50, 5


def baseline_notes(whole: Moments, n_features: int, window: int) -> list[str]:
    """Return what is to be said of a baseline: windows left out, and too few for its features."""
    notes = []
    if whole.n_left_out:
        total = whole.n_windows + whole.n_left_out
        notes.append(
            f"{whole.n_left_out:.0f} of the baseline's {total:.0f} windows hold a NaN or inf and were left out"
        )
    worth = whole.n_windows / window
    if worth < THIN * n_features:
        enough = math.ceil(THIN * n_features * window) + window - 1
        notes.append(
            f"the baseline is thin: it is worth {worth:.0f} separate windows for {n_features} features; the threshold "
            f"may be too high; {enough} rows would be enough"
        )
    return notes


def usable_window(n_rows: int, n_columns: int) -> int:
    """Return the window for a baseline: 50 rows, fewer where it is thin for that, but at least 5.

    That is the longest for which the baseline is worth two separate windows a feature, as `fit` asks of one that is not
    thin. Of 1,000 generated rows, 300 of them the baseline (means of 50 seeds; tests/test_thin.py), at 5 columns:

    ======================================  ====  ====  ====  ====  ====
    window                                     5    10    14    20    50
    clean monitored rows that are flagged    5.1   5.0   4.5   3.9   2.1  %
    drifted rows that are found               61    66    65    60    34  %
    ======================================  ====  ====  ====  ====  ====

    At 8 columns windows of 9 find 75 %, of 50 46 %. Of 500 rows and fewer the shortest windows find most, but a
    standard deviation of fewer than 5 rows is hardly one.
    """
    n_features = 2 * n_columns
    return max(LEAST_WINDOW, min(WINDOW, int((n_rows + 1) / (THIN * n_features + 1))))


def count_varying(baseline: pd.DataFrame, columns: Sequence[str] | None, drop: Sequence[str] | None) -> int:
    """Return how many of the columns that a model is fitted on vary in a baseline."""
    chosen = [name for name in (columns or baseline.columns) if name not in (drop or ())]
    return len(split_columns(as_table(baseline, chosen))[0])
