"""rolling_mean and rolling_std: windows' statistics written out."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np

from fastdrift.arrays import Floats
from fastdrift.engine.threads import aligned_empty, check_threads, run_spans
from fastdrift.engine.windows import Sweep, check_first_row, check_length, check_window, feature_scales
from fastdrift.kernels.layout import Span
from fastdrift.tables.convert import ArrayOrFrame, reader_of
from fastdrift.tables.table import Table


def rolling_mean(
    x: ArrayOrFrame, window: int, *, first_row: int = 0, time: Hashable | None = None, threads: int | None = None
) -> ArrayOrFrame:
    """Return the mean of every window of `window` rows, in the row that ends it.

    Parameters
    ----------
    x : array of shape (n_rows,) or (n_rows, n_columns), Series or frame
        Numbers in any layout; Series and frames are those of pandas and polars, or Arrow arrays, tables and batches.
    window : int
        Rows in a window, at least 2.
    first_row : int, default 0
        The number of the first row in its stream: a chunk that holds the ``window - 1`` rows before those wanted gives
        them the bytes that they have in the whole.
    time : str, optional
        Name of a frame's column of times. It is left as it is; of a pandas frame it becomes the index.
    threads : int, optional
        Threads to use; by default what the machine and the container allow.

    Returns
    -------
    array, Series or frame
        Float64, of the kind and shape of `x`, in its units; NaN in the first `window` - 1 rows and where a window holds
        a NaN or inf.

    Raises
    ------
    DataError
        If `x` holds no numbers or too few rows, or `window` is not a whole number of at least 2.

    Notes
    -----
    No value is ever subtracted again once it is in a sum: every window is a suffix of one block and a prefix of the
    next, both told from values inside them and merged (Chan, Golub and LeVeque 1983). The mean agrees with exact
    rational arithmetic to 1e-14 of the window's largest value, whatever the rows before it held.

    Examples
    --------
    >>> import fastdrift as fd, numpy as np
    >>> fd.rolling_mean(np.array([1.0, 2.0, 3.0, 6.0]), 2)
    array([nan, 1.5, 2.5, 4.5])
    """
    result: ArrayOrFrame = _rolling(x, window, first_row, time, threads, (0, 1))
    return result


def rolling_std(
    x: ArrayOrFrame, window: int, *, first_row: int = 0, time: Hashable | None = None, threads: int | None = None
) -> ArrayOrFrame:
    """Return the sample standard deviation (ddof=1) of every window of `window` rows, in the row that ends it.

    Parameters
    ----------
    x : array of shape (n_rows,) or (n_rows, n_columns), Series or frame
        Numbers in any layout; Series and frames are those of pandas and polars, or Arrow arrays, tables and batches.
    window : int
        Rows in a window, at least 2.
    first_row : int, default 0
        The number of the first row in its stream: a chunk that holds the ``window - 1`` rows before those wanted gives
        them the bytes that they have in the whole.
    time : str, optional
        Name of a frame's column of times. It is left as it is; of a pandas frame it becomes the index.
    threads : int, optional
        Threads to use; by default what the machine and the container allow.

    Returns
    -------
    array, Series or frame
        Float64, of the kind and shape of `x`, in its units; NaN in the first `window` - 1 rows and where a window holds
        a NaN or inf. A constant window has exactly 0.

    Raises
    ------
    DataError
        If `x` holds no numbers or too few rows, or `window` is not a whole number of at least 2.

    Notes
    -----
    The method is that of `rolling_mean`. The standard deviation agrees with exact rational arithmetic to 1e-14, of
    numbers of any size; NaN where it is beyond the largest double itself. Windows whose squares leave the range of
    doubles (deviations below 1e-150, or beyond 1e150) are told anew from their rows, which takes longer.

    Examples
    --------
    >>> import fastdrift as fd, numpy as np
    >>> fd.rolling_std(np.array([1.0, 3.0, 3.0]), 2)
    array([       nan, 1.41421356, 0.        ])
    """
    result: ArrayOrFrame = _rolling(x, window, first_row, time, threads, (1, 2))
    return result


def _rolling(
    x: Any, window: int, first_row: int, time: Hashable | None, threads: int | None, kinds: tuple[int, int]
) -> Any:
    window = check_window(window)
    reader = reader_of(x, one_column=True)
    table = reader.table(time=time).starting_at(check_first_row(first_row))
    check_length(table.n_rows, window)
    return reader.like(_features(table, window, check_threads(threads), kinds), time)


def _features(table: Table, window: int, threads: int, kinds: tuple[int, int]) -> Floats:
    n_columns = table.n_columns
    first, last = kinds[0] * n_columns, kinds[1] * n_columns
    # aligned: else every vector written lies across two cache lines, 5 % of the time of 32 columns
    out = aligned_empty(table.n_rows * (last - first)).reshape(table.n_rows, last - first)
    out[: window - 1] = np.nan
    scales = feature_scales(window, np.zeros(2 * n_columns), np.ones(2 * n_columns))
    sweep = Sweep(table, np.arange(n_columns), window)
    output = (out.reshape(-1), table.first_row)

    def task(span: Span) -> None:
        sweep.call("feature_range", sweep.piece(span), scales, last - first, (first, last), output)

    run_spans(task, sweep.spans(), sweep.n_numbers, threads)
    return out
