"""Streams: many of one model, by key."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any

import numpy as np

from fastdrift.arrays import Floats, Indices, Integers
from fastdrift.detectors.model import Model
from fastdrift.errors import DataError, ModelError
from fastdrift.files.disk import PathLike
from fastdrift.scoring.batch import match_table
from fastdrift.streams.files import opened, save, stream_format, whole_number
from fastdrift.streams.packing import last_rows, pack
from fastdrift.streams.taking import state_after, take_rows
from fastdrift.tables.convert import reader_of

FORMAT = stream_format("Streams")
MOST_KEYS = 1_000_000
# how much room is made at once where it was too little
GROWTH = 9 / 8


class Streams:
    """Many streams of one model, by key: what each scores are the bytes of one call of `score` on its rows.

    Parameters
    ----------
    model : Model
        What `fit` returned.
    max_keys : int, default 1,000,000
        Streams that are held at most. Where one more comes, that which has had no row for the longest is let go of, and
        begins anew if it comes back.

    Attributes
    ----------
    model : Model
    max_keys : int
    n_dropped : int
        Streams that were let go of.

    Notes
    -----
    A stream takes the room of a window's rows and half as much again: 4.8 kB for 8 columns and windows of 50. Events
    need more rows; `Stream` keeps those.

    Examples
    --------
    >>> import fastdrift as fd
    >>> data = fd.generate(20_000, seed=1)
    >>> streams = fd.Streams(fd.fit(data.frame[:8_000]))
    >>> for row in data.frame.to_numpy()[:60]:
    ...     scores = streams.push(["web-1", "web-2"], [row, row])
    >>> scores.shape, len(streams), bool(scores[0] == scores[1])
    ((2,), 2, True)
    """

    def __init__(self, model: Model, *, max_keys: int = MOST_KEYS) -> None:
        if not isinstance(model, Model):
            raise DataError(f"the first argument is a {type(model).__name__}, not a Model: call Streams(model)")
        if type(max_keys) is not int or max_keys < 1:
            raise DataError(f"max_keys is {max_keys!r}: give a whole number of streams, at least 1")
        self.model, self.max_keys, self.n_dropped = model, max_keys, 0
        self._packed = pack(model)
        self._states: Floats = np.empty((0, self._packed.state.size))
        self._seen: Integers = np.empty(0, np.int64)  # the call in which each last had a row
        self._calls = 0
        self._places: dict[Hashable, int] = {}
        self._free: list[int] = []

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._places

    def __iter__(self) -> Any:
        return iter(self._places)

    def n_rows(self, key: Hashable) -> int:
        """Return how many rows a stream has taken in: 0 for one that is not held."""
        return int(self._states[self._places[key], 0]) if key in self._places else 0

    def push(self, keys: Iterable[Hashable], rows: Any) -> Any:
        """Take rows in, each by the stream of its key, and return their scores.

        Parameters
        ----------
        keys : iterable
            The key of every row: text, whole numbers, or what else a dictionary may hold. A key may come several times;
            its rows are then in order of time.
        rows : array of shape (n_rows, n_columns) or frame
            Any kind that `score` takes.

        Returns
        -------
        array of shape (n_rows,), Series or Arrow array
            Scores in the table's kind; NaN before a stream's first whole window, and where its window holds a NaN or
            inf.

        Raises
        ------
        DataError
            If the rows cannot be scored, are not as many as the keys, or a key is missing. None is taken in then.
        """
        reader = reader_of(rows)
        table, columns = match_table(self.model, reader, None)
        named = keys.tolist() if hasattr(keys, "tolist") else list(keys)
        if len(named) != table.n_rows:
            raise DataError(f"there are {len(named)} keys and {table.n_rows} rows: give a key a row")
        numbers = np.asarray(table.rows(0, table.n_rows)[:, columns], np.float64)
        which = self._find(named)
        return reader.scores(take_rows(self.model, self._packed, self._states, which, numbers), None)

    def _find(self, keys: list[Hashable]) -> Indices:
        """Return which line of the states each key has, of those that are new as well."""
        get = self._places.get
        try:
            which = np.array([get(key, -1) for key in keys], np.int64)
        except TypeError as error:
            raise DataError(f"a key cannot be one: {error}") from error
        self._calls += 1
        absent = np.flatnonzero(which < 0).tolist()
        if absent:
            new = dict.fromkeys(keys[row] for row in absent)
            missing = next((row for row in absent if keys[row] is None or keys[row] != keys[row]), None)
            if missing is not None:
                raise DataError(f"row {missing} has no key ({keys[missing]!r}): give one, or leave the row out")
            self._seen[which[which >= 0]] = self._calls
            self._add(list(new))
            which[absent] = [self._places[keys[row]] for row in absent]
        self._seen[which] = self._calls
        return which

    def _add(self, keys: list[Hashable]) -> None:
        """Begin streams of keys that are not held."""
        self._let_go(len(self._places) + len(keys) - self.max_keys)
        n_lines = len(self._states)
        needed = n_lines + len(keys) - len(self._free)
        if needed > n_lines:
            n_lines = max(needed, min(self.max_keys, int(n_lines * GROWTH)))
            self._free += range(n_lines - 1, len(self._states) - 1, -1)
            self._states.resize((n_lines, self._states.shape[1]), refcheck=False)
            self._seen.resize(n_lines, refcheck=False)
        lines = [self._free.pop() for _ in keys]
        self._states[lines] = self._packed.state
        self._places.update(zip(keys, lines, strict=True))

    def _let_go(self, count: int) -> None:
        """Let go of the streams that have had no row for the longest."""
        if count <= 0:
            return
        idle = [key for key, line in self._places.items() if self._seen[line] < self._calls]
        if count > len(idle):
            raise DataError(f"rows of more than {self.max_keys} streams came at once: give a larger max_keys")
        idle.sort(key=lambda key: self._seen[self._places[key]])
        for key in idle[:count]:
            self.drop(key)

    def drop(self, key: Hashable) -> None:
        """Let go of a stream; nothing happens if it is not held."""
        line = self._places.pop(key, None)
        if line is not None:
            self._free.append(line)
            self.n_dropped += 1

    def save(self, path: PathLike) -> None:
        """Write all streams to a file, atomically.

        Parameters
        ----------
        path : path-like
            The file; one that exists is replaced.

        Raises
        ------
        FileError
            If the place cannot be written.
        ModelError
            If the model cannot be saved, or a key is neither text nor a whole number.
        """
        strange = next((key for key in self._places if type(key) not in (str, int)), None)
        if strange is not None:
            raise ModelError(f"key {strange!r:.80} cannot be saved: keys of text and whole numbers can")
        lines = sorted(self._places.items(), key=lambda item: self._seen[item[1]])
        numbers = [int(self._states[line, 0]) for _, line in lines]
        counts = [min(number, self.model.window - 1) for number in numbers]
        rows = np.empty((sum(counts), len(self.model.columns)))
        at = 0
        for (_, line), count in zip(lines, counts, strict=True):
            rows[at : at + count] = last_rows(self.model, self._packed, self._states[line], count)
            at += count
        header = {"keys": [key for key, _ in lines], "n_rows": numbers, "dropped": self.n_dropped}
        save(FORMAT, self.model, header | {"max_keys": self.max_keys}, {"rows": rows}, path)

    @classmethod
    def load(cls, model: Model, path: PathLike) -> Streams:
        """Read streams that `save` wrote; they go on with the bytes that they would have had.

        Parameters
        ----------
        model : Model
            The model that they are of.
        path : path-like
            The file.

        Raises
        ------
        FileError
            If there is no such file, or it cannot be read.
        ModelError
            If it holds no streams, is damaged, comes from a newer version or belongs to another model.
        """
        with opened(FORMAT, model, path, ("keys", "n_rows", "dropped", "max_keys"), ("rows",)) as archive:
            known = archive.header
            keys, numbers = known["keys"], [*map(whole_number, known["n_rows"])]
            streams = cls(model, max_keys=whole_number(known["max_keys"]))
            is_right = {*map(type, keys)} <= {str, int} and len({*keys}) == len(keys) == len(numbers)
            if not is_right or len(keys) > streams.max_keys:
                raise ModelError(f"its keys are none: {FORMAT.remedy}")
            counts = [min(number, model.window - 1) for number in numbers]
            rows = archive.array("rows", (sum(counts), len(model.columns)), finite=False)
            streams._add(keys)
            at = 0
            for call, (key, number, count) in enumerate(zip(keys, numbers, counts, strict=True)):
                line = streams._places[key]
                streams._states[line] = state_after(model, streams._packed, number, rows[at : at + count])
                streams._seen[line] = call
                at += count
            streams._calls, streams.n_dropped = len(keys), whole_number(known["dropped"])
        return streams

    def __repr__(self) -> str:
        return f"Streams({self.model!r}, {len(self):,} streams)"
