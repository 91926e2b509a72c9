"""What was changed, and where."""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd


Booleans = npt.NDArray[np.bool_]
Values = npt.NDArray[Any]  # float64 or float32


@dataclass(frozen=True)
class Change:
    """Hold one kind of change: its column (None: whole rows), how many values, and the label of the first one's row."""

    column: Hashable
    what: str
    count: int
    first: Hashable
    value: object = None


@dataclass(frozen=True)
class Report:
    """Say what was done to a table: rows in, rows out, and every change, in the order of the columns."""

    rows_in: int
    rows_out: int
    changes: tuple[Change, ...]

    def summary(self) -> str:
        """Return the report as lines of text."""
        lines = [f"rows: {self.rows_in:,} in, {self.rows_out:,} out"]
        for change in self.changes:
            where = "rows" if change.column is None else f"column {change.column!r}"
            value = "" if change.value is None else f", {change.value!r}"
            lines.append(f"{where}, {change.what}: {change.count:,} (first: {change.first}{value})")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return the report ready for `json.dumps`; what JSON cannot hold is text."""
        changes = [{key: _json_safe(value) for key, value in vars(change).items()} for change in self.changes]
        return {"rows_in": self.rows_in, "rows_out": self.rows_out, "changes": changes}


@dataclass(frozen=True)
class Record:
    """Collect the changes of one column, or of whole rows."""

    labels: pd.Index[Any]
    column: Hashable = None
    changes: list[Change] = field(default_factory=list)

    def add(self, what: str, where: Booleans, values: Any = None) -> bool:
        """Add a change, with its first place, if there is any; return whether there is."""
        if not where.any():
            return False
        first = int(np.argmax(where))
        value = None if values is None else _plain(values[first])
        count, label = int(np.count_nonzero(where)), _plain(self.labels[first])
        self.changes.append(Change(self.column, what, count, label, value))
        return True

    def blank(self, what: str, where: Booleans, values: Values) -> bool:
        """Put NaN there, and add that as a change."""
        if is_any := self.add(what, where, values):
            values[where] = np.nan
        return is_any


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _json_safe(value: Any) -> Any:
    value = _plain(value)
    is_safe = value is None or isinstance(value, (str, int)) or (isinstance(value, float) and math.isfinite(value))
    return value if is_safe else str(value)
