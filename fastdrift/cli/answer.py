"""The answer on a terminal: a table of the alarms, what was promised, and how right that was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastdrift.alarms.judging import Judged, amount, judge, metric_rows
from fastdrift.cli.inputs import Scored
from fastdrift.cli.tables import events_table, facts_table, numbers_table
from fastdrift.evaluation.lines import counted

if TYPE_CHECKING:
    from rich.table import Table

    from fastdrift.alarms.events import Events

SHOWN = 12
"""Events that are shown beside other results."""


def judge_events(scored: Scored) -> Judged | None:
    """Judge events against labels where there are both."""
    found, labels = scored.found, scored.data.labels
    return None if found is None or labels is None else judge(found, labels)


def events_document(scored: Scored, judged: Judged | None) -> dict[str, Any]:
    """Return the events and, with labels, their metrics, ready for JSON."""
    found = scored.found
    return {
        "events": None if found is None else found.to_dict(),
        "event_metrics": None if judged is None else judged.to_dict(),
    }


def answer_tables(found: Events, judged: Judged | None) -> list[Table]:
    """Return tables of the alarms, or of the notices where there is none, of the promise, and of events by labels."""
    tables = []
    shown = [(place, event) for place, event in enumerate(found) if event.is_alarm or not found.alarms]
    if shown:
        tables.append(events_table("Alarms" if found.alarms else "Notices", shown, found.promise.rows, most=SHOWN))
    tables.append(facts_table("Promised, and what came", _promise_facts(found, judged)))
    if judged is not None and judged.alarm.incidents:
        title = "Events against the labels (the promise is about alarms)"
        tables.append(numbers_table(title, ("alarms", "notices and alarms"), metric_rows(judged)))
    return tables


def _promise_facts(found: Events, judged: Judged | None) -> list[tuple[str, str]]:
    facts = [("promised", found.promise.text())]
    if short := found.promise.shortfall():
        facts.append(("", short))
    in_these = f"at most {amount(found.expected_false_alarms)} in the {found.n_scored:,} with a score"
    if judged is None:
        facts += [("in these rows", in_these), ("alarms", f"{len(found.alarms):,}, false and true")]
    else:
        healthy = f"{amount(found.promise.rate * judged.healthy_rows)} in the {judged.healthy_rows:,} healthy ones"
        facts.append(("in these rows", f"{in_these}, {healthy}"))
        facts.append(("came", _came(judged)))
    facts.append(("notices", f"{len(found.notices):,}, which promise nothing"))
    if found.n_ignored:
        facts.append(("left out", f"{found.n_ignored:,} rows"))
    return facts + [("note", note) for note in found.notes]


def _came(judged: Judged) -> str:
    silent = (judged.alarm.false_events or 0) - judged.false_drifts
    text = counted(judged.false_drifts, "false alarm")
    return f"{text}, and {silent} of missing data outside the incidents" if silent > 0 else text
