"""What a model knows of windows that lack values: how rows vary within them, and what columns that are gone leave."""

from __future__ import annotations

from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from fastdrift.arrays import Floats, freeze
from fastdrift.detectors.blend import members_of
from fastdrift.detectors.mahalanobis import MahalanobisModel
from fastdrift.detectors.marginal import Tail
from fastdrift.detectors.model import Model
from fastdrift.detectors.rows import SHRINKAGE, RowStatistics
from fastdrift.errors import DataError, ModelError

# how far the correlation of rows within windows is shrunk: by the first of these that makes it one, and leaves every
# column so much of its own. More would put noise where columns all but determine each other: shrunk by 0.1, rows of 16
# such columns were flagged 5 times too often with 30 % of the values missing
SHRINKAGES = (0.0, 1e-4, 1e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75)
LEAST_PIVOT = 1e-4
# how far two tellings of a column's mean square within windows may lie apart, as a ratio, to be told by the difference
# of two covariances
AGREEMENT = 1.5
# how much of a shrinkage can be undone
MOST_UNDONE = 0.5


class GapParameters(NamedTuple):
    """What the kernel of windows with gaps wants of a model of one window.

    `estimates` has a line a column that varies: the mean, the mean square within a window, the variance of the level of
    windows beyond what that makes, the usual spread within a window and the variance of that, likewise; then what the
    mean of a whole window counts for its level, and one over the usual spread. `within` is
    the precision of rows' values within a window, in units of its spreads; `scales` are centres and gains of the
    features, `precision` is theirs; `curves` are those of `Tail`.
    """

    estimates: Floats
    within: Floats
    scales: Floats
    precision: Floats
    curves: Floats


_known: WeakKeyDictionary[Model, tuple[GapParameters, ...]] = WeakKeyDictionary()


def gaps_of(model: Model) -> tuple[GapParameters, ...]:
    """Return what windows with gaps are scored with, for each of a model's windows; made when first asked for.

    Raises
    ------
    DataError
        If the detector cannot score them.
    ModelError
        If the model comes from a file that was written before rows' statistics were.
    """
    found = _known.get(model)
    if found is None:
        members = [one for one in members_of(model) if isinstance(one, MahalanobisModel)]
        if not members:
            raise DataError(
                f"missing='score' needs a model of detector 'mahalanobis', not {model.detector!r}: fit that, fill "
                f"the gaps first (clean), or leave windows with gaps without a score (missing='nan')"
            )
        if model.rows is None:
            raise ModelError("the model's file was written before rows' statistics were kept: fit it anew")
        found = _known[model] = tuple(gap_parameters(member, model.rows) for member in members)
    return found


def gap_parameters(model: MahalanobisModel, rows: RowStatistics) -> GapParameters:
    """Return what windows with gaps are scored with by a model of one window.

    Sums go one after the other and no library of linear algebra is asked, so that the bits are the same everywhere.
    """
    window, n_columns = model.window, model.centre.size // 2
    mean_scale, std_scale = model.scale[:n_columns], model.scale[n_columns:]
    square = model.centre[n_columns:] ** 2 + std_scale**2
    level_variance = np.maximum(mean_scale**2 - square / window, 0.0)
    spread_variance = np.maximum(std_scale**2 - square / (2 * (window - 1)), 0.0)
    usual = np.sqrt(square - spread_variance)
    correlation = _product(model.cholesky)
    precision = _inverse(correlation)
    assert precision is not None  # noqa: S101  # a Cholesky factor with a positive diagonal makes it one
    within = _within(model, rows, correlation[:n_columns, :n_columns], square)
    weight = level_variance / (level_variance + square / window)
    estimates = [model.centre[:n_columns], square, level_variance, usual, spread_variance, weight, 1 / usual]
    return GapParameters(
        freeze(np.ascontiguousarray(np.stack(estimates, 1))),
        freeze(within),
        freeze(np.stack([model.centre, 1 / model.scale])),
        freeze(precision),
        Tail(model.threshold, model.false_alarm_rate).curves(2 * n_columns),
    )


def _within(model: MahalanobisModel, rows: RowStatistics, of_means: Floats, square: Floats) -> Floats:
    """Return the precision of rows' values within a window.

    The covariance of rows is that within windows and that of their means. Where levels vary so much that the difference
    is what chance leaves of it, which the windows' own mean square shows, rows' correlation stands for it.
    """
    scale = model.scale[: len(square)]
    of_rows = _unshrunk(_product(rows.factor), SHRINKAGE)
    between = _unshrunk(of_means, min(model.shrinkage, MOST_UNDONE)) * (scale[:, None] * scale)
    covariance = (of_rows * (rows.spread[:, None] * rows.spread) - between) * (model.window / (model.window - 1))
    variance = np.diag(covariance).copy()
    is_told = (variance > square / AGREEMENT) & (variance < AGREEMENT * square)
    spread = np.sqrt(np.where(is_told, variance, 1.0))
    correlation = np.where(is_told[:, None] & is_told, covariance / (spread[:, None] * spread), of_rows)
    for shrinkage in SHRINKAGES:
        shrunk = (1 - shrinkage) * np.clip(correlation, -1.0, 1.0)
        np.fill_diagonal(shrunk, 1.0)
        inverse = _inverse(shrunk)
        if inverse is not None and (1 / np.diag(inverse) >= LEAST_PIVOT).all():
            return inverse
    return np.eye(len(scale))


def _unshrunk(correlation: Floats, shrinkage: float) -> Floats:
    """Return a correlation before it was shrunk towards the identity."""
    before: Floats = correlation / (1 - shrinkage)
    np.fill_diagonal(before, 1.0)
    return before


def _product(factor: Floats) -> Floats:
    """Return factor · factor'."""
    total = np.zeros_like(factor)
    for column in factor.T:
        total += column[:, None] * column
    return total


def _inverse(matrix: Floats) -> Floats | None:
    """Return the inverse of a symmetric matrix, None if it is not positive definite."""
    left = matrix.copy()
    for pivot in range(len(left)):
        own = left[pivot, pivot]
        if not own > 0:
            return None
        line = left[pivot] / own
        factors = left[:, pivot].copy()
        left -= factors[:, None] * line
        left[pivot], left[:, pivot] = line, -factors / own
        left[pivot, pivot] = 1 / own
    return left
