"""Detectors of others: any object with scikit-learn's `fit(features)` and `score_samples(features)`."""

from __future__ import annotations

import copy
import functools
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from fastdrift.arrays import Floats, freeze
from fastdrift.detectors.learning import Baseline, Learnt, Output
from fastdrift.detectors.model import Model
from fastdrift.detectors.samples import piece_features, sample_windows
from fastdrift.engine.windows import Piece, Sweep
from fastdrift.errors import DataError, ModelError

# windows drawn from the baseline for an estimator to learn from, and scored by it at a time
SAMPLE_WINDOWS = 200_000
PIECE_WINDOWS = 16_384


def is_estimator(value: object) -> bool:
    """Return whether a value can learn and score as scikit-learn's outlier detectors do."""
    return not isinstance(value, type) and all(
        callable(getattr(value, name, None)) for name in ("fit", "score_samples")
    )


class PackedEstimator(NamedTuple):
    """An estimator that has learnt; a score is minus what it says, so that bigger is less normal."""

    estimator: Any

    @property
    def adds_squares(self) -> bool:
        """Whether what a constant column adds is added under the root: nothing is known of these scores."""
        return False

    @property
    def serial(self) -> bool:
        """Whether pieces must be scored one after the other: nobody promises that an estimator's threads are safe."""
        return True

    def score_piece(self, sweep: Sweep, piece: Piece, output: Output, _squared: bool, /) -> bool:
        """Write the scores of a piece's windows, NaN where one holds a NaN or inf; return whether all are finite."""
        out, first_row = output
        scores = self.score_features(piece_features(sweep, piece))
        out[piece.span.row - first_row : piece.span.end_row - first_row] = scores
        return not np.isnan(scores).any()

    def score_features(self, features: Floats) -> Floats:
        """Return the scores of windows by their features, shape (n_windows, n_features); NaN for what is not finite."""
        whole = np.isfinite(features).all(axis=1)
        scores = np.full(len(features), np.nan)
        if whole.any():
            scores[whole] = self.score(features[whole])
        return scores

    def score(self, features: Floats) -> Floats:
        """Return the scores of windows' features, made in pieces; raise DataError if they are no finite numbers."""
        scores: Floats = np.empty(len(features))
        for start in range(0, len(features), PIECE_WINDOWS):
            part = features[start : start + PIECE_WINDOWS]
            said = np.asarray(self.estimator.score_samples(part), np.float64)
            if said.shape != (len(part),) or not np.isfinite(said).all():
                name = type(self.estimator).__name__
                raise DataError(
                    f"{name}.score_samples must return a finite number a row; it returned {said.dtype} of "
                    f"shape {said.shape} for {len(part)} rows"
                )
            scores[start : start + len(part)] = -said
        return scores


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class EstimatorModel(Model):
    """Another library's detector, learnt from windows' features; it scores at its own speed and cannot be saved.

    Attributes
    ----------
    estimator : object
        A copy of the one given, fitted on a sample of the baseline's windows.
    spread : float
        What a constant column adds to the score for every row of the window in which it moved: the range of the scores
        of the sample.
    """

    estimator: Any
    spread: float

    detector = "estimator"
    is_positive = False

    @classmethod
    def learn(cls, baseline: Baseline, *, seed: int = 0, estimator: Any = None, **_: Any) -> Learnt:
        """Fit a copy of an estimator on a sample of the baseline's windows, and one for each fold without its own."""
        rows, features = sample_windows(baseline.sweep, SAMPLE_WINDOWS, baseline.threads, seed)
        others = [features[baseline.keeps(rows, fold)] for fold in baseline.held_out]
        packed = [PackedEstimator(_fitted(estimator, part)) for part in (features, *others)]
        scores = packed[0].score(features)
        fields = {"estimator": packed[0].estimator, "spread": float(np.ptp(scores))}
        return Learnt(fields, packed[0], packed[1:])

    @property
    def name(self) -> str:
        """The estimator's class."""
        return type(self.estimator).__name__

    @functools.cached_property
    def packed(self) -> PackedEstimator:
        """The estimator as spans are scored with it."""
        return PackedEstimator(self.estimator)

    @functools.cached_property
    def penalties(self) -> Floats:
        """What a constant column adds to the score, by the rows of the window in which it moved."""
        return freeze(self.spread * np.arange(self.window + 1.0))

    def own_facts(self) -> dict[str, Any]:
        """Return the estimator's class."""
        return {"estimator": self.name}

    def own_lines(self) -> list[tuple[str, str]]:
        """Return the estimator as it prints itself."""
        return [("estimator", " ".join(str(self.estimator).split()))]

    def encode(self) -> bytes:
        """Refuse: another library's object can be kept by pickling it alone, and unpickling runs code."""
        raise ModelError(
            f"a model with another library's detector ({self.name}) is not saved: that would take a pickle, which can "
            f"run code when it is read; save the baseline's rows and the estimator's settings, and fit again"
        )


def _fitted(estimator: Any, features: Floats) -> Any:
    fresh = copy.deepcopy(estimator)
    fresh.fit(features)
    return fresh
