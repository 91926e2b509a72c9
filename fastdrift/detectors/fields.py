"""The fields that a file of any model has, what they are called there, and what each must be."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

Check = Callable[[Any], bool]


def is_names(value: object) -> bool:
    """Return whether a value from a file is a list of different column names."""
    return isinstance(value, list) and all(type(name) in (str, int) for name in value) and len({*value}) == len(value)


def is_float(value: object) -> bool:
    """Return whether a value from a file is a finite float."""
    return type(value) is float and math.isfinite(value)


def is_count(value: object) -> bool:
    """Return whether a value from a file is a whole number of at least 0."""
    return type(value) is int and value >= 0


# the fields in a file of any model, and what each must be by itself
FIELDS: dict[str, Check] = {
    "columns": is_names,
    "named": lambda value: type(value) is bool,
    "allow_extra": lambda value: type(value) is bool,
    "window": lambda value: is_count(value) and value >= 2,
    "false_alarm_rate": lambda value: is_float(value) and 0 < value <= 0.5,
    "threshold": lambda value: is_float(value) and value >= 0,
    "threshold_rule": lambda value: value in ("cross-fit", "in-sample"),
    "never_moved": is_names,
    "baseline_rows": is_count,
    "windows_used": lambda value: is_count(value) and value > 0,
    "windows_left_out": is_count,
    "warnings": lambda value: isinstance(value, list) and all(isinstance(warning, str) for warning in value),
}
# what fields of a model are called in a file, where it is something else
FILE_NAMES = {"constant_columns": "never_moved", "constant_values": "never_moved_values"}
