"""Tables worked on in pieces, with the bits that they have in the whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from fastdrift.engine.plan import rows_before
from fastdrift.rolling import rolling_mean, rolling_std
from fastdrift.tables.frames import with_named_index

if TYPE_CHECKING:
    import pandas as pd

# rows of features that are in memory at a time
PIECE_ROWS = 1 << 17


def features_pieces(frame: pd.DataFrame, window: int, threads: int | None) -> Iterator[pd.DataFrame]:
    """Yield the features of every window in pieces, with the bits that they have in the whole."""
    import pandas as pd  # it is loaded already: `frame` is of it

    frame = with_named_index(frame)
    for start in range(0, len(frame), PIECE_ROWS):
        # a last piece shorter than a window would hold none
        stop = len(frame) if len(frame) - start < 2 * PIECE_ROWS else start + PIECE_ROWS
        first = start - rows_before(window, start)
        rows = frame.iloc[first:stop]
        means = rolling_mean(rows, window, first_row=first, threads=threads).add_suffix("_mean")
        stds = rolling_std(rows, window, first_row=first, threads=threads).add_suffix("_std")
        yield pd.concat([means, stds], axis=1).iloc[start - first :]
        if stop == len(frame):
            return
