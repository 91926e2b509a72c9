"""event_metrics: events against labelled incidents, found or missed, how late, and how many for nothing."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from fastdrift.evaluation.checks import check_labels, check_whole
from fastdrift.evaluation.events import Runs, runs
from fastdrift.evaluation.lines import line, number, percent

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from fastdrift.arrays import Booleans, Integers


# A row lasts until the next one, but no longer than so many usual steps: then nothing was measured.
LONGEST_STEP = 10

_NO_TIMES = "the rows have no timestamps: delays are in rows alone, and there is no rate a day"
_NONE_FOUND = "no incident was found, so there is no delay"


class _HasRuns(Protocol):
    """Events that can be told as plain runs of rows."""

    def as_runs(self) -> Runs:
        """Return the runs."""


@dataclass(frozen=True, repr=False)
class EventMetrics:
    """Hold the metrics of events against labelled incidents; those that cannot be given are None.

    Attributes
    ----------
    events : int
        Events that were judged.
    incidents, found, already, missed : int or None
        Runs of labelled rows; those in which an event began, those that began inside an event that was on before, and
        the others. One in rows without scores is missed.
    false_events : int or None
        Events that no incident accounts for, or that go on for longer than `tolerance` rows more.
    healthy_share : float or None
        Share of the healthy rows with a score that lie in events, beyond the `tolerance` rows after an incident.
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
    already: int | None = None
    missed: int | None = None
    false_events: int | None = None
    healthy_share: float | None = None
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
            ("incidents found", f"{self.found} of {self.incidents}{self._already_text()}"),
            ("delay, rows", f"{number(self.median_delay)} (median), {number(self.max_delay)} (most)"),
            ("false events", f"{number(self.false_events)} of {self.events}"),
            ("per 10,000 rows", number(self.false_events_per_10k_rows)),
            ("per day", number(self.false_events_per_day)),
            ("healthy rows in events", percent(self.healthy_share)),
        ]

    def _already_text(self) -> str:
        return f", {self.already} more while already in one" if self.already else ""

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
            *([line("  already in an event", f"{self.already:,}")] if self.already else []),
            line("  missed", f"{self.missed:,}"),
            line("median delay", _rows(self.median_delay), _time(self.median_delay_time)),
            line("longest delay", _rows(self.max_delay), _time(self.max_delay_time)),
            line("false events", f"{self.false_events:,}"),
            line("  per 10,000 rows", _rate(self.false_events_per_10k_rows)),
            line("healthy rows in events", percent(self.healthy_share, "-")),
        ]
        per_day = self.false_events_per_day
        return lines if per_day is None else [*lines, line("  per day", _rate(per_day))]

    __repr__ = summary


def event_metrics(events: Runs | _HasRuns, labels: npt.ArrayLike | None, *, tolerance: int = 0) -> EventMetrics:
    """Judge events against labelled incidents: found or missed, how late, and how many for nothing.

    An incident is a run of labelled rows. It is found when an event begins in it, or in the `tolerance` rows after it
    that lie before the next one; one that begins inside an event that was on before is not found by it, but already in
    one. An event is false if no incident so extended overlaps it, or if it goes on over healthy rows for more than
    `tolerance` rows beyond.

    Parameters
    ----------
    events : Runs or Events
        What `events` or `detect` returned; of the latter, notices and alarms alike.
    labels : array_like of bool or 0/1, shape (n_rows,), or None
        True where the system had drifted, in an array, a Series or an Arrow array. All 0 makes every event false; None
        leaves all but their number open.
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
    Flagging everything finds nothing: every incident begins inside the one event there is, and that event is false. A
    row lasts until the next one, at most ten usual steps: a day in which nothing was measured is no quiet day.

    Examples
    --------
    >>> import fastdrift as fd
    >>> from fastdrift.evaluation.events import events
    >>> found = events([1.0, 9.0, 1.0, 1.0, 1.0, 9.0, 9.0, 1.0], 5.0)
    >>> event_metrics(found, [0, 0, 0, 0, 1, 1, 1, 0])
    events                           2
    incidents                        1
      found                          1
      missed                         0
    median delay                 1 row           -
    longest delay                1 row           -
    false events                     1
      per 10,000 rows         2,000.00
    healthy rows in events     20.00 %
    note: the rows have no timestamps: delays are in rows alone, and there is no rate a day
    """
    check_whole("tolerance", tolerance, 0)
    if not isinstance(events, Runs):
        events = events.as_runs()
    notes = [] if events.index is not None or events.step is not None else [_NO_TIMES]
    if labels is None:
        return EventMetrics(len(events), tolerance, notes=tuple(notes))
    truth = check_labels(labels, events.n_rows)
    starts, stops = runs(truth)
    # a neighbour's alarms are no late success
    reach = np.minimum(stops + tolerance, np.append(starts[1:], events.n_rows))
    is_found, begins = _first_begins(events, starts, reach)
    is_on = ~is_found & _is_on_before(events, starts)
    is_free = ~truth
    for start, end in zip(starts, reach, strict=True):
        is_free[start:end] = False
    beyond = _rows_in(events, is_free & events.is_scored)
    n_scored = np.append(0, np.cumsum(events.is_scored))
    n_blind = np.count_nonzero(n_scored[reach] == n_scored[starts])
    if n_blind:
        notes.append(f"{n_blind} of the missed incidents lie in rows without a score")
    if starts.size and not is_found.any():
        notes.append(_NONE_FOUND)
    is_false = (beyond > tolerance) | ~_are_due(events, starts, reach)
    is_healthy = events.is_scored & ~truth
    n_healthy = int(np.count_nonzero(is_healthy))
    return EventMetrics(
        events=len(events),
        tolerance=tolerance,
        incidents=len(starts),
        found=int(is_found.sum()),
        already=int(is_on.sum()),
        missed=int((~is_found & ~is_on).sum()),
        healthy_share=int(beyond.sum()) / n_healthy if n_healthy else None,
        delays=tuple(int(d) if found else None for d, found in zip(begins - starts, is_found, strict=True)),
        notes=tuple(notes),
        **_delay_metrics(events, starts[is_found], begins[is_found]),
        **_false_metrics(events, int(is_false.sum()), is_healthy),
    )


def _first_begins(events: Runs, starts: Integers, reach: Integers) -> tuple[Booleans, Integers]:
    """Return in which incidents an event begins, and the row of the first that does."""
    first = np.searchsorted(events.starts, starts)
    begins = np.append(events.starts, events.n_rows)[first]
    return begins < reach, begins


def _is_on_before(events: Runs, starts: Integers) -> Booleans:
    """Return which incidents begin inside an event that began before."""
    first = np.searchsorted(events.stops, starts, side="right")  # the first event that ends after the start
    is_on: Booleans = np.append(events.starts, events.n_rows)[first] < starts
    return is_on


def _are_due(events: Runs, starts: Integers, reach: Integers) -> Booleans:
    """Return which events overlap an incident."""
    first = np.searchsorted(reach, events.starts, side="right")  # the first incident that reaches beyond the start
    is_due: Booleans = np.append(starts, events.n_rows)[first] < np.maximum(events.stops, events.starts + 1)
    return is_due


def _rows_in(events: Runs, mask: Booleans) -> Integers:
    """Return how many rows of a mask lie in each event."""
    count = np.append(0, np.cumsum(mask))
    inside: Integers = count[events.stops] - count[events.starts]
    return inside


def _days(events: Runs, mask: Booleans) -> float | None:
    """Return how many days the rows of a mask last, None without times that advance."""
    index = events.index
    if index is None and events.step is not None:
        return float(np.count_nonzero(mask)) * events.step / 86_400
    if index is None or len(index) < 2:
        return None
    steps = np.diff(np.asarray(index, "datetime64[us]")) / np.timedelta64(1, "D")
    if not (steps > 0).any():
        return None
    usual = float(np.median(steps[steps > 0]))
    lasts = np.append(steps, usual).clip(max=LONGEST_STEP * usual)
    return float(lasts[mask].sum())


def _delay_metrics(events: Runs, starts: Integers, begins: Integers) -> dict[str, Any]:
    if not starts.size:
        return {}
    delays = begins - starts
    metrics: dict[str, Any] = {"median_delay": float(np.median(delays)), "max_delay": int(delays.max())}
    index = events.index
    if index is None and events.step is not None:
        import pandas as pd

        median, most = (pd.Timedelta(seconds=events.step * metrics[name]) for name in ("median_delay", "max_delay"))
        metrics |= {"median_delay_time": median, "max_delay_time": most}
    if index is not None:
        times = index[begins] - index[starts]
        metrics |= {"median_delay_time": times.to_series().median(), "max_delay_time": times.max()}
    return metrics


def _false_metrics(events: Runs, false_events: int, is_healthy: Booleans) -> dict[str, Any]:
    n_healthy, days = int(np.count_nonzero(is_healthy)), _days(events, is_healthy)
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
