"""Windows' features in memory, for detectors that learn from or score arrays of them."""

from __future__ import annotations

import numpy as np

from fastdrift.arrays import Floats, Integers
from fastdrift.engine.threads import run_spans
from fastdrift.engine.windows import Piece, Sweep, feature_scales
from fastdrift.kernels.layout import Span


def piece_features(sweep: Sweep, piece: Piece) -> Floats:
    """Return the features of a piece's windows, shape (n_windows, n_features): means, then stds."""
    n_features = 2 * sweep.columns.size
    scales = feature_scales(sweep.window, np.zeros(n_features), np.ones(n_features))
    features: Floats = np.empty((piece.span.end_row - piece.span.row, n_features))
    output = (features.reshape(-1), piece.span.row)
    sweep.call("feature_range", piece, scales, n_features, (0, n_features), output)
    return features


def sample_windows(sweep: Sweep, most: int, threads: int, seed: int) -> tuple[Integers, Floats]:
    """Draw at most `most` windows of a table: return the rows in which they end, in order, and their features.

    Windows that hold a NaN or inf are left out.
    """
    rows = np.arange(sweep.first_end, sweep.table.end_row)
    if rows.size > most:
        rows = np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))

    def task(span: Span) -> Floats:
        features = piece_features(sweep, sweep.piece(span))
        drawn = rows[np.searchsorted(rows, span.row) : np.searchsorted(rows, span.end_row)]
        chosen: Floats = features[drawn - span.row]
        return chosen

    features: Floats = np.concatenate(run_spans(task, sweep.spans(), sweep.n_numbers, threads))
    finite = np.isfinite(features).all(axis=1)
    return rows[finite], features[finite]
