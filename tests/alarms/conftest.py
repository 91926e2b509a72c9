"""Healthy telemetry, and a model of its beginning."""

from __future__ import annotations

import pytest

import fastdrift as fd

from .spoiled import WINDOW


@pytest.fixture(scope="session")
def telemetry():
    """Return 40,000 healthy rows, which tests spoil in copies."""
    return fd.generate(40_000, columns=5, seed=11, drifts=()).frame


@pytest.fixture(scope="session")
def model(telemetry):
    return fd.fit(telemetry[:15_000], window=WINDOW)
