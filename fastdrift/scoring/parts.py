"""Reasons: what every column adds to a score."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fastdrift.arrays import Floats, Indices, Integers
from fastdrift.detectors.blend import BlendedModel, blend, members_of
from fastdrift.detectors.model import Model
from fastdrift.engine.compiled import kernel
from fastdrift.engine.threads import aligned_empty, run_spans
from fastdrift.engine.windows import Sweep, feature_scales
from fastdrift.errors import DataError
from fastdrift.kernels.layout import ABSOLUTE, RELATIVE, Span
from fastdrift.tables.table import Table

# rows that are explained in one go although nobody asked for those between: a sweep of a few rows costs as much
NEAR_ROWS = 256
# increasing rows: numbers, or one after the other
Asked = Integers | range


def column_parts(model: Model, table: Table, columns: Indices, rows: Asked, *, kind: int, threads: int) -> Floats:
    r"""Return what every column of the model adds to the squared score of increasing rows, one a line.

    Signed parts add up to the squared score. Otherwise they are sums of absolute values, or shares of those: with v the
    standardised features and R their shrunk correlation, a column has the sum over its two features of
    \|v_i (R⁻¹ v)_i\|. NaN for a row without a whole window, or whose window holds a NaN or inf. Of several windows the
    shares are averaged.
    """
    explainer = model_explainer(model, table, columns, kind)
    sweep = explainer.sweep
    parts = aligned_empty(len(rows) * columns.size).reshape(
        -1, columns.size
    )  # not filled: a second pass over new memory would cost as much
    parts[: _lines(rows, 0, sweep.first_end).stop] = np.nan

    def task(span: Span) -> None:
        lines = _lines(rows, span.row, span.end_row)
        if lines.stop - lines.start == span.end_row - span.row:
            explainer.explain(span, parts[lines])
            return
        whole = np.empty((span.end_row - span.row, columns.size))
        explainer.explain(span, whole)
        parts[lines] = whole[np.asarray(rows[lines]) - span.row]

    spans = [span for first, stop in _stretches(rows) for span in sweep.spans(first, stop)]
    run_spans(task, spans, parts.size, threads)
    return parts


class SpanExplainer:
    """What the parts of a table's windows are made with; `constant` are the indices of columns that were constant."""

    def __init__(self, model: Model, sweep: Sweep, constant: Indices, precision: Floats, kind: int) -> None:
        self.model, self.sweep, self.constant, self.precision, self.kind = model, sweep, constant, precision, kind
        self.varying_places, self.constant_places = np.flatnonzero(model.varies), np.flatnonzero(~model.varies)
        centre, scale = model.centre, model.scale  # type: ignore[attr-defined]
        self.scales = feature_scales(model.window, centre, 1 / scale)

    def explain(self, span: Span, out: Floats) -> None:
        """Write the parts of a span's windows, a line each."""
        model, piece, width = self.model, self.sweep.piece(span), out.shape[1]
        output = (out.reshape(-1), span.row)
        # shares are of all columns: those of the columns that were constant come after
        kind = ABSOLUTE if self.constant.size and self.kind == RELATIVE else self.kind
        rest = (self.precision, self.varying_places, width, kind, output)
        self.sweep.call("part_range", piece, self.scales, width, *rest)
        if self.constant.size:
            constant = (model.constant_values, model.penalties, self.constant_places, width, self.kind)
            counts = np.zeros(self.constant.size, np.int64)
            kernel("moved_parts", self.sweep.table.dtype)(
                piece.rows,
                piece.first_row,
                piece.places[self.constant],
                model.window,
                tuple(span),
                *constant,
                counts,
                output,
            )


class BlendExplainer:
    """What the parts of a table's windows are made with by several models: what columns add to the squared mean.

    A model's parts count as shares of their sum, which is its squared score, and the mean of the shares times the
    squared score of all is what a column adds to that.
    """

    def __init__(self, explainers: Sequence[SpanExplainer], unit: float, kind: int) -> None:
        self.explainers, self.unit, self.kind = explainers, unit, kind
        self.sweep = explainers[-1].sweep

    def explain(self, span: Span, out: Floats) -> None:
        """Write the parts of a span of the longest windows, a line each."""
        own, totals = np.empty(out.shape), []
        out[:] = 0.0
        for explainer in self.explainers:
            for one in explainer.sweep.spans(span.row, span.end_row, n_ranges=1):
                explainer.explain(one, own[one.row - span.row : one.end_row - span.row])
            totals.append(own.sum(axis=1))
            # where all parts are 0, so are their shares
            out += np.divide(own, totals[-1][:, None], out=np.zeros_like(own), where=totals[-1][:, None] != 0)
        out /= len(totals)
        if self.kind != RELATIVE:
            blend(totals[0], np.stack(totals[1:]), self.unit**2)
            out *= totals[0][:, None]


def model_explainer(model: Model, table: Table, columns: Indices, kind: int) -> SpanExplainer | BlendExplainer:
    """Return what tells the parts of a model's scores; raise DataError if its detector has no reasons for them."""
    explainers = []
    for one in members_of(model):
        precision = one.pack_parts()
        if precision is None:
            raise DataError(f"a model of {model.detector!r} has no reasons for its scores: fit detector='mahalanobis'")
        sweep = Sweep(table, columns[model.varies], one.window)
        explainers.append(SpanExplainer(one, sweep, columns[~model.varies], precision, kind))
    return BlendExplainer(explainers, model.unit, kind) if isinstance(model, BlendedModel) else explainers[0]


def _lines(rows: Asked, first: int, stop: int) -> slice:
    """Return which of the increasing rows lie within `first` … `stop` - 1."""
    if isinstance(rows, range):
        return slice(*(min(max(row - rows.start, 0), len(rows)) for row in (first, stop)))
    return slice(*np.searchsorted(rows, (first, stop)).tolist())


def _stretches(rows: Asked) -> list[tuple[int, int]]:
    """Return the first row of each stretch of rows that lie near each other, and the row after its last."""
    if not len(rows):
        return []
    if isinstance(rows, range):
        return [(rows.start, rows.stop)]
    apart = np.flatnonzero(np.diff(rows) > NEAR_ROWS)
    firsts, lasts = rows[np.append(0, apart + 1)], rows[np.append(apart, rows.size - 1)]
    return [(int(first), int(last) + 1) for first, last in zip(firsts, lasts, strict=True)]


def shares(parts: Floats) -> Floats:
    """Return parts as shares of their row's sum; NaN stays."""
    total = parts.sum(axis=1, keepdims=True)
    result: Floats = np.divide(parts, total, out=np.full_like(parts, np.nan), where=total > 0)
    return result


def check_rows(rows: Sequence[int] | Integers | slice, n_rows: int) -> Asked:
    """Return the rows asked for, or raise DataError for one that does not exist."""
    if isinstance(rows, slice):
        asked = range(n_rows)[rows]
        return asked if asked.step == 1 else np.array(asked, np.int64)
    numbers = np.asarray(rows)
    if numbers.ndim != 1 or numbers.dtype.kind not in "iu":
        raise DataError(f"rows is {rows!r:.60}: give whole numbers of rows, or a slice")
    wrong = np.flatnonzero((numbers < 0) | (numbers >= n_rows))
    if wrong.size:
        raise DataError(f"row {numbers[wrong[0]]} is not there: the table has rows 0 … {n_rows - 1}")
    return numbers.astype(np.int64)
