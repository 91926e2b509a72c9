"""Scores of spans of windows: what a detector says, and what constant columns add."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import numpy as np

from fastdrift.arrays import Floats, Indices
from fastdrift.detectors.blend import BlendedModel, blend, members_of
from fastdrift.detectors.learning import Output, PackedParameters
from fastdrift.detectors.model import Model
from fastdrift.engine.compiled import kernel
from fastdrift.engine.threads import run_spans
from fastdrift.engine.windows import Sweep
from fastdrift.kernels.layout import Span
from fastdrift.tables.table import Table


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

    @property
    def serial(self) -> bool:
        """Whether spans must be scored one after the other, on the thread that asks."""
        return self.packed.serial

    def score(self, span: Span, output: Output) -> int:
        """Write the scores of a span's windows; return how many of them hold a NaN or inf."""
        return 0 if self.write(span, output) else self.settle(span, output)

    def write(self, span: Span, output: Output) -> bool:
        """Write the scores of a span's windows, those that hold a NaN or inf, or overflow, as no number.

        Return whether there are none of those. A look at the scores afterwards took 1 to 6 % of the time of a score.
        """
        piece, dtype, window = self.sweep.piece(span), self.sweep.table.dtype, self.sweep.window
        squared = self.packed.adds_squares and self.constant.size > 0
        is_finite = self.packed.score_piece(self.sweep, piece, output, squared)
        if self.constant.size:
            penalties = (self.values, self.penalties)
            add_penalties, own = kernel("moved_range", dtype), piece.places[self.constant]
            is_finite &= add_penalties(piece.rows, piece.first_row, own, window, tuple(span), *penalties, output)
        if squared:
            part = part_of(span, output)
            np.sqrt(part, out=part)
        return is_finite

    def settle(self, span: Span, output: Output) -> int:
        """Make NaN of the scores of windows that hold a NaN or inf, inf of others that are none; count the NaNs."""
        piece, dtype = self.sweep.piece(span), self.sweep.table.dtype
        columns = piece.places[np.concatenate([self.sweep.columns, self.constant])]
        settle = kernel("settle_range", dtype)
        broken: int = settle(piece.rows, piece.first_row, columns, self.sweep.window, tuple(span), output)
        return broken


def part_of(span: Span, output: Output) -> Floats:
    """Return the part of an output that is of a span."""
    out, first_row = output
    return out[span.row - first_row : span.end_row - first_row]


class BlendScorer:
    """What the windows of a table are scored with by several models at once, the one of the longest windows last."""

    def __init__(self, scorers: Sequence[SpanScorer], unit: float) -> None:
        self.scorers, self.unit = scorers, unit
        self._local = threading.local()

    @property
    def sweep(self) -> Sweep:
        """The sweep of the longest windows, whose spans are scored."""
        return self.scorers[-1].sweep

    @property
    def serial(self) -> bool:
        """Whether spans must be scored one after the other, on the thread that asks."""
        return any(scorer.serial for scorer in self.scorers)

    def score(self, span: Span, output: Output) -> int:
        """Write the scores of a span of the longest windows; return how many of them hold a NaN or inf."""
        part = part_of(span, output)
        others = self._room(part.size)
        for scorer, own in zip(self.scorers, (part, *others), strict=True):
            for one in scorer.sweep.spans(span.row, span.end_row, n_ranges=1):
                scorer.write(one, (own, span.row))
        blend(part, others, self.unit)
        # means may leave the range where the scores did not; the longest window holds what the others do
        return 0 if np.isfinite(part.sum()) else self.scorers[-1].settle(span, output)

    def _room(self, size: int) -> Floats:
        """Return room of this thread's for the scores of all models but one: new memory would cost as much as them."""
        n_others = len(self.scorers) - 1
        held: Floats | None = getattr(self._local, "room", None)
        if held is None or held.size < n_others * size:
            held = self._local.room = np.empty(n_others * size)
        return held[: n_others * size].reshape(n_others, size)


Scorer = SpanScorer | BlendScorer


def model_scorer(model: Model, table: Table, columns: Indices) -> Scorer:
    """Return what a model scores a table with; `columns` are the model's."""
    varying, constant = (columns[places] for places in model.places)
    scorers = [
        SpanScorer(Sweep(table, varying, one.window), one.packed, constant, one.constant_values, one.penalties)
        for one in members_of(model)
    ]
    return BlendScorer(scorers, model.unit) if isinstance(model, BlendedModel) else scorers[0]


def score_spans(
    scorer_of: Callable[[Span], Scorer], spans: Sequence[Span], n_numbers: int, threads: int, output: Output
) -> int:
    """Score spans, each with its scorer; return how many windows hold a NaN or inf."""
    if threads > 1 and any(scorer_of(span).serial for span in spans):
        threads = 1
    return sum(run_spans(lambda span: scorer_of(span).score(span, output), spans, n_numbers, threads))
