"""score: how far every window is from the baseline. mahalanobis: that of any rows from any mean."""

from __future__ import annotations

import functools
import warnings
from typing import Any, Literal

import numpy as np

from fastdrift import engine
from fastdrift.covariance import factorise
from fastdrift.distances import Places, Ruler, measure_spans
from fastdrift.errors import DataError, DriftWarning
from fastdrift.frames import Table, as_table, is_frame, match_columns
from fastdrift.model import Model
from fastdrift.windows import Floats, Sweep, check_length, pack_factor


def score(model: Model, data: Any, *, align: Literal["end", "center"] = "end", threads: int | None = None) -> Any:
    """Score every row by how far the window that ends there is from the baseline.

    Parameters
    ----------
    model : Model
        What `fit` returned.
    data : array of shape (n_rows, n_columns) or DataFrame
        Rows in time order, in the baseline's units. A frame's columns are matched by name, in any order.
    align : {"end", "center"}
        The row that a window's score is given to: its last, which is when it can be known, or its middle, for looking
        back.
    threads : int, optional
        Threads to use; by default what the machine and the container allow.

    Returns
    -------
    array of shape (n_rows,) or Series
        Mahalanobis distances, or a forest's isolation scores, without units, float64; a Series with the frame's index
        for a frame. NaN where there is no window (the first `window` - 1 rows) and where the window holds a NaN or inf.
        An alarm is a score above ``model.threshold``.

    Raises
    ------
    DataError
        If columns are missing, extra or not numbers, or there are fewer rows than a window.

    Warns
    -----
    DriftWarning
        If windows hold a NaN or inf: how many, and the first place.

    Notes
    -----
    Mahalanobis, P. C. (1936), "On the generalised distance in statistics"; Liu, Ting and Zhou (2008), "Isolation
    Forest". A row's score depends on the rows of its
    window and on its row number, on nothing else: whole or in pieces, with any number of threads, the bytes are equal.

    Examples
    --------
    >>> import fastdrift as fd
    >>> data = fd.generate(20_000, seed=1, drifts=["mean-shift"])
    >>> model = fd.fit(data.frame[:6_000])
    >>> scores = fd.score(model, data.frame)
    >>> drift = scores > model.threshold
    >>> bool(drift[data.labels].mean() > 0.5)
    True
    """
    if not isinstance(model, Model):
        raise DataError(f"the first argument is a {type(model).__name__}, not a Model: call score(model, data)")
    if align not in ("end", "center"):
        raise DataError(f"align is {align!r}: it is 'end' or 'center'")
    table, places = match_columns(model.columns, data, named=model.named, allow_extra=model.allow_extra)
    check_length(table.n_rows, model.window)
    scores, broken = score_table(model, table, places, engine.check_threads(threads))
    if broken:
        warnings.warn(
            f"{broken} of {table.n_rows - model.window + 1} windows hold a NaN or inf and have no score "
            f"(first: {table.place_of_broken(places)})",
            DriftWarning,
            stacklevel=2,
        )
    if align == "center":
        _centre(scores, model.window)
    if is_frame(data):
        import pandas as pd  # it is loaded already: `data` is of it

        return pd.Series(scores, index=data.index, name="score", copy=False)
    return scores


def _centre(scores: Floats, window: int) -> None:
    shift = window // 2
    scores[:-shift] = scores[shift:]
    scores[-shift:] = np.nan


def score_table(model: Model, table: Table, places: Places, threads: int) -> tuple[Floats, int]:
    """Return the scores of a table and how many of its windows hold a NaN or inf."""
    moves = np.array([name not in model.never_moved for name in model.columns])
    sweep = Sweep(table, places[moves], model.window)
    ruler = Ruler(sweep, model.operand, places[~moves], model.never_moved_values, model.penalties)
    scores = np.empty(table.n_rows)
    scores[: model.window - 1] = np.nan
    return scores, measure_spans(lambda _: ruler, sweep.spans(), sweep, threads, scores, 0)


def mahalanobis(rows: Any, mean: Any, covariance: Any, *, threads: int | None = None) -> Floats:
    """Return the Mahalanobis distance of every row from a mean, by our own Cholesky factor and triangular solve.

    Parameters
    ----------
    rows : array of shape (n_rows, n_columns) or DataFrame
        The points.
    mean : array of shape (n_columns,)
    covariance : array of shape (n_columns, n_columns)
        Symmetric and positive definite, in the rows' units squared.
    threads : int, optional
        Threads to use; by default what the machine and the container allow.

    Returns
    -------
    array of shape (n_rows,)
        Distances, without units; NaN for a row with a NaN or inf.

    Raises
    ------
    DataError
        If the shapes differ, or the covariance is not symmetric, not positive or determines a column by the others:
        rank is decided on the scale of the correlation, where units play no part.

    Notes
    -----
    Mahalanobis, P. C. (1936), "On the generalised distance in statistics".

    Examples
    --------
    >>> import fastdrift as fd
    >>> fd.mahalanobis([[3.0, 4.0], [0.0, 0.0]], [0.0, 0.0], [[1.0, 0.0], [0.0, 4.0]])
    array([3.60555128, 0.        ])
    """
    table = as_table(rows)
    centre, matrix = _check_shape(mean, covariance, table.n_columns)
    scale = np.sqrt(np.diag(matrix))
    cholesky = factorise(matrix / (scale[:, None] * scale), table.names)
    factor = pack_factor(cholesky)
    centre_gain = np.stack([centre, 1 / (scale * np.diag(cholesky))], 1).ravel()
    places = np.arange(table.n_columns)
    lane_rows = max(
        1, min(engine.RANGE_NUMBERS // table.n_columns, -(-table.n_rows // engine.MIN_RANGES)) // engine.LANES
    )
    sizes = engine.distance_sizes(table.n_columns)
    distances = np.empty(table.n_rows)

    def task(start: int) -> None:
        part = table.rows(start, min(start + engine.LANES * lane_rows, table.n_rows))
        layout, slots = engine.layout_of(part, places)
        scratch, out = engine.scratch(sum(sizes)), distances[start : start + len(part)]
        source = (part, 0, places, slots, layout)
        engine.kernel("distance_range", table.dtype)(*source, lane_rows, centre_gain, scratch, sizes, factor, out)
        for row in np.flatnonzero(~np.isfinite(out)):
            out[row] = np.inf if np.isfinite(part[row]).all() else np.nan

    starts = range(0, table.n_rows, engine.LANES * lane_rows)
    tasks = [functools.partial(task, start) for start in starts]
    engine.run(tasks, engine.threads_for(table.n_rows * table.n_columns, engine.check_threads(threads)))
    return distances


def _check_shape(mean: Any, covariance: Any, n_columns: int) -> tuple[Floats, Floats]:
    try:
        centre, matrix = np.asarray(mean, np.float64), np.asarray(covariance, np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"the mean or the covariance holds no real numbers: {error}") from error
    if centre.shape != (n_columns,) or matrix.shape != (n_columns, n_columns):
        raise DataError(
            f"the rows have {n_columns} columns, so the mean needs shape ({n_columns},) and the covariance "
            f"({n_columns}, {n_columns}); they have {centre.shape} and {matrix.shape}"
        )
    if not (np.isfinite(centre).all() and np.isfinite(matrix).all()):
        raise DataError("the mean or the covariance holds a NaN or inf")
    flat = np.flatnonzero(np.diag(matrix) <= 0)
    if flat.size:
        raise DataError(f"the variance of column {flat[0]} is {matrix[flat[0], flat[0]]:g}: it must be above 0")
    scale = np.sqrt(np.diag(matrix))
    if (np.abs(matrix - matrix.T) > 1e-9 * scale[:, None] * scale).any():
        raise DataError("the covariance is not symmetric")
    return centre, matrix
