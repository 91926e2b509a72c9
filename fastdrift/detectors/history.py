"""History: the stretches of healthy rows that a model was fitted on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from fastdrift.tables.table import Table


@dataclass(frozen=True)
class Stretch:
    """A stretch of healthy rows that a model was fitted on.

    Attributes
    ----------
    rows : int
    first, last : str or None
        Times of the first and the last row, in UTC.
    created, reason : str or None
        When it was fitted on, and why it is healthy, as the caller of `fit` or `accept` said.
    checksum : str
        Of the rows' numbers, as float64, whatever table they came in.
    """

    rows: int
    first: str | None
    last: str | None
    created: str | None
    reason: str | None
    checksum: str

    def to_dict(self) -> dict[str, Any]:
        """Return the fields by name, ready for JSON."""
        return asdict(self)

    def text(self) -> str:
        """Return the stretch in words."""
        return f"{self.extent()}: {self.why()}"

    def why(self) -> str:
        """Return why the rows are healthy, in words."""
        return self.reason or "fitted as healthy"

    def extent(self) -> str:
        """Return how many rows there are, of which times and fitted on when, in words."""
        span = "" if self.first is None else f", {self.first} to {self.last} UTC"
        when = "" if self.created is None else f", fitted {self.created}"
        return f"{self.rows:,} rows{span}{when}"


def stretches_of(table: Table, created: str | None, reasons: Sequence[str | None]) -> tuple[Stretch, ...]:
    """Return what is remembered of the stretches of a baseline."""
    return tuple(
        Stretch(one.n_rows, *_span(one), created, reason, checksum(one))
        for one, reason in zip(table.stretches, reasons, strict=True)
    )


def checksum(table: Table) -> str:
    """Return a checksum of a table's numbers in the order of its columns; all NaN are one, and so are both zeros."""
    digest = hashlib.blake2b(digest_size=16)
    for _, rows in table.chunks():
        digest.update(plain_numbers(rows).tobytes())
    return digest.hexdigest()


def plain_numbers(rows: Any) -> Any:
    """Return rows as float64, C-ordered, with one kind of NaN and of zero."""
    numbers = np.array(rows, "<f8", order="C") + 0.0
    numbers[np.isnan(numbers)] = np.nan
    return numbers


def _span(table: Table) -> tuple[str | None, str | None]:
    times = table.times
    if times is None or not len(times) or np.isnat(times).all():
        return None, None
    known = times[~np.isnat(times)]
    first, last = (str(np.datetime_as_string(time.astype("M8[s]"))) for time in (known.min(), known.max()))
    return first, last


def check_history(value: object, n_rows: object) -> bool:
    """Return whether a value from a file is a history, of a baseline of so many rows."""
    if not isinstance(value, list) or not value or not all(map(_is_stretch, value)):
        return False
    return bool(sum(one["rows"] for one in value) == n_rows)


def _is_stretch(value: object) -> bool:
    if not isinstance(value, dict) or value.keys() != set(Stretch.__dataclass_fields__):
        return False
    texts = [value[name] for name in ("first", "last", "created", "reason")]
    return (
        type(value["rows"]) is int
        and value["rows"] > 0
        and all(text is None or isinstance(text, str) for text in texts)
        and isinstance(value["checksum"], str)
    )
