"""What a fresh process pays: importing, the first score with compiled kernels in the cache, the first score ever.

python -m benchmarks.cold_start
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import fastdrift
from benchmarks.timing import usual_environment

IMPORT = """
import time; start = time.perf_counter()
import numpy
between = time.perf_counter()
import fastdrift
print(time.perf_counter() - between)
"""
SCORE = """
import time; import numpy as np
rows = np.random.default_rng(0).normal(size=(2000, 8))
start = time.perf_counter()
import fastdrift as fd
model = fd.fit(rows)
fd.score(model, rows)
print(time.perf_counter() - start)
"""


def fresh(code: str, cache: str) -> float:
    """Return the seconds that a fresh process prints."""
    own = Path(fastdrift.__file__).parent.parent  # of the revision at hand, which need not be the one installed
    environment = {**usual_environment(), "FASTDRIFT_CACHE_DIR": cache, "PYTHONPATH": str(own)}
    command = [sys.executable, "-W", "ignore", "-c", code]
    printed = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    return float(printed)


def measure(rounds: int = 5) -> dict[str, float]:
    """Return the least seconds of each kind of start; the one without a cache is measured once."""
    with tempfile.TemporaryDirectory() as cache:
        first_ever = fresh(SCORE, cache)
        return {
            "import fastdrift beyond numpy": min(fresh(IMPORT, cache) for _ in range(rounds)),
            "first fit and score, kernels in the cache": min(fresh(SCORE, cache) for _ in range(rounds)),
            "first fit and score ever": first_ever,
        }


if __name__ == "__main__":
    for name, seconds in measure().items():
        print(f"{name}: {seconds * 1000:.0f} ms")
