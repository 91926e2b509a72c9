"""The answer: what was found, in sentences, then its alarms, what was promised, and how right that was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fastdrift.alarms.events import MISSING
from fastdrift.cli.inputs import Scored
from fastdrift.cli.tables import events_table, facts_table, numbers_table
from fastdrift.evaluation.event_metrics import EventMetrics, event_metrics
from fastdrift.evaluation.events import runs
from fastdrift.evaluation.lines import counted, number, percent

if TYPE_CHECKING:
    from rich.table import Table

    from fastdrift.alarms.events import Events

SHOWN = 12
"""Events that are shown beside other results."""


class Judged(NamedTuple):
    """Events against labels, alarms alone and notices with them."""

    alarm: EventMetrics
    notice: EventMetrics
    by_silence: int
    """Incidents found by an alarm of missing data."""
    false_drifts: int
    """False alarms of drift: those that the promise is about."""
    healthy_rows: int
    """Healthy rows that have a score."""

    def to_dict(self) -> dict[str, Any]:
        """Return the metrics of both levels, ready for JSON."""
        return {"alarm": self.alarm.to_dict(), "notice": self.notice.to_dict(), "false_drift_alarms": self.false_drifts}


def judge_events(scored: Scored) -> Judged | None:
    """Judge events against labels where there are both, each incident due for a window after its end."""
    found, labels = scored.found, scored.data.labels
    if found is None or labels is None:
        return None
    truth = labels & (np.arange(labels.size) >= found.since)
    tolerance = found.window - 1
    drifts = replace(found, events=tuple(event for event in found if event.kind != MISSING))
    of_alarms, of_notices, of_drifts = (
        event_metrics(events, truth, tolerance=tolerance)
        for events in (found.as_runs("alarm"), found.as_runs("notice"), drifts.as_runs("alarm"))
    )
    begins = [start + delay for start, delay in zip(runs(truth)[0], of_alarms.delays, strict=True) if delay is not None]
    silences = {event.alarm_row for event in found.alarms if event.kind == MISSING}
    others = {event.alarm_row for event in found.alarms if event.kind != MISSING}
    return Judged(
        of_alarms,
        of_notices,
        sum(row in silences and row not in others for row in begins),
        of_drifts.false_events or 0,
        int(np.count_nonzero(found.as_runs().is_scored & ~truth)),
    )


def events_document(scored: Scored, judged: Judged | None) -> dict[str, Any]:
    """Return the events and, with labels, their metrics, ready for JSON."""
    found = scored.found
    return {
        "events": None if found is None else found.to_dict(),
        "event_metrics": None if judged is None else judged.to_dict(),
    }


def answer_text(found: Events, judged: Judged | None) -> str:
    """Return what was found in sentences: against the labels and the promise, and what there is now."""
    promise = [_promise_text(found, judged)] if found.n_scored else []
    if judged is None:
        return "\n".join([found.answer(), *promise])
    return "\n".join([_found_text(judged), *promise, found.answer()])


def answer_tables(found: Events, judged: Judged | None) -> list[Table]:
    """Return tables of the alarms, or of the notices where there is none, of the promise, and of events by labels."""
    tables = []
    shown = [(place, event) for place, event in enumerate(found) if event.is_alarm or not found.alarms]
    if shown:
        tables.append(events_table("Alarms" if found.alarms else "Notices", shown, found.promise.rows, most=SHOWN))
    tables.append(facts_table("Promised, and what came", _promise_facts(found, judged)))
    if judged is not None and judged.alarm.incidents:
        title = "Events against the labels (the promise is about alarms)"
        tables.append(numbers_table(title, ("alarms", "notices and alarms"), _metric_rows(judged)))
    return tables


def _found_text(judged: Judged) -> str:
    metrics, told = judged.alarm, judged.by_silence
    if not metrics.incidents:
        return "No incident is labelled in these rows."
    silence = f" ({told} of them as missing data)" if told else ""
    delay = f", half of them within {metrics.median_delay:.0f} rows" if metrics.median_delay is not None else ""
    text = f"{metrics.found} of {counted(metrics.incidents, 'labelled incident')} found{silence}{delay}."
    if metrics.already:
        text += f" {metrics.already} more began while an alarm was on already."
    noticed = (judged.notice.found or 0) - (metrics.found or 0)
    return text + (f" {noticed} more raised a notice, no alarm." if metrics.missed and noticed > 0 else "")


def _promise_text(found: Events, judged: Judged | None) -> str:
    most = _amount(found.expected_false_alarms)
    rows = f"{found.n_scored:,} rows with a score"
    if judged is None:
        return f"False alarms: at most {most} promised in {rows}."
    more = "" if judged.false_drifts <= found.expected_false_alarms else ", more than promised"
    return f"False alarms: at most {most} promised in {rows}, {judged.false_drifts} came{more}."


def _promise_facts(found: Events, judged: Judged | None) -> list[tuple[str, str]]:
    facts = [("promised", found.promise.text())]
    if short := found.promise.shortfall():
        facts.append(("", short))
    in_these = f"at most {_amount(found.expected_false_alarms)} in the {found.n_scored:,} with a score"
    if judged is None:
        facts += [("in these rows", in_these), ("alarms", f"{len(found.alarms):,}, false and true")]
    else:
        healthy = f"{_amount(found.promise.rate * judged.healthy_rows)} in the {judged.healthy_rows:,} healthy ones"
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


def _metric_rows(judged: Judged) -> list[Sequence[str]]:
    both = (judged.alarm, judged.notice)
    return [
        ("events", *(f"{one.events:,}" for one in both)),
        ("incidents", *(f"{one.incidents:,}" for one in both)),
        ("  found", *(f"{one.found:,}" for one in both)),
        ("  already in one", *(f"{one.already:,}" for one in both)),
        ("  missed", *(f"{one.missed:,}" for one in both)),
        ("median delay, rows", *(number(one.median_delay) for one in both)),
        ("false events", *(f"{one.false_events:,}" for one in both)),
        ("  per 10,000 healthy rows", *(number(one.false_events_per_10k_rows) for one in both)),
        ("  per day", *(number(one.false_events_per_day) for one in both)),
        ("healthy rows in events", *(percent(one.healthy_share) for one in both)),
    ]


def _amount(value: float) -> str:
    return f"{value:.1f}" if value >= 1 else f"{value:.2g}"
