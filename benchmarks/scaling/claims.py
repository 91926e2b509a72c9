"""What the curves are claimed to do, and whether they do."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any, NamedTuple

from benchmarks.scaling.curves import Curve

Points = Mapping[int, float]

# largest over smallest time a row
ROWS_SPREAD, WINDOW_SPREAD = 1.25, 1.5
# time a row ~ columns to this power, at the steepest doubling
STEEPEST = 2.0
SPEED_UP_OF_TWO = 1.8
# scores that a fit of the same rows may take
FIT_IN_SCORES = 4.0
MEMORY_MIB = 12.0


class Claim(NamedTuple):
    """A figure beside the most, or the least, that it should be; NaN where it could not be measured."""

    curve: str
    series: str
    what: str
    measured: float
    target: float
    at_most: bool = True

    @property
    def share(self) -> float:
        """The measured figure as a share of the target's."""
        return self.measured / self.target

    @property
    def verdict(self) -> str:
        """Whether the claim holds."""
        if math.isnan(self.measured):
            return "not measured"
        holds = self.measured <= self.target if self.at_most else self.measured >= self.target
        return "within" if holds else "missed"

    def as_json(self) -> dict[str, Any]:
        """Return all of it for a file, None where nothing was measured."""
        known = not math.isnan(self.measured)
        figures = {"measured": self.measured, "share": self.share} if known else {"measured": None, "share": None}
        return {**self._asdict(), **figures, "verdict": self.verdict}


def spread(points: Points) -> float:
    """Return the largest value over the smallest."""
    return max(points.values()) / min(points.values())


def steepest(points: Points) -> float:
    """Return the largest slope between neighbours where both axes are logarithmic."""
    ordered = sorted(points.items())
    return max(
        math.log(after / before) / math.log(x / x_before) for (x_before, before), (x, after) in pairwise(ordered)
    )


def speed_up(points: Points, threads: int) -> float:
    """Return how many times as fast so many threads are as one; NaN if they were not measured."""
    return points[1] / points.get(threads, math.nan)


def judge(curves: Mapping[str, Curve]) -> list[Claim]:
    """Return every claim on the curves, in their order."""
    return list(_claims(curves))


def _claims(curves: Mapping[str, Curve]) -> Iterator[Claim]:
    for name, points in curves["rows"].series.items():
        yield Claim("rows", name, "longest / shortest time a row", spread(points), ROWS_SPREAD)
    for name, points in curves["window"].series.items():
        yield Claim("window", name, "longest / shortest time a row", spread(points), WINDOW_SPREAD)
    for name, points in curves["columns"].series.items():
        yield Claim("columns", name, "steepest power of the columns", steepest(points), STEEPEST)
    for name, points in curves["threads"].series.items():
        yield Claim("threads", name, "speed-up of two threads", speed_up(points, 2), SPEED_UP_OF_TWO, at_most=False)
    fit, score = curves["fit"].series["fit"], curves["fit"].series["score"]
    for threads, spent in fit.items():
        name = f"{threads} thread{'s' if threads > 1 else ''}"
        yield Claim("fit", name, "time of a fit / time of a score", spent / score[threads], FIT_IN_SCORES)
    for name, points in curves["memory"].series.items():
        most = max(points.values(), default=math.nan)
        yield Claim("memory", name, "MiB beside input and output", most, MEMORY_MIB)


def claims_table(claims: list[Claim], curves: Mapping[str, Curve]) -> str:
    """Return the claims as a table in Markdown, with the range that was measured over."""
    lines = ["| curve | | from … to | what | measured | target | share of target | verdict |", "|---" * 8 + "|"]
    for claim in claims:
        bound = f"at {'most' if claim.at_most else 'least'} {claim.target:g}"
        known = claim.verdict != "not measured"
        figures = [f"{claim.measured:.2f}", bound, f"{claim.share:.0%}"] if known else ["–", bound, "–"]
        cells = [claim.curve, claim.series, _extent(curves[claim.curve]), claim.what, *figures, claim.verdict]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _extent(curve: Curve) -> str:
    places = [place for points in curve.series.values() for place in points]
    return f"{min(places):,} … {max(places):,} {curve.x_name}" if places else "–"


def points_table(name: str, curve: Curve) -> str:
    """Return a curve's points as a table in Markdown."""
    places = sorted({place for points in curve.series.values() for place in points})
    head = f"| {name}: {curve.y_name}, by {curve.x_name} | {' | '.join(f'{place:,}' for place in places)} |"
    lines = [head, "|---" * (len(places) + 1) + "|"]
    for series, points in curve.series.items():
        lines.append(f"| {series} | {' | '.join(f'{points[place]:.1f}' for place in places)} |")
    return "\n".join(lines)
