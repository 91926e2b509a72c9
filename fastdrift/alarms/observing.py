"""Of how many columns the windows of a stream have half or more of the values, kept up as rows come."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any

import numpy as np

from fastdrift.arrays import Booleans
from fastdrift.detectors.model import Model
from fastdrift.scoring.gaps import observed_columns
from fastdrift.tables.table import Table


class Observing:
    """The runs of windows that lack half of the values of a column or more columns; see `Scene.observed`."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.runs: list[list[int]] = []  # first row, the row after the last, and of how many columns they have half

    def follow(self, table: Table, unscored: Booleans, first: int) -> None:
        """Take the rows from `first` on in, told which have no score; a window before them must be there."""
        rows = first + np.flatnonzero(unscored)
        rows = rows[rows >= self.model.window - 1]
        if not rows.size:  # they are whole
            return
        n_columns, begin = len(self.model.columns), int(rows[0])
        counts = observed_columns(self.model, table, np.arange(n_columns), 1, begin, int(rows[-1]) + 1)
        edges = [0, *(np.flatnonzero(np.diff(counts)) + 1).tolist()]
        for start, stop in zip(edges, [*edges[1:], counts.size], strict=True):
            run = [begin + start, begin + stop, int(counts[start])]
            if self.runs and self.runs[-1][1:] == [run[0], run[2]]:
                self.runs[-1][1] = run[1]
            elif run[2] < n_columns:
                self.runs.append(run)

    def least(self, row: int, stop: int) -> int:
        """Return of how many columns each of the windows of rows `row` … `stop` - 1 has half or more, at least."""
        place = max(0, bisect_right(self.runs, row, key=lambda run: run[0]) - 1)
        least = len(self.model.columns)
        while place < len(self.runs) and self.runs[place][0] < stop:
            least = min(least, self.runs[place][2]) if self.runs[place][1] > row else least
            place += 1
        return least

    def to_dict(self) -> dict[str, Any]:
        """Return everything ready for JSON."""
        return {"runs": self.runs}

    def restore(self, known: dict[str, Any]) -> None:
        """Become what `to_dict` told."""
        self.runs = known["runs"]
