"""A stream of any length, and what scoring it takes beside input and output, for a process that does nothing else.

    python -m benchmarks.scaling.memory 50 2000000    # pieces, rows of a piece; prints MiB

Linux only: it makes the kernel forget the highest memory so far, then reads it again.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import fastdrift as fd
from benchmarks import ROOT
from benchmarks.work import Floats, usual_environment

COLUMNS, WINDOW, THREADS = 8, 50, 2
# rows made at a time: what making them takes beside the buffer stays under 3 MiB
CHUNK = 10_000


def fill(rows: Floats, rng: np.random.Generator) -> Floats:
    """Fill an array with correlated, autocorrelated rows; without BLAS, whose threads would spin into what is timed."""
    for start in range(0, len(rows), CHUNK):
        part = rows[start : start + CHUNK]
        noise = rng.standard_normal((len(part) + 1, rows.shape[1]))
        part[:] = noise[1:] + 0.5 * noise[:-1]
        part[:, 1:] += 0.5 * noise[1:, :-1]
    return rows


def stream_pieces(n_pieces: int, piece_rows: int, n_columns: int = COLUMNS, window: int = WINDOW) -> Iterator[Floats]:
    """Yield a stream's pieces, each with the `window` rows before it in front, all in one buffer.

    A score's last bits hang on how its row lies to multiples of the window. Pieces of whole windows keep that, so that
    from row `window` on the scores of a piece are byte for byte those of the stream.
    """
    if piece_rows % window:
        raise ValueError(f"a piece has {piece_rows} rows: make it a multiple of the window, {window}")
    rng = np.random.default_rng(0)
    buffer = fill(np.empty((window + piece_rows, n_columns)), rng)
    yield buffer
    for _ in range(1, n_pieces):
        buffer[:window] = buffer[-window:]
        fill(buffer[window:], rng)
        yield buffer


def assert_pieces_continue(model: fd.Model, n_columns: int) -> None:
    """Check that the scores of a short stream's pieces are byte for byte those of the whole."""
    window = model.window
    pieces = [piece.copy() for piece in stream_pieces(4, 40 * window, n_columns, window)]
    whole = np.concatenate([pieces[0][:window], *(piece[window:] for piece in pieces)])
    joined = np.concatenate([fd.score(model, piece)[window:] for piece in pieces])
    assert fd.score(model, whole)[window:].tobytes() == joined.tobytes()


def peak_mib() -> float:
    """Return the highest resident memory of this process since it was last told to forget."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def memory_beyond(n_pieces: int, piece_rows: int) -> float:
    """Return the MiB that scoring takes beside a piece and its scores."""
    pieces = stream_pieces(n_pieces, piece_rows)
    piece = next(pieces)
    model = fd.fit(piece[:10_000], window=WINDOW)
    fd.score(model, piece[:1_000], threads=1)
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the highest so far is what it is now
    before = peak_mib()
    while piece is not None:
        scores = fd.score(model, piece, threads=THREADS)
        assert np.isfinite(scores[WINDOW:]).all()
        n_bytes = scores.nbytes
        del scores  # else the next piece's are made beside these
        piece = next(pieces, None)
    # scores may lie where memory was free already: less than nothing is nothing
    return max(0.0, peak_mib() - before - n_bytes / (1 << 20))


def memory_in_a_process(n_pieces: int, piece_rows: int) -> float:
    """Return the same, measured in a fresh process."""
    command = [sys.executable, "-m", "benchmarks.scaling.memory", str(n_pieces), str(piece_rows)]
    done = subprocess.run(command, cwd=ROOT, env=usual_environment(), check=True, capture_output=True, text=True)
    return float(done.stdout)


if __name__ == "__main__":
    print(memory_beyond(int(sys.argv[1]), int(sys.argv[2])))
