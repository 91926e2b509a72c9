"""Options that commands share, and what they mean."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import click

from fastdrift.cli_terminal import percent, tell
from fastdrift.errors import DataError
from fastdrift.evaluation import Evaluation
from fastdrift.pipeline import LABEL, WINDOW, Telemetry

Command = TypeVar("Command", bound=Callable[..., Any])

DRIFTED = 3


def names(_context: click.Context, _parameter: click.Parameter, value: str | None) -> list[str] | None:
    """Return names that are separated by commas."""
    return None if value is None else [name.strip() for name in value.split(",") if name.strip()]


def _shrinkage(_context: click.Context, _parameter: click.Parameter, value: str) -> str | float:
    if value in ("ledoit-wolf", "oas"):
        return value
    try:
        return float(value)
    except ValueError:
        raise click.BadParameter(f"{value!r} is neither ledoit-wolf, oas nor a number from 0 to 1") from None


def _baseline(_context: click.Context, _parameter: click.Parameter, value: str | None) -> float | int | None:
    """Return a share of the rows as a float and a number of rows as an int."""
    if value is None:
        return None
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if 0 < number < 1:
        return number
    if number >= 1 and number.is_integer():
        return int(number)
    raise click.BadParameter(f"{value!r} is neither a share such as 0.3 nor a number of rows such as 3000")


def examples(*commands: str) -> str:
    """Return examples as the end of a command's help."""
    return "\b\nExamples:\n" + "\n".join(f"  fastdrift {command}" for command in commands)


def combined(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Return several options as one decorator; help shows them in this order."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


as_json = click.option("--json", "as_json", is_flag=True, help="Write one JSON document to stdout.")
threads = click.option("--threads", type=click.IntRange(1), help="Threads to use; `fastdrift doctor` says how many.")
timestamp = click.option(
    "--timestamp",
    metavar="COLUMN",
    help="The column that holds the time; by default one called timestamp, datetime, time or date.",
)
labels = click.option(
    "--labels",
    metavar="COLUMN",
    help=f"The column of 0 and 1 that says where there is drift, by default {LABEL!r} if it is there. It is no metric.",
)
fitting = combined(
    click.option("--window", type=click.IntRange(2), default=WINDOW, show_default=True, help="Rows in a window."),
    click.option(
        "--false-alarm-rate",
        type=click.FloatRange(0, 0.5, min_open=True),
        default=0.05,
        show_default=True,
        help="The share of healthy rows that may be flagged.",
    ),
    click.option(
        "--threshold-rule",
        "threshold",
        type=click.Choice(["cross-fit", "in-sample"]),
        default="cross-fit",
        show_default=True,
        help="in-sample flags far more than it says and is there to compare with.",
    ),
    click.option(
        "--shrinkage",
        metavar="RULE",
        callback=_shrinkage,
        default="ledoit-wolf",
        show_default=True,
        help="ledoit-wolf, oas, or a number from 0 to 1.",
    ),
    click.option(
        "--detector",
        type=click.Choice(["mahalanobis", "isolation-forest"]),
        default="mahalanobis",
        show_default=True,
        help="What scores: distances from the baseline's centre, or a forest of random cuts.",
    ),
    click.option(
        "--columns", callback=names, metavar="A,B,…", help="The metrics; tables that are scored may then hold others."
    ),
    click.option("--drop", callback=names, metavar="A,B,…", help="Columns that are no metrics, such as text."),
)
drifts = click.option(
    "--drifts",
    metavar="A,B,…",
    callback=names,
    default="mixed",
    show_default=True,
    help="mixed, none, or some of mean-shift, slow-ramp, variance-inflation, correlation-break, stuck-sensor, missing.",
)
baseline = click.option(
    "--baseline",
    metavar="SHARE|ROWS",
    callback=_baseline,
    help="How many of the first rows are healthy: a share such as 0.3, or a number of rows. A model is fitted on them.",
)
drift = combined(
    click.option(
        "--fail-on-drift",
        is_flag=True,
        help=f"Exit with {DRIFTED} if more of the scored rows are flagged than --drift-share.",
    ),
    click.option(
        "--drift-share",
        type=click.FloatRange(0, 1),
        help="The share of flagged rows above which there is drift, by default twice the model's false-alarm rate: "
        "more than false alarms explain. In fewer rows than some hundred windows chance alone may reach it.",
    ),
)


def baseline_rows(asked: float | int | None, n_rows: int, *, default: float) -> int:
    """Return the number of rows of a baseline that was asked for as a share or a number."""
    asked = default if asked is None else asked
    rows = round(asked * n_rows) if isinstance(asked, float) else asked
    if rows > n_rows:
        raise DataError(f"a baseline of {rows} rows is more than the {n_rows} there are: use a smaller one")
    return rows


def note_labels(data: Telemetry, asked: str | None, path: str) -> None:
    """Say it if a column was taken as labels that nobody asked for."""
    if asked is None and data.label_column is not None:
        tell(f"note: column {data.label_column!r} of {path} is taken as labels, not as a metric")


def warn_of_labelled(data: Telemetry, n_rows: int) -> None:
    """Say it if rows of the baseline are labelled as drift."""
    n_labelled = 0 if data.labels is None else int(data.labels[:n_rows].sum())
    if n_labelled:
        tell(f"warning: {n_labelled:,} rows of the baseline are labelled as drift, and all are taken as healthy")


def check_outputs(outputs: Iterable[str | None], inputs: Iterable[str]) -> None:
    """Refuse to write over what is read."""
    read = {Path(path).resolve() for path in inputs}
    for path in outputs:
        if path is not None and Path(path).resolve() in read:
            raise click.UsageError(f"{path} is an input: write to another file")


def drift_facts(evaluation: Evaluation, limit: float | None) -> dict[str, Any]:
    """Return whether more of the scored rows are flagged than a limit, which is twice the false-alarm rate if None."""
    limit = 2 * (evaluation.false_alarm_rate or 0.0) if limit is None else limit
    share = evaluation.flagged_ratio
    return {"flagged_share": share, "limit": limit, "drifted": share is not None and share > limit}


def exit_on_drift(facts: dict[str, Any], *, fail_on_drift: bool) -> None:
    """Exit with 3 if that is asked for and there is drift."""
    if fail_on_drift and facts["drifted"]:
        tell(
            f"drift: {percent(facts['flagged_share'])} of the scored rows are flagged, above {percent(facts['limit'])}"
        )
        click.get_current_context().exit(DRIFTED)
