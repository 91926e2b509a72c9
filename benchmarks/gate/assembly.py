"""Whether the loops that matter are made of packed instructions, read from the assembly of freshly compiled kernels."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from benchmarks.gate.floors import Verdict

# kernels, and the packed multiply-adds that their busiest loops must have: the merge of four windows, the suffixes of
# four columns over four rows, the totals of a tile's four columns or the solve of four windows by four features
MERGE, SUFFIX, SOLVE = 30, 32, 16
KERNELS = {
    "score_range": (MERGE, SUFFIX, SOLVE),
    "feature_range": (MERGE, SUFFIX),
    "moment_range": (MERGE, SUFFIX),
    "distance_range": (SOLVE,),
}
# a loop with fewer floating-point operations is no hot one
HOT = 8

_LABEL = re.compile(r"^(\S+):")
_JUMP = re.compile(r"^\s+j[a-z]+\s+(\.\S+)")
_ARITHMETIC = re.compile(r"^\s+v?(?P<name>add|sub|mul|div|sqrt|fn?m(?:add|sub)\d*)(?P<kind>[ps])[sd]\s")


class Loop(NamedTuple):
    """An innermost loop: floating-point operations on vectors, multiply-adds among them, and on single numbers."""

    packed: int
    fused: int
    scalar: int


def loops_of(assembly: str) -> list[Loop]:
    """Return the innermost loops of x86 assembly: what lies between a label and a jump back to it."""
    lines = assembly.splitlines()
    labels, spans = {}, []
    for number, line in enumerate(lines):
        label, jump = _LABEL.match(line), _JUMP.match(line)
        if label:
            labels[label[1]] = number
        elif jump and jump[1] in labels:
            spans.append((labels[jump[1]], number))
    inner = [span for span in spans if not any(span != other and _within(other, span) for other in spans)]
    return [_count(lines[start:stop]) for start, stop in inner]


def _within(inner: tuple[int, int], outer: tuple[int, int]) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1]


def _count(lines: list[str]) -> Loop:
    found = [match for match in map(_ARITHMETIC.match, lines) if match]
    packed = [match for match in found if match["kind"] == "p"]
    return Loop(
        len(packed), sum("m" in match["name"] and "f" in match["name"] for match in packed), len(found) - len(packed)
    )


def judge_loops(name: str, loops: list[Loop], wanted: tuple[int, ...]) -> Iterator[Verdict]:
    """Find hot loops that work on single numbers, and a kernel that has lost its vectors."""
    hot = [loop for loop in loops if loop.packed + loop.scalar >= HOT]
    for loop in hot:
        if loop.scalar > loop.packed:
            problem = f"has a hot loop of {loop.scalar} operations on single numbers and {loop.packed} on vectors"
            yield Verdict(f"assembly of {name}", problem)
    busiest = sorted((loop.fused for loop in hot), reverse=True)[: len(wanted)]
    if len(busiest) < len(wanted) or any(map(int.__lt__, busiest, sorted(wanted, reverse=True))):
        problem = f"has {busiest} packed multiply-adds in its busiest loops, {sorted(wanted, reverse=True)} are wanted"
        yield Verdict(f"assembly of {name}", problem)


def judge_kernels() -> Iterator[Verdict]:
    """Compile the kernels anew, for what comes out of a cache shows no assembly, and judge their loops."""
    from fastdrift.kernels.compiling import compile_kernel

    if platform.machine() not in ("x86_64", "AMD64"):
        return
    for name, wanted in KERNELS.items():
        (assembly,) = compile_kernel(name, np.dtype(np.float64), keep=False).inspect_asm().values()
        yield from judge_loops(name, loops_of(assembly), wanted)
