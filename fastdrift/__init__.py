"""fastdrift finds silent drift in telemetry: fast, exact, and with the false-alarm rate you asked for.

    import fastdrift as fd
    model = fd.fit(healthy_rows)
    drift = fd.score(model, all_rows) > model.threshold

Importing it costs numpy alone; numba and pandas load when something first needs them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np  # noqa: F401  # what importing fastdrift costs

from fastdrift.errors import DataError, DriftWarning, FileError, ModelError

if TYPE_CHECKING:
    from fastdrift.baseline import fit
    from fastdrift.evaluation import Evaluation, evaluate
    from fastdrift.event import Events, events
    from fastdrift.files import load_model as load
    from fastdrift.incidents import EventFigures, event_figures
    from fastdrift.labels import threshold_from_labels
    from fastdrift.model import Model
    from fastdrift.prepare import aggregate, clean
    from fastdrift.scoring import mahalanobis, score
    from fastdrift.synthetic import generate
    from fastdrift.windows import rolling_mean, rolling_std

__version__ = "0.1.0"

_ROOMS = {
    "Evaluation": ("evaluation", "Evaluation"),
    "EventFigures": ("incidents", "EventFigures"),
    "Events": ("event", "Events"),
    "Model": ("model", "Model"),
    "aggregate": ("prepare", "aggregate"),
    "clean": ("prepare", "clean"),
    "evaluate": ("evaluation", "evaluate"),
    "event_figures": ("incidents", "event_figures"),
    "events": ("event", "events"),
    "fit": ("baseline", "fit"),
    "generate": ("synthetic", "generate"),
    "load": ("files", "load_model"),
    "mahalanobis": ("scoring", "mahalanobis"),
    "rolling_mean": ("windows", "rolling_mean"),
    "rolling_std": ("windows", "rolling_std"),
    "score": ("scoring", "score"),
    "threshold_from_labels": ("labels", "threshold_from_labels"),
}

__all__ = [
    "DataError",
    "DriftWarning",
    "Evaluation",
    "EventFigures",
    "Events",
    "FileError",
    "Model",
    "ModelError",
    "aggregate",
    "clean",
    "evaluate",
    "event_figures",
    "events",
    "fit",
    "generate",
    "load",
    "mahalanobis",
    "rolling_mean",
    "rolling_std",
    "score",
    "threshold_from_labels",
]


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module 'fastdrift' has no attribute {name!r}")
    room, own_name = _ROOMS[name]
    value = globals()[name] = getattr(import_module(f"fastdrift.{room}"), own_name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
