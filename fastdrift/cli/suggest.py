"""The command suggest: what a baseline is good for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fastdrift.cli import options
from fastdrift.cli.inputs import count_baseline, read_telemetry, warn_of_labelled
from fastdrift.cli.options import examples, takes
from fastdrift.cli.settings import BaselineSize, ReadSettings
from fastdrift.cli.streams import told
from fastdrift.cli.tables import facts_table, numbers_table
from fastdrift.cli.terminal import progress, show
from fastdrift.cli.usage import check_paths
from fastdrift.fitting.suggestion import PART_NAMES, SHIFT_NAMES

if TYPE_CHECKING:
    from rich.table import Table

    from fastdrift.fitting.suggestion import Suggestion


@click.command(
    epilog=examples(
        "suggest healthy.parquet",
        "suggest telemetry.csv --baseline 0.3 --false-event-rate 1/week",
        "suggest april.parquet june.parquet --window 10,20,50,100 --json",
    )
)
@click.argument("paths", metavar="BASELINE...", nargs=-1, required=True)
@options.baseline
@options.window_or_none
@options.rates
@options.metrics
@options.timestamp
@options.labels
@options.threads
@options.as_json
@takes(reading=ReadSettings)
def suggest(
    *,
    paths: tuple[str, ...],
    baseline: BaselineSize,
    window: int | tuple[int, ...] | None,
    false_alarm_rate: float,
    false_event_rate: float | str | None,
    reading: ReadSettings,
    threads: int | None,
    as_json: bool,
) -> None:
    """Say what BASELINE is good for: which window and which promises, what drift it shows, and what stands out in it.

    BASELINE is as `fastdrift fit` takes it. The promise is held against its own later parts: three models of its first
    rows each look at the fifth that follows. Where they flag much more than they were asked for, the system was not the
    same all through it, or does not repeat itself yet.

    Without --window one is chosen. The smallest shift is what turns a middling healthy window into an alarm; a shift
    twice as large is told of sooner.
    """
    from fastdrift.fitting.suggesting import suggest as make_suggestion

    first, *more = paths
    if more and baseline is not None:
        raise click.UsageError("--baseline is for one table: give several with healthy rows alone")
    check_paths([], [*paths])
    with progress(2) as step:
        step(f"reading {', '.join(map(told, paths))}")
        read = [read_telemetry(path, reading) for path in (first, *more)]
        step("looking")
        n_rows = count_baseline(baseline, len(read[0].frame), default=1.0)
        frames = [read[0].frame.iloc[:n_rows], *(one.frame for one in read[1:])]
        found = make_suggestion(
            frames if more else frames[0],
            window=window,
            false_alarm_rate=false_alarm_rate,
            false_event_rate=false_event_rate,
            columns=reading.columns,
            threads=threads,
        )
    for data, frame in zip(read, frames, strict=True):
        warn_of_labelled(data, len(frame))
    show({"data": list(paths), **found.to_dict()}, _tables(found), as_json=as_json, answer=found.answer())


def _tables(found: Suggestion) -> list[Table]:
    tables = [facts_table("What it can support", found.lines())]
    if found.findings:
        tables.append(facts_table("What stands out", [(finding.kind, finding.text) for finding in found.findings]))
    if found.backtest.parts:
        tables.append(numbers_table("Held against its own later parts", PART_NAMES[1:], found.part_rows()))
    if shifts := found.shift_rows():
        tables.append(numbers_table("Smallest lasting shift that raises an alarm", SHIFT_NAMES[1:], shifts))
    return tables
