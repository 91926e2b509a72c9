"""Missing values: how often windows with gaps are flagged beside whole ones, and what scoring them takes.

    python -m benchmarks.missing                 # some minutes
    python -m benchmarks.missing --seeds 3       # fewer seeds

Healthy rows lack columns, or cells here and there. `flagged` is the share of rows above the row threshold over the
nominal 5 %; `notices` are events over those that the model promises; both also of the whole rows, which differ from 1
by chance and by the baseline. Rows are generated telemetry, and autocorrelated ones of 16 columns that all but
determine each other, with heavy tails. Times are minima of calls in turns, beside `score` of rows that lack nothing.
"""

import argparse
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

import fastdrift as fd

N_ROWS, BASELINE = 100_000, 30_000

Rows = Any
Gaps = Callable[[Rows, np.random.Generator], Rows]


def without_columns(count: int) -> Gaps:
    """Return what takes some columns out of rows."""

    def spoil(rows: Rows, rng: np.random.Generator) -> Rows:
        rows = rows.copy()
        rows[:, rng.choice(rows.shape[1], count, replace=False)] = np.nan
        return rows

    return spoil


def without_cells(share: float) -> Gaps:
    """Return what takes a share of the cells out of rows."""
    return lambda rows, rng: np.where(rng.random(rows.shape) < share, np.nan, rows)


def gaps_of(n_columns: int) -> dict[str, Gaps]:
    """Return what rows may lack, by name."""
    return {
        "nothing": lambda rows, _: rows,
        f"1 of {n_columns} columns": without_columns(1),
        f"{n_columns // 2} of {n_columns} columns": without_columns(n_columns // 2),
        "2 % of cells": without_cells(0.02),
        "10 % of cells": without_cells(0.1),
        "30 % of cells": without_cells(0.3),
    }


def generated(seed: int) -> Rows:
    """Return healthy generated telemetry."""
    return fd.generate(N_ROWS, seed=1_000 + seed, drifts=()).frame.to_numpy()


def entangled(seed: int) -> Rows:
    """Return rows of autocorrelation 0.9 and Student's t of 5 degrees, mixed at random."""
    rng = np.random.default_rng(seed)
    rows = rng.standard_t(5, size=(N_ROWS, 16)) @ (rng.normal(size=(16, 16)) / 4 + np.eye(16) / 2)
    for row in range(1, N_ROWS):
        rows[row] += 0.9 * rows[row - 1]
    return rows


def kept(make: Callable[[int], Rows], seeds: int) -> Iterator[dict[str, Any]]:
    """Yield realised over nominal rates, a line a seed and kind of gaps."""
    for seed in range(seeds):
        rows = make(seed)
        model = fd.fit(rows[:BASELINE])
        for name, spoil in gaps_of(rows.shape[1]).items():
            later = spoil(rows[BASELINE:], np.random.default_rng(seed))
            flagged = (fd.score(model, later, missing="score") > model.threshold).mean()
            found = fd.detect(model, later, missing="score")
            drifts = [event for event in found if event.kind != "missing data"]
            promised = model.promise.notice_rate * found.n_scored
            yield {"missing": name, "flagged": flagged / model.false_alarm_rate, "notices": len(drifts) / promised}


def times(rounds: int = 9) -> dict[str, float]:
    """Return what scores of 1,000,000 × 8 rows take beside those of whole rows."""
    rng = np.random.default_rng(0)
    whole = rng.normal(size=(1_000_000, 8)) @ rng.normal(size=(8, 8))
    model = fd.fit(whole[:300_000])
    cells, stretch, dead = whole.copy(), whole.copy(), whole.copy()
    cells[5_000::5_000, 3] = np.nan
    stretch[500_000:510_000, 3] = np.nan
    dead[:, 3] = np.nan
    calls: dict[str, Callable[[], Any]] = {
        "whole": lambda: fd.score(model, whole),
        "whole, missing='score'": lambda: fd.score(model, whole, missing="score"),
        "1 % of windows lack a cell, missing='nan'": lambda: fd.score(model, cells),
        "1 % of windows lack a cell": lambda: fd.score(model, cells, missing="score"),
        "1 % of rows lack a column": lambda: fd.score(model, stretch, missing="score"),
        "all rows lack a column": lambda: fd.score(model, dead, missing="score"),
    }
    best = dict.fromkeys(calls, float("inf"))
    for _ in range(rounds):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            best[name] = min(best[name], time.perf_counter() - start)
    return {name: taken / best["whole"] for name, taken in best.items()}


def main(arguments: Sequence[str] | None = None) -> None:
    """Print how rates are kept, and times."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=6)
    seeds = parser.parse_args(arguments).seeds
    warnings.simplefilter("ignore", fd.DriftWarning)
    for title, make in (("generated telemetry", generated), ("16 entangled columns", entangled)):
        table = pd.DataFrame(kept(make, seeds)).groupby("missing", sort=False).agg(["mean", "min", "max"])
        print(f"{title}: realised / nominal, {seeds} seeds of {N_ROWS - BASELINE:,} rows")
        print(table.to_string(float_format="%.2f"), end="\n\n")
    for name, ratio in times().items():
        print(f"{name:<45} {ratio:.2f}")


if __name__ == "__main__":
    main()
