"""What is judged on: public telemetry where it lies, and generated telemetry by kind of drift."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

import fastdrift as fd

# public sets, and how many rows they have a day
ROWS_A_DAY = {"smd": 1440, "asd": 288, "jumpstarter": 288, "tep": 480, "generated": 1440}
PUBLIC = ("smd", "asd", "jumpstarter", "tep")
KINDS = ("mean-shift", "slow-ramp", "variance-inflation", "correlation-break", "stuck-sensor", "missing")
# a baseline of 12,000 rows, of which three drifts of one kind follow
N_ROWS, SEEDS = 40_000, 2

Booleans = npt.NDArray[np.bool_]
# first row, row after the last, and the names of the columns in which an incident shows
Shown = tuple[int, int, frozenset[str]]


class Entity(NamedTuple):
    """One system: healthy rows to learn from, and rows to judge; `shown` is empty where nobody knows the columns."""

    group: str
    name: str
    train: pd.DataFrame
    test: pd.DataFrame
    labels: Booleans
    shown: tuple[Shown, ...]


def entities(root: Path, name: str) -> Iterator[tuple[str, pd.DataFrame, pd.DataFrame]]:
    """Yield the name, train and test frame of each entity of a public set."""
    for path in sorted((root / name).glob("*_test.parquet")):
        entity = path.name.removesuffix("_test.parquet")
        train = path.with_name(f"{'d00' if name == 'tep' else entity}_train.parquet")
        yield entity, pd.read_parquet(train).drop(columns="label", errors="ignore"), pd.read_parquet(path)


def public(root: Path, group: str) -> Iterator[Entity]:
    """Yield the entities of a public set."""
    for name, train, test in entities(root, group):
        reasons = root / group / f"{name}_reasons.csv"
        labels = test["label"].to_numpy() == 1
        yield Entity(group, name, train, test.drop(columns="label"), labels, read_shown(reasons))


def read_shown(path: Path) -> tuple[Shown, ...]:
    """Return the operators' own lists of columns, if there are some."""
    if not path.exists():
        return ()
    table = pd.read_csv(path)
    lists = (frozenset(str(columns).split()) for columns in table["columns"])
    return tuple(zip(table["start"].astype(int), table["stop"].astype(int), lists, strict=True))


def generated(kinds: Sequence[str] = KINDS, seeds: int = SEEDS, n_rows: int = N_ROWS) -> Iterator[Entity]:
    """Yield telemetry with three drifts of each kind."""
    cut = 3 * n_rows // 10
    for kind in kinds:
        for seed in range(seeds):
            data = fd.generate(n_rows, seed=300 + seed, drifts=[kind] * 3)
            shown = tuple((drift.start - cut, drift.stop - cut, frozenset(drift.columns)) for drift in data.drifts)
            rows = data.frame.reset_index(drop=True)
            yield Entity("generated", f"{kind}-{seed}", rows[:cut], rows[cut:], data.labels[cut:], shown)


def chosen(root: Path | None, groups: Sequence[str]) -> Iterator[Entity]:
    """Yield every entity of the sets that are asked for; public ones are passed over without a root."""
    for group in groups:
        if group == "generated":
            yield from generated()
        elif root is not None:
            yield from public(root, group)
