"""The command explain: what every column adds to the scores of rows, or of an event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import click
import numpy as np

from fastdrift.cli import options
from fastdrift.cli.inputs import read_for
from fastdrift.cli.looking import check_chosen, choose_rows
from fastdrift.cli.options import examples, takes
from fastdrift.cli.settings import DASH, ExplainSettings
from fastdrift.cli.streams import check_table, named, told, write_either
from fastdrift.cli.tables import numbers_table
from fastdrift.cli.terminal import progress, show
from fastdrift.cli.usage import check_paths
from fastdrift.detectors.model import Model
from fastdrift.detectors.store import load_model
from fastdrift.errors import DataError
from fastdrift.evaluation.lines import percent
from fastdrift.files.disk import write_bytes
from fastdrift.tables.frames import with_named_index

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

    from fastdrift.alarms.events import Event


class Explained(NamedTuple):
    """What every column adds: in each row, on average, and of what that is the reason."""

    title: str
    frame: pd.DataFrame
    means: pd.Series[float]
    event: Event | None


@click.command(
    epilog=examples(
        "explain model.fastdrift today.parquet --event 0 --plot why.png",
        "explain model.fastdrift today.parquet --rows 4700:4800 --signed --output parts.csv",
    )
)
@click.argument("model_path", metavar="MODEL")
@click.argument("path", metavar="DATA")
@options.chosen_rows
@click.option("--signed", is_flag=True, help="Parts with signs that add up to the squared score, instead of shares.")
@click.option("--output", metavar="FILE", help=f"Where the parts of every row go: {options.TABLE_OR_JSON}.")
@click.option("--plot", metavar="FILE", help="Where a picture of bars goes, a .png or .svg.")
@options.ignore
@options.asked_rows
@options.timestamp
@options.threads
@options.as_json
@takes(settings=ExplainSettings)
def explain(settings: ExplainSettings) -> None:
    """Say which columns are the reason for the scores of DATA by MODEL, in rows or in an event.

    A column's share is what it adds to the squared score, by its level, its spread and how it moves with others; shares
    add up to 100 %. Rows are told by their average, and in how many of them a column is the first reason.
    """
    _check_usage(settings)
    with progress(2) as step:
        step(f"reading {told(settings.path)}")
        model = load_model(settings.model_path)
        frame = read_for(model, settings.path, settings.reading).frame
        step("explaining")
        explained = _explain(model, frame, settings)
        picture = None if settings.plot is None else _draw(explained, settings)
    document = _document(explained, settings)
    write_either(with_named_index(explained.frame), document, settings.output)
    if settings.plot is not None and picture is not None:
        write_bytes(picture, settings.plot)
    full, tables = document | {"files": named(settings.output, settings.plot)}, [_table(explained, settings)]
    show(full, tables, as_json=settings.as_json, aside=settings.output == DASH)


def _check_usage(settings: ExplainSettings) -> None:
    check_chosen(settings.chosen, "explain")
    check_paths([settings.output], [settings.model_path, settings.path], files=[settings.plot])
    check_table(settings.output, or_json=True)


def _explain(model: Model, frame: pd.DataFrame, settings: ExplainSettings) -> Explained:
    from fastdrift.alarms.explain import explain as explain_rows

    first, stop, event = choose_rows(model, frame, settings.chosen, settings.threads)
    title = f"Rows {first:,} to {stop - 1:,}"
    if event is not None:
        title = f"Event {settings.chosen.event}, {event.kind}, {title.lower()}: {event.why}"
    parts = explain_rows(model, frame, rows=slice(first, stop), signed=settings.signed, threads=settings.threads)
    whole = parts.dropna()
    if whole.empty:
        raise DataError(f"{title}: no row there has a score, so there is nothing to explain")
    # an event's shares are those of its mean parts, as `explain(events=)` gives them; signed parts are no shares
    means = whole.mean() if event is None or settings.signed else _of_event(model, frame, event, settings)
    order = np.argsort(-means.abs().to_numpy(), kind="stable")
    return Explained(title, parts, means.iloc[order], event)


def _of_event(model: Model, frame: pd.DataFrame, event: Event, settings: ExplainSettings) -> pd.Series[float]:
    from fastdrift.alarms.explain import explain as explain_rows

    return explain_rows(model, frame, events=[event], threads=settings.threads).iloc[0]


def _document(explained: Explained, settings: ExplainSettings) -> dict[str, Any]:
    event, frame = explained.event, explained.frame
    return {
        "model": settings.model_path,
        "data": settings.path,
        "explained": explained.title,
        "rows": len(frame),
        "rows_without_a_score": int(frame.isna().any(axis=1).sum()),
        "signed": settings.signed,
        "columns": {str(name): float(value) for name, value in explained.means.items()},
        "event": None if event is None else event.to_dict(),
    }


def _table(explained: Explained, settings: ExplainSettings) -> Table:
    whole = explained.frame.dropna()
    firsts = whole.columns[np.argmax(np.abs(whole.to_numpy()), axis=1)]
    rows = []
    for name, value in explained.means.items():
        told = f"{value:,.2f}" if settings.signed else percent(float(value))
        rows.append((str(name), told, f"{np.count_nonzero(firsts == name):,}"))
    if settings.signed:
        rows.append(("squared score", f"{explained.means.sum():,.2f}", ""))
    names = ("part" if settings.signed else "share", f"first in, of {len(whole):,} rows")
    return numbers_table(explained.title, names, rows)


def _draw(explained: Explained, settings: ExplainSettings) -> bytes:
    from fastdrift.plots.axes import to_bytes
    from fastdrift.plots.reasons import reasons_figure

    means = explained.means
    figure = reasons_figure(
        {str(name): float(value) for name, value in means.items()}, title=explained.title, signed=settings.signed
    )
    return to_bytes(figure, "svg" if str(settings.plot).lower().endswith(".svg") else "png")
