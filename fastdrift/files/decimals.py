"""Decimal commas: read as points where nothing else can be meant."""

from __future__ import annotations

from typing import Any

from fastdrift.errors import DataError
from fastdrift.files.source import Source

_COMMA = r"^\s*[+-]?(\d+,\d*|,\d+)([eE][+-]?\d+)?\s*$"
_POINT = r"^\s*[+-]?(\d+\.\d*|\.\d+)([eE][+-]?\d+)?\s*$"
# may be a thousand or a one with three decimals
_EITHER = r"^\s*[+-]?[1-9]\d{0,2},\d{3}\s*$"


def has_commas(table: Any) -> bool:
    """Return whether a number in a table of text has a comma that may be a decimal one."""
    return _first(table, _COMMA) is not None


def with_points(source: Source, table: Any) -> tuple[Any, tuple[str, ...]]:
    """Return a table of text whose decimal commas are points, and a note if there are any.

    Raises
    ------
    DataError
        If some numbers have commas and others points, or all the commas may be there for thousands.
    """
    import pyarrow.compute as pc

    comma, point = _first(table, _COMMA), _first(table, _POINT)
    if comma is None:
        return table, ()
    if point is not None:
        raise DataError(
            f"{source}: {_place(comma)} has a comma and {_place(point)} a point: write all numbers with decimal points"
        )
    if all(_count(column, _COMMA) == _count(column, _EITHER) for column in table.columns):
        raise DataError(f"{source}: {_place(comma)} may be thousands or decimals: write numbers with points")
    for place, column in enumerate(table.columns):
        read = pc.replace_substring(column, ",", ".", max_replacements=1)
        read = pc.if_else(pc.match_substring_regex(column, _COMMA), read, column)
        table = table.set_column(place, table.column_names[place], read)
    return table, ("commas in numbers are taken for decimal points",)


def _first(table: Any, pattern: str) -> tuple[str, int, str] | None:
    """Return the column, row and value of the first text that matches a pattern."""
    import pyarrow.compute as pc

    for name, column in zip(table.column_names, table.columns, strict=True):
        row = pc.index(pc.match_substring_regex(column, pattern), True).as_py()
        if row >= 0:
            return name, row, column[row].as_py()
    return None


def _count(column: Any, pattern: str) -> int:
    import pyarrow.compute as pc

    return pc.sum(pc.match_substring_regex(column, pattern)).as_py() or 0


def _place(found: tuple[str, int, str]) -> str:
    name, row, value = found
    return f"column {name!r}, row {row}: {value!r}"
