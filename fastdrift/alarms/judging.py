"""Events against labels: how many were right, and in sentences what was found and what was promised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from fastdrift.alarms.events import MISSING, Events
from fastdrift.arrays import Booleans
from fastdrift.evaluation.event_metrics import EventMetrics, event_metrics
from fastdrift.evaluation.events import runs
from fastdrift.evaluation.lines import counted, number, percent


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


def judge(found: Events, labels: Booleans) -> Judged:
    """Judge events against labels, each incident due for a window after its end."""
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


def answer_text(found: Events, judged: Judged | None) -> str:
    """Return what was found in sentences: against the labels and the promise, and what there is now."""
    promise = promise_text(found, judged) if found.n_scored else ""
    now = (found.answer(), found.remedy())
    lines = (*now, promise) if judged is None else (found_text(judged), promise, *now)
    return "\n".join(filter(None, lines))


def found_text(judged: Judged) -> str:
    """Return in sentences how many of the labelled incidents were found."""
    metrics, told = judged.alarm, judged.by_silence
    if not metrics.incidents:
        return "No incident is labelled in these rows."
    silence = f" ({told} of them as missing data)" if told else ""
    delay = (
        f", {'after' if metrics.found == 1 else 'half of them within'} {counted(round(metrics.median_delay), 'row')}"
        if metrics.median_delay is not None
        else ""
    )
    text = f"{metrics.found} of {counted(metrics.incidents, 'labelled incident')} found{silence}{delay}."
    if metrics.already:
        text += f" {metrics.already} more began while an alarm was on already."
    noticed = (judged.notice.found or 0) - (metrics.found or 0)
    return text + (f" {noticed} more raised a notice, no alarm." if metrics.missed and noticed > 0 else "")


def promise_text(found: Events, judged: Judged | None) -> str:
    """Return in a sentence how many false alarms were promised at most, and came."""
    most = amount(found.expected_false_alarms)
    rows = f"{found.n_scored:,} rows with a score"
    if judged is None:
        return f"False alarms: at most {most} promised in {rows}."
    more = "" if judged.false_drifts <= found.expected_false_alarms else ", more than promised"
    return f"False alarms: at most {most} promised in {rows}, {judged.false_drifts} came{more}."


def metric_rows(judged: Judged) -> list[Sequence[str]]:
    """Return a table's rows of metrics: a name, the alarms', and those of notices and alarms."""
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


def amount(value: float) -> str:
    """Return how many of something are to be expected."""
    if value >= 10:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 1 else f"{value:.2g}"
