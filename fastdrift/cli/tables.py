"""Results as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from rich import box
from rich.table import Table

from fastdrift.evaluation.event_metrics import EventMetrics
from fastdrift.evaluation.metrics import Evaluation
from fastdrift.prepare.report import Report

# changes that a table shows, and those that are told beside other results
SHOWN, TOLD = 40, 8


def changes_table(report: Report) -> Table:
    title = f"{report.rows_in:,} rows in, {report.rows_out:,} rows out"
    table = Table(title=title, title_justify="left", box=box.SIMPLE)
    for name in ("column", "change", "values", "first at", "which is"):
        justify: Literal["left", "right"] = "right" if name == "values" else "left"
        table.add_column(name, justify=justify, no_wrap=name == "first at", overflow="fold")
    for change in report.changes[:SHOWN]:
        where = "(rows)" if change.column is None else str(change.column)
        value = "" if change.value is None else repr(change.value)
        table.add_row(where, change.what, f"{change.count:,}", str(change.first), value)
    if len(report.changes) > SHOWN:
        table.add_row(f"and {len(report.changes) - SHOWN} more")
    if not report.changes:
        table.add_row("nothing was changed")
    return table


def facts_table(title: str, facts: Iterable[Sequence[str]]) -> Table:
    """Return a table of names and values."""
    table = Table(title=title, title_justify="left", show_header=False, box=box.SIMPLE)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts:
        table.add_row(name, value)
    return table


def evaluation_tables(evaluation: Evaluation) -> list[Table]:
    """Return tables of counts and, with labels, of figures beside those that cost nothing."""
    facts = [
        ("rows", f"{evaluation.rows:,}"),
        ("without a score", f"{evaluation.unscored_rows:,}"),
        ("flagged", f"{evaluation.flagged_rows:,}, {percent(evaluation.flagged_ratio)} of those with a score"),
        ("nominal false alarms", percent(evaluation.false_alarm_rate)),
    ]
    if evaluation.labelled_rows is not None:
        facts.append(("flagged when healthy", percent(evaluation.healthy_flagged_ratio)))
        facts.append(("labelled as drift", f"{evaluation.labelled_rows:,}"))
    facts += [("note", note) for note in evaluation.notes]
    counts = facts_table("Monitored rows", facts)
    if evaluation.labelled_rows is None:
        return [counts]
    by_incident = [] if evaluation.event is None else [_incidents_table(evaluation.event)]
    return [counts, _figures_table(evaluation), *by_incident]


def _incidents_table(event: EventMetrics) -> Table:
    facts = [
        ("incidents found", f"{event.found} of {event.incidents}"),
        ("delay, rows", f"{number(event.median_delay)} (median), {number(event.max_delay)} (most)"),
        ("false events", f"{number(event.false_events)} of {event.events}"),
        ("per 10,000 rows", number(event.false_events_per_10k_rows)),
        ("per day", number(event.false_events_per_day)),
    ]
    return facts_table("Against the labels, by incidents", facts)


def number(figure: float | None) -> str:
    """Return a figure as text."""
    return "–" if figure is None else f"{figure:.4g}"


def _figures_table(evaluation: Evaluation) -> Table:
    share, flagged = evaluation.prevalence or 0.0, evaluation.flagged_ratio or 0.0
    random_f1 = 2 * share * flagged / (share + flagged) if share + flagged else None
    table = Table(title="Against the labels, row by row", title_justify="left", box=box.SIMPLE)
    table.add_column()
    for name in ("this score", "flag everything", "random score"):
        table.add_column(name, justify="right")
    for name, *figures in (
        ("precision", evaluation.precision, share, share),
        ("recall", evaluation.recall, 1.0, flagged),
        ("F1", evaluation.f1, evaluation.flag_all_f1, random_f1),
        ("ROC AUC", evaluation.roc_auc, 0.5, 0.5),
        ("average precision", evaluation.average_precision, share, share),
    ):
        table.add_row(name, *("–" if figure is None else f"{figure:.3f}" for figure in figures))
    return table


def percent(share: float | None) -> str:
    """Return a share as text."""
    return "–" if share is None else f"{100 * share:.2f} %"
