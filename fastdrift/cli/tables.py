"""Results as tables for a terminal."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal

from rich import box
from rich.table import Table

from fastdrift.alarms.events import MISSING
from fastdrift.evaluation.lines import UNDEFINED, decimal
from fastdrift.evaluation.metrics import Evaluation
from fastdrift.prepare.report import Report

if TYPE_CHECKING:
    import pandas as pd

    from fastdrift.alarms.events import Event

MAX_REASONS = 2
"""Reasons of an event that a table of them shows."""
MAX_CHANGES = 40
"""Changes that a table of them shows."""

Justify = Literal["left", "right"]


def facts_table(title: str, facts: Iterable[Sequence[str]]) -> Table:
    """Return a table of names and values."""
    table = Table(title=title, title_justify="left", show_header=False, box=box.SIMPLE)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts:
        table.add_row(name, value)
    return table


def numbers_table(title: str, names: Iterable[str], rows: Iterable[Sequence[str]]) -> Table:
    """Return a table of rows, each a name and a text for each of the columns, whose names are in its head."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE)
    table.add_column()
    for name in names:
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(*row)
    return table


def events_table(title: str, events: Sequence[tuple[int, Event]], known_rows: int, *, most: int) -> Table:
    """Return a table of numbered events, the latest if there are more than are shown.

    `known_rows` are those of the baseline: an event too rare for it comes less than once in ten times as many.
    """
    table = Table(title=title, title_justify="left", box=box.SIMPLE, padding=(0, 1, 0, 0))
    has_levels = len({event.level for _, event in events}) > 1
    table.add_column("#", justify="right")
    table.add_column("since", no_wrap=True)
    table.add_column("until", no_wrap=True)
    if has_levels:
        table.add_column("level", no_wrap=True)
    table.add_column("why", overflow="fold", ratio=1)
    table.add_column("once in", justify="right", no_wrap=True)
    left_out = max(0, len(events) - most)
    for place, event in events[left_out:]:
        ends = _since(event), _until(event)
        levels = [event.level] * has_levels
        table.add_row(str(place), *ends, *levels, _reason(event), _rarity(event, known_rows))
    if left_out:
        table.caption, table.caption_justify = f"  and {left_out:,} more before", "left"
    return table


def _since(event: Event) -> str:
    return _moment(event.onset, event.onset_time)


def _until(event: Event) -> str:
    if event.still_on:
        return "still on"
    return _moment(event.stop - 1, event.end_time)


def _moment(row: int, time: pd.Timestamp | None) -> str:
    """Return a time to the minute, with its offset if it has a zone; the row where there are no times."""
    return f"row {row:,}" if time is None else time.isoformat(sep=" ", timespec="minutes")


def _reason(event: Event) -> str:
    """Return the first reasons, and how many columns more there are."""
    reasons = event.why.split(", ")
    if event.kind == MISSING or len(reasons) <= MAX_REASONS:
        return event.why
    return f"{', '.join(reasons[:MAX_REASONS])}, and {len(reasons) - MAX_REASONS} more"


def _rarity(event: Event, known_rows: int) -> str:
    """Return in how many healthy rows such an event comes once, with two digits."""
    rows = event.once_in_rows
    if math.isnan(rows):
        return UNDEFINED
    return f">{_two_digits(10 * known_rows):,}" if math.isinf(rows) else f"{_two_digits(rows):,}"


def _two_digits(value: float) -> int:
    return int(float(f"{value:.1e}"))


def evaluation_tables(evaluation: Evaluation, *, by_runs: bool = True) -> list[Table]:
    """Return tables of counts and, with labels, of metrics beside those that cost nothing.

    By incidents too, with plain runs of flagged rows for events, unless better events are told elsewhere.
    """
    tables = [facts_table("Monitored rows", evaluation.lines())]
    if evaluation.labelled_rows is None:
        return tables
    rows = [(name, *map(decimal, metrics)) for name, *metrics in evaluation.comparison()]
    names = ("this score", "flag everything", "random score")
    tables.append(numbers_table("Against the labels, row by row", names, rows))
    if evaluation.event is not None and by_runs:
        tables.append(facts_table("Against the labels, by runs of flagged rows", evaluation.event.lines()))
    return tables


def changes_table(report: Report) -> Table:
    """Return a table of what was changed in a table, and where."""
    title = f"{report.rows_in:,} rows in, {report.rows_out:,} rows out"
    table = Table(title=title, title_justify="left", box=box.SIMPLE)
    for name in ("column", "change", "values", "first at", "which is"):
        justify: Justify = "right" if name == "values" else "left"
        table.add_column(name, justify=justify, no_wrap=name == "first at", overflow="fold")
    for change in report.changes[:MAX_CHANGES]:
        where = "(rows)" if change.column is None else str(change.column)
        value = "" if change.value is None else repr(change.value)
        table.add_row(where, change.what, f"{change.count:,}", str(change.first), value)
    if len(report.changes) > MAX_CHANGES:
        table.add_row(f"and {len(report.changes) - MAX_CHANGES} more")
    if not report.changes:
        table.add_row("nothing was changed")
    return table
