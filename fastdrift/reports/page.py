"""The page: everything that a report says, in the order in which it says it, ready for the template."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Sequence
from typing import Any, NamedTuple

from fastdrift.alarms.events import MISSING, Events
from fastdrift.alarms.judging import amount, found_text, metric_rows, promise_text
from fastdrift.detectors.model import Model
from fastdrift.evaluation.lines import counted
from fastdrift.reports.cards import cards, choose, row_of
from fastdrift.reports.lasting import with_lasting
from fastdrift.reports.quality import quality
from fastdrift.reports.subject import Subject
from fastdrift.reports.timeline import timeline
from fastdrift.reports.words import cut

# events in the table of all of them
MOST_ROWS = 300
# steps to do next beside the answer: the first and, of what has moved for good, how it is accepted
MOST_STEPS = 2
# letters of a title
MOST_TITLE = 120
PACKAGES = ("numpy", "numba", "pandas")


class Stretch(NamedTuple):
    """A stretch of rows that a model was fitted on."""

    rows: str
    why: str


def page(subject: Subject, title: str, created: str) -> dict[str, Any]:
    """Return what the template needs."""
    chosen = choose(subject.found)
    subject = with_lasting(subject, chosen)
    found, judged = subject.found, subject.judged
    carded = cards(subject, chosen)
    listed = _listed(found, chosen)
    kind, status = verdict(found)
    return {
        "title": cut(title, MOST_TITLE),
        "created": created,
        "kind": kind,
        "status": status,
        "answer": cut(_without(status, found.answer())),
        "steps": carded[0].steps[:MOST_STEPS] if carded else (),
        "by_labels": "" if judged is None else found_text(judged),
        "promised": promise_text(found, judged) if found.n_scored else "",
        "timeline": timeline(subject, chosen),
        "cards": carded,
        "carded": {str(number) for number in chosen},
        "carded_told": _carded_told(found, chosen),
        # of one event the card says it all
        "rows": [row_of(subject, number) for number in listed] if len(listed) > 1 else [],
        "n_events": len(found),
        "n_scored": found.n_scored,
        "n_left_out": len(found) - len(listed),
        "metrics": () if judged is None or not judged.alarm.incidents else metric_rows(judged),
        "model": _joined(model_facts(subject.model)),
        "promise": _joined(promise_facts(found)),
        "history": history(subject),
        "quality": quality(subject),
        "versions": versions(),
    }


def verdict(found: Events) -> tuple[str, str]:
    """Return the kind of the answer, and the answer in two words."""
    if any(event.still_on for event in found.alarms):
        is_drift = any(event.still_on and event.kind != MISSING for event in found.alarms)
        return "alarm", "Drifting now" if is_drift else "Data missing now"
    if found.alarms:
        return "alarm", f"{counted(len(found.alarms), 'alarm')}, none on now"
    if not found.n_scored:
        return "missing", "Nothing could be scored"
    return ("notice", "No alarm") if found.notices else ("healthy", "No drift")


def _without(status: str, answer: str) -> str:
    """Return the answer without the words that stand above it already."""
    rest = answer.removeprefix(status).lstrip(" ,;:")
    return f"{rest[:1].upper()}{rest[1:]}"


def _carded_told(found: Events, chosen: Sequence[int]) -> str:
    """Return which of the events have a card."""
    if len(chosen) == len(found):
        many = ", the most important first" if len(found) > 1 else ""
        return f"{counted(len(found), 'event')}{many}, numbered as by fastdrift detect."
    alarms = sum(found[number].is_alarm for number in chosen)
    parts = [f"{alarms:,} of {counted(len(found.alarms), 'alarm')}"] if found.alarms else []
    parts.append(f"{len(chosen) - alarms:,} of {counted(len(found.notices), 'notice')}")
    return (
        f"The most important events, the first most: {' and '.join(parts)}. The table below has all in order of time."
    )


def _listed(found: Events, chosen: Sequence[int]) -> list[int]:
    """Return the numbers of the events in the table, in order of time: those with a card, alarms, the latest."""
    kept = set(chosen)
    for is_alarm in (True, False):
        latest = [number for number in reversed(range(len(found))) if found[number].is_alarm is is_alarm]
        kept.update([number for number in latest if number not in kept][: max(0, MOST_ROWS - len(kept))])
    return sorted(kept)


def model_facts(model: Model) -> list[tuple[str, str]]:
    """Return the model's own summary, less the promise, which is told apart."""
    return [(name, text) for name, text in model.lines() if name not in ("promise", "")]


def promise_facts(found: Events) -> list[tuple[str, str]]:
    """Return what is promised of events, and on what that rests."""
    promise = found.promise
    facts = [("promised", promise.text())]
    if short_of := promise.shortfall():
        facts.append(("why no more", short_of))
    facts += [
        ("in these rows", f"at most {amount(found.expected_false_alarms)} false alarms, {found.n_scored:,} are scored"),
        ("level of an alarm", f"{promise.alarm_level:.4g}"),
        ("level of a notice", f"{promise.notice_level:.4g}, which promises nothing"),
        ("rests on", f"{promise.clusters:,} clusters of flagged rows among {promise.rows:,} windows of the baseline"),
    ]
    return facts


def _joined(facts: Sequence[tuple[str, str]]) -> list[tuple[str, list[str]]]:
    """Return facts with the texts of one name together, each of a bounded length."""
    texts: dict[str, list[str]] = {}
    for name, text in facts:
        texts.setdefault(name.capitalize(), []).append(cut(text))
    return list(texts.items())


def history(subject: Subject) -> list[Stretch]:
    """Return the stretches that the model was fitted on, a line each."""
    model = subject.model
    if model.history:
        return [Stretch(one.extent(), one.why()) for one in model.history]
    return [Stretch(f"{model.baseline_rows:,} rows", "fitted as healthy")]


def versions() -> list[tuple[str, str]]:
    """Return the versions of what made the report."""
    import fastdrift

    found = [("fastdrift", fastdrift.__version__), ("Python", platform.python_version())]
    return found + [(name, importlib.metadata.version(name)) for name in PACKAGES]
