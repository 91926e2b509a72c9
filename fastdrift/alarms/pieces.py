"""Rows of events, given to a kernel where they lie."""

from __future__ import annotations

import functools
from collections.abc import Callable

from fastdrift.arrays import Integers
from fastdrift.engine.threads import run_tasks, threads_for
from fastdrift.tables.columns import Laid
from fastdrift.tables.table import Table

# events that a thread takes at once
TOGETHER = 32

# what is done with rows as they lie, the absolute number of the first of them, and which of the events is meant
Work = Callable[[Laid, int, slice], None]


def each_piece(table: Table, firsts: Integers, stops: Integers, threads: int, work: Work) -> None:
    """Do work on the absolute rows `firsts` … `stops` - 1 of each event.

    Rows that lie in memory are given all at once, for many events; those that must be converted, or put together, event
    by event.
    """
    if table.lies:
        laid = table.laid(table.first_row, table.end_row)
        groups = [slice(place, place + TOGETHER) for place in range(0, firsts.size, TOGETHER)]
        tasks = [functools.partial(work, laid, table.first_row, group) for group in groups]
    else:
        ends = zip(firsts.tolist(), stops.tolist(), strict=True)
        tasks = [functools.partial(_read, table, *end, work, place) for place, end in enumerate(ends)]
    n_numbers = int((stops - firsts).sum()) * table.n_columns
    run_tasks(tasks, threads_for(n_numbers, threads))


def _read(table: Table, first: int, stop: int, work: Work, place: int) -> None:
    work(table.laid(first, stop), first, slice(place, place + 1))
