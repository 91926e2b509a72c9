"""report: what was found, as one page of HTML that needs nothing beside it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from fastdrift.alarms.detect import Looking, check_promised, find_in_table
from fastdrift.alarms.events import Events
from fastdrift.alarms.judging import judge
from fastdrift.detectors.model import Model
from fastdrift.engine.threads import check_threads
from fastdrift.engine.windows import check_length
from fastdrift.errors import DataError
from fastdrift.evaluation.checks import check_labels
from fastdrift.files.disk import PathLike, write_bytes
from fastdrift.reports.page import page
from fastdrift.reports.subject import Subject
from fastdrift.reports.words import Clock, is_ordered
from fastdrift.scoring.batch import match_table, score_table
from fastdrift.tables.convert import reader_of
from fastdrift.tables.table import usual_step

if TYPE_CHECKING:
    import numpy.typing as npt
    from jinja2 import Template

TEMPLATE = "report.html.jinja"


def report(
    model: Model,
    data: Any,
    path: PathLike,
    *,
    labels: npt.ArrayLike | None = None,
    events: Events | None = None,
    since: int = 0,
    ignore: Iterable[Sequence[int]] = (),
    title: str = "telemetry",
    created: object = None,
    time: Hashable | None = None,
    threads: int | None = None,
) -> Events:
    """Write what was found in a table as one page of HTML, to read, print or send.

    The page holds its pictures, asks nothing of any network and needs no script; it is under 2 MB for any table. Every
    name and number in it comes from the model and the table: the same ones give the same bytes.

    Parameters
    ----------
    model : Model
        What `fit` returned.
    data : array of shape (n_rows, n_columns) or frame
        Rows in time order, in the baseline's units; any kind that `detect` takes.
    path : path-like
        The file; one that exists is replaced, and only by a whole one.
    labels : array_like of bool or 0/1, shape (n_rows,), optional
        True where the system is known to have drifted: the page then says how right it was.
    events : Events, optional
        What `detect` found in the same rows, if that is known; otherwise it is looked for.
    since, ignore, time, threads
        As for `detect`; `since` and `ignore` are for where events are looked for.
    title : str, default "telemetry"
        What the rows are of.
    created : optional
        When the report was made, as text or a time, if it is to say so.

    Returns
    -------
    Events
        What the page tells.

    Raises
    ------
    DataError
        If the table cannot be scored, or events or labels are not of its rows.
    ModelError
        If the model comes from a file that was written before there were promises.
    FileError
        If the place cannot be written.
    ImportError
        If Jinja2 is not installed (extras `report` and `cli`).

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import fastdrift as fd
    >>> data = fd.generate(40_000, seed=3, drifts=["mean-shift"])
    >>> model = fd.fit(data.frame[:12_000])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     place = pathlib.Path(folder) / "report.html"
    ...     found = fd.report(model, data.frame, place, since=12_000, labels=data.labels)
    ...     "1 of 1 labelled incident found" in place.read_text(encoding="utf-8")
    True
    """
    template = _template()
    if not isinstance(model, Model):
        raise DataError(f"the first argument is a {type(model).__name__}, not a Model: call report(model, data, path)")
    check_promised(model)
    table, columns = match_table(model, reader_of(data), time)
    check_length(table.n_rows, model.window)
    truth = None if labels is None else check_labels(labels, table.n_rows)
    n_threads = check_threads(threads)
    scores, broken = score_table(model, table, columns, n_threads)
    if events is None:
        how = Looking(since, ignore, n_threads)
        events = find_in_table(model, table, columns, scores.copy(), broken, how)
    else:
        _check_events(events, table.n_rows, asked=bool(since or tuple(ignore)))
    times = table.times if is_ordered(table.times) else None
    subject = Subject(
        model=model,
        table=table,
        columns=columns,
        scores=scores,
        found=events,
        clock=Clock(times, table.zone, usual_step(times)),
        labels=truth,
        judged=None if truth is None else judge(events, truth),
        threads=n_threads,
    )
    content = template.render(page(subject, title, "" if created is None else str(created)))
    # a name may hold half of a surrogate pair, which no encoding has
    write_bytes(content.encode("utf-8", "replace"), path)
    return events


def _check_events(events: Events, n_rows: int, *, asked: bool) -> None:
    if asked:
        raise DataError("events say where they were looked for: give since and ignore to detect, or leave events out")
    if events.n_rows != n_rows:
        raise DataError(f"the events are of {events.n_rows:,} rows, and the table has {n_rows:,}")


def _template() -> Template:
    """Return the template, which escapes whatever it is given."""
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
    except ImportError as error:
        raise ImportError("reports need Jinja2: pip install 'fastdrift[report]'") from error
    environment = Environment(
        loader=PackageLoader("fastdrift.reports", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(TEMPLATE)
