"""Cards: of the most important events, what happened, in which columns, how rare that is and what to do next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from fastdrift.alarms.events import MISSING, REMEDY, Event, Events
from fastdrift.alarms.judging import amount
from fastdrift.arrays import Floats
from fastdrift.detectors.model import Model
from fastdrift.evaluation.lines import counted
from fastdrift.kernels.layout import RELATIVE
from fastdrift.reports.lasting import lasting_columns
from fastdrift.reports.sketches import Sketch, View, sketch
from fastdrift.reports.subject import Subject
from fastdrift.reports.words import Clock, cut, listed, rarity, short
from fastdrift.scoring.parts import column_parts

# events that have a card, notices among them, and columns that are drawn of each
MOST_CARDS, MOST_NOTICES, MOST_SKETCHES = 20, 3, 4
# of missing data, those that have a card however many alarms of drift there are
LEAST_SILENCES = 3
# letters of the reason in a card's heading
MOST_HEADING = 240


class Card(NamedTuple):
    """An event, ready for the page."""

    number: int
    kind: str  # "alarm", "notice" or "missing"
    heading: str
    facts: tuple[tuple[str, str], ...]
    sketches: tuple[Sketch, ...]
    sketched: str  # what the sketches have in common
    steps: tuple[str, ...]
    commands: tuple[tuple[str, str], ...]  # what for, and the command


def choose(found: Events) -> list[int]:
    """Return the numbers of the events that get a card, the most important first.

    Those that are on come first, then alarms of drift by how high they peak, then missing data by its length; of
    notices, the few highest.
    """
    ranked = sorted(range(len(found)), key=lambda number: _importance(found[number]), reverse=True)
    notices = [number for number in ranked if not found[number].is_alarm][:MOST_NOTICES]
    silences = [number for number in ranked if found[number].kind == MISSING][:LEAST_SILENCES]
    kept = {*notices, *silences}
    others = [number for number in ranked if found[number].is_alarm and number not in kept]
    kept.update(others[: MOST_CARDS - len(kept)])
    return [number for number in ranked if number in kept]


def _importance(event: Event) -> tuple[bool, bool, bool, float, int]:
    peak = 0.0 if event.kind == MISSING else event.peak_score
    return event.is_alarm, event.still_on, event.kind != MISSING, peak, event.rows


def cards(subject: Subject, numbers: Sequence[int]) -> list[Card]:
    """Return the cards of events, in the order in which they are asked for."""
    at_peaks = _shares(subject, sorted(numbers))
    return [_card(subject, number, at_peaks.get(number)) for number in numbers]


def _shares(subject: Subject, numbers: Sequence[int]) -> dict[int, Floats]:
    """Return what every column adds to the score at the peak, which is where the reason is taken from, by event."""
    model, found = subject.model, subject.found
    peaks = {number: found[number].peak_row for number in numbers if found[number].peak_row >= 0}
    if model.pack_parts() is None or not peaks:
        return {}
    rows, places = np.unique(np.array(list(peaks.values()), np.int64), return_inverse=True)
    parts = column_parts(model, subject.table, subject.columns, rows, kind=RELATIVE, threads=subject.threads)
    return dict(zip(peaks, parts[places], strict=True))


def _card(subject: Subject, number: int, at_peak: Floats | None) -> Card:
    event, model = subject.found[number], subject.model
    lasting = lasting_columns(subject, number, MOST_SKETCHES // 2)
    places, sketched = _columns(subject, event)
    places = [*lasting, *(place for place in places if place not in lasting)][:MOST_SKETCHES]
    if lasting:
        sketched = "The columns that add most to the scores of the whole event, and to the peak"
    view = View.of(event, model.window, subject.table.n_rows)
    if view.stop < event.stop:
        sketched += f"; shown are its first {counted(view.stop - event.onset, 'row')}"
    drawn = [
        sketch(
            model,
            subject.table,
            int(subject.columns[place]),
            model.columns[place],
            event,
            _share(subject.lasting[number] if place in lasting else at_peak, place, is_lasting=place in lasting),
        )
        for place in places
    ]
    return Card(
        number=number,
        kind="missing" if event.kind == MISSING else event.level,
        heading=_heading(number, event),
        facts=tuple(_facts(subject, event)),
        sketches=tuple(drawn),
        sketched=sketched,
        steps=tuple(_steps(subject, event)),
        commands=tuple(_commands(event, explains=at_peak is not None)),
    )


def _share(shares: Floats | None, place: int, *, is_lasting: bool) -> str:
    """Return what a column adds to the scores of an event, or to its peak."""
    of = "scores" if is_lasting else "peak"
    return "" if shares is None else f"{100 * shares[place]:.0f} % of the {of}"


def _heading(number: int, event: Event) -> str:
    kind = "Missing data" if event.kind == MISSING else f"{event.level.capitalize()} of {event.kind}"
    return f"{kind}, event {number}: {cut(event.why, MOST_HEADING)}"


def _columns(subject: Subject, event: Event) -> tuple[list[int], str]:
    """Return the columns that are drawn, as the model's places: those that are the reason, or else lie furthest off."""
    model = subject.model
    if event.columns:
        places = {str(name): place for place, name in enumerate(model.columns)}
        drawn = [places[name] for name in event.columns if name in places][:MOST_SKETCHES]
        if event.kind == MISSING:
            return drawn, "The columns that are missing"
        return drawn, "The columns that add most to the score at its peak"
    if event.peak_row < 0:
        return [], ""
    return _furthest(subject, event.peak_row), "The columns whose mean lies furthest from the usual one at the peak"


def _furthest(subject: Subject, row: int) -> list[int]:
    model = subject.model
    assert model.rows is not None  # noqa: S101  # they come with the promise
    varying = np.flatnonzero(model.varies)
    window = subject.table.rows(row - model.window + 1, row + 1)[:, subject.columns[varying]]
    away = np.abs(np.asarray(window, np.float64).mean(axis=0) - model.rows.mean) / model.rows.spread
    return [int(place) for place in varying[np.argsort(-away, kind="stable")[:MOST_SKETCHES]]]


def _facts(subject: Subject, event: Event) -> list[tuple[str, str]]:
    clock, promise = subject.clock, subject.found.promise
    began, until = ("Most likely began", clock.when(event.onset, event.onset_time)), ("Until", _until(event, clock))
    if event.kind == MISSING:
        return [began, until]
    if event.is_alarm:
        row, name, level = event.alarm_row, "Alarm", promise.alarm_level
    else:
        row, name, level = event.start, "Notice", promise.notice_level
    delay = f", {counted(row - event.onset, 'row')} later" if row > event.onset else ""
    return [
        began,
        (f"{name} in", clock.when(row, None if clock.times is None else clock.times[row]) + delay),
        until,
        ("Peak", f"score {event.peak_score:.4g}; {name.lower()} level {level:.4g}"),
        ("How rare", f"such a peak comes {rarity(event, promise, clock)} when all is healthy"),
    ]


def _until(event: Event, clock: Clock) -> str:
    if event.still_on:
        return f"still on when the rows end, after {clock.length(event.stop - event.onset)}"
    if event.stop == event.start:
        return clock.when(event.onset, event.end_time)
    return f"{clock.when(event.stop - 1, event.end_time)}, {clock.length(event.stop - event.onset)} in all"


def _steps(subject: Subject, event: Event) -> list[str]:
    if event.kind == MISSING:
        return _steps_of_silence(event)
    if not event.is_alarm:
        promise, n_scored = subject.found.promise, subject.found.n_scored
        expected = amount(promise.notice_rate * n_scored)
        return [f"Nothing, unless it comes again: up to {expected} notices are to be expected in rows like these."]
    return _steps_of_drift(subject.model, event, subject.clock)


def _steps_of_silence(event: Event) -> list[str]:
    if event.start == event.stop:
        return [
            "Find out why no rows came: what sends them, the network, or what keeps them.",
            "Windows after the hole are scored as if it were not there; fastdrift prepare --freq makes a regular grid.",
        ]
    what = listed(event.columns) if event.columns else "values"
    return [
        f"Find out why {what} stopped coming: a sensor, an agent, or a name that has changed.",
        "Until they are back these rows have no score: drift in them would not be seen.",
    ]


def _steps_of_drift(model: Model, event: Event, clock: Clock) -> list[str]:
    began = clock.when(event.onset, event.onset_time)
    first = short(event.columns[0]) if event.columns else "the columns below"
    steps = [f"Look at {first} first, and at what changed about {began}: a deployment, a load, a part that fails."]
    if event.has_moved:
        steps.append(REMEDY)
    if model.warnings:
        steps.append("The model was fitted with warnings (see the model): weigh the alarm accordingly.")
    return steps


def _commands(event: Event, *, explains: bool) -> Iterator[tuple[str, str]]:
    if explains:
        yield "What every column adds", f"fastdrift explain MODEL DATA --rows {event.start}:{event.stop}"
    if event.has_moved:
        accept = "fastdrift accept MODEL DATA --rows A:B --baseline HEALTHY --reason WHY --output NEW_MODEL"
        yield "To accept rows A to B", accept
    elif event.is_alarm and event.kind != MISSING:
        yield "To leave it out next time, if it was planned", f"--ignore {event.onset}..{event.stop}"


def row_of(subject: Subject, number: int) -> tuple[str, ...]:
    """Return an event as a row of the table of all of them."""
    event, clock = subject.found[number], subject.clock
    since = clock.at(event.onset) if event.onset_time is None else clock.stamp(event.onset_time)
    if event.still_on:
        until = "still on"
    else:
        until = clock.at(event.stop - 1) if event.end_time is None else clock.stamp(event.end_time)
    what = "missing data" if event.kind == MISSING else f"{event.level}, {event.kind}"
    return str(number), what, since, until, cut(event.why), rarity(event, subject.found.promise, clock)
