"""Data quality: how much of the rows could be judged, and which columns were missing, stuck or new."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fastdrift.arrays import Floats, Integers
from fastdrift.evaluation.lines import counted
from fastdrift.reports.subject import Subject
from fastdrift.reports.words import duration, figure, short

# columns with something to say that are listed
MOST_LISTED = 30


class Quality(NamedTuple):
    """What the rows are like, ready for the page."""

    facts: tuple[tuple[str, str], ...]
    columns: tuple[tuple[str, str], ...]
    n_more: int


class _Counts(NamedTuple):
    """Of every column of the model: values that are missing, the ends of the others, and those off the constant one."""

    missing: Integers
    low: Floats
    high: Floats
    moved: Integers


def quality(subject: Subject) -> Quality:
    """Return what the rows are like."""
    told = _columns_told(subject, _count(subject))
    return Quality(tuple(_facts(subject)), tuple(told[:MOST_LISTED]), max(0, len(told) - MOST_LISTED))


def _facts(subject: Subject) -> list[tuple[str, str]]:
    found, clock, n_rows = subject.found, subject.clock, subject.found.n_rows
    facts = [("Rows", f"{n_rows:,}, {counted(len(subject.model.columns), 'column')} of the model")]
    if clock.times is not None:
        seconds = float((clock.times[-1] - clock.times[0]) / np.timedelta64(1, "s"))
        facts.append(("Time", f"{clock.at(0)} to {clock.at(n_rows - 1)}, {duration(seconds)}"))
        facts.append(("Zone", "UTC, or none was given" if clock.zone is None else str(clock.zone)))
        if clock.step is not None:
            facts.append(("Usual step", duration(clock.step)))
    share = f" ({100 * found.n_scored / n_rows:.1f} %)"
    facts.append(("With a score", f"{found.n_scored:,}{share}"))
    if found.since:
        facts.append(("Not looked at", f"the first {counted(found.since, 'row')}, as asked"))
    if found.n_ignored:
        facts.append(("Left out", f"{counted(found.n_ignored, 'row')}, as asked"))
    return facts + [("Note", note) for note in found.notes]


def _count(subject: Subject) -> _Counts:
    """Count in pieces, so that no copy of a table is held."""
    model, columns = subject.model, subject.columns
    constant = np.flatnonzero(~model.varies)
    counts = _Counts(
        np.zeros(columns.size, np.int64),
        np.full(columns.size, np.inf),
        np.full(columns.size, -np.inf),
        np.zeros(columns.size, np.int64),
    )
    for _, rows in subject.table.chunks():
        values = np.asarray(rows[:, columns])
        is_finite = np.isfinite(values)
        counts.missing[:] += np.count_nonzero(~is_finite, axis=0)
        np.minimum(counts.low, np.where(is_finite, values, np.inf).min(axis=0), out=counts.low)
        np.maximum(counts.high, np.where(is_finite, values, -np.inf).max(axis=0), out=counts.high)
        off = is_finite[:, constant] & (values[:, constant] != model.constant_values)
        counts.moved[constant] += np.count_nonzero(off, axis=0)
    return counts


def _columns_told(subject: Subject, counts: _Counts) -> list[tuple[str, str]]:
    """Return the columns that have something to say, those that lack most first."""
    model, n_rows = subject.model, subject.found.n_rows
    told = []
    for place in np.argsort(-counts.missing, kind="stable").tolist():
        said = []
        if missing := int(counts.missing[place]):
            said.append(f"{counted(missing, 'value')} missing ({_percent(missing / n_rows)})")
        if counts.moved[place]:
            said.append(f"one value in the baseline, another in {counted(int(counts.moved[place]), 'row')} here")
        if model.varies[place] and counts.low[place] == counts.high[place]:
            said.append(f"one value all through, {figure(float(counts.low[place]))}, though it moved in the baseline")
        if said:
            told.append((short(model.columns[place]), "; ".join(said)))
    return told


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %" if share < 0.1 else f"{100 * share:.0f} %"
