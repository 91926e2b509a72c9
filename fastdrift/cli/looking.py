"""Looking for events where the command line says: what is left out, and which rows are asked about."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from fastdrift.cli.places import find_since, find_stretch
from fastdrift.cli.settings import LookSettings
from fastdrift.cli.verdict import narrowed
from fastdrift.detectors.model import Model
from fastdrift.errors import DataError, DriftWarning

if TYPE_CHECKING:
    import pandas as pd

    from fastdrift.alarms.events import Events


def find_events(model: Model, frame: pd.DataFrame, settings: LookSettings, threads: int | None) -> Events:
    """Return the events that are on, or began, in the rows asked about.

    One that began before keeps its onset, which rows since then alone could not tell: all rows are looked at.
    """
    from fastdrift.alarms.detect import detect, find_events
    from fastdrift.scoring.batch import score

    ignore = [find_stretch(text, frame.index, "--ignore") for text in settings.ignore]
    since = find_since(settings.since, settings.last, frame.index)
    missing = settings.missing
    if not since:
        return detect(model, frame, ignore=ignore, missing=missing, threads=threads)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DriftWarning)  # a note of the events says it
        scores = score(model, frame, missing=missing, threads=threads).to_numpy()
    found, whole = (
        find_events(model, frame, scores, since=first, ignore=ignore, missing=missing) for first in (since, 0)
    )
    return narrowed(found, whole, since)


def chosen_rows(
    model: Model, frame: pd.DataFrame, rows: str | None, event: int | None, settings: LookSettings, threads: int | None
) -> tuple[int, int]:
    """Return the first of the rows that --rows or --event means, and the row after the last."""
    if rows is not None:
        return find_stretch(rows if ".." in rows else rows.replace(":", "..", 1), frame.index, "--rows")
    found = find_events(model, frame, settings, threads)
    if event is None or event >= len(found):
        raise DataError(f"--event {event}: there are {len(found)} events, numbered from 0; see `fastdrift detect`")
    return found[event].start, found[event].stop
