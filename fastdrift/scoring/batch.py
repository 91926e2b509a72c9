"""score: how far every window of a table is from the baseline."""

from __future__ import annotations

import warnings
from collections.abc import Hashable
from typing import Any, Literal

import numpy as np

from fastdrift.arrays import Floats, Indices
from fastdrift.detectors.model import Model
from fastdrift.engine.threads import HUGE_PAGE, aligned_empty, check_threads
from fastdrift.engine.windows import check_first_row, check_length
from fastdrift.errors import DataError, DriftWarning
from fastdrift.scoring.gaps import Missing, check_missing, observed_columns, score_gaps
from fastdrift.scoring.spans import model_scorer, score_spans
from fastdrift.tables.convert import match_columns, reader_of
from fastdrift.tables.reader import Reader
from fastdrift.tables.roles import is_label, time_unit
from fastdrift.tables.table import Table, listed


def score(
    model: Model,
    data: Any,
    *,
    align: Literal["end", "center"] = "end",
    first_row: int = 0,
    missing: Missing = "nan",
    time: Hashable | None = None,
    threads: int | None = None,
) -> Any:
    """Score every row by how far the window that ends there is from the baseline.

    Parameters
    ----------
    model : Model
        What `fit` returned.
    data : array of shape (n_rows, n_columns) or frame
        Rows in time order, in the baseline's units. A frame is one of pandas or polars, an Arrow table or record batch,
        or what hands out Arrow's C streams, as DuckDB's relations do. Its columns are matched by name, in any order, if
        the model was fitted on a frame of any kind; a column called `label` that holds 0 and 1 alone, and times
        since 1970, may stand beside those of the model.
    align : {"end", "center"}
        The row that a window's score is given to: its last, which is when it can be known, or its middle, for looking
        back.
    first_row : int, default 0
        The number of the first row in its stream: a chunk that holds the ``window - 1`` rows before those to be scored
        gives them the bytes that they have in the whole.
    missing : {"nan", "score"}
        What a window has that holds a NaN or inf: no score, or one told by what is there, as rare on healthy rows as
        that of a whole window. A column of which a window has half or more is filled in, one of which it has less is
        left out, and below half of the columns there is no score. Columns matched by name may then be missing from the
        table.
    time : str, optional
        Name of a frame's column of times, which is no metric and need not be the model's.
    threads : int, optional
        Threads to use; by default what the machine and the container allow.

    Returns
    -------
    array of shape (n_rows,), Series or Arrow array
        Mahalanobis distances, or a forest's isolation scores, without units, float64, in the table's kind: a pandas
        Series has the frame's index, or column `time` for one; what hands out Arrow's streams gets a pyarrow array. NaN
        where there is no window (the first `window` - 1 rows) and where `missing` says so. By a model of
        several windows they are the geometric mean of each window's score over its own threshold.
        A row is flagged if its score is above ``model.threshold``.

    Raises
    ------
    DataError
        If columns are missing, extra or not numbers, there are fewer rows than a window, the kind of table is not
        known, or the detector cannot score windows with gaps.

    Warns
    -----
    DriftWarning
        If windows have no score for a NaN or inf: how many, and the first place. If columns are missing from the table.

    Notes
    -----
    Mahalanobis, P. C. (1936), "On the generalised distance in statistics"; Liu, Ting and Zhou (2008), "Isolation
    Forest". A row's score depends on the rows of its window and on its row number, on nothing else: whole or in pieces,
    with any number of threads, the bytes are equal.

    Gaps: rows are told by regression on their other columns within the window, and what that leaves open is drawn, so
    that windows vary as much as whole ones (Little and Rubin 2019, "Statistical Analysis with Missing Data"); what is
    drawn depends on the row's number alone. The distance over the columns that are left is told as one over all that is
    as rare, by multivariate t distributions whose degrees of freedom the row threshold tells.

    Examples
    --------
    >>> import fastdrift as fd
    >>> data = fd.generate(20_000, seed=1, drifts=["mean-shift"])
    >>> model = fd.fit(data.frame[:8_000])
    >>> scores = fd.score(model, data.frame)
    >>> drift = scores > model.threshold
    >>> bool(drift[data.labels].mean() > 0.5)
    True
    """
    if not isinstance(model, Model):
        raise DataError(f"the first argument is a {type(model).__name__}, not a Model: call score(model, data)")
    if align not in ("end", "center"):
        raise DataError(f"align is {align!r}: it is 'end' or 'center'")
    reader, scores_gaps = reader_of(data), check_missing(missing, model)
    table, columns = match_table(model, reader, time, may_lack=scores_gaps)
    check_length(table.n_rows, model.window)
    table = table.starting_at(check_first_row(first_row))
    n_threads = check_threads(threads, table.n_rows * table.n_columns)
    scores, broken = score_table(model, table, columns, n_threads)
    if table.absent:
        warnings.warn(absent_note(table, columns), DriftWarning, stacklevel=2)
    unscored = score_gaps(model, table, columns, scores, n_threads) if broken and scores_gaps else broken
    if unscored:
        why = "lack most of more than half of the columns" if scores_gaps else "hold a NaN or inf"
        warnings.warn(
            f"{unscored} of {table.n_rows - model.window + 1} windows {why} and have no score "
            f"(first: {table.place_of_broken(columns)})",
            DriftWarning,
            stacklevel=2,
        )
    if align == "center":
        _centre(scores, model.window)
    return reader.scores(scores, time)


def observed(model: Model, data: Any, *, time: Hashable | None = None, threads: int | None = None) -> Any:
    """Count the columns that every row's window has half or more of: what ``missing="score"`` scores it by.

    Parameters
    ----------
    model : Model
        What `fit` returned; of several windows the longest counts.
    data : array of shape (n_rows, n_columns) or frame
        Rows in time order, as for `score`; columns matched by name may be missing, and count as not there.
    time : str, optional
        Name of a frame's column of times.
    threads : int, optional
        Threads to use; by default what the machine and the container allow.

    Returns
    -------
    array of shape (n_rows,), Series or Arrow array
        Whole numbers as float64; NaN where there is no window (the first `window` - 1 rows). Below half of the model's
        columns there is no score.

    Raises
    ------
    DataError
        If the table cannot be read, or lacks more than half of the columns.

    Examples
    --------
    >>> import fastdrift as fd
    >>> rows = fd.generate(20_000, seed=1, drifts=()).frame
    >>> model = fd.fit(rows[:8_000])
    >>> rows.iloc[10_000:, 2] = float("nan")
    >>> counts = fd.observed(model, rows)
    >>> int(counts.iloc[10_020]), int(counts.iloc[10_030])
    (8, 7)
    """
    if not isinstance(model, Model):
        raise DataError(f"the first argument is a {type(model).__name__}, not a Model: call observed(model, data)")
    reader = reader_of(data)
    table, columns = match_table(model, reader, time, may_lack=True)
    check_length(table.n_rows, model.window)
    counts = np.full(table.n_rows, np.nan)
    first = model.window - 1
    counts[first:] = observed_columns(model, table, columns, check_threads(threads), first, table.n_rows)
    return reader.scores(counts, time, "observed")


def absent_note(table: Table, columns: Indices) -> str:
    """Return what is to be said of columns of the model that the table has not."""
    are, count = "is" if len(table.absent) == 1 else "are", len(table.absent)
    return f"{listed(table.absent)} {are} not in the table: {count} of {columns.size} columns are scored around"


def match_table(
    model: Model, reader: Reader, time: Hashable | None, *, may_lack: bool = False
) -> tuple[Table, Indices]:
    """Return a table, and the indices in it of a model's columns, of which it may lack some if that is asked."""
    allow_extra = _may_hold_others(model, reader, time)
    how = {"named": model.named, "allow_extra": allow_extra, "may_lack": may_lack}
    return match_columns(model.columns, reader, time=time, **how)


def _may_hold_others(model: Model, reader: Reader, time: Hashable | None) -> bool:
    """Return whether a table may hold columns that are not the model's: its own labels and times always."""
    if model.allow_extra or not (model.named and reader.named):
        return model.allow_extra
    known = {*model.columns, time}
    return all(_is_no_metric(reader, name) for name in reader.names if name not in known)


def _is_no_metric(reader: Reader, name: Hashable) -> bool:
    try:
        values = reader.table([name]).rows(0, reader.n_rows)[:, 0]
    except DataError:  # it holds no numbers: whoever matches the columns says so
        return False
    return is_label(name, values) or time_unit(values, name) is not None


def _centre(scores: Floats, window: int) -> None:
    shift = window // 2
    scores[:-shift] = scores[shift:]
    scores[-shift:] = np.nan


def score_table(model: Model, table: Table, columns: Indices, threads: int) -> tuple[Floats, int]:
    """Return the scores of a table and how many of its windows hold a NaN or inf."""
    scorer = model_scorer(model, table, columns)
    # asking a small array where it lies would take a tenth of the time of a hundred rows
    is_small = 8 * table.n_rows < HUGE_PAGE
    scores = np.empty(table.n_rows) if is_small else aligned_empty(table.n_rows)
    scores[: model.window - 1] = np.nan
    output = scores, table.first_row
    sweep = scorer.sweep
    return scores, score_spans(lambda _: scorer, sweep.spans(), sweep.n_numbers, threads, output)
