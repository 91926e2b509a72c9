"""What a report is about: a model, a table, its scores and the events in it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from fastdrift.alarms.events import Events
from fastdrift.alarms.judging import Judged
from fastdrift.arrays import Booleans, Floats, Indices
from fastdrift.detectors.model import Model
from fastdrift.reports.words import Clock
from fastdrift.tables.table import Table


class Subject(NamedTuple):
    """What a report is about."""

    model: Model
    table: Table
    columns: Indices  # of the table, in the model's order
    scores: Floats
    found: Events
    clock: Clock
    labels: Booleans | None
    judged: Judged | None
    threads: int
    lasting: Mapping[int, Floats] = MappingProxyType({})  # of persistent events, each column's share of the scores
