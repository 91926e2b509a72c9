"""What commands read: tables with their labels set apart, cleaned and fitted on."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fastdrift.cli.tables import TOLD
from fastdrift.cli.terminal import Step, tell
from fastdrift.detectors.model import Model
from fastdrift.detectors.store import load_model
from fastdrift.errors import DataError
from fastdrift.evaluation.checks import check_labels
from fastdrift.files.read import column_names, read_table
from fastdrift.prepare.grid import How
from fastdrift.prepare.report import Report
from fastdrift.prepare.values import Duplicates, Fill

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd


LABEL = "label"


class Telemetry(NamedTuple):
    """A table of metrics, where it is labelled as drift if that is known, the column that said so, and any mending."""

    frame: pd.DataFrame
    labels: npt.NDArray[np.bool_] | None = None
    label_column: str | None = None
    cleaning_report: Report | None = None


def read_telemetry(
    path: str,
    *,
    timestamp: str | None,
    labels: str | None = None,
    columns: Sequence[str] | None = None,
    drop: Sequence[str] | None = None,
    metrics: Sequence[str] = (),
    **reading: Any,
) -> Telemetry:
    """Read a table and set its labels apart: the column `labels`, or else one of the usual name that is no metric."""
    names = column_names(path)
    if labels is None and LABEL in names and LABEL not in {*(columns or ()), *(drop or ()), *metrics}:
        labels = LABEL
    if labels is None:
        return Telemetry(read_table(path, timestamp=timestamp, columns=columns, drop=drop or (), **reading))
    if labels not in names or labels in (drop or ()):
        raise DataError(f"{path}: column {labels!r}, said to hold the labels, is not there")
    wanted = None if columns is None else [*(name for name in columns if name != labels), labels]
    table = read_table(path, timestamp=timestamp, columns=wanted, drop=drop or (), **reading)
    if len(table.columns) == 1:
        raise DataError(f"{path}: no column is left beside the labels")
    return Telemetry(table.drop(columns=labels), check_labels(table[labels], len(table)), labels)


def prepare_telemetry(
    data: Telemetry,
    *,
    freq: str | None = None,
    how: tuple[How, Mapping[Hashable, How]] = ("mean", {}),
    duplicates: Duplicates = "last",
    fill: Fill = "leave",
    limit: int | None = None,
    **cleaning: Any,
) -> tuple[Telemetry, Report]:
    """Clean a table and put it onto a grid; its labels follow their rows, and a bin has the highest of its rows.

    Gaps are filled last: only on the grid are rows that were never logged a gap. A bin without rows is not labelled.
    """
    from fastdrift.prepare.cleaning import clean
    from fastdrift.prepare.grid import aggregate

    late: dict[str, Any] = {"fill": fill, "limit": limit}
    frame, report = clean(data.frame, duplicates=duplicates, **cleaning, **(late if freq is None else {}))
    reports, truth = [report], _label_frame(data, duplicates)
    if freq is not None:
        default, own = how
        hows: dict[Hashable, How] = {**dict.fromkeys(frame.columns, default), **own}
        frame, report = aggregate(frame, freq, how=hows)
        filled, filling = clean(frame, fill=fill, limit=limit)
        frame, reports = filled, [*reports, report, filling]
        truth = None if truth is None else aggregate(truth, freq, how="max").frame
    labels = None if truth is None else truth[LABEL].to_numpy() == 1
    changes = tuple(change for report in reports for change in report.changes)
    return Telemetry(frame, labels, data.label_column), Report(len(data.frame), len(frame), changes)


def _label_frame(data: Telemetry, duplicates: Duplicates) -> pd.DataFrame | None:
    """Return the labels of the rows that `clean` keeps, in its order."""
    import pandas as pd

    from fastdrift.prepare.cleaning import clean

    if data.labels is None:
        return None
    return clean(pd.DataFrame({LABEL: data.labels}, index=data.frame.index), duplicates=duplicates).frame


class Scored(NamedTuple):
    """A table, the model that scored it, and the scores."""

    model: Model
    data: Telemetry
    scores: pd.Series[float]


def read_for(model: Model, path: str, *, timestamp: str | None, labels: str | None = None, **reading: Any) -> Telemetry:
    """Read a table to score: all of it, or the model's columns if others may be there."""
    metrics = [str(name) for name in model.columns] if model.named else []
    columns = metrics if model.named and model.allow_extra else None
    return read_telemetry(path, timestamp=timestamp, labels=labels, columns=columns, metrics=metrics, **reading)


def score_file(
    model_path: str, path: str, step: Step, *, timestamp: str | None, labels: str | None = None, **settings: Any
) -> Scored:
    """Score the table in a file by the model in another."""
    from fastdrift.scoring.batch import score

    step(f"reading {path}")
    model = load_model(model_path)
    data = read_for(model, path, timestamp=timestamp, labels=labels)
    step("scoring")
    return Scored(model, data, score(model, data.frame, **settings))


def fit_table(frame: pd.DataFrame, columns: Sequence[str] | None, drop: Sequence[str] | None, **settings: Any) -> Model:
    """Fit on a table; if its columns were chosen from others, tables to score may hold others too."""
    from fastdrift.fitting.baseline import fit

    chosen = [name for name in (columns or frame.columns) if name not in (drop or ())]
    return fit(frame, columns=None if columns is None and drop is None else chosen, **settings)


def clean_input(data: Telemetry, path: str, settings: dict[str, Any] | None) -> Telemetry:
    """Clean a table as asked, or without settings sort its rows alone, and tell what was changed.

    Without settings rows with one timestamp are all kept: a clock may be coarse, and no row is lost unasked.
    """
    import pandas as pd

    index = data.frame.index
    if settings is None and index.is_monotonic_increasing:
        changes: tuple[str, ...] = ()
    else:
        data, report = prepared(data, path, {"duplicates": "keep"} if settings is None else settings)
        data, changes = data._replace(cleaning_report=report), tuple(report.summary().splitlines()[1:])
    for line in changes[:TOLD]:
        tell(f"note: {path}: {line}")
    if len(changes) > TOLD:
        tell(f"note: {path}: {len(changes) - TOLD} more changes; `fastdrift prepare` lists them all")
    index = data.frame.index
    n_repeats = int((index[1:] == index[:-1]).sum()) if isinstance(index, pd.DatetimeIndex) else 0
    if settings is None and n_repeats:
        tell(f"note: {path}: {n_repeats:,} rows have the timestamp of the row before and are kept; see --duplicates")
    return data


def prepared(data: Telemetry, path: str, settings: dict[str, Any]) -> tuple[Telemetry, Report]:
    import pandas as pd

    if settings.get("freq") is not None and not isinstance(data.frame.index, pd.DatetimeIndex):
        raise DataError(f"{path}: --freq needs times, and no column holds them: name one with --timestamp")
    try:
        return prepare_telemetry(data, **settings)
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


def count_baseline(asked: float | int | None, n_rows: int, *, default: float) -> int:
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
