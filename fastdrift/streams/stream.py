"""Stream: one row after the other, with the bytes of the whole."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, NoReturn

import numpy as np

from fastdrift.alarms.detect import check_promised
from fastdrift.alarms.events import Events
from fastdrift.alarms.tracker import WINDOWS_KEPT, Seen, Tracker
from fastdrift.arrays import Floats, Indices
from fastdrift.detectors.model import Model
from fastdrift.engine.compiled import kernel, prepared
from fastdrift.engine.threads import INLINE_NUMBERS, check_threads
from fastdrift.errors import DataError, ModelError
from fastdrift.files.archive import Archive
from fastdrift.files.disk import PathLike
from fastdrift.kernels.layout import REFUSED
from fastdrift.scoring.batch import match_table, score_table
from fastdrift.streams.clock import Clock, stamps_of
from fastdrift.streams.files import join_stamps, opened, save, split_stamps, stream_format, whole_number
from fastdrift.streams.history import History
from fastdrift.streams.packing import pack
from fastdrift.streams.rows import read_row
from fastdrift.streams.taking import is_fast, state_after, take_rows
from fastdrift.tables.convert import reader_of
from fastdrift.tables.table import Table

FORMAT = stream_format("Stream")
FLOAT = np.dtype(np.float64)
# rows from which on a call of `score` is faster than one after the other
BATCH_ROWS = 400

ONE = np.zeros(1, np.int64)


class Stream:
    """Scores of rows as they come: the bytes of one call of `score` on all of them.

    Parameters
    ----------
    model : Model
        What `fit` returned.

    Attributes
    ----------
    model : Model
    n_rows : int
        How many rows have been taken in.

    Notes
    -----
    What is kept does not grow with the stream. A stream belongs to one thread at a time. Another library's detector is
    asked for one window at a time, which must not change what it says.

    Examples
    --------
    >>> import fastdrift as fd
    >>> data = fd.generate(20_000, seed=1, drifts=["mean-shift"])
    >>> model = fd.fit(data.frame[:8_000])
    >>> stream = fd.Stream(model)
    >>> scores = [stream.push(row) for row in data.frame.to_numpy()]
    >>> bool(scores[-1] == fd.score(model, data.frame).iloc[-1])
    True
    """

    def __init__(self, model: Model) -> None:
        if not isinstance(model, Model):
            raise DataError(f"the first argument is a {type(model).__name__}, not a Model: call Stream(model)")
        self.model = model
        self._packed = pack(model)
        self._parameters, self._state = self._packed.parameters, self._packed.state.copy()
        self._history = History(len(model.columns), WINDOWS_KEPT * model.window)
        self._buffer = self._history.buffer
        self._clock = Clock()
        self._tracker: Tracker | None = None  # of events, if the model has a promise about them
        if model.promise is not None and model.rows is not None:
            self._tracker = Tracker(model, model.promise)
        self._is_current = True  # whether the state is that of the last row
        self._is_fast = self._is_ready = is_fast(model)
        if self._is_fast:
            self._push_row = prepared(kernel("push_row"), self._parameters, self._state, self._buffer)

    @property
    def events(self) -> Events:
        """The events in the rows so far: those that `detect` finds in them.

        Raises
        ------
        ModelError
            If the model comes from a file that was written before there were promises.
        """
        if self._tracker is None:
            check_promised(self.model)
        assert self._tracker is not None  # noqa: S101  # it was checked
        self._tracker.follow(self._seen())
        return self._tracker.events(self._seen(), self._clock.zone)

    @property
    def n_rows(self) -> int:
        """How many rows have been taken in."""
        return self._history.end

    def push(self, row: Any, time: Any = None) -> float:
        """Take a row in and return its score.

        Parameters
        ----------
        row : array, mapping or sequence
            Numbers in the order of the model's columns, or by their names; None is NaN.
        time : datetime, optional
            The row's time, of the standard library, pandas or NumPy: of all rows or of none.

        Returns
        -------
        float
            The score, NaN before the first whole window and where the window holds a NaN or inf.

        Raises
        ------
        DataError
            If columns are missing, extra or not numbers, or the time is before that of the last row. The row is not
            taken in then.
        """
        if time is None and self._is_ready and type(row) is np.ndarray and row.dtype is FLOAT:
            try:
                score = self._push_row(row)
            except TypeError:  # it has more dimensions than one
                score = REFUSED
            if score != REFUSED:
                return score
        return self._push(read_row(self.model, row), time)

    def _push(self, row: Floats, time: Any) -> float:
        """Take a row in, in any state."""
        stamp = self._clock.read(time, self.n_rows)
        self._make_room()
        history = self._history
        history.stamps[history.count] = stamp
        score = float(self._take(row[None])[0])
        self._be_ready()
        return score

    def push_many(self, rows: Any, *, time: Hashable | None = None, threads: int | None = None) -> Any:
        """Take rows in and return their scores.

        Parameters
        ----------
        rows : array of shape (n_rows, n_columns) or frame
            Any kind that `score` takes, however few.
        time : str, optional
            Name of a frame's column of times; a pandas frame may have them in its index.
        threads : int, optional
            Threads to use; by default what the machine and the container allow.

        Returns
        -------
        array of shape (n_rows,), Series or Arrow array
            Scores in the table's kind, those that `push` would have returned.

        Raises
        ------
        DataError
            If the rows cannot be scored, or their times go back. None of them is taken in then.
        """
        reader = reader_of(rows)
        table, columns = match_table(self.model, reader, time)
        is_small = threads is None and table.n_rows * table.n_columns <= INLINE_NUMBERS
        n_threads = 1 if is_small else check_threads(threads)  # to ask the container takes longer than a few rows
        self._clock.follow(stamps := stamps_of(table.times), table.zone, self.n_rows)
        scores = self._push_table(table, columns, stamps, n_threads)
        self._be_ready()
        return reader.scores(scores, time)

    def _push_table(self, table: Table, columns: Indices, stamps: Any, threads: int) -> Floats:
        """Take the rows of a table in, and return their scores."""
        n_rows = table.n_rows
        if n_rows >= self._history.room - self._history.keep:
            # windows that begin before the table are scored one by one, all others where they lie
            scores, _ = score_table(self.model, table.starting_at(self.n_rows), columns, threads)
            one_by_one = self.model.window - 1
        else:
            scores, one_by_one = np.empty(n_rows), n_rows if n_rows < BATCH_ROWS else 0
        start = 0
        while start < n_rows:
            self._make_room(min(n_rows - start, self._history.room - self._history.keep))
            history = self._history
            stop = min(start + history.room - history.count, n_rows if start >= one_by_one else one_by_one)
            rows = table.rows(start, stop)
            rows = rows if _are_all(columns, table) else rows[:, columns]
            if stamps is not None:
                history.stamps[history.count : history.count + stop - start] = stamps[start:stop]
            if start < one_by_one:
                scores[start:stop] = self._take(rows)
            elif one_by_one:
                history.add(rows, scores[start:stop])
                self._is_current = False
            else:
                scores[start:stop] = self._take_together(rows, threads)
            start = stop
        return scores

    def _take_together(self, rows: Any, threads: int) -> Floats:
        """Take rows in as one chunk of the stream, for which there is room."""
        history, places = self._history, np.arange(len(self.model.columns))
        where = history.add(rows)
        chunk = history.table(where.start - self.model.window + 1)
        try:
            if chunk.n_rows < self.model.window:
                scores = np.full(len(rows), np.nan)
            else:
                scores = score_table(self.model, chunk, places, threads)[0][-len(rows) :]
        except BaseException:
            history.buffer[0] = where.start
            raise
        history.scores[where] = scores
        self._is_current = False
        return scores

    def _take(self, rows: Any) -> Floats:
        """Take rows in, one after the other, for which there is room."""
        self._be_current()
        history = self._history
        where = history.add(rows)
        which = ONE if len(rows) == 1 else np.zeros(len(rows), np.int64)
        scores = take_rows(self.model, self._packed, self._state[None], which, history.rows[where])
        history.scores[where] = scores
        return scores

    def peek(self, row: Any) -> float:
        """Return the score that a row would get, without taking it in.

        Parameters
        ----------
        row : array, mapping or sequence
            As `push` takes it.

        Returns
        -------
        float

        Raises
        ------
        DataError
            If columns are missing, extra or not numbers.
        """
        self._be_current()
        values = read_row(self.model, row)
        return float(take_rows(self.model, self._packed, self._state.copy()[None], ONE, values[None])[0])

    def save(self, path: PathLike) -> None:
        """Write the stream to a file, atomically: its last rows, and what is known of events.

        Parameters
        ----------
        path : path-like
            The file; one that exists is replaced.

        Raises
        ------
        FileError
            If the place cannot be written.
        ModelError
            If the model cannot be saved.
        """
        tracker, history, clock = self._tracker, self._history, self._clock
        if tracker is not None:
            tracker.follow(self._seen())
        history.let_go()
        header = {
            "n_rows": self.n_rows,
            "last_time": clock.last if clock.timed else None,
            "zone": None if clock.zone is None else str(clock.zone),
            "events": None if tracker is None else tracker.to_dict(),
        }
        held = slice(history.count)
        arrays = {"rows": history.rows[held], "scores": history.scores[held]}
        if clock.timed:
            arrays["times"] = split_stamps(history.stamps[held])
        save(FORMAT, self.model, header, arrays, path)

    @classmethod
    def load(cls, model: Model, path: PathLike) -> Stream:
        """Read a stream that `save` wrote; it goes on with the bytes that it would have had.

        Parameters
        ----------
        model : Model
            The model that it is of.
        path : path-like
            The file.

        Returns
        -------
        Stream

        Raises
        ------
        FileError
            If there is no such file, or it cannot be read.
        ModelError
            If it holds no stream, is damaged, comes from a newer version or belongs to another model.
        """
        header, arrays = ("n_rows", "last_time", "zone", "events"), ("rows", "scores", "times")
        with opened(FORMAT, model, path, header, arrays) as archive:
            stream, known = cls(model), archive.header
            stream._restore(archive, whole_number(known["n_rows"]), known["last_time"], known["zone"])
            if stream._tracker is not None:
                stream._tracker.restore(known["events"])
                if stream._tracker.n_rows != stream.n_rows:
                    raise ModelError(f"its events are of other rows: {FORMAT.remedy}")
        return stream

    def _restore(self, archive: Archive, n_rows: int, last_time: int | None, zone: str | None) -> None:
        """Become a stream of so many rows, the last of which are in an archive."""
        history, clock = self._history, self._clock
        count = min(n_rows, history.keep)
        scores = archive.array("scores", (count,), finite=False)
        history.add(archive.array("rows", (count, len(self.model.columns)), finite=False), scores)
        history.first = n_rows - count
        if last_time is not None:
            history.stamps[:count] = join_stamps(archive.array("times", (count, 2)))
            clock.timed, clock.last, clock.zone = True, int(last_time), zone
        self._is_current = False
        self._be_current()
        self._be_ready()

    def _be_current(self) -> None:
        """Make the state that of the last row."""
        if not self._is_current:
            last = self._history.last(self.model.window - 1)
            self._state[:] = state_after(self.model, self._packed, self.n_rows, last)
            self._is_current = True

    def _be_ready(self) -> None:
        """Note whether the next row can go straight to the kernel."""
        self._is_ready = self._is_fast and self._is_current and not self._clock.timed

    def _make_room(self, n_rows: int = 1) -> None:
        """Make room for some rows."""
        if self._history.count + n_rows > self._history.room:
            if self._tracker is not None:
                self._tracker.follow(self._seen())
            self._history.let_go()

    def _seen(self) -> Seen:
        history = self._history
        stamps = history.stamps[: history.count] if self._clock.timed else None
        return Seen(history.table(), history.scores[: history.count], stamps)

    def __reduce__(self) -> NoReturn:
        # the kernel writes to where this one's arrays lie
        raise TypeError("a Stream cannot be copied or pickled: save it, and load it")

    def __repr__(self) -> str:
        return f"Stream({self.model!r}, {self.n_rows:,} rows)"


def _are_all(columns: Indices, table: Table) -> bool:
    """Return whether columns are those of a table, in its order."""
    return columns.size == table.n_columns and bool((np.diff(columns) == 1).all())
