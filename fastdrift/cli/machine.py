"""The commands about this machine: warmup and doctor."""

from __future__ import annotations

import contextlib
import importlib.metadata
import platform
import warnings
from pathlib import Path
from typing import Any

import click

import fastdrift
from fastdrift.cli.options import as_json, examples
from fastdrift.cli.tables import facts_table
from fastdrift.cli.terminal import progress, show
from fastdrift.engine.compiled import kernel
from fastdrift.engine.threads import explain_threads
from fastdrift.errors import DriftWarning

PACKAGES = ("numpy", "numba", "llvmlite", "pandas", "pyarrow", "scikit-learn", "matplotlib", "jinja2", "click", "rich")
"""Packages whose versions are told."""
CPU_FEATURES = ("sse4.2", "avx", "avx2", "fma", "avx512f", "avx512vl", "neon", "sve")
"""What decides how wide the kernels' vectors are."""


@click.command(epilog=examples("warmup"))
@as_json
def warmup(*, as_json: bool) -> None:
    """Compile every kernel ahead of need.

    They are kept, so that no later command has to wait for that.
    """
    from fastdrift.kernels.compiling import kernel_keys
    from fastdrift.kernels.keeping import cache_directory

    keys = kernel_keys()
    directory = cache_directory()
    with progress(len(keys)) as step:
        for name, dtype in keys:
            step(f"compiling {name}")
            kernel(name, dtype)
    place = str(directory) if directory is not None else None
    kept = place or "nowhere: no place is writable, set FASTDRIFT_CACHE_DIR"
    table = facts_table("Warm", [("kernels", str(len(keys))), ("kept in", kept)])
    show({"kernels": len(keys), "cache": place}, [table], as_json=as_json)


@click.command(epilog=examples("doctor --json"))
@as_json
def doctor(*, as_json: bool) -> None:
    """Say what decides the speed here.

    That is versions, the CPU, the threads and where compiled kernels are kept.
    """
    document = {"versions": _versions(), "cpu": _cpu(), "threads": _threads(), "cache": _cache()}
    tables = [
        facts_table(title, [(name, _as_text(value)) for name, value in facts.items()])
        for title, facts in document.items()
    ]
    show(document, tables, as_json=as_json)


def _versions() -> dict[str, Any]:
    versions: dict[str, Any] = {"fastdrift": fastdrift.__version__, "python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = None
    return versions


def _cpu() -> dict[str, Any]:
    from llvmlite import binding

    features = binding.get_host_cpu_features()
    return {
        "model": _cpu_model(),
        "machine": platform.machine(),
        "name": binding.get_host_cpu_name(),
        "features": [name for name in CPU_FEATURES if features.get(name)],
    }


def _cpu_model() -> str | None:
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), None)
    return platform.processor() or None


def _threads() -> dict[str, Any]:
    threads, reason = explain_threads()
    return {"threads": threads, "because of": reason}


def _cache() -> dict[str, Any]:
    from fastdrift.kernels.keeping import SUFFIX, cache_directory

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DriftWarning)  # it is what this command says
        directory = cache_directory()
    if directory is None:
        return {"place": None, "writable": False}
    return {"place": str(directory), "writable": True, "compiled files": len(list(directory.glob(f"*{SUFFIX}")))}


def _as_text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(value) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)
