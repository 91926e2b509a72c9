"""What lasts in persistent drift: the columns that add most to the scores of the whole event, not of its peak alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from fastdrift.alarms.events import PERSISTENT, Event
from fastdrift.alarms.reasons import LEAST_SHARE, Reason
from fastdrift.arrays import Floats, Integers
from fastdrift.kernels.layout import RELATIVE
from fastdrift.reports.subject import Subject
from fastdrift.scoring.parts import column_parts

# rows that an event is looked at in, evenly spread over those that are flagged
LOOKED_AT = 64
# usual spreads off which a column's mean is told
TOLD = 1.0


def with_lasting(subject: Subject, numbers: Sequence[int]) -> Subject:
    """Return the subject with what lasts in those of some events that persist.

    The reason of an event is that of its peak. On a service whose level had moved for good, a spike of an hour in
    another column was the peak of weeks, and the column that had moved was not named at all.
    """
    found = subject.found
    persistent = [number for number in numbers if found[number].kind == PERSISTENT]
    # events that were given may be of another model, by which none of their rows is flagged
    rows_of = {number: rows for number in persistent if (rows := _flagged_rows(subject, found[number])).size}
    if subject.model.pack_parts() is None or not rows_of:
        return subject
    told = subject._replace(lasting={number: _mean_shares(subject, rows) for number, rows in rows_of.items()})
    events = list(found)
    for number, rows in rows_of.items():
        events[number] = _renamed(told, found[number], number, rows)
    return told._replace(found=replace(found, events=tuple(events)))


def lasting_columns(subject: Subject, number: int, most: int) -> list[int]:
    """Return the places in the model of the columns that add most to a whole event, as far as that is known."""
    shares = subject.lasting.get(number)
    if shares is None:
        return []
    order = np.argsort(-shares, kind="stable")[:most]
    return [int(place) for rank, place in enumerate(order) if not rank or shares[place] >= LEAST_SHARE]


def _flagged_rows(subject: Subject, event: Event) -> Integers:
    flagged = event.start + np.flatnonzero(subject.scores[event.start : event.stop] > subject.model.threshold)
    rows: Integers = flagged[np.unique(np.linspace(0, flagged.size - 1, min(LOOKED_AT, flagged.size), dtype=np.int64))]
    return rows


def _mean_shares(subject: Subject, rows: Integers) -> Floats:
    shares = column_parts(subject.model, subject.table, subject.columns, rows, kind=RELATIVE, threads=subject.threads)
    means: Floats = shares.mean(axis=0)
    return means


def _renamed(subject: Subject, event: Event, number: int, rows: Integers) -> Event:
    """Return an event with the column that moved for most of it before what its peak shows, if that is another."""
    place, *_ = lasting_columns(subject, number, 1)
    name, moved = str(subject.model.columns[place]), _moved(subject, place, rows)
    if name in event.columns or not moved:
        return event
    return event._replace(reason=Reason((name, *event.columns), f"mostly {name} {moved}, at its peak {event.why}"))


def _moved(subject: Subject, place: int, rows: Integers) -> str:
    """Return how far a column is off on average, if it is far: of those that part ways none is."""
    model = subject.model
    if not model.varies[place]:
        return "moved from where it had always been"
    assert model.rows is not None  # noqa: S101  # they come with the promise
    values = [float(subject.table.rows(row, row + 1)[0, subject.columns[place]]) for row in rows.tolist()]
    varying = int(np.count_nonzero(model.varies[:place]))
    shift = (float(np.mean(values)) - model.rows.mean[varying]) / model.rows.spread[varying]
    text = f"{'up' if shift > 0 else 'down'} by {float(f'{abs(shift):.2g}'):,g} of its usual spreads"
    return text if abs(shift) > TOLD else ""
