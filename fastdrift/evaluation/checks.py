"""What evaluation is given: scores, labels, times."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from fastdrift.errors import DataError
from fastdrift.tables.frames import is_series

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from fastdrift.arrays import Booleans, Floats


def check_times(data: Any, index: Any, n_rows: int) -> pd.DatetimeIndex | None:
    """Return the times of the rows, from `index` or else the data's own, None if there are none."""
    if index is None and not is_series(data):
        return None
    import pandas as pd

    if index is None:
        index = data.index
        if not isinstance(index, pd.DatetimeIndex):
            return None
    if not isinstance(index, pd.DatetimeIndex):
        raise DataError(
            f"index is a {type(index).__name__}, not a pandas.DatetimeIndex: convert with pandas.to_datetime"
        )
    if len(index) != n_rows:
        raise DataError(f"the index has {len(index)} times, but there are {n_rows} rows")
    if not index.is_monotonic_increasing:
        raise DataError("times decrease or are missing; sort the rows by time first")
    return index


def check_whole(name: str, value: Any, least: int) -> None:
    """Refuse what is no whole number of rows, or too few."""
    try:
        is_fine = operator.index(value) >= least
    except TypeError:
        is_fine = False
    if not is_fine:
        raise DataError(f"{name} is {value!r}: give a whole number of rows, {least} or more")


def check_scores(scores: npt.ArrayLike) -> Floats:
    """Return scores as float64, uncopied where they already are; refuse more than one dimension."""
    values = np.asarray(scores, dtype=np.float64)
    if values.ndim != 1:
        raise DataError(f"scores have shape {values.shape}; pass one score a row")
    return values


def check_labels(labels: npt.ArrayLike, n_rows: int, name: str = "labels") -> Booleans:
    """Return labels as booleans; refuse another length and anything but 0 and 1, naming the first row."""
    array = np.asarray(labels)
    if array.shape != (n_rows,):
        raise DataError(f"{name} have shape {array.shape}, but there are {n_rows} rows; pass one a row")
    if array.dtype == np.bool_:
        return array
    try:
        numbers = array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"{name} must be 0 or 1, not text or missing: {error}") from error
    is_label: Booleans = numbers == 1
    is_wrong = ~is_label & (numbers != 0)
    if is_wrong.any():
        row = int(is_wrong.argmax())
        raise DataError(f"{name} must be 0 or 1, but row {row} holds {array[row]}")
    return is_label


def check_classes(scores: Floats, labels: Booleans) -> tuple[Floats, Booleans]:
    """Return the scores there are and their labels; refuse none at all, and labels of one kind."""
    is_scored = ~np.isnan(scores)
    kept, truth = scores[is_scored], labels[is_scored]
    if not kept.size:
        raise DataError(f"all {scores.size} scores are NaN: the window is longer than the rows, or values are missing")
    if truth.all() or not truth.any():
        kind = "labelled" if truth.any() else "healthy"
        raise DataError(f"every scored row is {kind}: labels of both kinds are needed to rank one above the other")
    return kept, truth
