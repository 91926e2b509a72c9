"""fastdrift finds silent drift in telemetry: fast, exact, and with the false-alarm rate you asked for.

    import fastdrift as fd
    model = fd.fit(healthy_rows)
    drift = fd.score(model, all_rows) > model.threshold

Importing it costs numpy alone; numba and pandas load when something first needs them.
"""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np  # noqa: F401  # what importing fastdrift costs

from fastdrift.errors import DataError, DriftWarning, EngineError, FileError, ModelError

if TYPE_CHECKING:
    from fastdrift.alarms.detect import detect
    from fastdrift.alarms.events import Event, Events
    from fastdrift.alarms.explain import explain
    from fastdrift.detectors.model import Model
    from fastdrift.detectors.promise import Promise
    from fastdrift.detectors.store import load_model as load
    from fastdrift.evaluation.event_metrics import EventMetrics, event_metrics
    from fastdrift.evaluation.events import Runs, events
    from fastdrift.evaluation.metrics import Evaluation, evaluate
    from fastdrift.evaluation.thresholds import threshold_from_labels
    from fastdrift.fitting.accepting import accept
    from fastdrift.fitting.baseline import fit
    from fastdrift.fitting.suggesting import suggest
    from fastdrift.fitting.suggestion import Suggestion
    from fastdrift.prepare.cleaning import clean
    from fastdrift.prepare.grid import aggregate
    from fastdrift.reports.html import report
    from fastdrift.rolling import rolling_mean, rolling_std
    from fastdrift.scoring.batch import observed, score
    from fastdrift.scoring.pointwise import mahalanobis
    from fastdrift.streams.stream import Stream
    from fastdrift.streams.streams import Streams
    from fastdrift.synthetic import generate

__version__ = "0.1.0"

_ROOMS = {
    "Evaluation": ("evaluation.metrics", "Evaluation"),
    "EventMetrics": ("evaluation.event_metrics", "EventMetrics"),
    "Event": ("alarms.events", "Event"),
    "Events": ("alarms.events", "Events"),
    "Promise": ("detectors.promise", "Promise"),
    "Runs": ("evaluation.events", "Runs"),
    "Model": ("detectors.model", "Model"),
    "Stream": ("streams.stream", "Stream"),
    "Streams": ("streams.streams", "Streams"),
    "Suggestion": ("fitting.suggestion", "Suggestion"),
    "accept": ("fitting.accepting", "accept"),
    "aggregate": ("prepare.grid", "aggregate"),
    "clean": ("prepare.cleaning", "clean"),
    "detect": ("alarms.detect", "detect"),
    "explain": ("alarms.explain", "explain"),
    "evaluate": ("evaluation.metrics", "evaluate"),
    "event_metrics": ("evaluation.event_metrics", "event_metrics"),
    "events": ("evaluation.events", "events"),
    "fit": ("fitting.baseline", "fit"),
    "generate": ("synthetic", "generate"),
    "load": ("detectors.store", "load_model"),
    "mahalanobis": ("scoring.pointwise", "mahalanobis"),
    "observed": ("scoring.batch", "observed"),
    "report": ("reports.html", "report"),
    "rolling_mean": ("rolling", "rolling_mean"),
    "rolling_std": ("rolling", "rolling_std"),
    "score": ("scoring.batch", "score"),
    "suggest": ("fitting.suggesting", "suggest"),
    "threshold_from_labels": ("evaluation.thresholds", "threshold_from_labels"),
}
# old names, for this release
_RENAMED = {"EventFigures": "EventMetrics", "event_figures": "event_metrics"}

__all__ = [
    "DataError",
    "DriftWarning",
    "EngineError",
    "Evaluation",
    "Event",
    "EventMetrics",
    "Events",
    "FileError",
    "Model",
    "ModelError",
    "Promise",
    "Runs",
    "Stream",
    "Streams",
    "Suggestion",
    "accept",
    "aggregate",
    "clean",
    "detect",
    "evaluate",
    "event_metrics",
    "events",
    "explain",
    "fit",
    "generate",
    "load",
    "mahalanobis",
    "observed",
    "report",
    "rolling_mean",
    "rolling_std",
    "score",
    "suggest",
    "threshold_from_labels",
]


def __getattr__(name: str) -> Any:
    if name in _RENAMED:
        warnings.warn(f"fastdrift.{name} is called {_RENAMED[name]} now", DeprecationWarning, stacklevel=2)
        return __getattr__(_RENAMED[name])
    if name not in _ROOMS:
        raise AttributeError(f"module 'fastdrift' has no attribute {name!r}")
    room, own_name = _ROOMS[name]
    value = globals()[name] = getattr(import_module(f"fastdrift.{room}"), own_name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
