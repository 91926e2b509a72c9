"""A folder to write several files to that Ctrl-C can neither leave behind nor move half of."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path

from fastdrift.cli import interrupt
from fastdrift.files.disk import staged

HEAVY = (
    "numpy.random",
    "pandas",
    "pyarrow.csv",
    "pyarrow.pandas_compat",
    "pyarrow.parquet",
    "matplotlib.backends.backend_agg",
    "matplotlib.figure",
    "jinja2",
    "fastdrift.alarms.detect",
    "fastdrift.kernels.compiling",
    "fastdrift.fitting.baseline",
    "fastdrift.scoring.batch",
    "fastdrift.plots.scores",
    "fastdrift.reports.html",
)
"""What commands that write several files import, sooner or later."""
LEARNING = ("sklearn.ensemble", "sklearn.metrics")
"""What they import where a forest is grown, or metrics need labels."""


def import_ahead(modules: Iterable[str]) -> None:
    """Import modules that would be imported later, each whole; what is missing says so where it is needed.

    An import that Ctrl-C cuts in half may swallow it or fail in any way at all, so each is waited for.
    """
    for module in modules:
        with interrupt.deferred(), contextlib.suppress(ImportError):
            import_module(module)
    with interrupt.deferred():
        _import_rest_of_numba()


def _import_rest_of_numba() -> None:
    """Have numba import the half of itself that it imports with the first kernel it loads.

    Cut in half there, kept kernels look damaged: they are thrown away and compiled anew, which took 12 s.
    """
    from numba.core.registry import cpu_target

    cpu_target.target_context.refresh()


@contextlib.contextmanager
def stage(directory: str, *, replaces: Iterable[str]) -> Iterator[Path]:
    """Yield a directory whose files move to `directory` at the end, all or none, and never after an interrupt."""
    with contextlib.ExitStack() as stack:
        with interrupt.deferred():  # what is made is known to be removed
            folder = stack.enter_context(staged(directory, replaces=replaces, settle=interrupt.settle))
        yield folder
