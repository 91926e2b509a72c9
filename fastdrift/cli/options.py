"""Options that commands share, and what they mean."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from fastdrift.cli.inputs import LABEL
from fastdrift.cli.results import DRIFTED
from fastdrift.fitting.advice import WINDOW

HOWS = ("mean", "min", "max", "last", "count")
SETTINGS = ("freq", "how", "sentinels", "bounds", "counters", "fill", "limit", "duplicates")


def _bounds(_context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, Any]:
    limits = {}
    for value in values:
        try:
            name, low, high = value.rsplit(":", 2)
            limits[name] = tuple(float(end) if end.strip() else None for end in (low, high))
        except ValueError:
            raise click.BadParameter(f"{value!r} is not COLUMN:LOW:HIGH, such as cpu:0:100 or rate:0:") from None
    return limits


def _how(_context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> tuple[str, dict[str, str]]:
    """Return the way of all columns, and of those that have their own."""
    default, own = "mean", {}
    for value in values:
        name, mark, how = value.rpartition(":")
        if how not in HOWS:
            raise click.BadParameter(f"{value!r} is not {', '.join(HOWS)}, or one of them after COLUMN:")
        if mark:
            own[name] = how
        else:
            default = how
    return default, own


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


cleaning = combined(
    click.option(
        "--freq", metavar="TIME", help="Put rows onto a regular grid: 10s, 1min, 2h, 1D. Bins without rows are gaps."
    ),
    click.option(
        "--how",
        metavar="[COLUMN:]HOW",
        multiple=True,
        callback=_how,
        help=f"What becomes of the rows of a bin: {', '.join(HOWS)}; mean by default. May be repeated for columns.",
    ),
    click.option(
        "--sentinel",
        "sentinels",
        metavar="NUMBER",
        type=float,
        multiple=True,
        help="A value that means no value, such as -999. May be repeated.",
    ),
    click.option(
        "--bounds",
        metavar="COLUMN:LOW:HIGH",
        multiple=True,
        callback=_bounds,
        help="The lowest and highest possible value; nothing for none, as in rate:0: . May be repeated.",
    ),
    click.option(
        "--counter",
        "counters",
        metavar="COLUMN",
        multiple=True,
        help="A column that only grows until it starts again: made into increments. May be repeated.",
    ),
    click.option(
        "--fill",
        type=click.Choice(["leave", "forward", "interpolate"]),
        default="leave",
        show_default=True,
        help="What becomes of gaps, those of the grid among them. A filled stretch has no noise: fill short ones only.",
    ),
    click.option("--limit", type=click.IntRange(1), metavar="ROWS", help="The longest gap that is filled, in rows."),
    click.option(
        "--duplicates",
        type=click.Choice(["last", "first", "keep"]),
        default="last",
        show_default=True,
        help="Which of the rows with one timestamp stays.",
    ),
)


def check_cleaning(ctx: click.Context) -> None:
    """Refuse options that would be without effect."""
    if ctx.params["limit"] is not None and ctx.params["fill"] == "leave":
        raise click.UsageError("--limit needs --fill forward or interpolate")
    if ctx.params["freq"] is None and _is_given(ctx, "how"):
        raise click.UsageError("--how needs --freq, the length of a bin")


def is_cleaning_asked(ctx: click.Context) -> bool:
    """Return whether an option says how to clean."""
    return any(_is_given(ctx, name) for name in SETTINGS)


def _is_given(ctx: click.Context, name: str) -> bool:
    return ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE


Command = TypeVar("Command", bound=Callable[..., Any])


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


def check_outputs(outputs: Iterable[str | None], inputs: Iterable[str]) -> None:
    """Refuse to write over what is read."""
    read = {Path(path).resolve() for path in inputs}
    for path in outputs:
        if path is not None and Path(path).resolve() in read:
            raise click.UsageError(f"{path} is an input: write to another file")
