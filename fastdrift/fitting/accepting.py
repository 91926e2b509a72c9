"""accept: a new normal, fitted on what was healthy before and on rows that are healthy now."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from fastdrift.alarms.tail import USUAL_RATE
from fastdrift.detectors.blend import members_of
from fastdrift.detectors.estimator import EstimatorModel
from fastdrift.detectors.history import checksum
from fastdrift.detectors.model import Model
from fastdrift.errors import DataError
from fastdrift.fitting.baseline import fit
from fastdrift.tables.convert import match_columns, reader_of
from fastdrift.tables.overlap import row_in_both
from fastdrift.tables.stretches import stretches_of
from fastdrift.tables.table import Table

# spreads that a column's mean must lie from that of the baseline to be told as one that moved
MOVED = 1.0


class ColumnMove(NamedTuple):
    """A column of accepted rows: its mean in the baseline and in them, and how many spreads apart these are."""

    name: Hashable
    before: float
    after: float
    spreads: float


def accept(
    model: Model,
    baseline: Any,
    accepted: Any,
    *,
    reason: str,
    created: str | None = None,
    time: Hashable | None = None,
    seed: int = 0,
    threads: int | None = None,
) -> Model:
    """Fit a model anew on the rows it was fitted on and on others that are healthy too: a new normal.

    Nothing is ever accepted by itself: real drift would be.

    Parameters
    ----------
    model : Model
        What it was asked for (windows, rates, shrinkage, columns, detector) is asked for again.
    baseline : table or list of tables
        The rows that it was fitted on, stretch by stretch.
    accepted : table
        Rows that are healthy though they drifted away from the baseline, one stretch.
    reason : str
        Why they are healthy, for the new model's `history`.
    created : str, optional
        When they were accepted.
    time : str, optional
        Name of the frames' column of times.
    seed : int, default 0
        As given to `fit`.
    threads : int, optional
        Threads to use; by default what the machine and the container allow.

    Returns
    -------
    Model
        The model of all stretches; `model` is as it was.

    Raises
    ------
    DataError
        If the baseline is another than the model's, or holds some of the accepted rows.

    Examples
    --------
    >>> import fastdrift as fd
    >>> frame = fd.generate(24_000, seed=1, drifts=()).frame
    >>> healthy, moved = frame[:20_000], frame[20_000:] + frame.std() * 3  # a release that moved every level
    >>> model = fd.fit(healthy)
    >>> accepted = fd.accept(model, healthy, moved[:2_000], reason="release 2")
    >>> [stretch.rows for stretch in accepted.history]
    [20000, 2000]
    """
    if isinstance(model, EstimatorModel):
        raise DataError("a model with a detector that is an object is not fitted anew: fit([baseline, accepted], …)")
    stretches = stretches_of(baseline)
    tables = [model_table(model, one, time) for one in stretches]
    _check_baseline(model, tables)
    _check_new(model, tables, model_table(model, accepted, time))
    asked = None if model.promise is None or model.promise.asked == USUAL_RATE else model.promise.asked
    new = fit(
        [*stretches, accepted],
        window=model.windows if len(model.windows) > 1 else model.window,
        false_alarm_rate=model.false_alarm_rate,
        false_event_rate=asked,
        threshold=model.threshold_rule,  # type: ignore[arg-type]  # it is one of them
        shrinkage=_shrinkage(model),
        columns=list(model.columns) if model.allow_extra else None,
        detector=model.detector,  # type: ignore[arg-type]  # it is no object
        seed=seed,
        time=time,
        threads=threads,
    )
    *old, last = new.history
    known = model.history or [replace(one, created=None, reason=None) for one in old]
    kept = [replace(one, created=was.created, reason=was.reason) for one, was in zip(old, known, strict=True)]
    return replace(new, history=(*kept, replace(last, created=created, reason=reason)))


def model_table(model: Model, data: Any, time: Hashable | None = None) -> Table:
    """Return the columns of a model from a table, in the model's order."""
    reader = reader_of(data)
    own_time = time if reader.named else None
    table, places = match_columns(
        model.columns, reader, named=model.named, allow_extra=model.allow_extra, time=own_time
    )
    return reader.table([table.names[place] for place in places], time=own_time)


def moved_columns(model: Model, accepted: Table) -> list[ColumnMove]:
    """Return the columns whose mean in accepted rows lies far from that of the baseline, the furthest first."""
    moves = []
    rows = accepted.rows(0, accepted.n_rows)
    constant = dict(zip(model.constant_columns, model.constant_values.tolist(), strict=True))
    varying = {name: place for place, name in enumerate(model.varying_columns)}
    for place, name in enumerate(model.columns):
        values = rows[:, place].astype(np.float64)
        values = values[np.isfinite(values)]
        if not values.size:
            continue
        after = float(values.mean())
        if name in constant:
            moves += [] if (values == constant[name]).all() else [ColumnMove(name, constant[name], after, np.inf)]
        elif model.rows is not None:
            mean, spread = (float(array[varying[name]]) for array in (model.rows.mean, model.rows.spread))
            if abs(after - mean) > MOVED * spread:
                moves.append(ColumnMove(name, mean, after, abs(after - mean) / spread))
    return sorted(moves, key=lambda move: -move.spreads)


def _shrinkage(model: Model) -> Any:
    member = members_of(model)[-1]
    rule = getattr(member, "shrinkage_rule", "ledoit-wolf")
    return getattr(member, "shrinkage", 0.0) if rule == "fixed" else rule


def _check_baseline(model: Model, tables: list[Table]) -> None:
    """Raise DataError if tables are not what a model was fitted on, as far as it knows."""
    counts = [stretch.rows for stretch in model.history] or [model.baseline_rows]
    given = [table.n_rows for table in tables]
    if given != counts:
        raise DataError(
            f"the model was fitted on {_told(counts)} rows, and the baseline given has {_told(given)}: give the rows "
            f"it was fitted on, stretch by stretch"
        )
    for number, (stretch, table) in enumerate(zip(model.history, tables, strict=False), 1):
        if stretch.checksum != checksum(table):
            raise DataError(f"stretch {number} of the baseline holds other numbers than the model was fitted on")


def _told(counts: list[int]) -> str:
    return " + ".join(map(str, counts))


def _check_new(model: Model, tables: list[Table], accepted: Table) -> None:
    """Raise DataError if rows to accept are in the model already."""
    for number, table in enumerate(tables, 1):
        row: tuple[int, int] | None = row_in_both(accepted, table, model.windows[0])
        if row is not None:
            raise DataError(
                f"row {row[0]} of the rows to accept is row {row[1]} of stretch {number} of the baseline: it is in the "
                f"model already; accept other rows"
            )
