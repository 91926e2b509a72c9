"""Every case under pytest-benchmark, its result checked and its kernels compiled before it is timed."""

import os

import pytest

from benchmarks.cases import CASES
from benchmarks.gate.laps import reference_call
from benchmarks.work import repeat


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(benchmark, case):
    if case.threads > len(os.sched_getaffinity(0)):
        pytest.skip(f"{case.threads} threads want as many processors")
    call = case.prepare()
    if benchmark.disabled or case.rounds:
        benchmark.pedantic(call, rounds=case.rounds or 1)
    else:
        benchmark(call)
    if not benchmark.disabled:
        reference = min(repeat(reference_call(case), 0.1))
        benchmark.extra_info["times the reference"] = round(benchmark.stats.stats.min / reference, 3)
