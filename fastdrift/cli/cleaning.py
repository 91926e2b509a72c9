"""Input that is cleaned: by what was asked for, its labels with it, or else put into order alone."""

from __future__ import annotations

import functools
from collections.abc import Hashable
from typing import TYPE_CHECKING

from fastdrift.cli.inputs import Telemetry
from fastdrift.cli.settings import CleanSettings
from fastdrift.cli.terminal import tell
from fastdrift.errors import DataError
from fastdrift.prepare.cleaning import Cleaned, clean
from fastdrift.prepare.grid import How, aggregate
from fastdrift.prepare.report import Report
from fastdrift.prepare.values import Duplicates
from fastdrift.tables.roles import LABEL

if TYPE_CHECKING:
    import pandas as pd

    from fastdrift.arrays import Booleans

MAX_NOTES = 8
"""Changes of an input that are told beside other results."""


def clean_input(data: Telemetry, path: str, settings: CleanSettings | None) -> Telemetry:
    """Clean a table as asked, or without settings sort its rows alone, and tell what was changed.

    Without settings rows with one timestamp are all kept: a clock may be coarse, and no row is lost unasked.
    """
    if settings is None and data.frame.index.is_monotonic_increasing:
        _tell_repeats(data, path)
        return data
    cleaned, report = clean_telemetry(data, path, settings or CleanSettings(duplicates="keep"))
    changes = report.summary().splitlines()[1:]
    for line in changes[:MAX_NOTES]:
        tell(f"note: {path}: {line}")
    if len(changes) > MAX_NOTES:
        tell(f"note: {path}: {len(changes) - MAX_NOTES} more changes; `fastdrift prepare` lists them all")
    if settings is None:
        _tell_repeats(cleaned, path)
    return cleaned._replace(cleaning_report=report)


def _tell_repeats(data: Telemetry, path: str) -> None:
    import pandas as pd

    index = data.frame.index
    n_repeats = int((index[1:] == index[:-1]).sum()) if isinstance(index, pd.DatetimeIndex) else 0
    if n_repeats:
        tell(f"note: {path}: {n_repeats:,} rows have the timestamp of the row before and are kept; see --duplicates")


def clean_telemetry(data: Telemetry, path: str, settings: CleanSettings) -> tuple[Telemetry, Report]:
    """Clean a table and put it onto a grid; its labels follow their rows, and a bin has the highest of its rows."""
    import pandas as pd

    if settings.freq is not None and not isinstance(data.frame.index, pd.DatetimeIndex):
        raise DataError(f"{path}: --freq needs times, and no column holds them: name one with --timestamp")
    try:
        cleaned = _clean_on_grid(data.frame, settings)
        labels = _clean_labels(data, settings.duplicates, settings.freq)
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
    return Telemetry(cleaned.frame, labels, data.label_column), cleaned.report


def _clean_on_grid(frame: pd.DataFrame, settings: CleanSettings) -> Cleaned:
    """Clean a table, and fill gaps last: only on the grid are rows that were never logged a gap."""
    by_value = functools.partial(
        clean,
        duplicates=settings.duplicates,
        sentinels=settings.sentinels,
        bounds=settings.bounds,
        counters=settings.counters,
    )
    if settings.freq is None:
        return by_value(frame, fill=settings.fill, limit=settings.limit)
    default, own = settings.how
    cleaned = by_value(frame)
    hows: dict[Hashable, How] = {**dict.fromkeys(cleaned.frame.columns, default), **own}
    binned = aggregate(cleaned.frame, settings.freq, how=hows)
    filled = clean(binned.frame, fill=settings.fill, limit=settings.limit)
    changes = [*cleaned.report.changes, *binned.report.changes, *filled.report.changes]
    return Cleaned(filled.frame, Report(len(frame), len(filled.frame), tuple(changes)))


def _clean_labels(data: Telemetry, duplicates: Duplicates, freq: str | None) -> Booleans | None:
    """Return the labels of the rows that `clean` keeps, in its order; a bin without rows is not labelled."""
    import pandas as pd

    if data.labels is None:
        return None
    labels = clean(pd.DataFrame({LABEL: data.labels}, index=data.frame.index), duplicates=duplicates).frame
    if freq is not None:
        labels = aggregate(labels, freq, how="max").frame
    is_labelled: Booleans = labels[LABEL].to_numpy() == 1
    return is_labelled
