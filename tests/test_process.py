"""What a process may do to us: forbid compiling, or ask for the first time while it exits."""

from __future__ import annotations

import pytest

FIRST_CALL = """
import atexit, threading
import numpy as np

def score():
    import fastdrift as fd
    rows = np.random.default_rng(0).normal(size=(120_000, 4))
    print(np.nanmax(fd.score(fd.fit(rows[:60_000], window=20), rows)))

"""


def test_the_first_call_may_come_while_the_interpreter_exits(run_python):
    expected = run_python(f"{FIRST_CALL}score()", FASTDRIFT_THREADS="2")
    assert run_python(f"{FIRST_CALL}atexit.register(score)", FASTDRIFT_THREADS="2") == expected
    imported = f"{FIRST_CALL}import fastdrift as fd; fd.fit, fd.score; atexit.register(score)"
    assert run_python(imported, FASTDRIFT_THREADS="2") == expected


@pytest.mark.parametrize("call", ["fd.fit(rows, window=10)", "fd.rolling_mean(rows, 10)", "fd.rolling_std(rows, 10)"])
def test_without_compilation_it_says_in_one_sentence_that_it_cannot_run(run_python, call):
    code = f"""
import numpy as np, fastdrift as fd
rows = np.random.default_rng(0).normal(size=(500, 3))
try:
    {call}
except fd.EngineError as error:
    print(error)
"""
    expected = "fastdrift cannot run without compilation, which NUMBA_DISABLE_JIT forbids: unset it\n"
    assert run_python(code, NUMBA_DISABLE_JIT="1") == expected


def test_what_needs_no_kernel_runs_without_compilation(run_python):
    code = "import fastdrift as fd; print(fd.evaluate([1.0, 6.0], 5.0).flagged_rows)"
    assert run_python(code, NUMBA_DISABLE_JIT="1") == "1\n"
