"""What a library's rolling std is worth on hard rows, against the tests' exact arithmetic."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

import fastdrift as fd
from benchmarks.naive import exact_std
from benchmarks.peers.rolling import Library
from benchmarks.rows import Floats

N_ROWS, N_COLUMNS, WINDOW = 3_000, 2, 50
SPIKE, SPIKE_ROW = 1e12, 1_000
# of about 16 digits; an error beyond is set in bold
GOOD = 1e-9


def far_rows() -> Floats:
    """Return rows far from 0."""
    return np.random.default_rng(0).normal(1e9, 1.0, (N_ROWS, N_COLUMNS))


def spiked_rows() -> Floats:
    """Return rows near 0 but one."""
    rows = np.random.default_rng(1).normal(size=(N_ROWS, N_COLUMNS))
    rows[SPIKE_ROW] = SPIKE
    return rows


# a name, the rows, and the first row whose window counts
HARD: dict[str, tuple[Callable[[], Floats], int]] = {
    "N(1e9, 1)": (far_rows, WINDOW - 1),
    "N(0, 1) after a 1e12": (spiked_rows, SPIKE_ROW + WINDOW),
}


@functools.cache
def exact(name: str) -> tuple[Floats, Floats]:
    """Return hard rows, and the stds of their windows from the first that counts."""
    make, first = HARD[name]
    rows = make()
    std = np.stack([exact_std(column, WINDOW) for column in rows.T], axis=1)
    return rows, std[first - WINDOW + 1 :]


def largest_error(roll_std: Callable[[Floats], Floats], name: str) -> str:
    """Return the largest relative error of a rolling std, and the share that is NaN; in bold if digits are lost."""
    rows, expected = exact(name)
    std = roll_std(rows)[-len(expected) :]
    broken = np.isnan(std)
    worst = np.max(np.abs(std / expected - 1), where=~broken, initial=0.0)
    told = f"{worst:.0e}" + (f", {broken.mean():.0%} NaN" if broken.any() else "")
    return f"**{told}**" if worst > GOOD or broken.any() else told


def our_errors() -> tuple[str, ...]:
    """Return fastdrift's errors on each kind of hard rows."""
    return tuple(largest_error(lambda rows: fd.rolling_std(rows, WINDOW), name) for name in HARD)


@functools.cache
def library_errors(library: Library) -> tuple[str, ...]:
    """Return a library's errors on each kind of hard rows."""

    def roll_std(rows: Floats) -> Floats:
        features = library.roll(rows, WINDOW)(slice(0, len(rows)), slice(None))
        return np.stack([np.asarray(column, np.float64) for column in features[rows.shape[1] :]], axis=1)

    return tuple(largest_error(roll_std, name) for name in HARD)
