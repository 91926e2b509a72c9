"""The detector mahalanobis: distances from the baseline's centre."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from fastdrift.arrays import Floats, freeze
from fastdrift.detectors.constant import moved_penalties
from fastdrift.detectors.fields import Check, is_float
from fastdrift.detectors.learning import Baseline, Learnt, Output
from fastdrift.detectors.model import Model
from fastdrift.detectors.moments import Moments, moments_without, piece_moments
from fastdrift.detectors.shrinkage import Shrinkage, fit_gaussian
from fastdrift.engine.windows import Piece, Sweep, feature_scales
from fastdrift.errors import ModelError
from fastdrift.files.archive import Archive

# a fold's fit takes no feature's scale below this share of that over the whole baseline: else a column that moves in
# one fold alone, and has no scale in the others, decides the threshold; from 0.03 to 0.3 healthy rows cost the same
LEAST_SPREAD = 0.2


class PackedDistance(NamedTuple):
    """A centre and a Cholesky factor in the form the solve wants them."""

    scales: Floats
    factor: Floats

    @property
    def adds_squares(self) -> bool:
        """Whether what a constant column adds is added under the root: it is."""
        return True

    @property
    def serial(self) -> bool:
        """Whether pieces must be scored one after the other: they need not."""
        return False

    def score_piece(self, sweep: Sweep, piece: Piece, output: Output, squared: bool, /) -> bool:
        """Write the distances of a piece's windows, or their squares; return whether all are finite."""
        is_finite: bool = sweep.call("score_range", piece, self.scales, 1, self.factor, squared, output)
        return is_finite


def pack_factor(cholesky: Floats) -> Floats:
    """Pack a lower Cholesky factor for the kernels' solve.

    Rows are divided by their diagonal and negated, so that the solve only adds; they are cut into panels of four, each
    stored column by column and followed by the six entries of its triangle. Padding to a multiple of four is zeros.
    """
    size = cholesky.shape[0]
    padded = np.zeros((-(-size // 4) * 4,) * 2)
    padded[:size, :size] = -cholesky / np.diag(cholesky)[:, None]
    pieces = []
    for row in range(0, len(padded), 4):
        panel = padded[row : row + 4]
        triangle = panel[:, row : row + 4]
        pieces.append(panel[:, :row].T.ravel())
        pieces.append(triangle[[1, 2, 3, 2, 3, 3], [0, 0, 0, 1, 1, 2]])
    return np.concatenate(pieces)


def pack_distance(window: int, centre: Floats, scale: Floats, cholesky: Floats) -> PackedDistance:
    """Return what distances from `centre` need, features told in units of `scale`."""
    scales = feature_scales(window, centre, 1 / (scale * np.diag(cholesky)))
    return PackedDistance(freeze(scales), freeze(pack_factor(cholesky)))


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class MahalanobisModel(Model):
    """A centre and a covariance: the score is the Mahalanobis distance of a window from the centre.

    Attributes
    ----------
    centre, scale : array of shape (n_features,)
        Mean and standard deviation over the baseline of every feature: the windows' means of the columns that vary,
        then their windows' standard deviations, in the columns' units.
    cholesky : array of shape (n_features, n_features)
        Lower Cholesky factor of the shrunk correlation of the features.
    shrinkage : float
        How far the correlation was shrunk towards the identity, 0 to 1.
    shrinkage_rule : str
        "ledoit-wolf", "oas" or "fixed".
    """

    centre: Floats
    scale: Floats
    cholesky: Floats
    shrinkage: float
    shrinkage_rule: str

    detector = "mahalanobis"
    own_arrays = ("centre", "scale", "cholesky")
    own_fields: ClassVar[Mapping[str, Check]] = {
        "shrinkage": lambda value: is_float(value) and 0 <= value <= 1,
        "shrinkage_rule": lambda value: value in ("ledoit-wolf", "oas", "fixed"),
    }

    @classmethod
    def learn(cls, baseline: Baseline, *, shrinkage: Shrinkage = "ledoit-wolf", **_: Any) -> Learnt:
        """Learn centre, scale and shrunk correlation from moments, of which those of a fold can be left out."""
        window, names, unit = baseline.sweep.window, baseline.names, baseline.standardisation
        pieces = piece_moments(baseline.sweep, unit, baseline.folds, baseline.threads)
        whole = fit_gaussian(names, window, unit, Moments.total([moments for _, moments in pieces]), shrinkage)
        others = [moments_without(pieces, fold, window) for fold in baseline.held_out]
        folds = [fit_gaussian(names, window, unit, moments, shrinkage, LEAST_SPREAD) for moments in others]
        packed = [pack_distance(window, one.centre, one.scale, one.cholesky) for one in (whole, *folds)]
        fields = whole._asdict() | {"shrinkage_rule": shrinkage if isinstance(shrinkage, str) else "fixed"}
        return Learnt(fields, packed[0], packed[1:])

    @functools.cached_property
    def packed(self) -> PackedDistance:
        """The centre and factor in the form the kernels want them."""
        return pack_distance(self.window, self.centre, self.scale, self.cholesky)

    @functools.cached_property
    def penalties(self) -> Floats:
        """What a constant column adds to the squared distance, by the rows of the window in which it moved."""
        return freeze(moved_penalties(self.window, self.windows_used))

    @functools.cached_property
    def precision(self) -> Floats:
        """Inverse of the features' shrunk correlation."""
        inverse = np.linalg.inv(self.cholesky)
        return freeze(inverse.T @ inverse)

    def pack_parts(self) -> Floats:
        """Return the precision matrix of the standardised features in panels of four rows."""
        size = self.centre.size
        panels = np.zeros((-(-size // 4) * 4, size))
        panels[:size] = self.precision
        return np.ascontiguousarray(panels.reshape(-1, 4, size).transpose(0, 2, 1)).ravel()

    def own_facts(self) -> dict[str, Any]:
        """Return the shrinkage."""
        return {"shrinkage": self.shrinkage, "shrinkage_rule": self.shrinkage_rule}

    def own_lines(self) -> list[tuple[str, str]]:
        """Return the shrinkage."""
        return [("shrinkage", f"{self.shrinkage:.3g} ({self.shrinkage_rule})")]

    @classmethod
    def read_arrays(cls, archive: Archive, n_features: int) -> dict[str, Floats]:
        """Return centre, scale and factor; raise ModelError if they are none."""
        shapes = {"centre": (n_features,), "scale": (n_features,), "cholesky": (n_features, n_features)}
        arrays = {name: archive.array(name, shape) for name, shape in shapes.items()}
        scale, factor = arrays["scale"], arrays["cholesky"]
        if not (np.all(scale > 0) and np.all(np.diag(factor) > 0) and not np.triu(factor, 1).any()):
            raise ModelError("its arrays are no scale and Cholesky factor: fit the model anew")
        return arrays
