"""Options that several commands have, how their values are read, and how a command gets them as settings."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, get_args

import click

from fastdrift.cli.settings import DRIFTED, BaselineSize, Hows, from_options, option_names
from fastdrift.cli.usage import given_options
from fastdrift.detectors.registry import DETECTORS
from fastdrift.errors import DataError
from fastdrift.fitting.advice import WINDOW
from fastdrift.fitting.windows import check_windows
from fastdrift.prepare.grid import How
from fastdrift.prepare.values import Duplicates, Fill
from fastdrift.scoring.gaps import Missing
from fastdrift.tables.roles import LABEL

HOWS = get_args(How)
"""What may become of the rows of a bin."""

TABLE_FILE = "A .csv, .tsv or .parquet file; with .gz or .zst after it if it is text and packed"
"""What a table is written to."""
TABLE_OR_JSON = "a .csv, .tsv, .parquet or .json file, or - for CSV on stdout"
"""What a table is written to, or everything about it."""

Command = TypeVar("Command", bound=Callable[..., Any])


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


def takes(**kinds: type[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator: a command gets options as settings of these kinds, and the others as they are.

    A field `given` of settings holds the names of the options that were given.
    """
    taken = {name for kind in kinds.values() for name in option_names(kind)}

    def decorate(body: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(body)
        def command(**options: Any) -> None:
            known = options | {"given": given_options()}
            settings = {name: from_options(kind, known) for name, kind in kinds.items()}
            body(**{name: value for name, value in options.items() if name not in taken}, **settings)

        return command

    return decorate


def split_names(_context: click.Context, _parameter: click.Parameter, value: str | None) -> list[str] | None:
    """Return names that are separated by commas."""
    return None if value is None else [name.strip() for name in value.split(",") if name.strip()]


def _read_bounds(
    _context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, tuple[float | None, ...]]:
    limits = {}
    for value in values:
        try:
            name, low, high = value.rsplit(":", 2)
            limits[name] = tuple(float(end) if end.strip() else None for end in (low, high))
        except ValueError:
            raise click.BadParameter(f"{value!r} is not COLUMN:LOW:HIGH, such as cpu:0:100 or rate:0:") from None
    return limits


def _read_hows(_context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> Hows:
    default, own = "mean", {}
    for value in values:
        name, mark, how = value.rpartition(":")
        if how not in HOWS:
            raise click.BadParameter(f"{value!r} is not {', '.join(HOWS)}, or one of them after COLUMN:")
        if mark:
            own[name] = how
        else:
            default = how
    return default, own  # type: ignore[return-value]  # each is one of HOWS


def _read_shrinkage(_context: click.Context, _parameter: click.Parameter, value: str) -> str | float:
    if value in ("ledoit-wolf", "oas"):
        return value
    try:
        return float(value)
    except ValueError:
        raise click.BadParameter(f"{value!r} is neither ledoit-wolf, oas nor a number from 0 to 1") from None


def read_windows(
    _context: click.Context, _parameter: click.Parameter, value: str | None
) -> int | tuple[int, ...] | None:
    """Return rows in a window, or in several that are separated by commas."""
    if value is None:
        return None
    try:
        windows = check_windows([int(part) for part in value.split(",")])
    except (ValueError, DataError):
        raise click.BadParameter(
            f"{value!r} is neither a number of rows, at least 2, nor 2 or 4 different ones such as 10,20,50,100"
        ) from None
    return windows if len(windows) > 1 else windows[0]


def _read_baseline(_context: click.Context, _parameter: click.Parameter, value: str | None) -> BaselineSize:
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


def _read_event_rate(_context: click.Context, _parameter: click.Parameter, value: str | None) -> float | str | None:
    """Return events a row from a number or a/b, or text such as 1/day, which waits for the times of rows."""
    from fastdrift.alarms.tail import read_rate

    if value is None:
        return None
    try:
        part, mark, whole = value.replace("_", "").partition("/")
        rate: float | str = float(part) / (float(whole) if mark else 1.0)
    except (ValueError, ZeroDivisionError):
        rate = value
    try:
        read_rate(rate, 1.0)
    except DataError:
        raise click.BadParameter(
            f"{value!r} is no rate of events: give 1/10000 or 0.0001 for events a row, or 1/day, 2/week"
        ) from None
    return rate


def _check_since(context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    if value is not None and context.params.get("last") is not None:
        raise click.BadParameter("--last and --since both say which rows: give one")
    return value


as_json = click.option("--json", "as_json", is_flag=True, help="Write one JSON document to stdout.")
threads = click.option("--threads", type=click.IntRange(1), help="Threads to use; `fastdrift doctor` says how many.")
timestamp = click.option(
    "--timestamp",
    metavar="COLUMN",
    help="The column that holds the time; by default one called timestamp, datetime, time or date, or the first that "
    "holds times since 1970 or is called like one of times.",
)
labels = click.option(
    "--labels",
    metavar="COLUMN",
    help=f"The column of 0 and 1 that says where there is drift, by default {LABEL!r} if it is there. It is no metric.",
)
drifts = click.option(
    "--drifts",
    metavar="A,B,…",
    callback=split_names,
    default="mixed",
    show_default=True,
    help="mixed, none, or some of mean-shift, slow-ramp, variance-inflation, correlation-break, stuck-sensor, missing.",
)
baseline = click.option(
    "--baseline",
    metavar="SHARE|ROWS",
    callback=_read_baseline,
    help="How many of the first rows are healthy: a share such as 0.3, or a number of rows. A model is fitted on them.",
)

cleaning = combined(
    click.option(
        "--freq", metavar="TIME", help="Put rows onto a regular grid: 10s, 1min, 2h, 1D. Bins without rows are gaps."
    ),
    click.option(
        "--how",
        metavar="[COLUMN:]HOW",
        multiple=True,
        callback=_read_hows,
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
        callback=_read_bounds,
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
        type=click.Choice(get_args(Fill)),
        default="leave",
        show_default=True,
        help="What becomes of gaps, those of the grid among them. A filled stretch has no noise: fill short ones only.",
    ),
    click.option("--limit", type=click.IntRange(1), metavar="ROWS", help="The longest gap that is filled, in rows."),
    click.option(
        "--duplicates",
        type=click.Choice(get_args(Duplicates)),
        default="last",
        show_default=True,
        help="Which of the rows with one timestamp stays.",
    ),
)

_window = functools.partial(
    click.option,
    "--window",
    metavar="ROWS[,ROWS…]",
    callback=read_windows,
    help="Rows in a window; or 2 or 4 windows, such as 10,20,50,100, whose scores are blended: it finds more and "
    "takes the time of all.",
)
window = _window(default=str(WINDOW), show_default=True)
window_or_none = _window(show_default="chosen by the baseline")
rates = combined(
    click.option(
        "--false-alarm-rate",
        type=click.FloatRange(0, 0.5, min_open=True),
        default=0.05,
        show_default=True,
        help="The share of healthy rows that may be flagged.",
    ),
    click.option(
        "--false-event-rate",
        metavar="RATE",
        callback=_read_event_rate,
        help="How many false alarms may come: 1/10000 or 0.0001 for events a row, 1/day or 2/week where rows have "
        "times. By default 1/10000, or the strictest that the baseline can support.",
    ),
)
metrics = combined(
    click.option(
        "--columns",
        callback=split_names,
        metavar="A,B,…",
        help="The metrics; tables that are scored may then hold others.",
    ),
    click.option("--drop", callback=split_names, metavar="A,B,…", help="Columns that are no metrics, such as text."),
)
fitting = combined(
    window,
    rates,
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
        callback=_read_shrinkage,
        default="ledoit-wolf",
        show_default=True,
        help="ledoit-wolf, oas, or a number from 0 to 1.",
    ),
    click.option(
        "--detector",
        type=click.Choice(list(DETECTORS)),
        default="mahalanobis",
        show_default=True,
        help="What scores: distances from the baseline's centre, or a forest of random cuts.",
    ),
    metrics,
)

chosen_rows = combined(
    click.option("--rows", metavar="A:B", help="The rows from A up to B, not included, counted from 0; or times A..B."),
    click.option(
        "--event",
        type=click.IntRange(0),
        metavar="N",
        help="An event by its number in the table of `fastdrift detect` with the same --ignore, --last and --since.",
    ),
)
asked_rows = combined(
    click.option(
        "--last",
        type=click.IntRange(1),
        metavar="ROWS",
        is_eager=True,
        help="Ask about the last rows alone: about alarms that are on in them, or began there.",
    ),
    click.option(
        "--since",
        metavar="ROW|TIME",
        callback=_check_since,
        help="Ask about the rows since then alone: a row counted from 0, or a time such as 2024-03-01T00:00.",
    ),
)
ignore = click.option(
    "--ignore",
    metavar="FROM..TO",
    multiple=True,
    help="Rows or times to leave out, up to TO: 600..720 or 2024-03-01T00:00..2024-03-02T06:00. May be repeated.",
)
fail_on_drift = click.option(
    "--fail-on-drift",
    is_flag=True,
    help=f"Exit with {DRIFTED} if an alarm, of drift or of missing data, is on or began in the rows asked about, or if "
    "none of them could be scored.",
)
missing = click.option(
    "--missing",
    type=click.Choice(get_args(Missing)),
    default="nan",
    show_default=True,
    help="What a window that lacks values gets: no score, or one told by what it has, as rare as that of a whole one. "
    "Columns of the model may then be missing from DATA.",
)
drift = combined(
    fail_on_drift,
    asked_rows,
    click.option(
        "--drift-share",
        type=click.FloatRange(0, 1),
        help="A share of the scored rows; if more of them are flagged that is drift too. There is none by default.",
    ),
)
