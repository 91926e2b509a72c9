"""What commands read: tables with their labels set apart, models fitted on them, and scores by a model."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fastdrift.cli.settings import Align, BaselineSize, FitSettings, ReadSettings
from fastdrift.cli.streams import opened, told
from fastdrift.cli.terminal import Step, tell
from fastdrift.detectors.model import Model
from fastdrift.detectors.store import load_model
from fastdrift.errors import DataError
from fastdrift.evaluation.checks import check_labels
from fastdrift.files.read import column_names, read_noted_table
from fastdrift.files.source import Source
from fastdrift.prepare.report import Report
from fastdrift.scoring.gaps import Missing
from fastdrift.tables.roles import LABEL, is_label

if TYPE_CHECKING:
    import pandas as pd

    from fastdrift.alarms.events import Events
    from fastdrift.arrays import Booleans


class Telemetry(NamedTuple):
    """A table of metrics, where it is labelled as drift if that is known, the column that said so, and any cleaning."""

    frame: pd.DataFrame
    labels: Booleans | None = None
    label_column: str | None = None
    cleaning_report: Report | None = None


class Scored(NamedTuple):
    """A table, the model that scored it, the scores, and the events in it, None by a model without a promise."""

    model: Model
    data: Telemetry
    scores: pd.Series[float]
    found: Events | None = None


def read_telemetry(
    path: str, settings: ReadSettings, *, metrics: Collection[str] = (), is_labelled: bool = True
) -> Telemetry:
    """Read a table, and say what was taken for what; its labels are set apart.

    Labels are the column asked for, or else one of the usual name that is none of the `metrics` of a known model and
    holds nothing but 0 and 1. Without `is_labelled` the column asked for need not be there.
    """
    with opened(path) as table:
        names, labels = column_names(table), settings.labels
        if labels is not None and labels not in names and not is_labelled:
            labels = None
        if labels is not None and (labels not in names or labels in (settings.drop or ())):
            raise DataError(f"{told(path)}: column {labels!r}, said to hold the labels, is not there")
        others = {*(settings.columns or ()), *(settings.drop or ()), *metrics}
        if labels is None and (LABEL not in names or LABEL in others):
            return Telemetry(_read(table, settings, metrics))
        column = labels or LABEL
        wanted = None if settings.columns is None else [*(name for name in settings.columns if name != column), column]
        frame = _read(table, replace(settings, columns=wanted), metrics)
    if labels is None and not metrics and not is_label(LABEL, frame[LABEL]):
        tell(f"note: {told(path)}: column {LABEL!r} holds other values than 0 and 1 and is taken as a metric")
        return Telemetry(frame if settings.columns is None else frame[list(settings.columns)])
    if len(frame.columns) == 1:
        raise DataError(f"{told(path)}: no column is left beside the labels")
    if labels is None:
        tell(f"note: column {column!r} of {told(path)} is taken as labels, not as a metric")
    return Telemetry(frame.drop(columns=column), check_labels(frame[column], len(frame)), column)


def _read(table: str | Source, settings: ReadSettings, metrics: Collection[str]) -> pd.DataFrame:
    frame, notes = read_noted_table(
        table,
        timestamp=settings.timestamp,
        columns=settings.columns,
        drop=settings.drop or (),
        metrics=metrics,
        any_order=settings.any_order,
        text=settings.text,
    )
    for note in notes:
        tell(f"note: {told(str(table))}: {note}")
    return frame


def read_for(model: Model, path: str, settings: ReadSettings, *, may_lack: bool = False) -> Telemetry:
    """Read a table to score: all of it, or the model's columns if others may be there.

    Where it may lack some of those, all that is there is read.
    """
    metrics = [str(name) for name in model.columns] if model.named else []
    columns = metrics if model.named and model.allow_extra and not may_lack else None
    return read_telemetry(path, replace(settings, columns=columns, drop=None), metrics=metrics)


def score_table(
    model: Model, data: Telemetry, *, align: Align = "end", missing: Missing = "nan", threads: int | None = None
) -> Scored:
    """Score a table by a model."""
    from fastdrift.scoring.batch import score

    return Scored(model, data, score(model, data.frame, align=align, missing=missing, threads=threads))


def with_events(
    scored: Scored, *, since: int = 0, align: Align = "end", missing: Missing = "nan", threads: int | None = None
) -> Scored:
    """Add the events in the rows since one; a model from before there were promises has none, which is told.

    Scores that stand in the middle of their windows are made anew at the end.
    """
    from fastdrift.alarms.detect import detect, find_events

    model, frame = scored.model, scored.data.frame
    if model.promise is None:
        tell("note: the model's file was written before there were alarms: fit it anew to be told of events")
        return scored
    if align == "center":
        return scored._replace(found=detect(model, frame, since=since, missing=missing, threads=threads))
    found = find_events(model, frame, np.asarray(scored.scores), since=since, missing=missing)
    return scored._replace(found=found)


def score_file(
    model_path: str,
    path: str,
    reading: ReadSettings,
    step: Step,
    *,
    align: Align = "end",
    missing: Missing = "nan",
    threads: int | None = None,
) -> Scored:
    """Score the table in a file by the model in another."""
    step(f"reading {told(path)}")
    model = load_model(model_path)
    data = read_for(model, path, reading, may_lack=missing == "score")
    step("scoring")
    return score_table(model, data, align=align, missing=missing, threads=threads)


def fit_table(
    frame: pd.DataFrame,
    settings: FitSettings,
    threads: int | None,
    *,
    others: Sequence[pd.DataFrame] = (),
    created: str | None = None,
) -> Model:
    """Fit on a table; if its columns were chosen from others, tables to score may hold others too."""
    from fastdrift.fitting.baseline import fit

    columns, drop = settings.columns, settings.drop
    chosen = [name for name in (columns or frame.columns) if name not in (drop or ())]
    return fit(
        [frame, *others] if others else frame,
        window=settings.window,
        false_alarm_rate=settings.false_alarm_rate,
        false_event_rate=settings.false_event_rate,
        threshold=settings.threshold,
        shrinkage=settings.shrinkage,
        columns=None if columns is None and drop is None else chosen,
        detector=settings.detector,
        created=created,
        threads=threads,
    )


def count_baseline(asked: BaselineSize, n_rows: int, *, default: float) -> int:
    """Return the number of rows of a baseline that was asked for as a share or a number."""
    asked = default if asked is None else asked
    rows = round(asked * n_rows) if isinstance(asked, float) else asked
    if rows > n_rows:
        raise DataError(f"a baseline of {rows} rows is more than the {n_rows} there are: use a smaller one")
    return rows


def labelled_table(data: Telemetry) -> pd.DataFrame:
    """Return metrics and labels as one table."""
    name = data.label_column or LABEL
    return data.frame if data.labels is None else data.frame.assign(**{name: data.labels.astype(np.uint8)})


def warn_of_labelled(data: Telemetry, n_rows: int) -> None:
    """Say it if rows of the baseline are labelled as drift."""
    n_labelled = 0 if data.labels is None else int(data.labels[:n_rows].sum())
    if n_labelled:
        tell(f"warning: {n_labelled:,} rows of the baseline are labelled as drift, and all are taken as healthy")
