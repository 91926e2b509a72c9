"""Floors: the speeds that were committed, and how a measurement stands beside them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from fastdrift.files.disk import write_json

SCHEMA = 1
# a speed below this share of its floor fails, if a second measurement agrees; so does memory above its inverse
LEAST_SHARE = 0.75
# MiB by which memory may differ from run to run
MEMORY_SLACK = 4.0


class FloorsError(ValueError):
    """A floors file that can't be used."""


@dataclass(frozen=True)
class Floors:
    """Speeds in units of the reference's, peaks of memory in MiB, and why they are what they are."""

    speeds: dict[str, float] = field(default_factory=dict)
    peaks: dict[str, float] = field(default_factory=dict)
    machine: str = ""
    history: list[dict[str, Any]] = field(default_factory=list)

    def updated(self, speeds: Mapping[str, float], peaks: Mapping[str, float], machine: str, reason: str) -> Floors:
        """Return floors that are what was measured, with the reason and what changed by a tenth or more."""
        changed = [name for name, speed in speeds.items() if abs(speed / self.speeds.get(name, 1e-9) - 1) > 0.1]
        gone = sorted(self.speeds.keys() - speeds.keys())
        entry = {"reason": reason, "machine": machine, "changed": changed, "gone": gone}
        return replace(
            self,
            speeds={name: round(speed, 5) for name, speed in speeds.items()},
            peaks={name: round(peak, 1) for name, peak in peaks.items()},
            machine=machine,
            history=[*self.history, entry],
        )


class Verdict(NamedTuple):
    """What is wrong with a benchmark, and what to do about it."""

    name: str
    problem: str


def load_floors(path: Path) -> Floors:
    """Read a floors file, or raise FloorsError."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise FloorsError(f"{path}: there is no such file; --update --reason WHY makes one") from error
    except (OSError, ValueError) as error:
        raise FloorsError(f"{path}: {error}") from error
    schema = document.get("schema") if isinstance(document, dict) else None
    if schema != SCHEMA:
        raise FloorsError(
            f"{path}: its schema is {schema!r}, this gate reads {SCHEMA}: use the gate of the revision that wrote it, "
            f"or write floors anew with --update --reason WHY"
        )
    return _checked(path, document)


def _checked(path: Path, document: dict[str, Any]) -> Floors:
    found = {}
    for name in ("speeds", "peaks"):
        figures = document.get(name)
        if not isinstance(figures, dict) or not all(_is_positive(figure) for figure in figures.values()):
            raise FloorsError(f"{path}: {name} must map names to numbers above 0")
        found[name] = {key: float(figure) for key, figure in figures.items()}
    machine, history = document.get("machine", ""), document.get("history", [])
    if not isinstance(machine, str) or not isinstance(history, list):
        raise FloorsError(f"{path}: machine must be text, history a list")
    return Floors(found["speeds"], found["peaks"], machine, history)


def _is_positive(figure: object) -> bool:
    return isinstance(figure, (int, float)) and not isinstance(figure, bool) and figure > 0


def save_floors(floors: Floors, path: Path) -> None:
    """Write a floors file, whole or not at all."""
    fields = {"machine": floors.machine, "speeds": floors.speeds, "peaks": floors.peaks, "history": floors.history}
    write_json({"schema": SCHEMA, **fields}, path)


def judge_names(names: set[str], floors: Floors) -> Iterator[Verdict]:
    """Find cases without a floor and floors without a case."""
    for name in sorted(floors.speeds.keys() - names):
        yield Verdict(name, "has a floor but is no longer benchmarked: bring it back, or --update with the reason")
    for name in sorted(names - floors.speeds.keys()):
        yield Verdict(name, "has no floor: --update with the reason")


def judge_speed(name: str, speed: float, floors: Floors) -> Iterator[Verdict]:
    """Find a speed that has dropped too far."""
    floor = floors.speeds.get(name)
    if floor is not None and speed < LEAST_SHARE * floor:
        yield Verdict(name, f"runs at {speed / floor:.0%} of its floor, less than {LEAST_SHARE:.0%}")


def judge_peak(name: str, peak: float, floors: Floors) -> Iterator[Verdict]:
    """Find a peak of memory that is too high, or that has no figure to stand beside."""
    known = floors.peaks.get(name)
    if known is None:
        yield Verdict(name, "has no figure for its memory: --update with the reason")
    elif peak > known / LEAST_SHARE + MEMORY_SLACK:
        yield Verdict(name, f"takes {peak:.1f} MiB where {known:.1f} were committed")
