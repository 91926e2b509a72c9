"""What a fresh process pays: importing, the first score with compiled kernels in the cache, the first score ever.

python -m benchmarks.cold_start
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import fastdrift
from benchmarks.work import usual_environment

# what is run, and prints seconds
IMPORT = "import time, numpy; start = time.perf_counter(); import fastdrift; print(time.perf_counter() - start)"
SCORE = (
    "import time, numpy; rows = numpy.random.default_rng(0).normal(size=(2000, 8)); start = time.perf_counter(); "
    "import fastdrift as fd; fd.score(fd.fit(rows), rows); print(time.perf_counter() - start)"
)


def run_fresh(code: str, cache: str) -> float:
    """Return the seconds that a fresh process prints."""
    own = Path(fastdrift.__file__).parent.parent  # of the revision at hand, which need not be the one installed
    environment = usual_environment() | {"FASTDRIFT_CACHE_DIR": cache, "PYTHONPATH": str(own)}
    command = [sys.executable, "-W", "ignore", "-c", code]
    return float(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    with tempfile.TemporaryDirectory() as cache:
        ever = run_fresh(SCORE, cache)
        imported, scored = (min(run_fresh(code, cache) for _ in range(5)) for code in (IMPORT, SCORE))
    print(f"import fastdrift beyond numpy: {1e3 * imported:.0f} ms")
    print(f"first fit and score, kernels in the cache: {1e3 * scored:.0f} ms")
    print(f"first fit and score ever: {1e3 * ever:.0f} ms")


if __name__ == "__main__":
    main()
