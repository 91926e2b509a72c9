"""Detectors of other libraries by name: an object, or a class that is made without arguments."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import click

from fastdrift.detectors.registry import DETECTORS
from fastdrift.errors import DataError


def check_estimators(
    _context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, tuple[str, str]]:
    """Return the modules and names of estimators by the last part of the name, which must tell them apart."""
    wanted: dict[str, tuple[str, str]] = {}
    for value in values:
        module, mark, path = value.partition(":")
        name = path.rpartition(".")[2]
        if not (module and mark and name):
            raise click.BadParameter(f"{value!r} is not MODULE:NAME, such as sklearn.covariance:EllipticEnvelope")
        if name in wanted or name in DETECTORS:
            raise click.BadParameter(f"there are two detectors called {name!r}: give one another name")
        wanted[name] = module, path
    return wanted


def load_estimator(module: str, path: str) -> object:
    """Return an estimator by its module and its name there; a class is made into an object without arguments."""
    told = f"--estimator {module}:{path}"
    try:
        with _importing_from_here():
            found: object = import_module(module)
        for part in path.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise DataError(f"{told}: {error}") from error
    if isinstance(found, type):
        try:
            found = found()
        except TypeError as error:
            raise DataError(f"{told} cannot be made without arguments ({error}): name an object") from error
    missing = [name for name in ("fit", "score_samples") if not callable(getattr(found, name, None))]
    if missing:
        raise DataError(f"{told} has no {missing[0]}(features): name what has fit and score_samples")
    return found


@contextlib.contextmanager
def _importing_from_here() -> Iterator[None]:
    """Find modules in the working directory too, as `python -m` does."""
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        yield
    finally:
        sys.path.remove(here)
