"""Benchmarks: each asserts its result before it is timed, and is compared within one run."""

from pathlib import Path

ROOT = Path(__file__).parent.parent
