"""What stands out in the columns of a baseline, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from fastdrift.alarms.missing import HOLE_STEPS, holes_note, time_holes
from fastdrift.arrays import Indices
from fastdrift.detectors.model import Model
from fastdrift.detectors.promise import DAY
from fastdrift.evaluation.lines import counted, percent
from fastdrift.fitting.advice import SLOW_NOTE, THIN_NOTE
from fastdrift.fitting.changes import Change, Trend, find_changes, find_trends
from fastdrift.fitting.kept import KeptRows
from fastdrift.fitting.metrics import growing_note
from fastdrift.fitting.seasons import Season, find_seasons
from fastdrift.fitting.worth import DrawnWindows
from fastdrift.tables.roles import find_growing
from fastdrift.tables.table import Table

# columns that correlate so much say the same
SAME = 0.9999
# a column with no more values than that, each in so many rows on average, is told as one of few
FEW_VALUES, ROWS_A_VALUE = 20, 10
# rows that its values are counted in
SAMPLE_ROWS = 16_384
# rounds of a season below which more are asked for
LEAST_SEASONS = 7
# columns that a sentence names
SHOWN = 3


@dataclass(frozen=True)
class Finding:
    """What stands out in some columns of a baseline.

    Attributes
    ----------
    kind : str
        "constant", "duplicate", "few values", "growing", "trend", "jump", "season", "missing", "times" or "note".
    columns : tuple
        Names of the columns.
    rows : tuple of int
        The rows in which it happened, if it did in some.
    text : str
        A sentence: what, where, and what to do.
    """

    kind: str
    columns: tuple[Any, ...]
    rows: tuple[int, ...]
    text: str

    def to_dict(self) -> dict[str, Any]:
        """Return the fields by name, ready for JSON."""
        return asdict(self)


def find_all(table: Table, model: Model, drawn: DrawnWindows, step: float | None) -> tuple[Finding, ...]:
    """Return all that stands out in a baseline, first what `fit` has to say of it, but for its length.

    `drawn` are windows of the columns that vary.
    """
    growing, varying = find_growing(table).columns, np.flatnonzero(model.varies)
    steady = ~np.isin(varying, growing)
    seasons = find_seasons(drawn, steady)
    seasonal = np.isin(np.arange(varying.size), [place for season in seasons for place in season.places])
    changes = find_changes(table, varying, drawn, steady)
    changed = np.isin(np.arange(varying.size), [change.place for change in changes])
    trends = find_trends(drawn, steady & ~seasonal & ~changed)
    names = [model.columns[place] for place in varying]
    told = growing_note(table)
    notes = [note for note in model.warnings if note != told and not note.startswith((THIN_NOTE, SLOW_NOTE))]
    found = [Finding("note", (), (), note) for note in notes]
    if told:
        found.append(Finding("growing", tuple(table.names[place] for place in growing), (), told))
    found += _jumps(changes, names, table, model.middle_window)
    found += _trends(trends, names)
    found += _seasons(seasons, names, table, step)
    found += _constants(model)
    found += _duplicates(model, names)
    found += _few_values(table, varying)
    found += _missing(table, model)
    found += _holes(table, step, model.middle_window)
    return tuple(found)


def _named(names: Sequence[Any]) -> str:
    if len(names) == 1:
        return f"column {names[0]!r}"
    return f"{len(names)} columns ({', '.join(map(repr, names[:SHOWN]))}{', …' if len(names) > SHOWN else ''})"


def _counted(names: Sequence[Any]) -> str:
    """Return how many columns there are; which ones is said behind that."""
    return counted(len(names), "column")


def _verb(names: Sequence[Any], one: str, many: str) -> str:
    return one if len(names) == 1 else many


def _constants(model: Model) -> Iterator[Finding]:
    if names := model.constant_columns:
        text = (
            f"{_named(names)} never {_verb(names, 'moves', 'move')}: what moves there later counts from its first row"
        )
        yield Finding("constant", names, (), text)


def _duplicates(model: Model, names: Sequence[Any]) -> Iterator[Finding]:
    """Yield the columns that say the same as one before them, told by the correlation of a sample of rows."""
    if model.rows is None:
        return
    same = np.tril(np.abs(model.rows.correlation()) > SAME, -1)
    later = np.flatnonzero(same.any(axis=1)).tolist()
    if not later:
        return
    firsts = same.argmax(axis=1)
    columns = tuple(names[place] for place in later)
    pairs = ", ".join(f"{names[place]!r} as {names[firsts[place]]!r}" for place in later[:SHOWN])
    more = ", …" if len(later) > SHOWN else ""
    text = (
        f"{_counted(columns)} {_verb(columns, 'says', 'say')} the same as another ({pairs}{more}): that costs time and "
        f"windows a feature; drop {_verb(columns, 'it', 'them')}, unless their parting would be news"
    )
    yield Finding("duplicate", columns, (), text)


def _few_values(table: Table, varying: Indices) -> Iterator[Finding]:
    sample = np.arange(0, table.n_rows, -(-table.n_rows // SAMPLE_ROWS))
    rows = KeptRows(table).picked(sample)
    counts = {}
    for column in varying:
        values = np.unique(rows[:, column])
        values = values[np.isfinite(values)]
        if values.size <= min(FEW_VALUES, sample.size // ROWS_A_VALUE):
            counts[table.names[column]] = values
    if not counts:
        return
    names = tuple(counts)
    told = ", ".join(f"{name!r}: {', '.join(f'{value:g}' for value in counts[name][:SHOWN])}" for name in names[:SHOWN])
    more = ", …" if len(names) > SHOWN or max(map(len, counts.values())) > SHOWN else ""
    text = (
        f"{_counted(names)} {_verb(names, 'takes', 'take')} few values ({told}{more}): states or roundings; drift "
        f"shows there as other shares of them"
    )
    yield Finding("few values", names, (), text)


def _jumps(changes: Sequence[Change], names: Sequence[Any], table: Table, window: int) -> Iterator[Finding]:
    """Yield the jumps, those of several columns that fall within a window together; what to do is said once."""
    advised = set()
    left = sorted(changes, key=lambda change: (change.start, change.stop))
    while left:
        first = left[0]
        own = [one for one in left if one.start - first.start < window and abs(one.stop - first.stop) < window]
        left = [one for one in left if one not in own]
        columns = tuple(names[one.place] for one in own)
        is_back = first.stop < table.n_rows - window
        levels = ", ".join(f"{names[one.place]!r} {one.before:.4g} → {one.level:.4g}" for one in own[:SHOWN])
        more = ", …" if len(own) > SHOWN else ""
        where = f"in {table.told(first.start)}" + (f" and back in {table.told(first.stop)}" if is_back else "")
        advice = (
            "if that was no healthy state, leave it out: fit takes a list of the stretches before and after"
            if is_back
            else "later rows are like the last level: if that is what healthy is now, begin the baseline there"
        )
        said = "" if is_back in advised else f"; {advice}"
        advised.add(is_back)
        text = f"{_counted(columns)} {_verb(columns, 'jumps', 'jump')} {where} ({levels}{more}){said}"
        yield Finding("jump", columns, (first.start, first.stop) if is_back else (first.start,), text)


def _trends(trends: Sequence[Trend], names: Sequence[Any]) -> Iterator[Finding]:
    if not trends:
        return
    ordered = sorted(trends, key=lambda trend: -trend.share)
    columns = tuple(names[trend.place] for trend in ordered)
    rises = ", ".join(f"{names[trend.place]!r} by {trend.rise:+.4g}" for trend in ordered[:SHOWN])
    more = ", …" if len(ordered) > SHOWN else ""
    text = (
        f"{_counted(columns)} {_verb(columns, 'goes', 'go')} one way all through the baseline ({rises}{more}): if "
        f"that goes on, later rows lie beyond all that it shows; take one in which it has come back, or differences"
    )
    yield Finding("trend", columns, (), text)


def _seasons(seasons: Sequence[Season], names: Sequence[Any], table: Table, step: float | None) -> Iterator[Finding]:
    for season in seasons:
        columns = tuple(names[place] for place in season.places)
        length = f"about {season.rows:,.0f} rows" + ("" if step is None else f" ({_duration(season.rows * step)})")
        rounds = table.n_given / season.rows
        text = (
            f"{_named(columns)} {_verb(columns, 'has', 'have')} a season of {length}, of which the baseline holds "
            f"{rounds:.0f}" + (": give more, so that it knows how they differ" if rounds < LEAST_SEASONS else "")
        )
        yield Finding("season", columns, (), text)
    if step is not None and table.n_given * step < DAY:
        length = _duration(table.n_given * step)
        text = f"the baseline covers {length}: hours of the day that it lacks may be flagged later"
        yield Finding("season", (), (), text)


def _duration(seconds: float) -> str:
    for length, name in ((7 * DAY, "week"), (DAY, "day"), (3600.0, "hour"), (60.0, "minute")):
        if seconds >= 0.95 * length:
            count = seconds / length
            return f"{count:.2g} {name}{'' if 0.95 <= count < 1.05 else 's'}"
    return f"{seconds:.2g} seconds"


def _missing(table: Table, model: Model) -> Iterator[Finding]:
    counts = np.zeros(table.n_columns, np.int64)
    for _, rows in table.chunks():
        counts += np.count_nonzero(~np.isfinite(rows), axis=0)
    counts -= table.gaps.size
    lacking = np.flatnonzero(counts)
    if not lacking.size:
        return
    order = lacking[np.argsort(-counts[lacking], kind="stable")]
    columns = tuple(table.names[place] for place in order)
    shares = ", ".join(
        f"{table.names[place]!r} {percent(counts[place] / table.n_given)}" for place in order[:SHOWN].tolist()
    )
    more = ", …" if order.size > SHOWN else ""
    n_windows = model.windows_used + model.windows_left_out
    text = (
        f"{_counted(columns)} {_verb(columns, 'lacks', 'lack')} values ({shares}{more}); windows with a gap have no "
        f"score: {percent(model.windows_left_out / n_windows)} of the baseline's are left out; fill short gaps "
        f"(fastdrift prepare --fill interpolate --limit 3), drop a column that is mostly empty"
    )
    yield Finding("missing", columns, (), text)


def _holes(table: Table, step: float | None, window: int) -> Iterator[Finding]:
    """Yield the holes in the times, as `detect` tells them."""
    if table.times is None or step is None or table.gaps.size:
        return
    times = table.times.astype("M8[ns]").astype(np.int64)
    holes = time_holes(times, step, HOLE_STEPS)
    if holes.size:
        yield Finding("times", (), tuple(holes.tolist()), holes_note(times, holes, window))
