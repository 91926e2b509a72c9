"""Scores of spans of windows: what a detector says, and what constant columns add."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from fastdrift.arrays import Floats, Indices
from fastdrift.detectors.model import Output, PackedParameters
from fastdrift.engine.compiled import kernel
from fastdrift.engine.threads import run_spans
from fastdrift.engine.windows import Sweep
from fastdrift.kernels.layout import Span


class SpanScorer:
    """What the windows of a table are scored with: packed parameters, and penalties for columns that were constant.

    `sweep` is over the columns that vary; `constant` are the indices of the others, `values` the one value of each.
    """

    def __init__(
        self, sweep: Sweep, packed: PackedParameters, constant: Indices, values: Floats, penalties: Floats
    ) -> None:
        self.sweep, self.packed = sweep, packed
        self.constant, self.values, self.penalties = constant, values, penalties

    @classmethod
    def of_varying(cls, sweep: Sweep, packed: PackedParameters) -> SpanScorer:
        """Return a scorer of the columns that vary alone."""
        return cls(sweep, packed, np.zeros(0, np.int64), np.zeros(0), np.zeros(0))

    def score(self, span: Span, output: Output) -> int:
        """Write the scores of a span's windows; return how many of them hold a NaN or inf."""
        piece, dtype, window = self.sweep.piece(span), self.sweep.table.dtype, self.sweep.window
        out, first_row = output
        part = out[span.row - first_row : span.end_row - first_row]
        squared = self.packed.adds_squares and self.constant.size > 0
        self.packed.score_piece(self.sweep, piece, output, squared)
        if self.constant.size:
            penalties = (self.values, self.penalties)
            kernel("moved_range", dtype)(
                piece.rows, piece.first_row, piece.places[self.constant], window, tuple(span), *penalties, output
            )
        if squared:
            np.sqrt(part, out=part)
        if np.isfinite(part.sum()):
            return 0
        columns = piece.places[np.concatenate([self.sweep.columns, self.constant])]
        settle = kernel("settle_range", dtype)
        broken: int = settle(piece.rows, piece.first_row, columns, window, tuple(span), output)
        return broken


def score_spans(
    scorer_of: Callable[[Span], SpanScorer], spans: Sequence[Span], sweep: Sweep, threads: int, output: Output
) -> int:
    """Score spans, each with its scorer; return how many windows hold a NaN or inf."""
    if any(scorer_of(span).packed.serial for span in spans):
        threads = 1
    return sum(run_spans(lambda span: scorer_of(span).score(span, output), spans, sweep.n_numbers, threads))
