"""Options that the commands share."""

from __future__ import annotations

import argparse
import re
from typing import NamedTuple


class Shape(NamedTuple):
    """Columns and window of a benchmark."""

    columns: int
    window: int

    def __str__(self) -> str:
        return f"{self.columns}x{self.window}"


def shape(text: str) -> Shape:
    """Read a shape such as 8x50."""
    match = re.fullmatch(r"(\d+)x(\d+)", text)
    if not match or int(match[1]) < 1 or int(match[2]) < 2:
        raise argparse.ArgumentTypeError(f"{text!r} is no shape: give columns x window, as in 8x50")
    return Shape(int(match[1]), int(match[2]))
