"""Whether there is drift in the rows asked about, and the exit code that says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import click

from fastdrift.cli.inputs import Scored
from fastdrift.cli.places import find_since
from fastdrift.cli.settings import DRIFTED, DriftSettings
from fastdrift.cli.terminal import tell
from fastdrift.errors import ModelError
from fastdrift.evaluation.lines import percent
from fastdrift.evaluation.metrics import Evaluation

if TYPE_CHECKING:
    from fastdrift.alarms.events import Event, Events

NO_PROMISE = "the model's file was written before there were alarms: fit it anew"


@dataclass(frozen=True)
class Drift:
    """Whether there is drift, and why; `drifted` is None if that cannot be known, `limit` if none was asked for."""

    flagged_share: float | None
    limit: float | None
    drifted: bool | None
    why: str | None

    def to_dict(self) -> dict[str, Any]:
        """Return it ready for `json.dumps`."""
        return asdict(self)


def find_drift(scored: Scored, evaluation: Evaluation, settings: DriftSettings) -> Drift:
    """Return whether an alarm is on or began in the rows asked about, or more rows are flagged than a share."""
    since = find_since(settings.since, settings.last, scored.data.frame.index)
    share, limit = evaluation.flagged_ratio, settings.drift_share
    why = None if scored.found is None else reason_to_stop(scored.found, since)
    if why is None and limit is not None and share is not None and share > limit:
        why = f"{percent(share)} of the scored rows are flagged, above {percent(limit)}"
    if why is None and scored.found is None and limit is None:
        if settings.fail_on_drift:
            raise ModelError(f"--fail-on-drift: {NO_PROMISE}, or give a --drift-share")
        return Drift(share, limit, None, None)
    return Drift(share, limit, why is not None, why)


def reason_to_stop(found: Events, since: int) -> str | None:
    """Return why the rows since one are not healthy in a line: the first alarm, or that none could be scored."""
    alarms = since_row(found.alarms, since)
    if alarms:
        more = f"; and {len(alarms) - 1} more" if len(alarms) > 1 else ""
        return f"{_told(alarms[0])}{more}"
    if not scored_rows(found, since):
        return f"none of the {found.n_rows - max(since, found.since):,} rows could be scored"
    return None


def since_row(events: Sequence[Event], since: int) -> tuple[Event, ...]:
    """Return the events that are on in the rows since one, or began there; a hole in the times lies before a row."""
    return tuple(event for event in events if event.still_on or event.stop > since or event.start >= since)


def scored_rows(found: Events, since: int) -> int:
    """Return how many of the rows since one have a score."""
    blind = sum(max(0, stop - max(start, since)) for start, stop in found.unscored)
    return found.n_rows - since - blind


def narrowed(found: Events, whole: Events, since: int) -> Events:
    """Return what was found in the rows since one, with the events as they are in the whole: with their true onsets."""
    return replace(found, events=since_row(whole.events, since))


def stop_if(why: str | None, *, asked: bool) -> None:
    """Exit with 3 if that is asked for and there is a reason."""
    if asked and why is not None:
        tell(f"drift: {why}")
        click.get_current_context().exit(DRIFTED)


def exit_on_drift(drift: Drift, settings: DriftSettings) -> None:
    """Exit with 3 if that is asked for and there is drift."""
    stop_if(drift.why, asked=settings.fail_on_drift)


def _told(event: Event) -> str:
    time = "" if event.onset_time is None else f" ({event.onset_time})"
    state = "still on" if event.still_on else f"over at row {event.stop:,}"
    return f"an alarm since row {event.onset:,}{time}, {state}: {event.why}"
