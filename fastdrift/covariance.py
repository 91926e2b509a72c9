"""Moments of windows' features, shrinkage, and the gauge that distances are measured with."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from fastdrift import engine
from fastdrift.errors import DataError
from fastdrift.frames import Table
from fastdrift.windows import Sweep, feature_scales

Floats = npt.NDArray[np.float64]
Shrinkage = Literal["ledoit-wolf", "oas"] | float

# below this share of a feature's variance left by the others, rounding decides the score
MIN_PIVOT = 1e-8
MIN_SHRINKAGE = 1e-6
# a feature that varies less than this share of its column's spread is told in units of that share
MIN_SCALE = 1e-6


class Moments(NamedTuple):
    """Sums over windows of their features, told from a common centre in common units."""

    n_windows: float
    n_left_out: float
    quartic: float  # of the fourth powers of the norms
    sums: Floats
    products: Floats  # of the lower triangle, row by row; or of the diagonal alone

    @classmethod
    def total(cls, parts: Sequence[Moments]) -> Moments:
        """Add up moments in the order given."""
        total = parts[0]
        for part in parts[1:]:
            total = cls(
                total.n_windows + part.n_windows,
                total.n_left_out + part.n_left_out,
                total.quartic + part.quartic,
                total.sums + part.sums,
                total.products + part.products,
            )
        return total

    @property
    def mean(self) -> Floats:
        """The features' mean."""
        return self.sums / self.n_windows

    @property
    def covariance(self) -> Floats:
        """The features' covariance."""
        mean = self.mean
        covariance: Floats = _square(self.products, mean.size) / self.n_windows - mean[:, None] * mean
        return covariance


def check_left_out(table: Table, whole: Moments) -> None:
    """Raise DataError if half of the windows or more hold a NaN or inf."""
    if whole.n_windows > whole.n_left_out:
        return
    place = table.place_of_broken(np.arange(table.n_columns))
    if place == "nowhere":
        raise DataError("the squares of the baseline's values overflow: give the columns other units")
    raise DataError(
        f"{whole.n_left_out:.0f} of {whole.n_windows + whole.n_left_out:.0f} windows of the baseline hold a NaN or inf "
        f"(first: {place}): fill the gaps, drop the column, or use a shorter window"
    )


class Units(NamedTuple):
    """Where features are told from, in what units, and the smallest unit each may have."""

    centre: Floats
    scale: Floats
    floor: Floats


class Gauge(NamedTuple):
    """What distances are measured with."""

    centre: Floats
    scale: Floats
    cholesky: Floats
    shrinkage: float


def standardise(sweep: Sweep, threads: int) -> tuple[Units, Moments]:
    """Return the features' means and standard deviations over the baseline, and the sums they are from."""
    table, places, window = sweep.table, sweep.places, sweep.window
    start = np.concatenate([table.first_finite()[places], np.zeros(places.size)])
    scales = feature_scales(window, start, np.ones(start.size))
    spans = sweep.spans()
    parts = sweep_moments(sweep, spans, scales, start.size, threads, diagonal=True)
    total = Moments.total(parts)
    check_left_out(table, total)
    mean = total.sums / total.n_windows
    scale = np.sqrt(np.maximum(total.products / total.n_windows - mean**2, 0.0))
    n_columns = places.size
    spread = np.hypot(scale[:n_columns], mean[n_columns:] + start[n_columns:])
    floor = np.maximum(MIN_SCALE * np.tile(spread, 2), 8 * np.finfo(float).eps * np.abs(start + mean))
    return Units(start + mean, np.maximum(scale, floor), floor), total


def sweep_moments(
    sweep: Sweep, spans: Sequence[engine.Span], scales: Floats, n_features: int, threads: int, *, diagonal: bool = False
) -> list[Moments]:
    """Return the moments of each span's windows; of the features alone, not their products, if `diagonal`."""
    n_products = n_features if diagonal else n_features * (n_features + 1) // 2

    def task(span: engine.Span) -> Moments:
        totals, products = np.zeros((3 + n_features, engine.LANES)), np.zeros((n_products, engine.LANES))
        rows, first = sweep.rows(span)
        sweep.call("moment_range", span, scales, 1, rows, first, totals.reshape(-1), products.reshape(-1))
        flat = _add_lanes(totals)
        return Moments(flat[0], flat[1], flat[2], flat[3:], _add_lanes(products))

    return engine.run_spans(task, spans, sweep.table.n_rows * sweep.table.n_columns, threads)


def _add_lanes(vectors: Floats) -> Floats:
    # one after the other: numpy's own sum may pair them up differently on another machine
    total = vectors[:, 0].copy()
    for lane in range(1, engine.LANES):
        total += vectors[:, lane]
    return total


def _square(triangle: Floats, size: int) -> Floats:
    matrix: Floats = np.zeros((size, size))
    matrix[np.tril_indices(size)] = triangle
    return matrix + np.tril(matrix, -1).T


def make_gauge(
    names: Sequence[Hashable],
    window: int,
    units: Units,
    moments: Moments,
    shrinkage: Shrinkage,
    least_spread: float = 0.0,
) -> Gauge:
    """Return the centre, scale and Cholesky factor of moments, the correlation shrunk towards the identity.

    No feature's scale is taken below `least_spread` of its unit.
    """
    covariance = moments.covariance
    spread = np.maximum(
        np.sqrt(np.maximum(np.diag(covariance), 0.0)), np.maximum(units.floor / units.scale, least_spread)
    )
    if isinstance(shrinkage, str):
        rule = ledoit_wolf if shrinkage == "ledoit-wolf" else oas
        amount = max(rule(moments, covariance, window), MIN_SHRINKAGE)
    else:
        amount = float(shrinkage)
    correlation = (1 - amount) * covariance / (spread[:, None] * spread)
    np.fill_diagonal(correlation, 1.0)
    cholesky = factorise(correlation, names)
    return Gauge(units.centre + units.scale * moments.mean, units.scale * spread, cholesky, amount)


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
    place, pivot = engine.kernel("cholesky")(np.ascontiguousarray(correlation), MIN_PIVOT, factor)
    if place >= 0:
        raise DataError(
            f"column {names[place % len(names)]!r} is determined by the columns before it (share left: {pivot:.1e}, "
            f"least {MIN_PIVOT:g}): drop it, or shrink the correlation"
        )
    return factor
