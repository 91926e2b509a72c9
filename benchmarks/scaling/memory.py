"""What scoring a stream takes beside its input and output, for a process that does nothing else: prints MiB.

    python -m benchmarks.scaling.memory 50 2000000    # pieces, rows of a piece

Linux only: it makes the kernel forget the highest memory so far, then reads it again.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

import fastdrift as fd
from benchmarks import ROOT
from benchmarks.scaling.stream import stream_pieces
from benchmarks.timing import usual_environment

MIB = 1 << 20
COLUMNS, WINDOW, THREADS = 8, 50, 2
BASELINE, SMALL = 10_000, 1_000


def peak_mib() -> float:
    """Return the highest resident memory of this process since it was last told to forget."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def forget_peak() -> None:
    """Take the resident memory of now for the highest so far."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def memory_beyond(n_pieces: int, piece_rows: int) -> float:
    """Return the MiB that scoring takes beside a piece and its scores."""
    pieces = stream_pieces(n_pieces, piece_rows, COLUMNS, WINDOW)
    piece = next(pieces)
    model = fd.fit(piece[:BASELINE], window=WINDOW)
    fd.score(model, piece[:SMALL], threads=1)
    forget_peak()
    before = peak_mib()
    while piece is not None:
        scores = fd.score(model, piece, threads=THREADS)
        assert np.isfinite(scores[WINDOW:]).all()
        n_bytes = scores.nbytes
        # else the next piece's scores are made beside these
        del scores
        piece = next(pieces, None)
    # scores may lie where memory was free already: less than nothing is nothing
    return max(0.0, peak_mib() - before - n_bytes / MIB)


def memory_in_a_process(n_pieces: int, piece_rows: int) -> float:
    """Return the same, measured in a fresh process."""
    command = [sys.executable, "-m", "benchmarks.scaling.memory", str(n_pieces), str(piece_rows)]
    done = subprocess.run(command, cwd=ROOT, env=usual_environment(), check=True, capture_output=True, text=True)
    return float(done.stdout)


if __name__ == "__main__":
    print(memory_beyond(int(sys.argv[1]), int(sys.argv[2])))
