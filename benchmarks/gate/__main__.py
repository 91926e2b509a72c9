"""Time every case beside its reference and fail where one has become slower than its committed floor allows.

    python -m benchmarks.gate                                   # as CI does
    python -m benchmarks.gate --only 'score 8x50*'              # some cases, speeds alone
    python -m benchmarks.gate --update --reason 'new merge'     # new floors of all cases, or of some by --only
    python -m benchmarks.gate --against HEAD~3 --only 'fit*'    # this tree and a revision in turns
    python -m benchmarks.gate --suite mine.py --floors mine.json    # the cases of your own pipeline

A speed is the time of a frozen reference kernel over the time of the case, both the least of interleaved rounds. The
gate fails if a speed is below 75 % of its floor and a second measurement agrees; if a case has no floor, or a floor no
case; if anything is compiled while it is timed; if a kernel's hot loops are not of packed instructions; if scoring
takes more memory than it did. Exit codes: 0 passed, 1 failed, 2 usage.
"""

from __future__ import annotations

import argparse
import fnmatch
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks import ROOT
from benchmarks.cases import Case
from benchmarks.gate.assembly import judge_kernels
from benchmarks.gate.floors import (
    Floors,
    FloorsError,
    Verdict,
    judge_names,
    judge_peak,
    judge_speed,
    load_floors,
    save_floors,
)
from benchmarks.gate.revision import RevisionError, compare
from benchmarks.gate.timer import Lap, Timer
from benchmarks.gate.worker import SuiteError, load_suite
from benchmarks.scaling.memory import memory_in_a_process
from benchmarks.timing import describe_machine, keep_memory

ROUNDS = 7
# measurements that floors are made from: the least of each case, for a floor is what is always reached
UPDATES = 3


def say(message: str) -> None:
    """Tell who waits at a terminal how far it is."""
    if sys.stderr.isatty():
        print(f"\r\033[K{message}", end="", file=sys.stderr, flush=True)


def measure(case: Case, rounds: int) -> Lap:
    """Return the best of several laps of a case."""
    timer, best = Timer(case), Lap()
    for _ in range(case.rounds or rounds):
        best = best.better(timer.lap())
    return best


def judge_case(case: Case, lap: Lap, floors: Floors, rounds: int) -> tuple[Lap, list[Verdict]]:
    """Judge a case, by a second and longer measurement where the first one is against it."""
    verdicts = list(judge_speed(case.name, lap.speed, floors))
    if verdicts:
        lap = lap.better(measure(case, 2 * rounds))
        verdicts = list(judge_speed(case.name, lap.speed, floors))
    if lap.compiled:
        verdicts.append(Verdict(case.name, f"compiles {', '.join(sorted(set(lap.compiled)))} while it is timed"))
    return lap, verdicts


def runnable(cases: Sequence[Case]) -> list[Case]:
    """Return the cases that this machine has processors for; say which it has not."""
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    for case in cases:
        if case.threads > processors:
            print(f"{case.name}: not run, {case.threads} threads want as many processors", file=sys.stderr)
    return [case for case in cases if case.threads <= processors]


def judge_speeds(cases: Sequence[Case], floors: Floors, rounds: int) -> Iterator[Verdict]:
    """Time the cases, print a line for each, and yield what is wrong."""
    print("| case | µs | times the reference's speed | floor | of the floor |\n|---|---|---|---|---|")
    for case in runnable(cases):
        say(case.name)
        lap, verdicts = judge_case(case, measure(case, rounds), floors, rounds)
        say("")
        floor = floors.speeds.get(case.name)
        beside = f"{floor:.4g} | {lap.speed / floor:.0%}" if floor else "– | –"
        print(f"| {case.name} | {lap.seconds * 1e6:,.0f} | {lap.speed:.4g} | {beside} |", flush=True)
        yield from verdicts


def judge_the_rest(floors: Floors) -> Iterator[Verdict]:
    """Judge what no clock is needed for."""
    say("assembly")
    yield from judge_kernels()
    say("memory")
    for name, peak in peaks().items():
        yield from judge_peak(name, peak, floors)
    say("")


def peaks() -> dict[str, float]:
    """Return the peaks of memory, in MiB, where they can be measured."""
    if not sys.platform.startswith("linux"):
        return {}
    return {"memory of score, 4 pieces of 1,000,000 rows": memory_in_a_process(4, 1_000_000)}


def gate(cases: Sequence[Case], floors: Floors, rounds: int, *, whole: bool, ours: bool) -> int:
    """Judge everything, or the speeds of some cases; print what is wrong and return the exit code."""
    verdicts = list(judge_names({case.name for case in cases}, floors)) if whole else []
    verdicts += judge_speeds(cases, floors, rounds)
    if whole and ours:
        verdicts += judge_the_rest(floors)
    for verdict in verdicts:
        print(f"FAILED {verdict.name}: {verdict.problem}", file=sys.stderr)
    print(f"\n{describe_machine()}\n{len(verdicts)} problem(s)" if verdicts else f"\n{describe_machine()}\npassed")
    return 1 if verdicts else 0


def update(cases: Sequence[Case], path: Path, reason: str, rounds: int, *, whole: bool, ours: bool) -> int:
    """Write what is measured as new floors, of all cases or of some, the least of a few measurements for each."""
    floors = load_floors(path) if path.exists() else Floors()
    measured: dict[str, list[float]] = {case.name: [] for case in cases}
    for turn in range(UPDATES):
        for case in runnable(cases):
            say(f"{turn + 1}/{UPDATES} {case.name}")
            measured[case.name].append(measure(case, rounds).speed)
    say("")
    missing = [name for name, speeds in measured.items() if not speeds]
    if missing:
        raise FloorsError(f"{path}: a floor is what was measured, and this machine can't run {missing[0]!r}")
    speeds = {name: min(values) for name, values in measured.items()}
    if whole:
        new = floors.updated(speeds, peaks() if ours else {}, describe_machine(), reason)
    else:
        new = floors.updated(floors.speeds | speeds, floors.peaks, describe_machine(), reason)
    save_floors(new, path)
    print(
        f"{path}: {len(speeds)} floors; changed by a tenth or more: {', '.join(new.history[-1]['changed']) or 'none'}"
    )
    return 0


def compare_with(cases: Sequence[Case], revision: str, rounds: int, suite: str | None) -> int:
    """Print every case here and at a revision."""
    print(f"| case | here µs | {revision} µs | times as fast here |\n|---|---|---|---|")
    for pair in compare(runnable(cases), revision, rounds, suite):
        figures = f"{pair.here.seconds * 1e6:,.0f} | {pair.there.seconds * 1e6:,.0f} | {pair.speed:.2f}"
        print(f"| {pair.name} | {f'– | – | {pair.error}' if pair.error else figures} |", flush=True)
    print(f"\n{describe_machine()}")
    return 0


def parse(arguments: Sequence[str] | None) -> tuple[argparse.ArgumentParser, argparse.Namespace]:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--floors", type=Path, default=ROOT / "bench_data" / "floors.json", metavar="FILE")
    parser.add_argument("--suite", metavar="FILE", help="a file of Python that lists its cases as CASES")
    parser.add_argument("--only", metavar="PATTERN", help="cases whose names match, as in 'score*'")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--update", action="store_true", help="write new floors; needs --reason")
    parser.add_argument("--reason", metavar="WHY", help="kept in the floors file")
    parser.add_argument("--against", metavar="REV", help="time this tree and a revision in turns, and judge nothing")
    asked = parser.parse_args(arguments)
    if asked.update and not (asked.reason or "").strip():
        parser.error("--update needs --reason: floors that change without one protect nothing")
    if asked.update and asked.against:
        parser.error("--against judges nothing: leave out --update")
    if asked.rounds < 1:
        parser.error("--rounds must be at least 1")
    return parser, asked


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the gate and return its exit code."""
    parser, asked = parse(arguments)
    whole, ours = not asked.only, asked.suite is None
    warnings.simplefilter("ignore")  # the baselines of long windows are short: what is learnt plays no part
    try:
        cases = load_suite(asked.suite)
        if asked.only:
            cases = [case for case in cases if fnmatch.fnmatchcase(case.name, asked.only)]
            if not cases:
                parser.error(f"no case is called {asked.only!r}")
        if asked.against:
            return compare_with(cases, asked.against, asked.rounds, asked.suite)
        if asked.update:
            return update(cases, asked.floors, asked.reason.strip(), asked.rounds, whole=whole, ours=ours)
        floors = load_floors(asked.floors)
    except (FloorsError, RevisionError, SuiteError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return gate(cases, floors, asked.rounds, whole=whole, ours=ours)


if __name__ == "__main__":
    keep_memory("benchmarks.gate")
    sys.exit(main())
