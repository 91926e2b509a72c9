"""One row of a stream: an array, a mapping or a sequence, as numbers in the order of the model's columns."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from fastdrift.arrays import Floats
from fastdrift.detectors.model import Model
from fastdrift.errors import DataError
from fastdrift.tables.frames import is_series
from fastdrift.tables.roles import is_label
from fastdrift.tables.table import listed


def read_row(model: Model, row: Any) -> Floats:
    """Return a row as numbers in the order of the model's columns; None is NaN.

    Raises
    ------
    DataError
        If columns are missing, extra or not numbers.
    """
    by_name = _by_name(row)
    if by_name is not None and model.named:
        return _match_names(model, by_name)
    values = [*by_name.values()] if by_name is not None else _values(row)
    if model.allow_extra and not model.named:
        return _at_places(model.columns, values)
    if len(values) != len(model.columns):
        raise DataError(f"the row has {len(values)} numbers and the model {len(model.columns)} columns")
    return _numbers(model.columns, values)


def _by_name(row: Any) -> Mapping[Hashable, Any] | None:
    """Return a row's values by its names, None if it has none."""
    if isinstance(row, Mapping):
        return row
    if is_series(row):
        return dict(zip(row.index, row.tolist(), strict=True))
    names = getattr(row, "_fields", None)  # a named tuple
    return dict(zip(names, row, strict=True)) if isinstance(row, tuple) and names else None


def _values(row: Any) -> Sequence[Any]:
    """Return a row's values by place."""
    if isinstance(row, np.ndarray):
        if row.ndim != 1:
            raise DataError(f"the row has {row.ndim} dimensions: push one row at a time, or use push_many")
        if row.dtype.kind not in "fiubO" or row.dtype.itemsize > 8:
            raise DataError(f"the row holds {row.dtype}: convert it to float64")
        if isinstance(row, np.ma.MaskedArray):
            raise DataError("the row is masked: fill it, as with row.filled(np.nan), so that what is missing is NaN")
        return row.tolist()  # type: ignore[no-any-return]  # of one dimension
    if isinstance(row, Sequence) and not isinstance(row, (str, bytes)):
        return row
    raise DataError(f"the row is a {type(row).__name__}: push an array, a mapping by name or a sequence of numbers")


def _match_names(model: Model, row: Mapping[Hashable, Any]) -> Floats:
    missing = next((name for name in model.columns if name not in row), None)
    if missing is not None:
        raise DataError(f"column {missing!r} of the model is missing; the row has {listed(row)}")
    if len(row) > len(model.columns) and not model.allow_extra:
        known = {*model.columns}
        extra = next((name for name in row if name not in known and not is_label(name, row[name])), None)
        if extra is not None:
            raise DataError(
                f"column {extra!r} is not the model's: drop it, or name the columns to use when fitting (columns=…)"
            )
    return _numbers(model.columns, [row[name] for name in model.columns])


def _at_places(columns: Sequence[Hashable], values: Sequence[Any]) -> Floats:
    places = [int(column) for column in columns]  # type: ignore[call-overload]  # an array's columns
    if max(places) >= len(values):
        raise DataError(f"column {max(places)} is not there: the row has columns 0 … {len(values) - 1}")
    return _numbers(columns, [values[place] for place in places])


def _numbers(columns: Sequence[Hashable], values: Sequence[Any]) -> Floats:
    try:
        return np.array([np.nan if value is None else _number(value) for value in values])
    except (TypeError, ValueError):
        pass
    for name, value in zip(columns, values, strict=True):
        try:
            _number(np.nan if value is None else value)
        except (TypeError, ValueError):
            raise DataError(f"column {name!r} holds {type(value).__name__}, not a number ({value!r:.80})") from None
    raise AssertionError  # one of them was none


def _number(value: Any) -> float:
    if isinstance(value, (str, bytes)) or hasattr(value, "__len__"):
        raise TypeError
    return float(value)
