"""What every detector is turned into, the trivial ones, and ours."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

import fastdrift as fd

Floats = npt.NDArray[np.float64]
Fit = Callable[[pd.DataFrame], "Fitted"]

# the share of healthy rows that all are to flag
RATE = 0.05
SEVERAL = (10, 20, 50, 100)


class Fitted(NamedTuple):
    """A detector that has seen its baseline: scores a row, bigger for what is less normal, and its own threshold.

    `model` is there if it is ours, whose events are `detect`'s.
    """

    score: Callable[[pd.DataFrame], Floats]
    threshold: float
    model: fd.Model | None = None


class Detector(NamedTuple):
    """How a detector is called in tables, how it is fitted, and the package it needs."""

    title: str
    fit: Fit
    needs: str = "sklearn"


def flag_all(train: pd.DataFrame) -> Fitted:  # noqa: ARG001
    return Fitted(lambda rows: np.ones(len(rows)), 0.0)


def at_random(train: pd.DataFrame) -> Fitted:
    rng = np.random.default_rng(len(train))
    return Fitted(lambda rows: rng.random(len(rows)), 1 - RATE)


def ours(train: pd.DataFrame, **options: Any) -> Fitted:
    model = fd.fit(train, false_alarm_rate=RATE, **options)
    return Fitted(lambda rows: fd.score(model, rows), model.threshold, model)


def ours_with(window: Sequence[int]) -> dict[str, Detector]:
    """Return our detectors: the default (or the window that is asked for), several windows, and the forest."""
    found = {
        "fastdrift": Detector(
            f"fastdrift, window{'s' * (len(window) > 1)} {told(window)}", partial(ours, window=window)
        ),
        "fastdrift-windows": Detector(f"fastdrift, windows {told(SEVERAL)}", partial(ours, window=SEVERAL)),
        "fastdrift-forest": Detector("fastdrift, isolation forest", partial(ours, detector="isolation-forest")),
    }
    if tuple(window) == SEVERAL:
        del found["fastdrift-windows"]
    return found


def told(window: Sequence[int]) -> str:
    return ", ".join(map(str, window))


TRIVIAL = {"all": Detector("flag everything", flag_all), "random": Detector("random score", at_random)}
