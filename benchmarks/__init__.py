"""Benchmarks: each asserts its result before it is timed, and is compared within one run."""
