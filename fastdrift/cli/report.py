"""The command report: what was found, as a page to send."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fastdrift.alarms.judging import answer_text, judge
from fastdrift.cli import options
from fastdrift.cli.inputs import Telemetry, fit_table, read_for, read_telemetry, warn_of_labelled
from fastdrift.cli.looking import find_events
from fastdrift.cli.options import examples, takes
from fastdrift.cli.settings import FitSettings, ReportSettings, option_names
from fastdrift.cli.streams import named, told
from fastdrift.cli.terminal import Step, progress, show
from fastdrift.cli.usage import check_paths, refuse
from fastdrift.cli.verdict import reason_to_stop, stop_if
from fastdrift.detectors.store import load_model

if TYPE_CHECKING:
    from fastdrift.detectors.model import Model


@click.command(
    epilog=examples(
        "report model.fastdrift today.parquet --output report.html",
        "report --baseline last.parquet this.parquet",
        "report model.fastdrift week.csv --labels incident --ignore 2024-03-01T00:00..2024-03-02T06:00",
    )
)
@click.argument("paths", metavar="[MODEL] DATA", nargs=-1)
@click.option("--output", default="report.html", show_default=True, metavar="FILE", help="Where the page goes.")
@click.option(
    "--baseline",
    metavar="FILE",
    help="A table of healthy rows, such as those of last week: a model is fitted on them, and none is given.",
)
@click.option("--title", metavar="TEXT", help="What the rows are of; by default the name of their file.")
@click.option("--created", metavar="TEXT", help="When the page was made, if it is to say so.")
@options.labels
@options.ignore
@options.fail_on_drift
@options.asked_rows
@options.fitting
@options.timestamp
@options.threads
@options.as_json
@takes(settings=ReportSettings)
def report(settings: ReportSettings) -> None:
    """Write what is found in DATA as one page of HTML: to read, print or send.

    The page has the answer, a timeline, a card an event with pictures of its columns and what to do next, the model and
    its promise, and what the data lacks. It holds all that it shows, asks nothing of any network and needs no script.

    With --baseline, DATA is held against another stretch of rows: is this week like the last one?
    """
    from fastdrift.reports.html import report as write_report

    model_path, path = _paths(settings)
    check_paths([], [model_path, settings.baseline, path], files=[settings.output])
    with progress(3) as step:
        model, data = _read(model_path, path, settings, step)
        step("looking")
        found = find_events(model, data.frame, settings.looking, settings.threads)
        step(f"writing {settings.output}")
        write_report(
            model,
            data.frame,
            settings.output,
            labels=data.labels,
            events=found,
            title=settings.title or Path(told(path)).name,
            created=settings.created,
            threads=settings.threads,
        )
    judged = None if data.labels is None else judge(found, data.labels)
    origin = {"baseline": settings.baseline} if settings.baseline is not None else {"model": model_path}
    document = {**origin, "data": path, **found.to_dict(), "files": named(settings.output)}
    show(document, [], as_json=settings.as_json, answer=answer_text(found, judged))
    stop_if(reason_to_stop(found, found.since), asked=settings.fail_on_drift)


def _paths(settings: ReportSettings) -> tuple[str | None, str]:
    """Return the file of the model, unless one is fitted, and that of the rows."""
    if settings.baseline is None:
        refuse(option_names(FitSettings), "needs --baseline: a model that is given has its own")
        if len(settings.paths) != 2:
            raise click.UsageError("give MODEL and DATA, or --baseline FILE and DATA alone")
        return settings.paths[0], settings.paths[1]
    if len(settings.paths) != 1:
        raise click.UsageError("with --baseline give DATA alone: the model is fitted on the baseline")
    return None, settings.paths[0]


def _read(model_path: str | None, path: str, settings: ReportSettings, step: Step) -> tuple[Model, Telemetry]:
    """Return the model, loaded or fitted on the baseline, and the rows."""
    reading, source = settings.reading, settings.baseline
    if source is None:
        step(f"reading {told(path)}")
        model = load_model(str(model_path))
    else:
        step(f"fitting on {told(source)}")
        healthy = read_telemetry(source, replace(reading, columns=None, drop=None), is_labelled=False)
        warn_of_labelled(healthy, len(healthy.frame))
        model = fit_table(healthy.frame, settings.fitting, settings.threads)
    return model, read_for(model, path, reading)
