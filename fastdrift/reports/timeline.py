"""The timeline: scores beside the levels, and lanes of what was found, missing, left out and labelled."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from fastdrift.alarms.events import MISSING, Event
from fastdrift.arrays import Booleans
from fastdrift.evaluation.events import runs
from fastdrift.evaluation.lines import counted
from fastdrift.plots.axes import score_limits
from fastdrift.reports.shapes import WIDTH, Axis, bars, extremes, heights, line
from fastdrift.reports.subject import Subject
from fastdrift.reports.words import figure

# ticks below the timeline, and the least distance of the numbers of events above it, in percent of its width
TICKS, APART = 5, 7.0

Stretches = list[tuple[int, int]]


class Level(NamedTuple):
    """A line across the scores."""

    name: str
    kind: str
    y: float


class Lane(NamedTuple):
    """A lane of bars below the scores: paths by the kind of what they mean."""

    name: str
    shapes: tuple[tuple[str, str], ...]
    alt: str


class Mark(NamedTuple):
    """The number of an event that has a card, above the scores: a link to the card."""

    number: int
    kind: str
    left: float  # in percent


class Timeline(NamedTuple):
    """The timeline, ready for the page."""

    scores: str
    levels: tuple[Level, ...]
    shades: str  # where scores were not looked at
    alt: str
    lanes: tuple[Lane, ...]
    marks: tuple[Mark, ...]
    ticks: tuple[str, ...]


def timeline(subject: Subject, carded: Iterable[int]) -> Timeline:
    """Draw the timeline; `carded` are the numbers of events that have a card, the most important first."""
    model, found, clock = subject.model, subject.found, subject.clock
    promise = found.promise
    positions = np.arange(found.n_rows) if clock.times is None else clock.times.view(np.int64)
    axis = Axis(positions)
    x, low, high = extremes(subject.scores, axis)
    levels = {"alarm": promise.alarm_level, "notice": promise.notice_level, "row threshold": model.threshold}
    ends = np.array(list(levels.values()))
    limits = score_limits(np.append(low, ends), np.append(high, ends), model.threshold)
    # a detector of somebody else's may score below 0: what a log axis can't show lies at its edge
    lows, highs, drawn = (heights(np.log(values.clip(*limits)), *np.log(limits)) for values in (low, high, ends))
    aside = _left_out(subject)
    return Timeline(
        scores=line(x, lows, highs),
        levels=tuple(
            Level(f"{name} {figure(value)}", name.rpartition(" ")[2], round(y, 1))
            for (name, value), y in zip(levels.items(), drawn.tolist(), strict=True)
        ),
        shades=bars(axis.cover(aside)),
        alt=_scores_told(subject),
        lanes=tuple(_lanes(subject, axis, aside)),
        marks=tuple(_marks(subject, axis, carded)),
        ticks=tuple(clock.at(row) for row in _tick_rows(axis, found.n_rows)),
    )


def _left_out(subject: Subject) -> Stretches:
    found = subject.found
    return [*([(0, found.since)] if found.since else []), *found.ignored]


def _scores_told(subject: Subject) -> str:
    scores, model = subject.scores, subject.model
    finite = scores[np.isfinite(scores)]
    if not finite.size:
        return "Scores over time: there are none"
    flagged = np.count_nonzero(finite > model.threshold) / finite.size
    return (
        f"Scores over time, on a log axis: from {figure(float(finite.min()))} to {figure(float(finite.max()))}, "
        f"{100 * flagged:.1f} % of them above the row threshold"
    )


def _lanes(subject: Subject, axis: Axis, aside: Stretches) -> Iterable[Lane]:
    found = subject.found
    drifts = [event for event in found.alarms if event.kind != MISSING]
    silences = [event for event in found if event.kind == MISSING]
    pale = axis.cover((event.onset, event.alarm_row) for event in drifts)
    alarms = axis.cover((event.alarm_row, event.stop) for event in drifts)
    yield _lane("alarms of drift", len(drifts), {"onset": pale & ~alarms, "alarm": alarms}, "pale from the onset on")
    notices = axis.cover((event.start, event.stop) for event in found.notices)
    yield _lane("notices", len(found.notices), {"notice": notices})
    blind = _unscored(subject, aside)
    missing = axis.cover([*map(_silent_rows, silences), *blind])
    yield _lane("missing data", len(silences), {"missing": missing}, "rows without a score among it")
    if aside:
        yield _lane("left out", len(aside), {"aside": axis.cover(aside)}, "as asked")
    if subject.labels is not None:
        starts, stops = runs(subject.labels)
        ends = list(zip(starts.tolist(), stops.tolist(), strict=True))
        yield _lane("labelled", len(ends), {"labelled": axis.cover(ends)})


def _silent_rows(event: Event) -> tuple[int, int]:
    """Return the rows of missing data, of a hole in the times those at its ends."""
    return (event.onset, event.stop) if event.stop > event.start else (event.onset - 1, event.onset + 1)


def _unscored(subject: Subject, aside: Stretches) -> Stretches:
    """Return the stretches without a score that are not without one as asked, or at the beginning of the rows."""
    window, n_rows = subject.model.window, subject.found.n_rows
    unscored = ~np.isfinite(subject.scores)
    unscored[: window - 1] = False
    for start, stop in aside:
        unscored[start : min(n_rows, stop + window - 1)] = False
    starts, stops = runs(unscored)
    return list(zip(starts.tolist(), stops.tolist(), strict=True))


def _lane(name: str, count: int, shapes: dict[str, Booleans], more: str = "") -> Lane:
    shown = tuple((kind, bars(covered)) for kind, covered in shapes.items() if covered.any())
    share = 100 * np.logical_or.reduce(list(shapes.values())).mean()
    told = f"{name}: {counted(count, 'stretch') if count == 1 else f'{count:,} stretches'}, {share:.1f} % of the width"
    if not shown:
        return Lane(name, (), f"{name}: none")
    return Lane(f"{name} ({count:,})" if count else name, shown, f"{told}{', ' if more else ''}{more}")


def _marks(subject: Subject, axis: Axis, carded: Iterable[int]) -> list[Mark]:
    """Return marks of the events that have a card, less those that would cover a more important one."""
    marks: list[Mark] = []
    for number in carded:
        event = subject.found[number]
        place = float(axis.x(np.array([min(event.onset, subject.found.n_rows - 1)]))[0]) * 100 / WIDTH
        if all(abs(place - other.left) >= APART for other in marks):
            marks.append(Mark(number, "missing" if event.kind == MISSING else event.level, round(place, 1)))
    return sorted(marks, key=lambda mark: mark.left)


def _tick_rows(axis: Axis, n_rows: int) -> list[int]:
    """Return rows at even places of the axis."""
    ends = np.linspace(axis.positions[0], axis.positions[-1], min(TICKS, n_rows)).astype(np.int64)
    return [min(n_rows - 1, int(row)) for row in np.searchsorted(axis.positions, ends)]
