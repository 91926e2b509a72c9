"""mahalanobis: distances of any rows from any mean."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from fastdrift.arrays import Floats
from fastdrift.detectors.mahalanobis import pack_factor
from fastdrift.detectors.shrinkage import factorise
from fastdrift.engine.compiled import kernel
from fastdrift.engine.plan import MIN_RANGES, RANGE_NUMBERS, distance_sizes, layout_of
from fastdrift.engine.threads import check_threads, run_tasks, thread_scratch, threads_for
from fastdrift.errors import DataError
from fastdrift.kernels.layout import LANES
from fastdrift.tables.convert import as_table


def mahalanobis(rows: Any, mean: Any, covariance: Any, *, threads: int | None = None) -> Floats:
    """Return the Mahalanobis distance of every row from a mean, by our own Cholesky factor and triangular solve.

    Parameters
    ----------
    rows : array of shape (n_rows, n_columns) or frame
        The points; a frame is one of pandas, polars or Arrow.
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
    lane_rows = max(1, min(RANGE_NUMBERS // table.n_columns, -(-table.n_rows // MIN_RANGES)) // LANES)
    sizes = distance_sizes(table.n_columns)
    distances = np.empty(table.n_rows)

    def task(start: int) -> None:
        laid = table.laid(start, min(start + LANES * lane_rows, table.n_rows))
        layout, slots = layout_of(laid.rows, laid.places)
        scratch, out = thread_scratch(int(sizes.sum())), distances[start : start + len(laid.rows)]
        source = (laid.rows, 0, laid.places, slots, layout)
        kernel("distance_range", table.dtype)(source, lane_rows, centre_gain, factor, scratch, sizes, out)
        for row in np.flatnonzero(~np.isfinite(out)).tolist():
            numbers = table.rows(start + row, start + row + 1)
            out[row] = np.inf if np.isfinite(numbers).all() else np.nan

    starts = range(0, table.n_rows, LANES * lane_rows)
    tasks = [functools.partial(task, start) for start in starts]
    run_tasks(tasks, threads_for(table.n_rows * table.n_columns, check_threads(threads)))
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
