"""detect: has it drifted, since when, in which columns, and how sure."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from fastdrift.alarms.drifts import find_drifts, flagged_clusters
from fastdrift.alarms.events import Events
from fastdrift.alarms.missing import HOLE_STEPS, holes_note, time_holes
from fastdrift.alarms.scene import Scene
from fastdrift.alarms.silence import find_holes, find_silences
from fastdrift.arrays import Booleans, Floats, Indices, Integers
from fastdrift.detectors.model import Model
from fastdrift.engine.threads import check_threads
from fastdrift.engine.windows import check_first_row, check_length
from fastdrift.errors import DataError, ModelError
from fastdrift.evaluation.events import runs
from fastdrift.scoring.batch import absent_note, match_table, score_table
from fastdrift.scoring.gaps import Missing, check_missing, score_gaps
from fastdrift.tables.convert import reader_of
from fastdrift.tables.table import Table


def detect(
    model: Model,
    data: Any,
    *,
    since: int = 0,
    ignore: Iterable[Sequence[int]] = (),
    missing: Missing = "nan",
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
    missing : {"nan", "score"}
        Whether windows that hold a NaN or inf have a score, as for `score`. Columns that go silent are events of
        missing data either way; columns matched by name that the table has not are a note.
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
    have stayed under the row threshold for two windows; rows without a score do neither, but more than a window of them
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
    check_promised(model)
    fills = check_missing(missing, model)
    table, columns = match_table(model, reader_of(data), time, may_lack=fills)
    check_length(table.n_rows, model.window)
    n_threads = check_threads(threads)
    scores, lacking = score_table(model, table, columns, n_threads)
    if fills and lacking:
        score_gaps(model, table, columns, scores, n_threads)
    how = Looking(since, ignore, n_threads, fills and lacking > 0)
    return find_in_table(model, table, columns, scores, lacking, how)


def find_events(
    model: Model,
    data: Any,
    scores: Floats,
    *,
    since: int = 0,
    ignore: Iterable[Sequence[int]] = (),
    missing: Missing = "nan",
) -> Events:
    """Return what `detect` finds in a table whose scores are there already, each at the end of its window."""
    check_promised(model)
    fills = check_missing(missing, model)
    table, columns = match_table(model, reader_of(data), None, may_lack=fills)
    values = np.array(scores, np.float64)
    threads = check_threads(None)
    # which windows lack values the scores do not say where all have one
    own = score_table(model, table, columns, threads)[0] if fills else values
    lacking = int(np.count_nonzero(np.isnan(own[model.window - 1 :])))
    how = Looking(since, ignore, threads, fills and lacking > 0)
    return find_in_table(model, table, columns, values, lacking, how)


def check_promised(model: Model) -> None:
    """Raise ModelError if a model has no promise, as those of the first model files have none."""
    if model.promise is None or model.rows is None:
        raise ModelError("the model's file was written before there were promises about events: fit it anew")


class Looking(NamedTuple):
    """Where events are looked for, and whether windows that lack values have scores."""

    since: int
    ignore: Iterable[Sequence[int]]
    threads: int
    fills: bool = False


def find_in_table(model: Model, table: Table, columns: Indices, scores: Floats, lacking: int, how: Looking) -> Events:
    """Return the events in rows by their scores, of which those that are left out become NaN.

    `lacking` is how many windows hold a NaN or inf.
    """
    assert model.promise is not None  # noqa: S101  # it was checked
    stretches, threads = _check_ignored(how.ignore, table.n_rows), how.threads
    since = check_first_row(how.since, "since", table.n_rows)
    broken = int(np.count_nonzero(np.isnan(scores[model.window - 1 :]))) if how.fills else lacking
    head = max(since, model.window - 1)
    scores[:head] = np.nan
    for start, stop in stretches:
        scores[start : stop + model.window - 1] = np.nan
    unscored = np.isnan(scores) if broken or stretches else None
    times = table.times, table.zone
    scene = Scene(model, model.promise, table, columns, scores, head, threads, *times, how.fills, lacking > 0)
    holes, notes = _holes(scene)
    clusters = flagged_clusters(scene)
    found = find_drifts(scene, clusters)
    found += find_silences(scene, np.isnan(scores) if lacking else None, since, stretches)
    found += find_holes(scene, holes[holes > since])
    blind = ((0, head),) if unscored is None else _pairs(unscored)
    return Events(
        tuple(sorted(found, key=lambda event: (event.start, event.kind))),
        n_rows=table.n_rows,
        since=since,
        n_scored=table.n_rows - sum(stop - start for start, stop in blind),
        n_flagged=clusters.rows.size,
        n_ignored=_n_rows(stretches),
        unscored=blind,
        ignored=tuple(stretches),
        window=model.window,
        promise=model.promise,
        has_times=scene.times is not None,
        notes=(*_gap_notes(scene, lacking, broken), *notes),
        seconds=None if scene.times is None else float((scene.times[-1] - scene.times[0]) / np.timedelta64(1, "s")),
    )


def _gap_notes(scene: Scene, lacking: int, broken: int) -> list[str]:
    """Return what is to be said of windows that hold a NaN or inf, and of those of them that have no score."""
    if not scene.fills:
        return [f"{broken:,} windows hold a NaN or inf and have no score"] if broken else []
    notes = [absent_note(scene.table, scene.columns)] if scene.table.absent else []
    notes += [f"{lacking:,} windows hold a NaN or inf; {lacking - broken:,} are scored by what else they hold"]
    return notes


def _holes(scene: Scene) -> tuple[Integers, list[str]]:
    """Return the rows before which the times have a hole longer than a window, and what is to be said of all."""
    if scene.times is None or scene.promise.step is None:
        return np.zeros(0, np.int64), []
    times, window, step = scene.times.astype(np.int64), scene.model.window, 1e9 * scene.promise.step
    holes = time_holes(times, scene.promise.step, min(HOLE_STEPS, window))
    lengths = times[holes] - times[holes - 1]
    told = holes[lengths > HOLE_STEPS * step]
    return holes[lengths > window * step], [holes_note(times, told, window)] if told.size else []


def _pairs(mask: Booleans) -> tuple[tuple[int, int], ...]:
    """Return the first row of each run of true rows, and the row after its last."""
    starts, stops = runs(mask)
    return tuple(zip(starts.tolist(), stops.tolist(), strict=True))


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
