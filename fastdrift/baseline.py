"""fit: from a clean stretch of rows to a model.

Two sweeps of the baseline give the features' centre and scale, then their covariance, kept apart by pieces so that any
fold's can be had by adding up; a third scores the held-out folds for the threshold.
"""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Hashable, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from fastdrift import engine
from fastdrift.covariance import (
    Floats,
    Moments,
    Shrinkage,
    Units,
    make_gauge,
    standardise,
    sweep_moments,
)
from fastdrift.distances import Places, Ruler, measure_spans
from fastdrift.errors import DataError, DriftWarning
from fastdrift.forest import grow, make_tree_operand, sample_windows
from fastdrift.frames import Table, as_table, is_frame
from fastdrift.model import ForestModel, MahalanobisModel, Model
from fastdrift.windows import Measure, Sweep, check_length, check_window, feature_scales, make_operand

DETECTORS = ("mahalanobis", "isolation-forest")
# stretches of windows, told as the rows in which they end
Folds = Sequence[tuple[int, int]]
# the windows between two edges, and their moments
Pieces = Sequence[tuple[tuple[int, int], Moments]]

FOLDS = 5
# ranges that a fold is cut into, so that several threads have something to do with all of them
FOLD_RANGES = 4
# a fold's fit takes no feature's scale below this share of that over the whole baseline: else a column that moves in
# one fold alone, and has no scale in the others, decides the threshold; from 0.03 to 0.3 healthy rows cost the same
LEAST_SPREAD = 0.2
# separate windows a feature, below which a baseline is called thin
THIN = 2.0


def fit(
    baseline: Any,
    *,
    window: int = 50,
    false_alarm_rate: float = 0.05,
    threshold: Literal["cross-fit", "in-sample"] = "cross-fit",
    shrinkage: Shrinkage = "ledoit-wolf",
    columns: Sequence[Hashable] | None = None,
    detector: Literal["mahalanobis", "isolation-forest"] = "mahalanobis",
    seed: int = 0,
    threads: int | None = None,
) -> Model:
    """Learn what healthy telemetry looks like from a baseline.

    Parameters
    ----------
    baseline : array of shape (n_rows, n_columns) or DataFrame
        Rows of a healthy stretch, in time order, in any units.
    window : int, default 50
        Rows in a window.
    false_alarm_rate : float, default 0.05
        The share of clean windows that may be flagged, above 0 and at most 0.5.
    threshold : {"cross-fit", "in-sample"}
        Where the threshold is taken from: scores of windows that the fit has not seen, or scores of the very windows it
        was made from, which is far too low for new rows and there for comparison.
    shrinkage : {"ledoit-wolf", "oas"} or float
        How far the features' correlation is shrunk towards the identity; a number from 0 to 1 fixes it.
    columns : sequence, optional
        Names (or places) of the columns to use; then scored tables may hold others beside them.
    detector : {"mahalanobis", "isolation-forest"}
        Distances from the baseline's centre, or how easily random cuts part a window from the baseline's. The forest is
        grown by scikit-learn (extra `cli`) and has no shrinkage; scoring does not need it.
    seed : int, default 0
        Of the forest's random numbers.
    threads : int, optional
        Threads to use; by default what the machine and the container allow.

    Returns
    -------
    Model
        Frozen; the same bytes whatever the layout of the baseline and the number of threads.

    Raises
    ------
    DataError
        If the baseline or an option cannot be used; the message says which column and row and what would do.

    Warns
    -----
    DriftWarning
        If the baseline is thin for its number of columns, or windows were left out.

    Notes
    -----
    Cross-fitting: the baseline is cut into five stretches; each is scored by a fit on the others, less the windows that
    overlap it, and the threshold is the quantile of the pooled held-out scores. Shrinkage: Ledoit and Wolf (2004),
    "A well-conditioned estimator for large-dimensional covariance matrices"; Chen, Wiesel, Eldar and Hero (2010),
    "Shrinkage algorithms for MMSE covariance estimation". The forest: Liu, Ting and Zhou (2008), "Isolation
    Forest". Beside the baseline, `fit` holds one held-out score a row.

    Examples
    --------
    >>> import fastdrift as fd
    >>> data = fd.generate(20_000, seed=1, drifts=())
    >>> model = fd.fit(data.frame, window=50, false_alarm_rate=0.05)
    >>> model.window, len(model.columns), model.threshold_rule
    (50, 8, 'cross-fit')
    """
    window = check_window(window)
    _check_options(false_alarm_rate, threshold, shrinkage, detector)
    n_threads = engine.check_threads(threads)
    table = as_table(baseline, columns)
    check_length(table.n_rows, window)
    moving, still, values = split_columns(table)
    sweep = Sweep(table, moving, window)
    folds = _cut_folds(table.n_rows, window)
    if threshold == "cross-fit":
        _check_folds(table.n_rows, window)
    units, total = standardise(sweep, n_threads)
    _check_scales(table, moving, units)
    parts = folds if threshold == "cross-fit" else []
    if detector == "mahalanobis":
        learnt = _learn_distances(sweep, units, folds, parts, shrinkage, n_threads)
    else:
        learnt = _learn_forest(sweep, parts, seed, n_threads)
    scores = _measure_folds(sweep, learnt.operands or [learnt.operand] * len(folds), folds, n_threads)
    notes = _notes(total, units.centre.size, window)
    for note in notes:
        warnings.warn(note, DriftWarning, stacklevel=2)
    return learnt.kind(
        columns=table.names,
        named=is_frame(baseline),
        allow_extra=columns is not None,
        window=window,
        false_alarm_rate=float(false_alarm_rate),
        threshold=_upper_quantile(scores, false_alarm_rate),
        threshold_rule=threshold,
        never_moved=tuple(table.names[place] for place in still),
        never_moved_values=values,
        baseline_rows=table.n_rows,
        windows_used=int(total.n_windows),
        windows_left_out=int(total.n_left_out),
        warnings=tuple(notes),
        **learnt.fields,
    )


class Learnt(NamedTuple):
    """What a detector has learnt: its kind of model and that model's own fields, and what measures each fold."""

    kind: type[Model]
    fields: dict[str, Any]
    operand: Measure
    operands: list[Measure]


def _learn_distances(
    sweep: Sweep, units: Units, folds: Folds, held_out: Folds, shrinkage: Shrinkage, threads: int
) -> Learnt:
    window, names = sweep.window, [sweep.table.names[place] for place in sweep.places]
    pieces = _piece_moments(sweep, units, folds, threads)
    gauge = make_gauge(names, window, units, Moments.total([piece for _, piece in pieces]), shrinkage)
    others = [_moments_without(pieces, fold, window) for fold in held_out]
    gauges = [make_gauge(names, window, units, part, shrinkage, LEAST_SPREAD) for part in others]
    fields = gauge._asdict() | {"shrinkage_rule": shrinkage if isinstance(shrinkage, str) else "fixed"}
    operand, *operands = (make_operand(window, one.centre, one.scale, one.cholesky) for one in (gauge, *gauges))
    return Learnt(MahalanobisModel, fields, operand, list(operands))


def _learn_forest(sweep: Sweep, held_out: Folds, seed: int, threads: int) -> Learnt:
    window, n_features = sweep.window, 2 * sweep.places.size
    rows, features = sample_windows(sweep, threads, seed)
    forests = [grow(features, seed)]
    for start, stop in held_out:
        others = (rows < start - window + 1) | (rows >= stop + window - 1)
        forests.append(grow(features[others], seed))
    operand, *operands = (make_tree_operand(forest, window, n_features) for forest in forests)
    return Learnt(ForestModel, forests[0]._asdict(), operand, list(operands))


def _check_options(false_alarm_rate: object, threshold: object, shrinkage: object, detector: object) -> None:
    if not isinstance(detector, str) or detector not in DETECTORS:
        raise DataError(f"detector is {detector!r}: it is 'mahalanobis' or 'isolation-forest'")
    if not isinstance(false_alarm_rate, (int, float, np.floating)) or not 0 < false_alarm_rate <= 0.5:
        raise DataError(f"false_alarm_rate is {false_alarm_rate!r}: give a share above 0 and at most 0.5")
    if not isinstance(threshold, str) or threshold not in ("cross-fit", "in-sample"):
        raise DataError(f"threshold is {threshold!r}: it is 'cross-fit' or 'in-sample'")
    known: bool = shrinkage in ("ledoit-wolf", "oas") if isinstance(shrinkage, str) else _is_share(shrinkage)
    if not known:
        raise DataError(f"shrinkage is {shrinkage!r}: it is 'ledoit-wolf', 'oas' or a number from 0 to 1")


def _is_share(value: object) -> bool:
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool) and 0 <= float(value.real) <= 1


def split_columns(table: Table) -> tuple[Places, Places, Floats]:
    """Return the places of the columns that move, of those that hold one value all through, and that value.

    NaN and inf are passed over; a column of nothing else is an error.
    """
    first = table.first_finite()
    empty = np.flatnonzero(np.isnan(first))
    if empty.size:
        raise DataError(f"column {table.names[empty[0]]!r} holds no finite number in the baseline: drop it")
    undecided = np.ones(table.n_columns, bool)
    for _, rows in table.chunks():
        for place in np.flatnonzero(undecided):
            column = rows[:, place]
            undecided[place] = bool(np.all((column == first[place]) | ~np.isfinite(column)))
        if not undecided.any():
            break
    if undecided.all():
        raise DataError("no column of the baseline ever moves: there is nothing to learn from it")
    return np.flatnonzero(~undecided), np.flatnonzero(undecided), first[undecided]


def _check_scales(table: Table, moving: Places, units: Units) -> None:
    flat = np.flatnonzero(units.scale == 0)
    if flat.size:
        name = table.names[moving[flat[0] % moving.size]]
        raise DataError(
            f"column {name!r} moves only in rows whose windows are left out for a NaN or inf: fill the gaps, or drop it"
        )


def _cut_folds(n_rows: int, window: int) -> list[tuple[int, int]]:
    """Cut the windows into consecutive folds, told as the rows in which their windows end."""
    edges = [window - 1 + (n_rows - window + 1) * fold // FOLDS for fold in range(FOLDS + 1)]
    return list(itertools.pairwise(edges))


def _check_folds(n_rows: int, window: int) -> None:
    n_windows = n_rows - window + 1
    training = n_windows - -(-n_windows // FOLDS) - 2 * (window - 1)
    if training < window:
        enough = math.ceil((3 * window - 2) / (1 - 1 / FOLDS)) + 1 + window - 1
        raise DataError(
            f"{n_rows} rows are too few to cross-fit a threshold with windows of {window}: give at least {enough} "
            f"rows, a shorter window, or threshold='in-sample' (which flags far more than it says)"
        )


def _piece_moments(sweep: Sweep, units: Units, folds: Sequence[tuple[int, int]], threads: int) -> Pieces:
    """Return the moments of the pieces that the folds' edges, and the gaps beside them, cut the windows into."""
    start, stop = folds[0][0], folds[-1][1]
    gap = sweep.window - 1
    edges = {min(max(edge + shift, start), stop) for fold in folds for edge in fold for shift in (-gap, 0, gap)}
    pieces = list(itertools.pairwise(sorted(edges)))
    spans = [sweep.spans(*piece, n_ranges=FOLD_RANGES) for piece in pieces]
    scales = feature_scales(sweep.window, units.centre, 1 / units.scale)
    parts = iter(sweep_moments(sweep, list(itertools.chain(*spans)), scales, units.centre.size, threads))
    return [(piece, Moments.total([next(parts) for _ in own])) for piece, own in zip(pieces, spans, strict=True)]


def _moments_without(pieces: Pieces, fold: tuple[int, int], window: int) -> Moments:
    """Add up what does not overlap a fold's rows."""
    gap = window - 1
    others = [part for (start, stop), part in pieces if stop <= fold[0] - gap or start >= fold[1] + gap]
    return Moments.total(others)


def _measure_folds(sweep: Sweep, operands: Sequence[Measure], folds: Folds, threads: int) -> Floats:
    start, none = folds[0][0], np.zeros(0, np.int64)
    scores: Floats = np.empty(folds[-1][1] - start)
    ruler_of = {}
    for fold, operand in zip(folds, operands, strict=True):
        ruler = Ruler(sweep, operand, none, np.zeros(0), np.zeros(0))
        ruler_of.update(dict.fromkeys(sweep.spans(*fold, n_ranges=FOLD_RANGES), ruler))
    measure_spans(ruler_of.__getitem__, list(ruler_of), sweep, threads, scores, start)
    return scores


def _upper_quantile(scores: Floats, share: float) -> float:
    """Return the least score that at most `share` of the finite scores exceed; the scores are reordered."""
    if not np.isfinite(scores.sum()):
        scores = scores[np.isfinite(scores)]
    rank = math.ceil((1 - share) * (scores.size - 1))
    scores.partition(rank)
    return float(scores[rank])


def _notes(whole: Moments, n_features: int, window: int) -> list[str]:
    notes = []
    if whole.n_left_out:
        total = whole.n_windows + whole.n_left_out
        notes.append(
            f"{whole.n_left_out:.0f} of the baseline's {total:.0f} windows hold a NaN or inf and were left out"
        )
    worth = whole.n_windows / window
    if worth < THIN * n_features:
        enough = math.ceil(THIN * n_features * window) + window - 1
        notes.append(
            f"the baseline is thin: it is worth {worth:.0f} separate windows for {n_features} features; the threshold "
            f"may be too high; {enough} rows would be enough"
        )
    return notes
