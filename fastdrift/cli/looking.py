"""Looking for events where the command line says: what is left out, and which rows are asked about."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, NamedTuple

import click

from fastdrift.alarms.events import MISSING
from fastdrift.cli.places import find_since, find_stretch
from fastdrift.cli.settings import ChosenSettings, LookSettings
from fastdrift.cli.verdict import narrowed
from fastdrift.detectors.model import Model
from fastdrift.errors import DataError, DriftWarning

if TYPE_CHECKING:
    import pandas as pd

    from fastdrift.alarms.events import Event, Events


class Chosen(NamedTuple):
    """The first of some rows, the row after the last, and the event that they are."""

    first: int
    stop: int
    event: Event | None


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


def check_chosen(chosen: ChosenSettings, verb: str) -> None:
    """Refuse it if neither or both of --rows and --event say which rows are meant."""
    if (chosen.rows is None) == (chosen.event is None):
        raise click.UsageError(f"say what to {verb}: --rows A:B, or --event N")


def choose_rows(model: Model, frame: pd.DataFrame, chosen: ChosenSettings, threads: int | None) -> Chosen:
    """Return the rows that --rows or --event means."""
    if chosen.rows is not None:
        text = chosen.rows if ".." in chosen.rows else chosen.rows.replace(":", "..", 1)
        return Chosen(*find_stretch(text, frame.index, "--rows"), None)
    found, number = find_events(model, frame, chosen.looking, threads), chosen.event
    assert number is not None  # noqa: S101  # it was checked
    if number >= len(found):
        raise DataError(f"--event {number}: there are {len(found)} events, numbered from 0; see `fastdrift detect`")
    event = found[number]
    if event.kind == MISSING:
        raise DataError(f"--event {number} is missing data, which has no scores: {event.why}")
    return Chosen(event.start, event.stop, event)
