"""Numbers as text, and texts laid out in lines: how results are told."""

from __future__ import annotations

UNDEFINED = "–"
"""What stands for a metric that cannot be given."""


def line(name: str, *cells: str) -> str:
    """Return a line of a summary: a name and its metrics in columns."""
    return f"{name:<22}" + "".join(f"{cell:>12}" for cell in cells)


def counted(count: int, name: str) -> str:
    """Return how many there are of something, its name in the plural unless it is one."""
    return f"{count:,} {name}{'' if count == 1 else 's'}"


def percent(ratio: float | None, undefined: str = UNDEFINED) -> str:
    """Return a share as a percentage with two digits."""
    return undefined if ratio is None else f"{100 * ratio:.2f} %"


def decimal(value: float | None, undefined: str = UNDEFINED) -> str:
    """Return a share or a metric from 0 to 1 with three digits."""
    return undefined if value is None else f"{value:.3f}"


def number(value: float | None, undefined: str = UNDEFINED) -> str:
    """Return a number of any size with four digits."""
    return undefined if value is None else f"{value:.4g}"
