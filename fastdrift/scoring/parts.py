"""Reasons: what every column adds to a score."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fastdrift.arrays import Floats, Indices, Integers
from fastdrift.detectors.model import Model
from fastdrift.engine.threads import run_spans
from fastdrift.engine.windows import Sweep, feature_scales
from fastdrift.errors import DataError
from fastdrift.kernels.layout import Span
from fastdrift.tables.table import Table

# rows that are explained in one go although nobody asked for those between: a sweep of a few rows costs as much
NEAR_ROWS = 256


def column_parts(model: Model, table: Table, columns: Indices, rows: Integers, *, signed: bool, threads: int) -> Floats:
    r"""Return what every column of the model adds to the squared score of increasing rows, one a line.

    Signed parts add up to the squared score. Otherwise they are sums of absolute values: with v the standardised
    features and R their shrunk correlation, a column has the sum over its two features of \|v_i (R⁻¹ v)_i\|. NaN for a
    row without a whole window, or whose window holds a NaN or inf.
    """
    packed = model.pack_parts()
    if packed is None:
        raise DataError(f"a model of {model.detector!r} has no reasons for its scores: fit detector='mahalanobis'")
    parts = np.full((rows.size, columns.size), np.nan)
    sweep = Sweep(table, columns[model.varies], model.window)
    centre, scale = model.centre, model.scale  # type: ignore[attr-defined]
    scales = feature_scales(model.window, centre, 1 / scale)

    def task(span: Span) -> None:
        piece, width = sweep.piece(span), sweep.columns.size
        out = np.empty((span.end_row - span.row, width))
        sweep.call("part_range", piece, scales, width, packed, signed, (out.reshape(-1), span.row))
        here = slice(*np.searchsorted(rows, (span.row, span.end_row)))
        parts[here, model.varies] = out[rows[here] - span.row]

    spans = [span for first, stop in _stretches(rows) for span in sweep.spans(first, stop)]
    run_spans(task, spans, rows.size * columns.size, threads)
    _add_constant_parts(model, table, columns, rows, parts)
    return parts


def _stretches(rows: Integers) -> list[tuple[int, int]]:
    """Return the first row of each stretch of rows that lie near each other, and the row after its last."""
    if not rows.size:
        return []
    apart = np.flatnonzero(np.diff(rows) > NEAR_ROWS)
    firsts, lasts = rows[np.append(0, apart + 1)], rows[np.append(apart, rows.size - 1)]
    return [(int(first), int(last) + 1) for first, last in zip(firsts, lasts, strict=True)]


def _add_constant_parts(model: Model, table: Table, columns: Indices, rows: Integers, parts: Floats) -> None:
    """Write what columns that were constant add: the price of the rows of the window in which they moved."""
    if model.varies.all() or not rows.size:
        return
    constant, window = columns[~model.varies], model.window
    for first, stop in _stretches(rows):
        start = max(table.first_row, first - window + 1)
        values = table.rows(start, stop)[:, constant]
        finite = np.isfinite(values)
        moved = np.cumsum(finite & (values != model.constant_values), axis=0)
        broken = np.cumsum(~finite, axis=0)
        here = slice(*np.searchsorted(rows, (first, stop)))
        whole = rows[here] - start >= window - 1
        ends = rows[here][whole] - start
        counts = [_within(count, ends, window) for count in (moved, broken)]
        added = np.where(counts[1] > 0, np.nan, model.penalties[counts[0]])
        lines = np.arange(here.start, here.stop)[whole]
        parts[np.ix_(lines, np.flatnonzero(~model.varies))] = added
        parts[lines[np.isnan(parts[lines]).any(axis=1)]] = np.nan


def _within(counts: Integers, ends: Integers, window: int) -> Integers:
    before = np.concatenate([np.zeros((1, counts.shape[1]), counts.dtype), counts])[ends - window + 1]
    held: Integers = counts[ends] - before
    return held


def shares(parts: Floats) -> Floats:
    """Return parts as shares of their row's sum; NaN stays."""
    total = parts.sum(axis=1, keepdims=True)
    result: Floats = np.divide(parts, total, out=np.full_like(parts, np.nan), where=total > 0)
    return result


def check_rows(rows: Sequence[int] | Integers | slice, n_rows: int) -> Integers:
    """Return the rows asked for as numbers, or raise DataError for one that does not exist."""
    asked = np.arange(n_rows)[rows] if isinstance(rows, slice) else np.asarray(rows)
    if asked.ndim != 1 or asked.dtype.kind not in "iu":
        raise DataError(f"rows is {rows!r:.60}: give whole numbers of rows, or a slice")
    wrong = np.flatnonzero((asked < 0) | (asked >= n_rows))
    if wrong.size:
        raise DataError(f"row {asked[wrong[0]]} is not there: the table has rows 0 … {n_rows - 1}")
    return asked.astype(np.int64)
