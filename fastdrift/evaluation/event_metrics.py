"""event_metrics: events against labelled incidents, found or missed, how late, and how many for nothing."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from fastdrift.evaluation.checks import check_labels, check_whole
from fastdrift.evaluation.events import Events, runs
from fastdrift.evaluation.lines import line, number

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from fastdrift.arrays import Booleans, Integers


# A row lasts until the next one, but no longer than so many usual steps: then nothing was measured.
LONGEST_STEP = 10

_NO_TIMES = "the rows have no timestamps: delays are in rows alone, and there is no rate a day"
_NONE_FOUND = "no incident was found, so there is no delay"


@dataclass(frozen=True, repr=False)
class EventMetrics:
    """Hold the metrics of events against labelled incidents; those that cannot be given are None.

    Attributes
    ----------
    events : int
        Events that were judged.
    incidents, found, missed : int or None
        Runs of labelled rows, and those with and without an event. One in rows without scores is missed.
    false_events : int or None
        Events that no incident accounts for.
    tolerance : int
        Rows after an incident in which an event is still due to it.
    delays : tuple of (int or None), one an incident
        Rows from the incident's first to the event's first in it; None where it was missed.
    median_delay, max_delay : float, int or None
        Over the incidents found, in rows.
    median_delay_time, max_delay_time : pandas.Timedelta or None
        The same in time.
    false_events_per_10k_rows, false_events_per_day : float or None
        False events for so many healthy rows with a score, and for a day of them.
    notes : tuple of str
        Why a metric is missing.
    """

    events: int
    tolerance: int
    incidents: int | None = None
    found: int | None = None
    missed: int | None = None
    false_events: int | None = None
    delays: tuple[int | None, ...] = ()
    median_delay: float | None = None
    max_delay: int | None = None
    median_delay_time: pd.Timedelta | None = None
    max_delay_time: pd.Timedelta | None = None
    false_events_per_10k_rows: float | None = None
    false_events_per_day: float | None = None
    notes: tuple[str, ...] = ()

    def lines(self) -> list[tuple[str, str]]:
        """Return the metrics against incidents in short: pairs of a name and a text."""
        return [
            ("incidents found", f"{self.found} of {self.incidents}"),
            ("delay, rows", f"{number(self.median_delay)} (median), {number(self.max_delay)} (most)"),
            ("false events", f"{number(self.false_events)} of {self.events}"),
            ("per 10,000 rows", number(self.false_events_per_10k_rows)),
            ("per day", number(self.false_events_per_day)),
        ]

    def summary(self) -> str:
        """Return the metrics as lines of text."""
        lines = [line("events", f"{self.events:,}")]
        if self.incidents is not None:
            lines += self._incident_lines()
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes)])

    def to_dict(self) -> dict[str, Any]:
        """Return the metrics by name, ready for `json.dumps`; a `…_time` is in seconds and named `…_seconds`."""
        metrics: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}
        for name in ("median_delay", "max_delay"):
            time = metrics.pop(f"{name}_time")
            metrics[f"{name}_seconds"] = None if time is None else time.total_seconds()
        return metrics | {"delays": list(self.delays), "notes": list(self.notes)}

    def _incident_lines(self) -> list[str]:
        lines = [
            line("incidents", f"{self.incidents:,}"),
            line("  found", f"{self.found:,}"),
            line("  missed", f"{self.missed:,}"),
            line("median delay", _rows(self.median_delay), _time(self.median_delay_time)),
            line("longest delay", _rows(self.max_delay), _time(self.max_delay_time)),
            line("false events", f"{self.false_events:,}"),
            line("  per 10,000 rows", _rate(self.false_events_per_10k_rows)),
        ]
        per_day = self.false_events_per_day
        return lines if per_day is None else [*lines, line("  per day", _rate(per_day))]

    __repr__ = summary


def event_metrics(events: Events, labels: npt.ArrayLike | None, *, tolerance: int = 0) -> EventMetrics:
    """Judge events against labelled incidents: found or missed, how late, and how many for nothing.

    An incident is a run of labelled rows. It is found when an event overlaps it, or the `tolerance` rows after it that
    lie before the next one. An event that overlaps no incident so extended is false.

    Parameters
    ----------
    events : Events
        What `events` returned.
    labels : array_like of bool or 0/1, shape (n_rows,), or None
        True where the system had drifted. All 0 makes every event false; None leaves all but their number open.
    tolerance : int, default 0
        Rows after an incident's end in which an event is still due to it. A score looks back over its window, so
        ``model.window - 1`` is the most that scores aligned with their window's end can need.

    Returns
    -------
    EventMetrics
        Counts, delays in rows and, if the events have times, in time, and rates of false events.

    Raises
    ------
    DataError
        When labels are of another length or not 0/1, or the tolerance is negative.

    Notes
    -----
    An event that begins before an incident and lasts into it finds it with a delay of 0, so flagging everything finds
    every incident at once and nothing is false: read the share of healthy rows flagged beside these metrics. A row
    lasts until the next one, at most ten usual steps: a day in which nothing was measured is no quiet day.

    Examples
    --------
    >>> import fastdrift as fd
    >>> from fastdrift.evaluation.events import events
    >>> found = events([1.0, 9.0, 1.0, 1.0, 1.0, 9.0, 9.0, 9.0], 5.0)
    >>> event_metrics(found, [0, 0, 0, 0, 1, 1, 1, 0])
    events                           2
    incidents                        1
      found                          1
      missed                         0
    median delay                 1 row           -
    longest delay                1 row           -
    false events                     1
      per 10,000 rows         2,000.00
    note: the rows have no timestamps: delays are in rows alone, and there is no rate a day
    """
    check_whole("tolerance", tolerance, 0)
    notes = [] if events.index is not None else [_NO_TIMES]
    if labels is None:
        return EventMetrics(len(events), tolerance, notes=tuple(notes))
    truth = check_labels(labels, events.n_rows)
    starts, stops = runs(truth)
    # a neighbour's alarms are no late success
    reach = np.minimum(stops + tolerance, np.append(starts[1:], events.n_rows))
    is_found, alarms = _first_alarms(events, starts, reach)
    n_scored = np.append(0, np.cumsum(events.is_scored))
    n_blind = np.count_nonzero(n_scored[reach] == n_scored[starts])
    if n_blind:
        notes.append(f"{n_blind} of the missed incidents lie in rows without a score")
    if starts.size and not is_found.any():
        notes.append(_NONE_FOUND)
    return EventMetrics(
        events=len(events),
        tolerance=tolerance,
        incidents=len(starts),
        found=int(is_found.sum()),
        missed=int((~is_found).sum()),
        delays=tuple(int(d) if found else None for d, found in zip(alarms - starts, is_found, strict=True)),
        notes=tuple(notes),
        **_delay_metrics(events.index, starts[is_found], alarms[is_found]),
        **_false_metrics(events, len(events) - _count_due(events, starts, reach), events.is_scored & ~truth),
    )


def _first_alarms(events: Events, starts: Integers, reach: Integers) -> tuple[Booleans, Integers]:
    """Return which incidents have an event, and the first row of it that is in the incident."""
    first = np.searchsorted(events.stops, starts, side="right")  # the first event that ends after the start
    begin = np.append(events.starts, events.n_rows)[first]
    return begin < reach, np.maximum(begin, starts)


def _count_due(events: Events, starts: Integers, reach: Integers) -> int:
    first = np.searchsorted(reach, events.starts, side="right")  # the first incident that reaches beyond the start
    begin = np.append(starts, events.n_rows)[first]
    return int(np.count_nonzero(begin < events.stops))


def _days(index: pd.DatetimeIndex | None, mask: Booleans) -> float | None:
    """Return how many days the rows of a mask last, None without times that advance."""
    if index is None or len(index) < 2:
        return None
    steps = np.diff(np.asarray(index, "datetime64[us]")) / np.timedelta64(1, "D")
    if not (steps > 0).any():
        return None
    usual = float(np.median(steps[steps > 0]))
    lasts = np.append(steps, usual).clip(max=LONGEST_STEP * usual)
    return float(lasts[mask].sum())


def _delay_metrics(index: pd.DatetimeIndex | None, starts: Integers, alarms: Integers) -> dict[str, Any]:
    if not starts.size:
        return {}
    delays = alarms - starts
    metrics: dict[str, Any] = {"median_delay": float(np.median(delays)), "max_delay": int(delays.max())}
    if index is not None:
        times = index[alarms] - index[starts]
        metrics |= {"median_delay_time": times.to_series().median(), "max_delay_time": times.max()}
    return metrics


def _false_metrics(events: Events, false_events: int, is_healthy: Booleans) -> dict[str, Any]:
    n_healthy, days = int(np.count_nonzero(is_healthy)), _days(events.index, is_healthy)
    return {
        "false_events": false_events,
        "false_events_per_10k_rows": 1e4 * false_events / n_healthy if n_healthy else None,
        "false_events_per_day": false_events / days if days else None,
    }


def _rows(delay: float | None) -> str:
    return "-" if delay is None else f"{delay:g} row{'' if delay == 1 else 's'}"


def _time(time: pd.Timedelta | None) -> str:
    return "-" if time is None else f"  {time.round('s')}"


def _rate(rate: float | None) -> str:
    return "-" if rate is None else f"{rate:,.2f}"
