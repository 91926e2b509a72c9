"""Promise: how often events come falsely, and the levels that keep it."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

# how many times more often a notice may come falsely than an alarm: 1 in 1,440 rows beside 1 in 10,000
NOTICE_RATIO = 1e4 / 1440
# past so many times what the baseline can tell, an event is said to be rarer than that
FORESIGHT = 10
DAY = 86_400.0
# clusters of flagged rows in the baseline below which there is no tail to speak of
LEAST_CLUSTERS = 20


@dataclass(frozen=True)
class Promise:
    """At most so many false alarm events a row, and the levels of scores that are to keep that.

    Attributes
    ----------
    asked : float
        False alarm events a row that were asked for.
    rate : float
        Those that are promised: what was asked for, or what the baseline can support.
    alarm_level, notice_level : float
        Scores above which an event is an alarm, and above which it opens as a notice.
    tail_start, tail_slope, tail_rate : float
        The tail of the baseline's clusters of flagged rows: `tail_rate` of them a row peak above `tail_start`, and the
        excess is exponential with mean `tail_slope`.
    clusters : int
        Clusters of flagged rows in the baseline.
    rows : int
        Windows of the baseline that have a score.
    step : float or None
        Usual seconds from a row to the next, if the baseline has times.
    """

    asked: float
    rate: float
    alarm_level: float
    notice_level: float
    tail_start: float
    tail_slope: float
    tail_rate: float
    clusters: int
    rows: int
    step: float | None = None

    @property
    def notice_rate(self) -> float:
        """False events a row, notices among them: what was asked for tells it, as baselines support more of them."""
        return notice_rate(self.asked, self.rate)

    def once_in_rows(self, score: float) -> float:
        """Return in how many healthy rows one event with such a peak is to be expected; inf past what can be told."""
        if self.tail_slope <= 0:  # no tail is known: all that can be said is whether the baseline came so high
            return math.inf if score > self.alarm_level else float(self.rows)
        excess = (score - self.tail_start) / self.tail_slope
        if excess > math.log(FORESIGHT * self.rows * self.tail_rate):
            return math.inf
        return math.exp(excess) / self.tail_rate

    def text(self) -> str:
        """Return the promise in words."""
        every = 1 / self.rate
        said = f"at most 1 false alarm in {every:,.0f} rows"
        return said if self.step is None else f"{said}: about {_often(every * self.step)} at {_pace(self.step)}"

    def shortfall(self) -> str:
        """Return why less is promised than was wanted, and what would be enough; nothing if it is not."""
        if self.rate <= self.asked:
            return ""
        has = f"{self.rows:,} rows with a score"
        if self.clusters < LEAST_CLUSTERS:
            flagged = "cluster of flagged rows" if self.clusters == 1 else "clusters of flagged rows"
            has += f" and {self.clusters} {flagged}"
        enough = (
            1 / self.asked
            if self.clusters >= LEAST_CLUSTERS
            else max(1 / self.asked, self.rows * LEAST_CLUSTERS / max(1, self.clusters))
        )
        return (
            f"the baseline has {has}, so no more can be promised; about {enough:,.0f} rows would be enough for 1 in "
            f"{1 / self.asked:,.0f}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the fields by name, ready for JSON."""
        return asdict(self)


def notice_rate(asked: float, promised: float) -> float:
    """Return how often notices may come a row, beside alarms that were asked for and are promised so often."""
    return min(1.0, max(promised, NOTICE_RATIO * asked))


def check_promise(fields: object) -> bool:
    """Return whether a value from a file holds the fields of a promise, each possible by itself."""
    names = set(Promise.__dataclass_fields__)
    if not isinstance(fields, dict) or fields.keys() != names:
        return False
    counts, step = [fields[name] for name in ("clusters", "rows")], fields["step"]
    floats = [fields[name] for name in names - {"clusters", "rows", "step"}]
    return (
        all(type(count) is int and count >= 0 for count in counts)
        and all(type(value) is float and math.isfinite(value) for value in floats)
        and all(fields[name] > 0 for name in ("asked", "rate"))
        and all(fields[name] >= 0 for name in ("tail_slope", "tail_rate"))
        and fields["notice_level"] <= fields["alarm_level"]
        and (step is None or (type(step) is float and math.isfinite(step) and step > 0))
    )


def _often(seconds: float) -> str:
    """Return how often something comes that comes every so many seconds."""
    for length, name in ((365 * DAY, "year"), (30 * DAY, "month"), (7 * DAY, "week"), (DAY, "day"), (3600.0, "hour")):
        if seconds > 0.7 * length:
            times = seconds / length
            return f"one a {name}" if times < 1.5 else f"one in {times:.0f} {name}s"
    return f"{3600 / seconds:.0f} an hour"


def _pace(step: float) -> str:
    for length, name in ((DAY, "day"), (3600.0, "hour"), (60.0, "minute"), (1.0, "second")):
        if step >= length:
            count = step / length
            return f"a row a {name}" if count == 1 else f"a row every {count:g} {name}s"
    return f"{1 / step:g} rows a second"
