"""Rolling mean and std by the libraries, each in the layout it likes best, and what their digits are worth.

A library's function takes the rows once, lays them out, and returns a `Part`, which computes.
"""

import functools
import runpy
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

import fastdrift as fd
from benchmarks import ROOT
from benchmarks.work import Floats

# the means of the columns asked for, then their stds, over the rows asked for; of no meaning before the first window
Part = Callable[[slice, slice], Sequence[Any]]


def roll_fastdrift(rows: Floats, window: int, threads: int | None = None) -> Part:
    mean, std = (partial(roll, window=window, threads=threads) for roll in (fd.rolling_mean, fd.rolling_std))
    return lambda piece, columns: [*mean(rows[piece, columns]).T, *std(rows[piece, columns]).T]


def roll_pandas(rows: Floats, window: int) -> Part:
    """Roll by pandas; C order, `agg(["mean", "std"])` and engine="numba", parallel or not, were no faster."""
    import pandas as pd

    frame = pd.DataFrame(np.asfortranarray(rows))

    def part(piece: slice, columns: slice) -> list[Floats]:
        rolling = frame.iloc[piece, columns].rolling(window)
        return [*rolling.mean().to_numpy().T, *rolling.std().to_numpy().T]

    return part


def roll_polars(rows: Floats, window: int) -> Part:
    """Roll by polars; rechunk, the lazy and the streaming engine were no faster."""
    import polars as pl

    frame, every = pl.DataFrame(rows), pl.all()
    statistics = every.rolling_mean(window), every.rolling_std(window).name.suffix("_std")
    return lambda piece, columns: frame[piece, columns].select(*statistics).get_columns()


def roll_bottleneck(rows: Floats, window: int) -> Part:
    """Roll by bottleneck; along axis 0 it took 1.1 to 1.4 times as long in Fortran order, 1.5 to 2.2 in C order."""
    import bottleneck as bn

    table, mean, std = np.ascontiguousarray(rows.T), bn.move_mean, partial(bn.move_std, ddof=1)
    return lambda piece, columns: [*mean(table[columns, piece], window), *std(table[columns, piece], window)]


def roll_numbagg(rows: Floats, window: int) -> Part:
    """Roll by numbagg; along axis 0 it took 1.1 times as long in Fortran order, 1.2 to 1.6 in C order."""
    import numbagg

    table = np.ascontiguousarray(rows.T)
    mean, std = (partial(move, window=window) for move in (numbagg.move_mean, numbagg.move_std))
    return lambda piece, columns: [*mean(table[columns, piece]), *std(table[columns, piece])]


def roll_duckdb(rows: Floats, window: int) -> Part:
    """Roll by DuckDB's window functions over a table made beforehand.

    A table, Arrow and pandas were equally fast, ORDER BY took 1.1 times as long as the table's own order, and a cursor
    of one thread for each core was 1.1 to 1.3 times as fast as DuckDB's own threads.
    """
    import duckdb
    import pandas as pd

    names = [f"c{place}" for place in range(rows.shape[1])]
    connection = duckdb.connect()
    connection.register("given", pd.DataFrame(np.asfortranarray(rows), columns=names))
    connection.execute("CREATE TABLE held AS SELECT * FROM given")
    connection.execute("SET threads = 1")

    def part(piece: slice, columns: slice) -> list[Floats]:
        first, last, _ = piece.indices(len(rows))
        chosen = names[columns]
        wanted = [f"{name}({column}) OVER near" for name in ("avg", "stddev_samp") for column in chosen]
        some = f"SELECT {', '.join(chosen)} FROM held WHERE rowid BETWEEN {first} AND {last - 1}"  # noqa: S608
        near = f"ROWS BETWEEN {window - 1} PRECEDING AND CURRENT ROW"
        query = f"SELECT {', '.join(wanted)} FROM ({some}) WINDOW near AS ({near})"  # noqa: S608
        return [np.asarray(column) for column in connection.cursor().sql(query).fetchnumpy().values()]

    return part


def roll_river(rows: Floats, window: int) -> Part:
    """Roll by River, a row at a time; proba.Gaussian, or asking the wrapper for figures, took twice as long."""
    from river import stats, utils

    def part(piece: slice, columns: slice) -> list[Floats]:
        chosen = rows[piece, columns]
        rolling = [utils.Rolling(stats.Var, window_size=window) for _ in range(chosen.shape[1])]
        variances = [one.obj for one in rolling]
        features = []
        for row in chosen.tolist():
            for one, value in zip(rolling, row, strict=True):
                one.update(value)
            features.append([one.mean.get() for one in variances] + [one.get() for one in variances])
        means, squares = np.hsplit(np.array(features), 2)
        with np.errstate(invalid="ignore"):  # rounding makes a variance negative: NaN, as digits are lost
            return [*means.T, *np.sqrt(squares).T]

    return part


class Library(NamedTuple):
    """A library, and how all cores are kept busy by it when it rolls alone.

    `by_columns`: it is given groups of columns on threads of ours, being single-threaded or slower by its own threads.
    `max_windows`: it is so slow that it gets the first windows only.
    """

    title: str
    roll: Callable[[Floats, int], Part]
    by_columns: bool = False
    max_windows: int = sys.maxsize


# titles of fastdrift's rows, and threads
OURS = {"fastdrift": None, "fastdrift, 1 thread": 1}
LIBRARIES = {
    **{title: Library(title, partial(roll_fastdrift, threads=threads)) for title, threads in OURS.items()},
    "pandas": Library("pandas", roll_pandas, by_columns=True),
    "polars": Library("polars", roll_polars),
    "bottleneck": Library("bottleneck", roll_bottleneck, by_columns=True),
    "numbagg": Library("numbagg", roll_numbagg),
    "duckdb": Library("DuckDB", roll_duckdb, by_columns=True, max_windows=200_000),
    "river": Library("River, 1 core", roll_river, max_windows=10_000),
}

N_ROWS, WINDOW, SPIKE_ROW = 3_000, 50, 1_000
# rows on which digits are lost, and the first row whose window counts
HARD = {
    "N(1e9, 1)": (np.random.default_rng(0).normal(1e9, 1.0, (N_ROWS, 2)), WINDOW - 1),
    "N(0, 1) after a 1e12": (np.random.default_rng(1).normal(size=(N_ROWS, 2)), SPIKE_ROW + WINDOW),
}
HARD["N(0, 1) after a 1e12"][0][SPIKE_ROW] = 1e12
# of about 16 digits; an error beyond is set in bold
GOOD = 1e-9


@functools.cache
def exact_std(name: str) -> Floats:
    """Return the stds of hard rows' windows, from the first that counts, by the tests' exact arithmetic."""
    rows, first = HARD[name]
    rolling_exact = runpy.run_path(str(ROOT / "tests" / "oracle.py"))["rolling_exact"]
    return np.stack([rolling_exact(column, WINDOW)[1][first:] for column in rows.T], axis=1)


def largest_error(std: Floats, name: str) -> str:
    """Return the largest relative error of hard rows' stds, and the share that is NaN; in bold if digits are lost."""
    expected = exact_std(name)
    std = std[-len(expected) :]
    broken = np.isnan(std)
    worst = np.max(np.abs(std / expected - 1), where=~broken, initial=0.0)
    told = f"{worst:.0e}" + (f", {broken.mean():.0%} NaN" if broken.any() else "")
    return f"**{told}**" if worst > GOOD or broken.any() else told


@functools.cache
def errors_of(library: Library) -> list[str]:
    """Return a library's errors on each kind of hard rows."""
    features = {name: library.roll(rows, WINDOW)(slice(0, N_ROWS), slice(0, 2)) for name, (rows, _) in HARD.items()}
    return [largest_error(np.array(columns[2:], np.float64).T, name) for name, columns in features.items()]
