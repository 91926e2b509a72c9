"""A stream of any length, a piece at a time in one buffer."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import fastdrift as fd
from benchmarks.rows import Floats

# rows made at a time: what making them takes beside the buffer stays under 3 MiB
CHUNK = 10_000


def fill(rows: Floats, rng: np.random.Generator) -> None:
    """Fill an array with correlated, autocorrelated rows; without BLAS, whose threads would spin into what is timed."""
    for start in range(0, len(rows), CHUNK):
        part = rows[start : start + CHUNK]
        noise = rng.standard_normal((len(part) + 1, rows.shape[1]))
        part[:] = noise[1:] + 0.5 * noise[:-1]
        part[:, 1:] += 0.5 * noise[1:, :-1]


def stream_pieces(n_pieces: int, piece_rows: int, n_columns: int, window: int, seed: int = 0) -> Iterator[Floats]:
    """Yield a stream's pieces, each with the `window` rows before it in front, all in one buffer.

    A score's last bits hang on how its row lies to multiples of the window. Pieces of whole windows keep that, so that
    from row `window` on the scores of a piece are byte for byte those of the stream.
    """
    if piece_rows % window:
        raise ValueError(f"a piece has {piece_rows} rows: make it a multiple of the window, {window}")
    rng = np.random.default_rng(seed)
    buffer = np.empty((window + piece_rows, n_columns))
    fill(buffer, rng)
    yield buffer
    for _ in range(1, n_pieces):
        buffer[:window] = buffer[-window:]
        fill(buffer[window:], rng)
        yield buffer


def assert_pieces_continue(model: fd.Model, n_columns: int, n_pieces: int = 4, windows: int = 40) -> None:
    """Check that the scores of a short stream's pieces are byte for byte those of the whole."""
    window = model.window
    pieces = [piece.copy() for piece in stream_pieces(n_pieces, windows * window, n_columns, window)]
    whole = np.concatenate([pieces[0][:window], *(piece[window:] for piece in pieces)])
    joined = np.concatenate([fd.score(model, piece)[window:] for piece in pieces])
    assert fd.score(model, whole)[window:].tobytes() == joined.tobytes()
