"""Shrinkage of a correlation towards the identity, and its Cholesky factor."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Literal, NamedTuple

import numpy as np

from fastdrift.arrays import Floats
from fastdrift.detectors.moments import Moments, Standardisation
from fastdrift.engine.compiled import kernel
from fastdrift.errors import DataError

Shrinkage = Literal["ledoit-wolf", "oas"] | float

# below this share of a feature's variance left by the others, rounding decides the score
MIN_PIVOT = 1e-8
MIN_SHRINKAGE = 1e-6


class FittedGaussian(NamedTuple):
    """Centre and scale of the features, the Cholesky factor of their shrunk correlation, and how far it was shrunk."""

    centre: Floats
    scale: Floats
    cholesky: Floats
    shrinkage: float


def fit_gaussian(
    names: Sequence[Hashable],
    window: int,
    standardisation: Standardisation,
    moments: Moments,
    shrinkage: Shrinkage,
    least_spread: float = 0.0,
) -> FittedGaussian:
    """Return the centre, scale and Cholesky factor of moments, the correlation shrunk towards the identity.

    No feature's scale is taken below `least_spread` of its unit.
    """
    covariance = moments.covariance
    spread = np.maximum(
        np.sqrt(np.maximum(np.diag(covariance), 0.0)),
        np.maximum(standardisation.floor / standardisation.scale, least_spread),
    )
    if isinstance(shrinkage, str):
        rule = ledoit_wolf if shrinkage == "ledoit-wolf" else oas
        amount = max(rule(moments, covariance, window), MIN_SHRINKAGE)
    else:
        amount = float(shrinkage)
    correlation = (1 - amount) * covariance / (spread[:, None] * spread)
    np.fill_diagonal(correlation, 1.0)
    cholesky = factorise(correlation, names)
    return FittedGaussian(
        standardisation.centre + standardisation.scale * moments.mean, standardisation.scale * spread, cholesky, amount
    )


def ledoit_wolf(moments: Moments, covariance: Floats, _window: int) -> float:
    """Return the shrinkage intensity of Ledoit and Wolf (2004) from moments of standardised features."""
    size = len(covariance)
    square = float(np.sum(covariance**2))
    target = float(np.trace(covariance)) ** 2 / size
    noise = (moments.quartic / moments.n_windows - square) / moments.n_windows
    distance = square - target
    return float(np.clip(noise / distance, 0.0, 1.0)) if distance > 0 else 1.0


def oas(moments: Moments, covariance: Floats, window: int) -> float:
    """Return the oracle-approximating shrinkage of Chen et al. (2010) for the number of separate windows."""
    size, count = len(covariance), moments.n_windows / window
    square, trace = float(np.sum(covariance**2)), float(np.trace(covariance)) ** 2
    distance = (count + 1 - 2 / size) * (square - trace / size)
    return float(np.clip(((1 - 2 / size) * square + trace) / distance, 0.0, 1.0)) if distance > 0 else 1.0


def factorise(correlation: Floats, names: Sequence[Hashable]) -> Floats:
    """Return the Cholesky factor of a correlation of features, or say which column the others determine."""
    factor = np.zeros_like(correlation)
    feature, pivot = kernel("cholesky")(np.ascontiguousarray(correlation), MIN_PIVOT, factor)
    if np.isnan(pivot):
        raise DataError("the squares of the baseline's values overflow: give the columns other units")
    if feature >= 0:
        raise DataError(
            f"column {names[feature % len(names)]!r} is determined by the columns before it (share left: {pivot:.1e}, "
            f"least {MIN_PIVOT:g}): drop it, or shrink the correlation"
        )
    return factor
