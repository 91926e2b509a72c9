"""events: from scores row by row to stretches that someone should look at."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fastdrift.errors import DataError
from fastdrift.evaluation.checks import check_labels, check_scores, check_times, check_whole

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from fastdrift.arrays import Booleans, Floats, Integers


# events that a repr shows
SHOWN = 10


@dataclass(frozen=True, eq=False, repr=False)
class Runs:
    """Hold stretches of flagged rows, in order of time, which neither overlap nor touch.

    Attributes
    ----------
    starts, stops : numpy.ndarray of int, (n_events,)
        First row of each event, and the row after its last.
    peak_scores : numpy.ndarray of float, (n_events,)
        Highest score of each; NaN where flags were given, not scores.
    peak_rows : numpy.ndarray of int, (n_events,)
        The first row with that score; the first row of the event where flags were given.
    is_scored : numpy.ndarray of bool, (n_rows,)
        Rows that have a score and so could be flagged.
    index : pandas.DatetimeIndex or None
        Times of all rows, if known.
    step : float or None
        Usual seconds from a row to the next, where the times themselves are not at hand.
    """

    starts: Integers
    stops: Integers
    peak_scores: Floats
    peak_rows: Integers
    is_scored: Booleans
    index: pd.DatetimeIndex | None = None
    step: float | None = None

    def __post_init__(self) -> None:
        for array in (self.starts, self.stops, self.peak_scores, self.peak_rows, self.is_scored):
            array.setflags(write=False)

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def n_rows(self) -> int:
        """Rows in which events were looked for."""
        return len(self.is_scored)

    @property
    def start_times(self) -> pd.DatetimeIndex | None:
        """Times of the events' first rows, if known."""
        return None if self.index is None else self.index[self.starts]

    @property
    def end_times(self) -> pd.DatetimeIndex | None:
        """Times of the events' last rows, if known."""
        return None if self.index is None else self.index[self.stops - 1]

    def to_frame(self) -> pd.DataFrame:
        """Return a row an event: start, stop, rows, peak_score, peak_row and, with time, start_time, end_time."""
        import pandas as pd

        columns: dict[str, Any] = {"start": self.starts, "stop": self.stops, "rows": self.stops - self.starts}
        columns |= {"peak_score": self.peak_scores, "peak_row": self.peak_rows}
        if self.index is not None:
            columns |= {"start_time": self.start_times, "end_time": self.end_times}
        return pd.DataFrame(columns)

    def __repr__(self) -> str:
        """Return how many events there are, and the first of them as a table."""
        plural = "" if len(self) == 1 else "s"
        head = f"{len(self):,} event{plural} in {self.n_rows:,} rows"
        if not len(self):
            return head
        head += f", the first {SHOWN}" if len(self) > SHOWN else ""
        return f"{head}\n{self.to_frame().head(SHOWN).to_string(index=False)}"


def events(
    scores_or_flags: npt.ArrayLike,
    threshold: float | None = None,
    *,
    index: pd.DatetimeIndex | None = None,
    min_length: int = 1,
    merge_gap: int = 0,
) -> Runs:
    """Join flagged rows to events: runs, merged over short gaps, and without the short ones.

    Parameters
    ----------
    scores_or_flags : array_like, shape (n_rows,)
        Scores in order of time, NaN or null where a row has none; or, without a threshold, flags (bool or 0/1). An
        array or a Series of pandas or polars, or an Arrow array.
    threshold : float, optional
        A row is flagged when its score is strictly above. It comes from a fitted model, never from these scores.
    index : pandas.DatetimeIndex, length n_rows, optional
        Increasing times of the rows. A pandas Series brings its own.
    min_length : int, default 1
        Runs of fewer rows, gaps merged over included, are dropped.
    merge_gap : int, default 0
        Runs with at most so many rows between them, unflagged or without a score, are one event. This comes first.

    Returns
    -------
    Runs
        Row ranges, peaks and, with an index, times.

    Raises
    ------
    DataError
        When no row has a score, scores come without a threshold or flags with one, the threshold is NaN, times are
        not times, decrease or are of another length, or an option is out of range.

    Notes
    -----
    A score looks back over its window: an event begins after what caused it, and may last up to window - 1 rows longer.

    Examples
    --------
    >>> events([1.0, 6.0, 7.0, 2.0, 9.0, 1.0, 1.0, 8.0], 5.0, merge_gap=1, min_length=2)
    1 event in 8 rows
     start  stop  rows  peak_score  peak_row
         1     5     4         9.0         4
    """
    flags, values, is_scored = _flag(scores_or_flags, threshold)
    times = check_times(scores_or_flags, index, len(flags))
    check_whole("min_length", min_length, 1)
    check_whole("merge_gap", merge_gap, 0)
    starts, stops = _merge(*runs(flags), merge_gap)
    is_long = stops - starts >= min_length
    starts, stops = starts[is_long], stops[is_long]
    # the highest score of an event is that of a flagged row
    known = np.where(flags, 1.0 if values is None else values, -np.inf)
    peaks = [start + known[start:stop].argmax() for start, stop in zip(starts, stops, strict=True)]
    peak_rows = np.array(peaks, np.int64)
    peak_scores = np.full(len(peaks), np.nan) if values is None else known[peak_rows]
    return Runs(starts, stops, peak_scores, peak_rows, is_scored, times)


def runs(mask: Booleans) -> tuple[Integers, Integers]:
    """Return the first row of each run of true rows, and the row after its last."""
    edges = np.flatnonzero(np.diff(mask, prepend=False, append=False))
    return edges[::2], edges[1::2]


def _flag(data: Any, threshold: float | None) -> tuple[Booleans, Floats | None, Booleans]:
    """Return flags, scores if they are such, and which rows could be flagged."""
    if threshold is None:
        try:
            flags = check_labels(data, np.size(data), "flags")
        except DataError as error:
            raise DataError(f"{error}. Without a threshold rows are flags; pass scores with their threshold") from error
        return flags, None, np.ones(len(flags), np.bool_)
    if np.asarray(data).dtype == np.bool_:
        raise DataError("flags need no threshold: pass flags alone, or scores with their threshold")
    if math.isnan(threshold):
        raise DataError("the threshold is NaN, which no score is above; pass the one of a fitted model")
    values = check_scores(data)
    is_scored = ~np.isnan(values)
    if not is_scored.any():
        raise DataError(f"none of the {len(values)} rows has a score: the rows are too few, or values are missing")
    return values > threshold, values, is_scored


def _merge(starts: Integers, stops: Integers, merge_gap: int) -> tuple[Integers, Integers]:
    if not starts.size:
        return starts, stops
    is_apart = starts[1:] - stops[:-1] > merge_gap
    return starts[np.append(True, is_apart)], stops[np.append(is_apart, True)]
