"""The command prepare, and how others prepare what they read."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import click
from click.core import ParameterSource
from rich import box
from rich.table import Table

from fastdrift import cli_options as options
from fastdrift.cli_terminal import progress, show, tell
from fastdrift.errors import DataError
from fastdrift.pipeline import Telemetry, labelled_table, prepare_telemetry, read_telemetry
from fastdrift.repairs import Report
from fastdrift.writing import table_ending, write_json, write_table

HOWS = ("mean", "min", "max", "last", "count")
SETTINGS = ("freq", "how", "sentinels", "bounds", "counters", "fill", "limit", "duplicates")
# changes that a table shows, and those that are told beside other results
SHOWN, TOLD = 40, 8


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


cleaning = options.combined(
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


@click.command(
    epilog=options.examples(
        "prepare logged.csv --output clean.parquet",
        "prepare logged.csv --output clean.csv --sentinel -999 --bounds cpu:0:100 --fill interpolate --limit 5",
        "prepare logged.csv --output minutes.csv --freq 1min --how mean --how errors:max --counter requests",
    )
)
@click.argument("path", metavar="INPUT")
@click.option("--output", required=True, metavar="FILE", help="A .csv, .csv.gz or .parquet file.")
@cleaning
@click.option("--columns", callback=options.names, metavar="A,B,…", help="The metrics to keep; all by default.")
@click.option("--drop", callback=options.names, metavar="A,B,…", help="Columns to leave out.")
@options.timestamp
@options.labels
@click.option("--report", metavar="FILE", help="Where the report of every change goes, as JSON.")
@options.as_json
@click.pass_context
def prepare(ctx: click.Context, /, *, path: str, output: str, report: str | None, as_json: bool, **given: Any) -> None:
    """Clean telemetry as it was logged, and say what was changed.

    Rows are put into time order and those with the timestamp of another dropped. What is no number, infinite, a
    sentinel or out of bounds becomes a gap. Counters become increments, --freq makes a regular grid, --fill fills gaps.
    Labels follow their rows; a bin is labelled if a row of it is.
    """
    check_cleaning(ctx)
    options.check_outputs([output, report], [path])
    if report is not None and Path(report).resolve() == Path(output).resolve():
        raise click.UsageError(f"{output} is both --output and --report: name two files")
    table_ending(Path(output))
    settings = {name: given.pop(name) for name in SETTINGS}
    with progress(3) as step:
        step(f"reading {path}")
        data = read_telemetry(path, any_order=True, text=True, **given)
        options.note_labels(data, given["labels"], path)
        step("preparing")
        data, changed = _prepared(data, path, settings)
        step(f"writing {output}")
        write_table(labelled_table(data), output)
    document = {"input": path, "columns": list(data.frame.columns), **changed.to_dict()}
    if report is not None:
        write_json(document, report)
    files = [name for name in (output, report) if name is not None]
    show(document | {"files": files}, [_changes_table(changed)], as_json=as_json)


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


def mend(data: Telemetry, path: str, settings: dict[str, Any] | None) -> Telemetry:
    """Clean a table as asked, or without settings sort its rows alone, and tell what was changed.

    Without settings rows with one timestamp are all kept: a clock may be coarse, and no row is lost unasked.
    """
    import pandas as pd

    index = data.frame.index
    if settings is None and index.is_monotonic_increasing:
        changes: tuple[str, ...] = ()
    else:
        data, report = _prepared(data, path, {"duplicates": "keep"} if settings is None else settings)
        data, changes = data._replace(mended=report), tuple(report.summary().splitlines()[1:])
    for line in changes[:TOLD]:
        tell(f"note: {path}: {line}")
    if len(changes) > TOLD:
        tell(f"note: {path}: {len(changes) - TOLD} more changes; `fastdrift prepare` lists them all")
    index = data.frame.index
    n_repeats = int((index[1:] == index[:-1]).sum()) if isinstance(index, pd.DatetimeIndex) else 0
    if settings is None and n_repeats:
        tell(f"note: {path}: {n_repeats:,} rows have the timestamp of the row before and are kept; see --duplicates")
    return data


def _prepared(data: Telemetry, path: str, settings: dict[str, Any]) -> tuple[Telemetry, Report]:
    import pandas as pd

    if settings.get("freq") is not None and not isinstance(data.frame.index, pd.DatetimeIndex):
        raise DataError(f"{path}: --freq needs times, and no column holds them: name one with --timestamp")
    try:
        return prepare_telemetry(data, **settings)
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


def _changes_table(report: Report) -> Table:
    title = f"{report.rows_in:,} rows in, {report.rows_out:,} rows out"
    table = Table(title=title, title_justify="left", box=box.SIMPLE)
    for name in ("column", "change", "values", "first at", "which is"):
        justify: Literal["left", "right"] = "right" if name == "values" else "left"
        table.add_column(name, justify=justify, no_wrap=name == "first at", overflow="fold")
    for change in report.changes[:SHOWN]:
        where = "(rows)" if change.column is None else str(change.column)
        value = "" if change.value is None else repr(change.value)
        table.add_row(where, change.what, f"{change.count:,}", str(change.first), value)
    if len(report.changes) > SHOWN:
        table.add_row(f"and {len(report.changes) - SHOWN} more")
    if not report.changes:
        table.add_row("nothing was changed")
    return table
