"""The command detect: has it drifted, since when, in which columns, and how sure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fastdrift.alarms.judging import answer_text
from fastdrift.cli import options
from fastdrift.cli.inputs import read_for
from fastdrift.cli.looking import find_events
from fastdrift.cli.options import examples, takes
from fastdrift.cli.results import events_frame
from fastdrift.cli.settings import DASH, LookSettings, ReadSettings
from fastdrift.cli.streams import check_table, named, told, write_either
from fastdrift.cli.tables import events_table, facts_table
from fastdrift.cli.terminal import progress, show
from fastdrift.cli.usage import check_paths
from fastdrift.cli.verdict import reason_to_stop, stop_if
from fastdrift.detectors.store import load_model

if TYPE_CHECKING:
    from rich.table import Table

    from fastdrift.alarms.events import Events

SHOWN = 50
"""Events that the table shows."""


@click.command(
    epilog=examples(
        "detect model.fastdrift today.parquet",
        "detect model.fastdrift today.parquet --missing score",
        "detect model.fastdrift week.csv --ignore 2024-03-01T00:00..2024-03-02T06:00 --output events.csv",
        "detect model.fastdrift today.parquet --last 60 --fail-on-drift --json",
    )
)
@click.argument("model_path", metavar="MODEL")
@click.argument("path", metavar="DATA")
@click.option("--output", metavar="FILE", help=f"Where the events go: {options.TABLE_OR_JSON}.")
@options.ignore
@options.fail_on_drift
@options.missing
@options.asked_rows
@options.timestamp
@options.threads
@options.as_json
@takes(reading=ReadSettings, looking=LookSettings)
def detect(
    *,
    model_path: str,
    path: str,
    output: str | None,
    fail_on_drift: bool,
    reading: ReadSettings,
    looking: LookSettings,
    threads: int | None,
    as_json: bool,
) -> None:
    """Say whether DATA has drifted by MODEL: since when, until when, why, and how rare that is.

    An alarm comes falsely no more often than the model promises; a notice is weaker and promises nothing. "since" is
    the row in which it most likely began, before it could be noticed; "once in" says in how many healthy rows such a
    one comes. Events are numbered from 0, as `fastdrift explain --event` takes them.
    """
    check_paths([output], [model_path, path])
    check_table(output, or_json=True)
    with progress(2) as step:
        step(f"reading {told(path)}")
        model = load_model(model_path)
        data = read_for(model, path, reading, may_lack=looking.missing == "score")
        step("looking")
        found = find_events(model, data.frame, looking, threads)
    document = {"model": model_path, "data": path, **found.to_dict(), "promise": found.promise.to_dict()}
    write_either(events_frame(found), document, output)
    full, answer = document | {"files": named(output)}, answer_text(found, None)
    show(full, _tables(found), as_json=as_json, answer=answer, aside=output == DASH)
    stop_if(reason_to_stop(found, found.since), asked=fail_on_drift)


def _tables(found: Events) -> list[Table]:
    facts = [("promised", found.promise.text())]
    if short := found.promise.shortfall():
        facts.append(("", short))
    if found.n_ignored:
        facts.append(("left out", f"{found.n_ignored:,} rows, as asked"))
    facts += [("note", note) for note in found.notes]
    listed = [events_table("Events", list(enumerate(found)), found.promise.rows, most=SHOWN)] if len(found) else []
    return [*listed, facts_table("How sure", facts)]
