"""What a baseline is worth: for how many rows its windows stay alike, and so how many separate ones it holds.

Windows that share no row are separate only if the columns have forgotten by then where they were. Where they have not,
the baseline shows a few of their ups and downs, and later rows lie beyond all that it shows: of slow noise (AR(1) with
0.99) 1,000 rows, worth 12 windows and not 50, let through 2.1 times as many flagged rows as asked for at 5 % and 27
times as many at 0.1 %.

Told by windows' means and deviations, not by the held-out scores: of 500 rows, windows of 50 and 8 columns, scores are
alike for as long with white noise as with slow noise (n / time 32 and 29), the windows' means are not (23 and 11).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fastdrift.arrays import Floats, Indices
from fastdrift.tables.table import Table

# the lag up to which correlations are added up, in times that they give: far enough, and not into mere noise (Sokal)
TIMES_ADDED = 5.0
# windows are drawn so many to a window's length at most: fewer say too little of a baseline of ten windows
DRAWN_A_WINDOW = 4
# up to so many windows' lengths memory may be chance: of one column of white noise, 25 windows long, 7 % of 200 seeds
# show more, of two columns 1 %, of eight none
CLEARLY = 1.75
# a baseline that is worth fewer separate windows for memory longer than a window shows but part of what its columns do:
# of slow noise (AR(1) with 0.98 and 0.99, 300 to 1,000 rows, windows of 5 and 20) those below let 1.1 to 6.6 times as
# many rows be flagged as asked for, those above 0.5 to 1.3; of white noise of two columns and more 1 % lie below
FEW_WORTH = 16
# windows drawn for a first answer, of which the cost is small beside a fit, and for a closer look
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
    """Return windows of some columns, at most about so many."""
    step = max(1, window // DRAWN_A_WINDOW, -(-(table.n_rows - window + 1) // most))
    firsts = [np.arange(start, stop - window + 1, step) for start, stop in table.bounds()]
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
    means[~whole] = stds[~whole] = np.nan
    n_whole = max(1, np.count_nonzero(whole))
    return means - means[whole].sum(axis=0) / n_whole, stds - stds[whole].sum(axis=0) / n_whole


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


def memory_of(drawn: DrawnWindows) -> float:
    """Return for how many rows windows stay alike, in their means or their deviations: a window's rows at least."""
    rows = drawn.step * max(map(autocorrelation_time, (drawn.means, drawn.stds)))
    return rows if rows > CLEARLY * max(drawn.window, drawn.step) else float(drawn.window)
