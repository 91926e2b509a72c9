"""What distances over some of the features are worth, told by how they are spread over all of them."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np

from fastdrift.arrays import Floats, freeze

# degrees of freedom between which the tail of distances lies
LEAST_DEGREES, MOST_DEGREES = 5.0, 1e6
# where curves have points, as normal quantiles; between them and beyond they are straight
QUANTILES = (-2.5, -2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0)
# no quantile comes nearer to the largest that Paulson's approximation can tell
NEAREST = 0.97


class Tail:
    """How squared distances over a number of features are spread: as those of a multivariate t distribution.

    Its degrees of freedom are told by how far the row threshold, a quantile of held-out scores, lies above that of a
    normal distribution. Whichever features of a t distribution are left have one of the same degrees and unit: so their
    number alone tells every pattern of gaps, at any level. Realised over nominal, 4 of 8 columns gone, at 5 %
    and at the level of notices: 1.0 to 1.1 and 1.0 to 1.2 on generated telemetry, on rows with autocorrelation 0.9
    1.1 and 1.2; by chi-square quantiles 0.8 to 1.1 and 0.8 to 0.9, and 0.8 and 0.7.
    """

    def __init__(self, threshold: float, rate: float) -> None:
        self.level, self.quantile = threshold**2, NormalDist().inv_cdf(1 - rate)

    def inverse_degrees(self, n_features: int) -> float:
        """Return one over the degrees of freedom by which the row threshold is that of so many features."""
        low, high = 1 / MOST_DEGREES, 1 / LEAST_DEGREES
        for _ in range(50):
            middle = 0.5 * (low + high)
            is_above = spread_level(self.quantile, middle, n_features) > self.level
            low, high = (low, middle) if is_above else (middle, high)
        return low

    def curves(self, n_features: int) -> Floats:
        """Return what distances over 2, 4, … features less than all are worth: two lines each, where and what.

        Distances that are as rare are worth the same.
        """
        inverse = self.inverse_degrees(n_features)
        unit = self.level / spread_level(self.quantile, inverse, n_features)
        most = NEAREST * (1 - 2 * inverse / 9) / math.sqrt(2 * inverse / 9)
        quantiles = [min(quantile, most) for quantile in QUANTILES]
        whole = [math.sqrt(unit * spread_level(one, inverse, n_features)) for one in quantiles]
        lines = []
        for left in range(n_features - 2, 0, -2):
            part = [math.sqrt(unit * spread_level(one, inverse, left)) for one in quantiles]
            lines += _points(part, whole)
        return freeze(np.array(lines).reshape(-1, len(QUANTILES) + 1))


def spread_level(quantile: float, inverse: float, n_features: int) -> float:
    """Return the squared distance at a normal quantile, for a t distribution of unit covariance.

    It is a multiple of an F distribution, whose cube root Paulson (1942) brings to a normal one.
    """
    a, b = 1 - 2 * inverse / 9, 2 * inverse / 9
    c, d = 1 - 2 / (9 * n_features), 2 / (9 * n_features)
    square = quantile**2
    root = math.sqrt(max(0.0, a * a * d + c * c * b - b * d * square))
    cube_root = max(0.0, (a * c + quantile * root) / (a * a - b * square))
    return n_features * cube_root**3 * (1 - 2 * inverse)


def _points(where: list[float], what: list[float]) -> list[list[float]]:
    """Return a curve that begins in 0 and climbs: the points that do, and as many as are missing straight on.

    Digits that roots of different machines may disagree about are cut.
    """
    points = [(0.0, 0.0)]
    for x, y in zip(where, what, strict=True):
        if x > points[-1][0] + 1e-3 and y > points[-1][1]:
            points.append((float(f"{x:.9g}"), float(f"{y:.9g}")))
    slope = points[-1][1] / points[-1][0]
    while len(points) <= len(where):
        points.append((points[-1][0] + 1.0, points[-1][1] + slope))
    return [list(line) for line in zip(*points, strict=True)]
