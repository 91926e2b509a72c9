"""What commands are asked for: frozen settings, each made in one place from the options of the command line."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Literal, TypeVar, get_type_hints

from fastdrift.prepare.grid import How
from fastdrift.prepare.values import Duplicates, Fill
from fastdrift.scoring.gaps import Missing

DASH = "-"
"""Standard input or output in place of a file."""
BASELINE_SHARE = 0.3
"""The share of the rows that is the baseline where none is asked for: generated rows are healthy so far."""
DRIFTED = 3
"""The exit code that says that there is drift, where that is asked for."""

Align = Literal["end", "center"]
TableFormat = Literal["csv", "parquet"]
PictureFormat = Literal["png", "svg"]
Names = Sequence[str] | None
Hows = tuple[How, Mapping[Hashable, How]]
"""What becomes of the rows of a bin: in all columns, and in those that have their own way."""
BaselineSize = float | int | None
"""How many of the first rows are the baseline: a share as a float, or a number as an int."""

Settings = TypeVar("Settings")


@dataclass(frozen=True, kw_only=True)
class ReadSettings:
    """Which columns of a table are read, which hold times and labels, and what may be wrong with it."""

    timestamp: str | None = None
    labels: str | None = None
    columns: Names = None
    drop: Names = None
    any_order: bool = False
    text: bool = False


@dataclass(frozen=True, kw_only=True)
class CleanSettings:
    """How a table is cleaned and put onto a grid, in the words of `clean` and `aggregate`."""

    freq: str | None = None
    how: Hows = field(default_factory=lambda: ("mean", {}))
    sentinels: Sequence[float] = ()
    bounds: Mapping[Hashable, tuple[float | None, float | None]] = field(default_factory=dict)
    counters: Sequence[str] = ()
    fill: Fill = "leave"
    limit: int | None = None
    duplicates: Duplicates = "last"


@dataclass(frozen=True, kw_only=True)
class FitSettings:
    """How a model is fitted, in the words of `fit`; `drop` are columns that it does not use."""

    window: int | tuple[int, ...]
    false_alarm_rate: float
    false_event_rate: float | str | None
    threshold: Literal["cross-fit", "in-sample"]
    shrinkage: Any
    detector: Any
    columns: Names
    drop: Names


@dataclass(frozen=True, kw_only=True)
class DriftSettings:
    """Whether drift is an error, in which rows alarms count, and above what share of flagged rows it is drift too."""

    fail_on_drift: bool
    last: int | None
    since: str | None
    drift_share: float | None


@dataclass(frozen=True, kw_only=True)
class LookSettings:
    """Where events are looked for: stretches to leave out, and the first of the rows asked about."""

    ignore: Sequence[str]
    last: int | None
    since: str | None
    missing: Missing = "nan"


@dataclass(frozen=True, kw_only=True)
class ChosenSettings:
    """Which rows are meant: those of a stretch, or of an event by its number among those that `looking` finds."""

    rows: str | None
    event: int | None
    looking: LookSettings


@dataclass(frozen=True, kw_only=True)
class ExplainSettings:
    """What `explain` is asked for."""

    model_path: str
    path: str
    chosen: ChosenSettings
    signed: bool
    output: str | None
    plot: str | None
    reading: ReadSettings
    threads: int | None
    as_json: bool


@dataclass(frozen=True, kw_only=True)
class AcceptSettings:
    """What `accept` is asked for; `baselines` are what the model was fitted on."""

    model_path: str
    path: str
    chosen: ChosenSettings
    baselines: Sequence[str]
    reason: str
    output: str
    created: str | None
    reading: ReadSettings
    threads: int | None
    as_json: bool


@dataclass(frozen=True, kw_only=True)
class ReportSettings:
    """What `report` is asked for: `paths` are a model and a table, or a table alone beside a baseline."""

    paths: Sequence[str]
    output: str
    baseline: str | None
    title: str | None
    created: str | None
    looking: LookSettings
    reading: ReadSettings
    fitting: FitSettings
    fail_on_drift: bool
    threads: int | None
    as_json: bool


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """What `run` is asked for; `given` are the names of the options that were not left at their defaults."""

    n: int
    seed: int
    source: str | None
    reading: ReadSettings
    cleaning: CleanSettings
    train: bool
    model: str | None
    baseline: BaselineSize
    fitting: FitSettings
    judge: bool
    output_dir: str
    table_format: TableFormat
    drift: DriftSettings
    threads: int | None
    as_json: bool
    given: frozenset[str]

    @property
    def cleans(self) -> bool:
        """Whether an option says how to clean; if none does, rows are put into order and all kept."""
        return not self.given.isdisjoint(option_names(CleanSettings))

    @property
    def chooses_window(self) -> bool:
        """Whether the window is fitted to the baseline, as none is asked for."""
        return "window" not in self.given


@dataclass(frozen=True, kw_only=True)
class CompareSettings:
    """What `compare` is asked for; `estimators` are modules and names in them, by the name of the detector."""

    path: str
    train: str | None
    baseline: BaselineSize
    reading: ReadSettings
    fitting: FitSettings
    estimators: Mapping[str, tuple[str, str]]
    output_dir: str
    picture_format: PictureFormat
    threads: int | None
    as_json: bool


def option_names(kind: type[Any]) -> list[str]:
    """Return the names of the options that settings are made from, those of settings in settings among them."""
    hints = get_type_hints(kind)
    names: list[str] = []
    for one in fields(kind):
        hint = hints[one.name]
        names += option_names(hint) if isinstance(hint, type) and is_dataclass(hint) else [one.name]
    return names


def from_options(kind: type[Settings], options: Mapping[str, object]) -> Settings:
    """Return settings made from options by name; what a command has no option for stays at its default."""
    hints = get_type_hints(kind)
    values: dict[str, object] = {}
    for one in fields(kind):  # type: ignore[arg-type]
        if is_dataclass(hints[one.name]):
            values[one.name] = from_options(hints[one.name], options)
        elif one.name in options:
            values[one.name] = options[one.name]
    return kind(**values)
