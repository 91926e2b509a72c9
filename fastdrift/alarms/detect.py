"""detect: has it drifted, since when, in which columns, and how sure."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from fastdrift.alarms.clusters import find_clusters
from fastdrift.alarms.events import ALARM, DRIFT, MISSING, NOTICE, PERSISTENT, Event, Events
from fastdrift.alarms.missing import HOLE_STEPS, Gap, blind_stretches, holes_note, silent_columns, time_holes
from fastdrift.alarms.onset import WINDOWS_BACK, best_split
from fastdrift.alarms.reasons import Reasons
from fastdrift.arrays import Floats, Indices
from fastdrift.detectors.model import Model
from fastdrift.detectors.promise import Promise
from fastdrift.engine.threads import check_threads
from fastdrift.engine.windows import check_first_row, check_length
from fastdrift.errors import DataError, ModelError
from fastdrift.evaluation.events import runs
from fastdrift.scoring.batch import match_table, score_table
from fastdrift.tables.convert import reader_of
from fastdrift.tables.table import Table

# an event longer than so many windows, and so many rows, is persistent
PERSISTENT_WINDOWS, PERSISTENT_ROWS = 20, 1_000


class _Scene(NamedTuple):
    """What events are looked for in."""

    model: Model
    promise: Promise
    table: Table
    columns: Indices
    scores: Floats
    times: Any  # an array of datetime64[ns], or None
    reasons: Reasons
    whitener: Floats


def detect(
    model: Model,
    data: Any,
    *,
    since: int = 0,
    ignore: Iterable[Sequence[int]] = (),
    time: Hashable | None = None,
    threads: int | None = None,
) -> Events:
    """Find the events in a table: alarms, which come falsely no more often than the model promises, and notices.

    Parameters
    ----------
    model : Model
        What `fit` returned.
    data : array of shape (n_rows, n_columns) or frame
        Rows in time order, in the baseline's units; any kind that `score` takes.
    since : int, default 0
        The first row in which events are looked for; rows before it, such as the baseline, only fill windows.
    ignore : iterable of (int, int)
        Stretches to leave out, as the first row and the row after the last, such as maintenance. Rows whose windows
        reach into one are left out with it.
    time : optional
        The column that holds the rows' times, for kinds of frames without an index.
    threads : int, optional
        Threads to use; by default what the machine and the container allow.

    Returns
    -------
    Events
        What, since when, until when, which columns, how rare; it prints as a table.

    Raises
    ------
    DataError
        If the table cannot be scored, or a stretch to ignore is none of its rows.
    ModelError
        If the model comes from a file that was written before there were promises.

    Notes
    -----
    An event opens when a score passes the level of a notice, becomes an alarm at the level of one, and ends when scores
    have stayed under the row threshold for a window; rows without a score do neither, but more than a window of them
    ends it. Its onset is the split of the rows before the alarm with the largest Gaussian likelihood ratio (Page 1955;
    Basseville and Nikiforov 1993).

    Examples
    --------
    >>> import fastdrift as fd
    >>> data = fd.generate(40_000, seed=3, drifts=["mean-shift"])
    >>> found = fd.detect(fd.fit(data.frame[:12_000]), data.frame)
    >>> drift = data.drifts[0]
    >>> any(drift.start <= event.start < drift.stop for event in found.alarms)
    True
    """
    if not isinstance(model, Model):
        raise DataError(f"the first argument is a {type(model).__name__}, not a Model: call detect(model, data)")
    _check_promise(model)
    table, columns = match_table(model, reader_of(data), time)
    check_length(table.n_rows, model.window)
    scores, _ = score_table(model, table, columns, check_threads(threads))
    return _find_events(model, table, columns, scores, since=since, ignore=ignore)


def find_events(
    model: Model, data: Any, scores: Floats, *, since: int = 0, ignore: Iterable[Sequence[int]] = ()
) -> Events:
    """Return what `detect` finds in a table whose scores are there already, each at the end of its window."""
    _check_promise(model)
    table, columns = match_table(model, reader_of(data), None)
    return _find_events(model, table, columns, np.array(scores, np.float64), since=since, ignore=ignore)


def _check_promise(model: Model) -> None:
    if model.promise is None or model.rows is None:
        raise ModelError("the model's file was written before there were promises about events: fit it anew")


def _find_events(
    model: Model, table: Table, columns: Indices, scores: Floats, *, since: int, ignore: Iterable[Sequence[int]]
) -> Events:
    """Return the events in rows by their scores, of which those that are left out become NaN."""
    assert model.promise is not None  # noqa: S101  # it was checked
    assert model.rows is not None  # noqa: S101  # they come with the promise
    broken = int(np.count_nonzero(np.isnan(scores[model.window - 1 :])))
    stretches = _check_ignored(ignore, table.n_rows)
    since = check_first_row(since, "since", table.n_rows)
    scores[:since] = np.nan
    for start, stop in stretches:
        scores[start : stop + model.window - 1] = np.nan
    reasons = Reasons(model, table, columns)
    scene = _Scene(model, model.promise, table, columns, scores, table.times, reasons, model.rows.whitener())
    found = [*_drifts(scene), *_missing(scene, since, stretches, broken)]
    unscored = np.isnan(scores)
    return Events(
        tuple(sorted(found, key=lambda event: (event.start, event.kind))),
        n_rows=table.n_rows,
        since=since,
        n_scored=table.n_rows - int(np.count_nonzero(unscored)),
        n_flagged=int(np.count_nonzero(scores > model.threshold)),
        n_ignored=_n_rows(stretches),
        unscored=tuple(zip(*(ends.tolist() for ends in runs(unscored)), strict=True)),
        window=model.window,
        promise=model.promise,
        has_times=scene.times is not None,
        notes=_notes(scene, broken),
        seconds=None if scene.times is None else float((scene.times[-1] - scene.times[0]) / np.timedelta64(1, "s")),
    )


def _notes(scene: _Scene, broken: int) -> tuple[str, ...]:
    """Return what is to be said of the rows beside events: windows without a score, and holes in the times."""
    notes = [f"{broken:,} windows hold a NaN or inf and have no score"] if broken else []
    if scene.times is not None and scene.promise.step is not None:
        times = scene.times.astype(np.int64)
        holes = time_holes(times, scene.promise.step, HOLE_STEPS)
        if holes.size:
            notes.append(holes_note(times, holes, scene.model.window))
    return tuple(notes)


def _check_ignored(ignore: Iterable[Sequence[int]], n_rows: int) -> list[tuple[int, int]]:
    stretches = []
    for stretch in ignore:
        try:
            start, stop = (int(row) for row in stretch)
        except (TypeError, ValueError) as error:
            raise DataError(f"ignore holds {stretch!r}: give (first row, row after the last)") from error
        if not 0 <= start < stop <= n_rows:
            raise DataError(f"ignore holds {(start, stop)}, which is no stretch of the rows 0 … {n_rows - 1}")
        stretches.append((start, stop))
    return sorted(stretches)


def _n_rows(stretches: list[tuple[int, int]]) -> int:
    end = count = 0
    for start, stop in stretches:
        count += max(0, stop - max(start, end))
        end = max(end, stop)
    return count


def _drifts(scene: _Scene) -> list[Event]:
    """Return the clusters of flagged rows that pass the level of a notice."""
    model, scores, notice = scene.model, scene.scores, scene.promise.notice_level
    clusters = find_clusters(scores, model.threshold, model.window, blind=model.window)
    is_event = clusters.peaks(scores) > notice
    events, end = [], 0
    for first, stop in zip(clusters.starts[is_event], clusters.stops[is_event], strict=True):
        events.append(_drift(scene, int(first), int(stop), end))
        end = int(stop)
    return events


def _drift(scene: _Scene, first: int, stop: int, last_end: int) -> Event:
    model, promise, scores = scene.model, scene.promise, scene.scores
    part = scores[first:stop]
    start = first + int(np.argmax(part > promise.notice_level))
    peak_row = first + int(np.argmax(np.where(part > promise.notice_level, part, -np.inf)))
    peak = float(scores[peak_row])
    alarm_row = first + int(np.argmax(part > promise.alarm_level)) if peak > promise.alarm_level else -1
    onset = _onset(scene, max(start, alarm_row), last_end)
    reason = scene.reasons.of(peak_row)
    is_persistent = stop - start > max(PERSISTENT_WINDOWS * model.window, PERSISTENT_ROWS)
    return Event(
        kind=PERSISTENT if is_persistent else DRIFT,
        level=NOTICE if alarm_row < 0 else ALARM,
        onset=min(onset, start),
        start=start,
        alarm_row=alarm_row,
        stop=stop,
        still_on=scores.size - stop < model.window,
        peak_score=peak,
        peak_row=peak_row,
        once_in_rows=promise.once_in_rows(peak),
        columns=reason.columns,
        why=reason.why,
        **_times(scene.times, min(onset, start), start, stop - 1),
    )


def _onset(scene: _Scene, row: int, last_end: int) -> int:
    """Return the row in which what was noticed in a row most likely began."""
    model = scene.model
    assert model.rows is not None  # noqa: S101  # they come with the promise
    first = max(last_end, row + 1 - WINDOWS_BACK * model.window, 0)
    rows = np.asarray(scene.table.rows(first, row + 1)[:, scene.columns[model.varies]], np.float64)
    return first + best_split((rows - model.rows.mean) @ scene.whitener)


def _times(times: Any, onset: int, start: int, last: int) -> dict[str, Any]:
    if times is None:
        return {}
    import pandas as pd

    rows = {"onset_time": onset, "start_time": start, "end_time": last}
    return {name: pd.Timestamp(times[row]) for name, row in rows.items()}


def _missing(scene: _Scene, since: int, ignored: list[tuple[int, int]], broken: int) -> list[Event]:
    model = scene.model
    gaps: list[Gap] = []
    if broken:
        assert model.rows is not None  # noqa: S101  # they come with the promise
        unscored = np.isnan(scene.scores)
        unscored[: max(since, model.window - 1)] = False
        for start, stop in ignored:
            unscored[start : stop + model.window - 1] = False
        gaps = silent_columns(scene.table, scene.columns, model.window, model.rows.missing)
        gaps += blind_stretches(unscored, model.window, model.rows.missing, gaps)
    found = [_silence(scene, gap) for gap in gaps if gap.stop > since and not _is_within(gap, ignored)]
    if scene.times is not None and scene.promise.step is not None:
        holes = time_holes(scene.times.astype(np.int64), scene.promise.step, model.window)
        found += [_hole(scene, int(row)) for row in holes[holes > since]]
    return found


def _is_within(gap: Gap, stretches: list[tuple[int, int]]) -> bool:
    return any(start <= gap.onset and gap.start < stop for start, stop in stretches)


def _silence(scene: _Scene, gap: Gap) -> Event:
    names = tuple(str(scene.model.columns[place]) for place in gap.columns)
    if names:
        why = f"{_listed(names)} {'is' if len(names) == 1 else 'are'} missing"
    else:
        why = "gaps scattered over the columns leave no window whole"
    return _silent_event(scene, gap.onset, gap.start, gap.stop, names, why)


def _hole(scene: _Scene, row: int) -> Event:
    import pandas as pd

    length = pd.Timedelta(scene.times[row] - scene.times[row - 1])
    event = _silent_event(scene, row, row, row, (), f"no rows for {length}")
    return event._replace(onset_time=pd.Timestamp(scene.times[row - 1]), end_time=pd.Timestamp(scene.times[row]))


def _silent_event(scene: _Scene, onset: int, start: int, stop: int, names: tuple[str, ...], why: str) -> Event:
    return Event(
        kind=MISSING,
        level=ALARM,
        onset=onset,
        start=start,
        alarm_row=start,
        stop=stop,
        still_on=stop > start and stop == scene.scores.size,
        peak_score=math.nan,
        peak_row=-1,
        once_in_rows=math.nan,
        columns=names,
        why=why,
        **_times(scene.times, onset, start, max(start, stop - 1)),
    )


def _listed(names: tuple[str, ...], most: int = 4) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
