"""What is judged: speeds and memory beside their committed floors, and the loops of kernels by their assembly."""

import json
import platform
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.gate.laps import GateError
from fastdrift.kernels.compiling import compile_in_numba

SCHEMA = 1
# a speed below this share of its floor fails, if a second measurement agrees; so does memory above its inverse
LEAST_SHARE = 0.75
# MiB by which memory may differ from run to run
MEMORY_SLACK = 4.0
# what is in the file: speeds in units of the reference's, peaks of memory in MiB, and why they are what they are
Floors = dict[str, Any]
NONE: Floors = {"schema": SCHEMA, "machine": "", "speeds": {}, "peaks": {}, "history": []}

# kernels, and the packed multiply-adds that their busiest loops must have: the merge of four windows, their roots, or
# the solve of four windows by four features
MERGE, ROOTS, SOLVE = 23, 20, 16
KERNELS = {
    "score_range": [MERGE, ROOTS, SOLVE],
    "feature_range": [MERGE, ROOTS],
    "moment_range": [MERGE, ROOTS],
    "distance_range": [SOLVE],
}
# hot loops on single numbers that a kernel may have: those of windows whose squares leave the range of doubles, which
# are made again one by one
RARE = dict.fromkeys(("score_range", "feature_range", "moment_range"), 3)
# a loop with fewer floating-point operations is no hot one
HOT = 8

_LABEL = re.compile(r"^(\S+):")
_JUMP = re.compile(r"^\s+j[a-z]+\s+(\.\S+)")
_ARITHMETIC = re.compile(r"^\s+v?(add|sub|mul|div|sqrt|fn?m(?:add|sub)\d*)([ps])[sd]\s")


def updated(floors: Floors, speeds: dict[str, float], peaks: dict[str, float], machine: str, reason: str) -> Floors:
    """Return floors that are what was measured, with the reason and what changed by a tenth or more."""
    known = floors["speeds"]
    changed = [name for name, speed in speeds.items() if abs(speed / known.get(name, 1e-9) - 1) > 0.1]
    entry = {"reason": reason, "machine": machine, "changed": changed, "gone": sorted(known.keys() - speeds.keys())}
    speeds = {name: round(speed, 5) for name, speed in speeds.items()}
    peaks = {name: round(peak, 1) for name, peak in peaks.items()}
    return floors | {"machine": machine, "speeds": speeds, "peaks": peaks, "history": [*floors["history"], entry]}


def load_floors(path: Path) -> Floors:
    """Read a floors file, or raise GateError."""
    try:
        floors = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise GateError(f"{path}: there is no such file; --update --reason WHY makes one") from error
    except (OSError, ValueError) as error:
        raise GateError(f"{path}: {error}") from error
    schema = floors.get("schema") if isinstance(floors, dict) else None
    if schema != SCHEMA:
        raise GateError(
            f"{path}: its schema is {schema!r}, this gate reads {SCHEMA}: use the gate of the revision that wrote it, "
            f"or write floors anew with --update --reason WHY"
        )
    for name in ("speeds", "peaks"):
        figures = floors.get(name)
        if not isinstance(figures, dict) or any(type(x) not in (int, float) or x <= 0 for x in figures.values()):
            raise GateError(f"{path}: {name} must map names to numbers above 0")
    if not isinstance(floors.setdefault("history", []), list):
        raise GateError(f"{path}: history must be a list")
    return floors


def judge_names(names: set[str], floors: Floors) -> Iterator[str]:
    """Find cases without a floor and floors without a case."""
    for name in sorted(floors["speeds"].keys() - names):
        yield f"{name}: has a floor but is no longer benchmarked: bring it back, or --update with the reason"
    for name in sorted(names - floors["speeds"].keys()):
        yield f"{name}: has no floor: --update with the reason"


def judge_speed(name: str, speed: float, floors: Floors) -> Iterator[str]:
    """Find a speed that has dropped too far."""
    floor = floors["speeds"].get(name)
    if floor is not None and speed < LEAST_SHARE * floor:
        yield f"{name}: runs at {speed / floor:.0%} of its floor, less than {LEAST_SHARE:.0%}"


def judge_peak(name: str, peak: float, floors: Floors) -> Iterator[str]:
    """Find a peak of memory that is too high, or that has no figure to stand beside."""
    known = floors["peaks"].get(name)
    if known is None:
        yield f"{name}: has no figure for its memory: --update with the reason"
    elif peak > known / LEAST_SHARE + MEMORY_SLACK:
        yield f"{name}: takes {peak:.1f} MiB where {known:.1f} were committed"


class Loop(NamedTuple):
    """An innermost loop: floating-point operations on vectors, multiply-adds among them, and on single numbers."""

    packed: int
    fused: int
    scalar: int


def loops_of(assembly: str) -> list[Loop]:
    """Return the innermost loops of x86 assembly: what lies between a label and a jump back to it."""
    lines = assembly.splitlines()
    labels, spans, loops = {}, [], []
    for number, line in enumerate(lines):
        if label := _LABEL.match(line):
            labels[label[1]] = number
        elif (jump := _JUMP.match(line)) and jump[1] in labels:
            spans.append((labels[jump[1]], number))
    for start, stop in spans:
        if not any(start <= first and last <= stop for first, last in spans if (first, last) != (start, stop)):
            found = [match.groups() for match in map(_ARITHMETIC.match, lines[start:stop]) if match]
            packed = [name for name, kind in found if kind == "p"]
            fused = sum(name.startswith("f") for name in packed)
            loops.append(Loop(len(packed), fused, len(found) - len(packed)))
    return loops


def judge_loops(name: str, loops: list[Loop], wanted: list[int], n_rare: int = 0) -> Iterator[str]:
    """Find more hot loops on single numbers than are rare, and a kernel that has lost its vectors; `wanted` falls."""
    hot = [loop for loop in loops if loop.packed + loop.scalar >= HOT]
    slow = [loop for loop in hot if loop.scalar > loop.packed]
    if len(slow) > n_rare:
        for packed, _, scalar in slow:
            yield f"assembly of {name}: has a hot loop of {scalar} operations on single numbers and {packed} on vectors"
    busiest = sorted((loop.fused for loop in hot), reverse=True)[: len(wanted)]
    if len(busiest) < len(wanted) or any(map(int.__lt__, busiest, wanted)):
        yield f"assembly of {name}: has {busiest} packed multiply-adds in its busiest loops, {wanted} are wanted"


def judge_kernels() -> Iterator[str]:
    """Compile the kernels anew, for what was kept shows no assembly, and judge their loops."""
    if platform.machine() not in ("x86_64", "AMD64"):
        return
    for name, wanted in KERNELS.items():
        (assembly,) = compile_in_numba(name, np.dtype(np.float64)).inspect_asm().values()
        yield from judge_loops(name, loops_of(assembly), wanted, RARE.get(name, 0))
