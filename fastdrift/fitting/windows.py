"""The windows of a model: those asked for, less what is too long for the baseline."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fastdrift.detectors.blend import COUNTS
from fastdrift.detectors.model import listed
from fastdrift.engine.windows import check_window
from fastdrift.errors import DataError

# as a share of the baseline's rows, the longest of several windows: of longer ones it holds too few to learn from
LONGEST_SHARE = 1 / 8


def check_windows(window: Any) -> tuple[int, ...]:
    """Return windows in increasing order, or raise DataError if they are not 1, 2 or 4 different whole numbers."""
    if not isinstance(window, Iterable) or isinstance(window, (str, bytes)):
        return (check_window(window),)
    windows = sorted(check_window(one) for one in window)
    if len(windows) not in COUNTS or len(set(windows)) < len(windows):
        raise DataError(
            f"window is {window!r:.80}: give 1, 2 or 4 different numbers of rows, such as (10, 20, 50, 100)"
        )
    return tuple(windows)


def usable_windows(windows: tuple[int, ...], n_rows: int) -> tuple[tuple[int, ...], list[str]]:
    """Return the windows that a baseline is long enough for, and what is to be said of the others.

    Of three that are left the middle one goes too: the outer two differ most. One window alone is never too long, and
    the shortest is used whatever its length.
    """
    if len(windows) == 1:
        return windows, []
    short = [window for window in windows if window <= LONGEST_SHARE * n_rows] or [windows[0]]
    used = tuple(short if len(short) in COUNTS else (short[0], short[-1]))
    if used == windows:
        return windows, []
    left_out = listed([window for window in windows if window not in used])
    parts = [f"windows longer than an eighth of the baseline's {n_rows:,} rows are left out"]
    if len(used) < len(short):
        parts.append("and one more, as a mean is of 1, 2 or 4")
    return used, [f"window: {', '.join(parts)}: without {left_out}, {listed(used)} rows are used"]
