"""Which columns of a baseline are metrics."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np

from fastdrift.arrays import Rows
from fastdrift.errors import DataError
from fastdrift.tables.reader import Reader
from fastdrift.tables.roles import LABEL, UNITS, find_growing, is_label, time_unit, unit_of
from fastdrift.tables.table import Table, listed

# growing columns that a note names
SHOWN = 8


class Metrics(NamedTuple):
    """The columns of a baseline that a model is fitted on, whether it may hold others, and what is to be said."""

    table: Table
    among_others: bool
    notes: tuple[str, ...]


def choose_metrics(reader: Reader, columns: Sequence[Hashable] | None, time: Hashable | None = None) -> Metrics:
    """Return the columns that are listed; if none are listed, all but labels and times."""
    table = reader.table(columns, time=time)
    others = {} if columns is not None or not table.n_rows else _others_of_all(reader, time)
    if others:
        metrics = [name for name in table.names if name not in others]
        if not metrics:
            raise DataError(f"no column is left beside {listed(list(others))}: {'; '.join(others.values())}")
        table = reader.table(metrics, time=time)
    growing = growing_note(table)
    notes = (*others.values(), *([growing] if growing else []))
    return Metrics(table, bool(others) or columns is not None, notes)


def _others_of_all(reader: Reader, time: Hashable | None) -> dict[Hashable, str]:
    """Return the columns that hold labels or times in every stretch, and what is to be said of each in the first."""
    first, *rest = (
        dict(_others(one, one.table(time=time if one.named else None))) if one.n_rows else {} for one in reader.readers
    )
    return {name: told for name, told in first.items() if all(name in one for one in rest)}


def _others(reader: Reader, table: Table) -> Iterator[tuple[Hashable, str]]:
    """Yield the columns that hold labels or times, and what is to be said of each."""
    for name, value in zip(table.names, table.rows(0, 1)[0].tolist(), strict=True):
        if name != LABEL and unit_of(value) is None:
            continue
        values = reader.table([name]).rows(0, table.n_rows)[:, 0]
        keep = f"not as a metric (columns=[…, {name!r}] keeps it)"
        if is_label(name, values):
            yield name, f"column {name!r} holds 0 and 1 alone and is taken as labels, {keep}{_of_labelled(values)}"
        elif unit := time_unit(values, name):
            start, end = (datetime.fromtimestamp(time / UNITS[unit], UTC) for time in values[[0, -1]].tolist())
            span = f"{start:%Y-%m-%d %H:%M:%S} to {end:%Y-%m-%d %H:%M:%S} UTC"
            yield name, f"column {name!r} holds times in {unit}, {span}, and is taken as the time, {keep}"


def _of_labelled(labels: Rows) -> str:
    n_labelled = int(np.count_nonzero(labels))
    return f"; {n_labelled:,} rows are labelled as drift, and all are taken as healthy" if n_labelled else ""


def growing_note(table: Table) -> str:
    """Return what is to be said of columns that only ever grow or fall; nothing if there are none."""
    growing = find_growing(table)
    if not growing.columns.size:
        return ""
    told = [
        f"column {table.names[column]!r}" + (f" (but for {resets} resets)" if resets else "")
        for column, resets in zip(*growing, strict=True)
    ]
    more = f" and {len(told) - SHOWN} more" if len(told) > SHOWN else ""
    return (
        f"{', '.join(told[:SHOWN])}{more}: only ever growing or falling in the baseline, so that later rows lie beyond "
        f"all that it shows and are flagged; make increments of a counter (clean with counters=…, fastdrift prepare "
        f"--counter), and leave out what is no metric (--drop)"
    )
