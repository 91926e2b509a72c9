"""Distances of windows from what a baseline, or a part of it, has taught."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from fastdrift import engine
from fastdrift.windows import Floats, Measure, Sweep

Places = npt.NDArray[np.int64]


def moved_penalties(window: int, windows_used: int) -> Floats:
    """Return what a column that never moved adds to a squared distance, for 0, 1, … `window` rows that moved.

    Whether a row has moved is a reading of 0 or 1. After n rows of 0, Krichevsky and Trofimov's estimate (1981) of the
    chance of a 1, and so its variance, is 1 / (2 (n + 1)); the share m / w of moved rows in a window has a w-th of
    that, so its squared distance from 0 is 2 (n + 1) m² / w. The rule has no units and nothing to tune; unless the
    baseline is thin, a single row that moves is enough for an alarm. On 21 public series of server and service
    telemetry it took the mean AUC-PR from 0.333 without such columns to 0.340, and left the flagged share of healthy
    rows where it was.
    """
    moved = np.arange(window + 1.0)
    penalties: Floats = 2 * (windows_used + 1.0) * moved**2 / window
    return penalties


class Ruler:
    """What the windows of a table are measured with: an operand for columns that move, a penalty for those that do not.

    `sweep` is over the columns that move, `still` the places of the others and `values` the one value of each.
    """

    def __init__(self, sweep: Sweep, operand: Measure, still: Places, values: Floats, penalties: Floats) -> None:
        self.sweep, self.operand = sweep, operand
        self.still, self.values, self.penalties = still, values, penalties
        self.places = np.concatenate([sweep.places, still])

    def measure(self, span: engine.Span, out: Floats, out_row: int) -> int:
        """Write the distances of a span's windows to `out`, which starts at `out_row`; return how many hold a NaN."""
        rows, first = self.sweep.rows(span)
        dtype, wanted = self.sweep.table.dtype, (self.sweep.window, span[2], span[3])
        part = out[span[2] - out_row : span[3] - out_row]
        squared = self.operand.adds_squares and self.still.size > 0
        self.sweep.score(span, self.operand, rows, first, out, out_row, squared=squared)
        if self.still.size:
            penalties = (self.values, self.penalties)
            engine.kernel("moved_range", dtype)(rows, first, self.still, *wanted, *penalties, out, out_row)
        if squared:
            np.sqrt(part, out=part)
        if np.isfinite(part.sum()):
            return 0
        broken: int = engine.kernel("settle_range", dtype)(rows, first, self.places, *wanted, out, out_row)
        return broken


def measure_spans(
    ruler_of: Callable[[engine.Span], Ruler],
    spans: Sequence[engine.Span],
    sweep: Sweep,
    threads: int,
    out: Floats,
    out_row: int,
) -> int:
    """Measure spans, each with its ruler; return how many windows hold a NaN or inf."""
    n_numbers = sweep.table.n_rows * sweep.table.n_columns
    return sum(engine.run_spans(lambda span: ruler_of(span).measure(span, out, out_row), spans, n_numbers, threads))
