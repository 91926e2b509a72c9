"""What a baseline is worth: for how many rows its windows stay alike, and so how many separate ones it holds.

Windows that share no row are separate only if the columns have forgotten by then where they were. Where they have not,
the baseline shows a few of their ups and downs, and later rows lie beyond all that it shows: of slow noise (AR(1) with
0.99) 1,000 rows, worth 12 windows and not 50, let through 2.1 times as many flagged rows as asked for at 5 % and 27
times as many at 0.1 %.

Told by windows' means and deviations, not by the held-out scores: of 500 rows, windows of 50 and 8 columns, scores are
alike for as long with white noise as with slow noise (n / time 32 and 29), the windows' means are not (23 and 11).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from fastdrift.arrays import Booleans, Floats, Indices
from fastdrift.tables.table import Table

# the lag up to which correlations are added up, in times that they give: far enough, and not into mere noise (Sokal)
TIMES_ADDED = 5.0
# windows are drawn so many to a window's length at most: more would show nothing new
DRAWN_A_WINDOW = 4
# windows of a longer baseline show how slow its columns are; of so few, shorter ones do
WINDOWS_SEEN = 25
# up to so many windows' lengths memory may be chance: of one column of white noise, 25 windows long, 7 % of 200 seeds
# show more, of two columns 1 %, of eight none
CLEARLY = 1.75
# a baseline that is worth fewer separate windows by its memory shows but part of what its columns do. Of eight columns
# of slow noise (AR(1) with 0.99) 500 rows let 3.3 times as many rows be flagged as asked for, and are found so in 94 %
# of 16 seeds; 1,000 rows 1.7 times, and 88 %; 2,000 rows 0.8 times, and 12 %; white noise never is
FEW_WORTH = 16
# features that differ by no more of their size are the same
ROUNDING = 1e-12
# windows drawn beside a fit, of which they take a hundredth to an eighth, and for a closer look
FEW_DRAWN, MANY_DRAWN = 64, 2_048


class DrawnWindows(NamedTuple):
    """Means and deviations of windows spread evenly over a baseline, told from the middle of their stretch.

    NaN for windows that hold a NaN or inf.
    """

    window: int
    step: int  # rows from one to the next
    firsts: Indices  # the first row of each
    means: Floats
    stds: Floats


def draw_windows(table: Table, columns: Indices, window: int, most: int) -> DrawnWindows:
    """Return windows of some columns, at most about so many, at even steps."""
    step = max(1, window // DRAWN_A_WINDOW, -(-(table.n_rows - window + 1) // most))
    firsts = [np.arange(start, stop - window + 1, step) for start, stop in table.bounds()]
    return _drawn(table, columns, window, step, firsts)


def _draw_anywhere(table: Table, columns: Indices, window: int, most: int) -> DrawnWindows:
    """Return windows of some columns, at most about so many, each somewhere in its step if windows leave rows out.

    At even steps of about a day, what has a season of a day would look as if it hardly ever changed.
    """
    step = max(1, window // DRAWN_A_WINDOW, -(-(table.n_rows - window + 1) // most))
    rng = np.random.default_rng(0)
    firsts = []
    for start, stop in table.bounds():
        own = np.arange(start, stop - window + 1, step)
        if step > window:
            own = np.minimum(own + rng.integers(step, size=own.size), stop - window)
        firsts.append(own)
    return _drawn(table, columns, window, step, firsts)


def _drawn(table: Table, columns: Indices, window: int, step: int, firsts: Sequence[Indices]) -> DrawnWindows:
    features = [_features(table, columns, window, own) for own in firsts if own.size]
    means, stds = (np.concatenate(parts) for parts in zip(*features, strict=True))
    return DrawnWindows(window, step, np.concatenate(firsts), means, stds)


def _features(table: Table, columns: Indices, window: int, firsts: Indices) -> tuple[Floats, Floats]:
    """Return means and deviations of windows, told from their own means; NaN where a window holds a NaN or inf."""
    pieces = [table.rows(first, first + window) for first in firsts.tolist()]
    rows = np.array(pieces if columns.size == table.n_columns else [piece[:, columns] for piece in pieces], np.float64)
    # by products: numpy's own mean and std took five times as long, which a fit of 1,000 rows feels
    ones = np.ones(window)
    with np.errstate(all="ignore"):
        means = ones @ rows / window
        rows -= means[:, None]
        rows *= rows
        stds = np.sqrt(ones @ rows / (window - 1))
        whole = np.isfinite(stds.sum(axis=1) + means.sum(axis=1))
    return _from_middle(means, whole), _from_middle(stds, whole)


def _from_middle(features: Floats, whole: Booleans) -> Floats:
    """Return features told from their mean, 0 where that is rounding alone; NaN where a window is not whole."""
    features[~whole] = np.nan
    if not whole.any():
        return features
    middle = features[whole].mean(axis=0)
    features -= middle
    features[:, np.nanmax(np.abs(features), axis=0) <= ROUNDING * np.abs(middle)] *= 0.0
    return features


def autocorrelations(series: Floats) -> Floats:
    """Return the autocorrelations of series about 0 at lags of 0, 1, … steps, shape (n_steps, n_series).

    NaN counts as 0, and what is NaN or 0 all through has none.
    """
    values = np.where(np.isfinite(series), series, 0.0)
    scale = np.abs(values).max(axis=0)
    values = values[:, scale > 0] / scale[scale > 0]
    n_steps = len(values)
    transform = np.fft.rfft(values, 1 << (2 * n_steps - 1).bit_length(), axis=0)
    products = np.fft.irfft(np.abs(transform) ** 2, axis=0)[:n_steps]
    found: Floats = products / products[:1]
    return found


def autocorrelation_time(series: Floats) -> float:
    """Return for how many steps series stay alike: so many are worth as much as one that is independent.

    Parameters
    ----------
    series : array of shape (n_steps, n_series)
        Told from their means; NaN where nothing is known.

    Returns
    -------
    float
        1 + 2 Σ ρ(k), at least 1, with ρ the mean of the series' autocorrelations, added up to the first lag that is 5
        times the sum or more.

    Notes
    -----
    Sokal (1989), "Monte Carlo methods in statistical mechanics". The mean over the series is far steadier than that of
    one, and its sum is the mean of their times.

    Examples
    --------
    >>> import numpy as np
    >>> noise = np.random.default_rng(0).normal(size=(20_000, 4))
    >>> bool(autocorrelation_time(noise) < 1.1)
    True
    """
    found = autocorrelations(series)
    if not found.size:
        return 1.0
    times = 2 * np.cumsum(found.mean(axis=1)) - 1
    is_far = np.arange(times.size) >= TIMES_ADDED * times
    lag = int(is_far.argmax()) if is_far.any() else times.size - 1
    return max(1.0, float(times[lag]))


def memory_of(table: Table, columns: Indices, window: int, most: int) -> float:
    """Return for how many rows windows stay alike, in means or deviations; 0 if no longer than rows that they share."""
    window = min(window, max(2, table.n_rows // WINDOWS_SEEN))
    drawn = _draw_anywhere(table, columns, window, most)
    rows = drawn.step * max(map(autocorrelation_time, (drawn.means, drawn.stds)))
    return rows if rows > CLEARLY * max(window, drawn.step) else 0.0
