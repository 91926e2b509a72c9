"""The detectors there are, by name."""

from __future__ import annotations

from fastdrift.detectors.forest import ForestModel
from fastdrift.detectors.mahalanobis import MahalanobisModel
from fastdrift.detectors.model import Model

DETECTORS: dict[str, type[Model]] = {kind.detector: kind for kind in (MahalanobisModel, ForestModel)}
