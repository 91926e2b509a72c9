"""Every case under pytest-benchmark, its result checked and its kernels compiled before it is timed."""

from __future__ import annotations

import os

import pytest

from benchmarks.cases import CASES
from benchmarks.gate.timer import reference_call
from benchmarks.timing import repeat


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.filterwarnings("ignore::fastdrift.errors.DriftWarning")  # baselines are short where windows are long
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
