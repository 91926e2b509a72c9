"""Results as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from rich import box
from rich.table import Table

from fastdrift.evaluation.lines import decimal
from fastdrift.evaluation.metrics import Evaluation
from fastdrift.prepare.report import Report

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


def evaluation_tables(evaluation: Evaluation) -> list[Table]:
    """Return tables of counts and, with labels, of metrics beside those that cost nothing, by rows and by incidents."""
    tables = [facts_table("Monitored rows", evaluation.lines())]
    if evaluation.labelled_rows is None:
        return tables
    rows = [(name, *map(decimal, metrics)) for name, *metrics in evaluation.comparison()]
    names = ("this score", "flag everything", "random score")
    tables.append(numbers_table("Against the labels, row by row", names, rows))
    if evaluation.event is not None:
        tables.append(facts_table("Against the labels, by incidents", evaluation.event.lines()))
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
