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

import argparse
import fnmatch
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

from benchmarks import ROOT
from benchmarks.cases import Case
from benchmarks.command import Parser, count, describe_machine, line, table
from benchmarks.gate import verdicts
from benchmarks.gate.laps import GateError, checkout, load_suite, measure, worker
from benchmarks.scaling.memory import memory_in_a_process
from benchmarks.work import keep_memory
from fastdrift.files.disk import write_json

# measurements that floors are made from: the least of each case, for a floor is what is always reached
UPDATES = 3


def runnable(cases: Sequence[Case]) -> list[Case]:
    """Return the cases that this machine has processors for; say which it has not."""
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    for case in cases:
        if case.threads > processors:
            print(f"{case.name}: not run, {case.threads} threads want as many processors", file=sys.stderr)
    return [case for case in cases if case.threads <= processors]


def peaks() -> dict[str, float]:
    """Return the peaks of memory, in MiB, where they can be measured."""
    if not sys.platform.startswith("linux"):
        return {}
    return {"memory of score, 4 pieces of 1,000,000 rows": memory_in_a_process(4, 1_000_000)}


def judge_case(case: Case, floors: verdicts.Floors, rounds: int) -> list[str]:
    """Time a case, once more and longer if it seems too slow, print its line, and return what is wrong."""
    lap, floor = measure(case, rounds), floors["speeds"].get(case.name)
    if any(verdicts.judge_speed(case.name, lap.speed, floors)):
        again = measure(case, 2 * rounds)
        lap = again._replace(compiled=lap.compiled + again.compiled)
    beside = [f"{floor:.4g}", f"{lap.speed / floor:.0%}"] if floor else ["–", "–"]
    print(line([case.name, f"{lap.seconds * 1e6:,.0f}", f"{lap.speed:.4g}", *beside]), flush=True)
    compiled = [f"{case.name}: compiles {', '.join(lap.compiled)} while it is timed"] if lap.compiled else []
    return [*verdicts.judge_speed(case.name, lap.speed, floors), *compiled]


def judge(cases: Sequence[Case], asked: argparse.Namespace) -> int:
    """Judge everything, or the speeds of some cases; print what is wrong and return the exit code."""
    floors = verdicts.load_floors(asked.floors)
    problems = [] if asked.only else list(verdicts.judge_names({case.name for case in cases}, floors))
    print(table(["case", "µs", "times the reference's speed", "floor", "of the floor"]))
    for case in runnable(cases):
        problems += judge_case(case, floors, asked.rounds)
    if not asked.only and not asked.suite:
        problems += verdicts.judge_kernels()
        problems += [problem for name, peak in peaks().items() for problem in verdicts.judge_peak(name, peak, floors)]
    for problem in problems:
        print(f"FAILED {problem}", file=sys.stderr)
    print(f"\n{describe_machine()}\n{f'{len(problems)} problem(s)' if problems else 'passed'}")
    return 1 if problems else 0


def update(cases: Sequence[Case], asked: argparse.Namespace) -> None:
    """Write what is measured as new floors, of all cases or of some, the least of a few measurements for each."""
    floors = verdicts.load_floors(asked.floors) if asked.floors.exists() else verdicts.NONE
    missing = {case.name for case in cases} - {case.name for case in runnable(cases)}
    if missing:
        raise GateError(f"{asked.floors}: a floor is what was measured, and this machine can't run {min(missing)!r}")
    speeds = {case.name: float("inf") for case in cases}
    for turn in range(UPDATES):
        for case in cases:
            print(f"{turn + 1}/{UPDATES} {case.name}", file=sys.stderr)
            speeds[case.name] = min(speeds[case.name], measure(case, asked.rounds).speed)
    kept, reached = (floors["speeds"], floors["peaks"]) if asked.only else ({}, {} if asked.suite else peaks())
    new = verdicts.updated(floors, kept | speeds, reached, describe_machine(), asked.reason.strip())
    write_json(new, asked.floors)
    changed = ", ".join(new["history"][-1]["changed"]) or "none"
    print(f"{asked.floors}: {len(speeds)} floors; changed by a tenth or more: {changed}")


def compare(cases: Sequence[Case], asked: argparse.Namespace) -> None:
    """Print the least times of every case here and at a revision, in turns."""
    with checkout(asked.against) as source:
        print(table(["case", "here µs", f"{asked.against} µs", "times as fast here"]))
        for case in runnable(cases):
            try:
                with worker(ROOT, case.name, asked.suite) as here, worker(source, case.name, asked.suite) as there:
                    laps = [(here(), there()) for _ in range(case.rounds or asked.rounds)]
                ours, theirs = map(min, zip(*laps, strict=True))
                cells = [f"{ours * 1e6:,.0f}", f"{theirs * 1e6:,.0f}", f"{theirs / ours:.2f}"]
            except GateError as error:
                cells = ["–", "–", str(error)]
            print(line([case.name, *cells]), flush=True)
    print(f"\n{describe_machine()}")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = Parser("benchmarks.gate", __doc__)
    parser.add_argument("--floors", type=Path, default=ROOT / "bench_data" / "floors.json", metavar="FILE")
    parser.add_argument("--suite", metavar="FILE", help="a file of Python that lists its cases as CASES")
    parser.add_argument("--only", metavar="PATTERN", help="cases whose names match, as in 'score*'")
    parser.add_argument("--rounds", type=count, default=7)
    parser.add_argument("--update", action="store_true", help="write new floors; needs --reason")
    parser.add_argument("--reason", metavar="WHY", help="kept in the floors file")
    parser.add_argument("--against", metavar="REV", help="time this tree and a revision in turns, and judge nothing")
    asked = parser.parse_args(arguments)
    if asked.update and not (asked.reason or "").strip():
        parser.error("--update needs --reason: floors that change without one protect nothing")
    if asked.update and asked.against:
        parser.error("--against judges nothing: leave out --update")
    warnings.simplefilter("ignore")  # the baselines of long windows are short: what is learnt plays no part
    try:
        cases = [case for case in load_suite(asked.suite) if fnmatch.fnmatchcase(case.name, asked.only or "*")]
        if not cases:
            parser.error(f"no case is called {asked.only!r}")
        return (compare if asked.against else update if asked.update else judge)(cases, asked) or 0
    except GateError as error:
        parser.error(str(error))


if __name__ == "__main__":
    keep_memory("benchmarks.gate")
    sys.exit(main())
