"""Several windows in one model: a model a window, whose scores are blended."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from fastdrift.arrays import Floats
from fastdrift.detectors.fields import FIELDS, Check, is_float
from fastdrift.detectors.model import FORMAT, Model
from fastdrift.engine.compiled import kernel
from fastdrift.errors import DataError, ModelError

# how many windows there may be: their mean then takes square roots alone, which have the same bits everywhere
COUNTS = (1, 2, 4)
# the fields of a file that each window has of its own, and what each must be by itself
MEMBER_FIELDS: dict[str, Check] = {name: FIELDS[name] for name in ("window", "windows_used", "windows_left_out")}
MEMBER_FIELDS["threshold"] = lambda value: is_float(value) and value > 0
# the version of files that hold several windows
VERSION = 3


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class BlendedModel(Model):
    """Models of one baseline by windows of 2 or 4 lengths: the score is the geometric mean of score over threshold.

    What is said of windows, such as `window` and `windows_used`, is said of the longest.

    Attributes
    ----------
    members : tuple of Model
        A model a window, the shortest first, each with its own row threshold and without a promise.
    """

    members: tuple[Model, ...]

    own_arrays = ()

    @classmethod
    def of(cls, members: Sequence[Model], **own: Any) -> BlendedModel:
        """Return the model of some members, with fields of its own beside what it has in common with the longest."""
        shared = {field.name: getattr(members[-1], field.name) for field in fields(Model)}
        return cls(**shared | own, members=tuple(members))

    @property
    def detector(self) -> str:  # type: ignore[override]  # a class for one window, here its members'
        """The detector of all members."""
        return self.members[0].detector

    @property
    def windows(self) -> tuple[int, ...]:
        """Rows in a window of each member."""
        return tuple(member.window for member in self.members)

    @property
    def middle_window(self) -> int:
        """Rows of the geometric mean of the windows.

        By the longest, missing data would be told of twice as late, and onsets of real incidents, looked for as far
        back, lay 17 and 45 rows off where they are 3 and 2; flagged shares at thin baselines are those of this window.
        """
        return middle_window(self.windows)

    @property
    def unit(self) -> float:
        """What the geometric mean of the members' scores is multiplied by to be that of score over threshold."""
        return blending_unit(member.threshold for member in self.members)

    def own_facts(self) -> dict[str, Any]:
        """Return what each window has of its own."""
        names = ("window", "threshold", "windows_used", "windows_left_out")
        return {
            "by_window": [
                {name: getattr(member, name) for name in names} | member.own_facts() for member in self.members
            ]
        }

    def own_lines(self) -> list[tuple[str, str]]:
        """Return what each member says of itself."""
        return [
            (name, f"{text} of windows of {member.window}")
            for member in self.members
            for name, text in member.own_lines()
        ]

    def encode(self) -> bytes:
        """Return the model as the content of a file.

        Raises
        ------
        ModelError
            If a column's name is neither text nor a whole number.
        """
        if self.promise is None or self.rows is None:
            raise ModelError("a model of several windows without a promise cannot be saved: fit it anew")
        header, arrays = self.contents()
        own = MEMBER_FIELDS | dict(self.members[0].own_fields)
        header["members"] = [{name: getattr(member, name) for name in own} for member in self.members]
        for member in self.members:
            arrays |= {prefix(member.window) + name: getattr(member, name) for name in member.own_arrays}
        return FORMAT.encode(header, arrays, version=VERSION)


def middle_window(windows: Sequence[int]) -> int:
    """Return the rows of the geometric mean of windows."""
    return round(geometric_mean(windows))


def members_of(model: Model) -> tuple[Model, ...]:
    """Return the models whose scores make a model's: its members, or itself."""
    return model.members if isinstance(model, BlendedModel) else (model,)


def prefix(window: int) -> str:
    """Return what the names of a member's arrays begin with in a file."""
    return f"window_{window}_"


def geometric_mean(numbers: Sequence[float]) -> float:
    """Return the geometric mean of 1, 2 or 4 numbers, by square roots."""
    while len(numbers) > 1:
        numbers = [math.sqrt(left * right) for left, right in zip(numbers[::2], numbers[1::2], strict=True)]
    return numbers[0]


def blending_unit(thresholds: Iterable[float]) -> float:
    """Return what the geometric mean of scores is multiplied by to be that of scores over thresholds."""
    mean = geometric_mean([*thresholds])
    if mean == 0:
        raise DataError("healthy windows of one length all score 0, so that no others can be blended: give one window")
    return 1.0 / mean


def blend(scores: Floats, others: Floats, unit: float) -> None:
    """Replace scores by the geometric mean of them and of 1 or 3 others, a line each, times `unit`."""
    kernel("blend_scores")(scores, others, unit)


def check_members(fields_of: Any, known: dict[str, Any], kind: type[Model], n_stretches: int) -> list[dict[str, Any]]:
    """Return the own fields of each member from a file, or raise ModelError if they are none of one model's."""
    if not isinstance(fields_of, list) or len(fields_of) not in COUNTS[1:]:
        raise ModelError("its windows are not 2 or 4: fit the model anew")
    checks = MEMBER_FIELDS | dict(kind.own_fields)
    for own in fields_of:
        if not isinstance(own, dict) or own.keys() != checks.keys():
            raise ModelError("one of its windows has too few fields, or too many: fit the model anew")
        wrong = next((name for name, is_right in checks.items() if not is_right(own[name])), None)
        if wrong is not None:
            raise ModelError(f"the {wrong} of one of its windows cannot be {own[wrong]!r:.80}: fit the model anew")
        if own["windows_used"] + own["windows_left_out"] != known["baseline_rows"] - n_stretches * (own["window"] - 1):
            raise ModelError("its counts of rows and of windows do not agree: fit the model anew")
    windows = [own["window"] for own in fields_of]
    if windows != sorted(set(windows)) or windows[-1] != known["window"]:
        raise ModelError(f"its windows cannot be {windows!r:.80}: fit the model anew")
    return fields_of


def member_fields(known: Mapping[str, Any]) -> dict[str, Any]:
    """Return what members have in common with their model, of all that it is made from."""
    own = {"promise", "rows", "warnings", "history", *MEMBER_FIELDS}
    return {name: value for name, value in known.items() if name not in own}
