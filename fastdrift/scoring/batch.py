"""score: how far every window is from the baseline. mahalanobis: that of any rows from any mean."""

from __future__ import annotations

import warnings
from typing import Any, Literal

import numpy as np

from fastdrift.arrays import Floats, Indices
from fastdrift.detectors.model import Model
from fastdrift.engine.threads import check_threads
from fastdrift.engine.windows import Sweep, check_first_row, check_length
from fastdrift.errors import DataError, DriftWarning
from fastdrift.scoring.spans import SpanScorer, score_spans
from fastdrift.tables.convert import match_columns
from fastdrift.tables.frames import is_frame
from fastdrift.tables.table import Table


def score(
    model: Model,
    data: Any,
    *,
    align: Literal["end", "center"] = "end",
    first_row: int = 0,
    threads: int | None = None,
) -> Any:
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
    first_row : int, default 0
        The number of the first row in its stream: a chunk that holds the ``window - 1`` rows before those to be scored
        gives them the bytes that they have in the whole.
    threads : int, optional
        Threads to use; by default what the machine and the container allow.

    Returns
    -------
    array of shape (n_rows,) or Series
        Mahalanobis distances, or a forest's isolation scores, without units, float64; a Series with the frame's index
        for a frame. NaN where there is no window (the first `window` - 1 rows) and where the window holds a NaN or inf.
        A row is flagged if its score is above ``model.threshold``.

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
    table, columns = match_columns(model.columns, data, named=model.named, allow_extra=model.allow_extra)
    check_length(table.n_rows, model.window)
    table = table.starting_at(check_first_row(first_row))
    scores, broken = score_table(model, table, columns, check_threads(threads))
    if broken:
        warnings.warn(
            f"{broken} of {table.n_rows - model.window + 1} windows hold a NaN or inf and have no score "
            f"(first: {table.place_of_broken(columns)})",
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


def score_table(model: Model, table: Table, columns: Indices, threads: int) -> tuple[Floats, int]:
    """Return the scores of a table and how many of its windows hold a NaN or inf."""
    varies = model.varies
    sweep = Sweep(table, columns[varies], model.window)
    scorer = SpanScorer(sweep, model.packed, columns[~varies], model.constant_values, model.penalties)
    scores = np.empty(table.n_rows)
    scores[: model.window - 1] = np.nan
    return scores, score_spans(lambda _: scorer, sweep.spans(), sweep, threads, (scores, table.first_row))
