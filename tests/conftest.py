"""What several test files share."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from oracle import telemetry

import fastdrift as fd
from fastdrift.engine import plan

ROOT = Path(__file__).parent.parent


@pytest.fixture
def fit():
    """Return `fd.fit` without its warnings, for tests that are not about them."""

    def quiet_fit(*args, **options):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", fd.DriftWarning)
            return fd.fit(*args, **options)

    return quiet_fit


@pytest.fixture(scope="session")
def rows():
    """Return 60,000 rows of five columns: several ranges of the engine, and more than stays on one thread."""
    return telemetry(60_000, 5, seed=5)


@pytest.fixture(scope="session")
def table():
    """Return 3,001 rows of five columns, as many as `kinds.NAMES`."""
    return telemetry(3_001, 5, seed=21)


@pytest.fixture(scope="session")
def model(rows):
    """Return a model of the first third of `rows`, window 50."""
    return fd.fit(rows[:20_000], window=50)


@pytest.fixture
def tiles(monkeypatch):
    """Return a function that makes the engine cut blocks into tiles as if the cache held so many numbers."""

    def shrink_cache(numbers):
        monkeypatch.setattr(plan, "CACHED_NUMBERS", numbers)
        plan.make_plan.cache_clear()

    yield shrink_cache
    plan.make_plan.cache_clear()


@pytest.fixture
def run_python():
    """Return a function that runs code in a fresh interpreter and returns its standard output."""

    def run(code, *options, **environment):
        command = [sys.executable, *options, "-c", code]
        known = os.environ | {"PYTHONPATH": str(ROOT)} | environment
        done = subprocess.run(command, env=known, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run
