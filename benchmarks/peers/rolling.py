"""Rolling mean and std by other libraries: each in the layout it likes best, for any stretch of rows and columns.

A library's function takes the rows once, lays them out, and returns a `Part`, which computes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.rows import Floats

# the means of the columns asked for, then their stds, over the rows asked for; of no meaning before the first window
Part = Callable[[slice, slice], Sequence[Any]]


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

    def part(piece: slice, columns: slice) -> list[pl.Series]:
        return frame[piece, columns].select(*statistics).get_columns()

    return part


def roll_bottleneck(rows: Floats, window: int) -> Part:
    """Roll by bottleneck; along axis 0 it took 1.1 to 1.4 times as long in Fortran order, 1.5 to 2.2 in C order."""
    import bottleneck as bn

    table = np.ascontiguousarray(rows.T)

    def part(piece: slice, columns: slice) -> list[Floats]:
        chosen = table[columns, piece]
        return [*bn.move_mean(chosen, window), *bn.move_std(chosen, window, ddof=1)]

    return part


def roll_numbagg(rows: Floats, window: int) -> Part:
    """Roll by numbagg; along axis 0 it took 1.1 times as long in Fortran order, 1.2 to 1.6 in C order."""
    import numbagg

    table = np.ascontiguousarray(rows.T)

    def part(piece: slice, columns: slice) -> list[Floats]:
        chosen = table[columns, piece]
        return [*numbagg.move_mean(chosen, window=window), *numbagg.move_std(chosen, window=window)]

    return part


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
    n_rows = len(rows)

    def part(piece: slice, columns: slice) -> list[Floats]:
        first, last, _ = piece.indices(n_rows)
        chosen = names[columns]
        wanted = [f"{name}({column}) OVER near" for name in ("avg", "stddev_samp") for column in chosen]
        some = f"SELECT {', '.join(chosen)} FROM held WHERE rowid BETWEEN {first} AND {last - 1}"  # noqa: S608
        near = f"ROWS BETWEEN {window - 1} PRECEDING AND CURRENT ROW"
        query = f"SELECT {', '.join(wanted)} FROM ({some}) WINDOW near AS ({near})"  # noqa: S608
        cursor = connection.cursor()
        return [np.asarray(column) for column in cursor.sql(query).fetchnumpy().values()]

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


@dataclass(frozen=True)
class Library:
    """A library, and how all cores are kept busy by it when it rolls alone.

    `by_columns`: it is given groups of columns on threads of ours, being single-threaded or slower by its own threads.
    `max_windows`: it is so slow that it gets the first windows only.
    """

    title: str
    roll: Callable[[Floats, int], Part]
    by_columns: bool = False
    max_windows: int | None = None

    def n_rows(self, n_rows: int, window: int) -> int:
        """Return how many of the rows it gets."""
        return n_rows if self.max_windows is None else min(n_rows, self.max_windows + window - 1)


LIBRARIES = {
    "pandas": Library("pandas", roll_pandas, by_columns=True),
    "polars": Library("polars", roll_polars),
    "bottleneck": Library("bottleneck", roll_bottleneck, by_columns=True),
    "numbagg": Library("numbagg", roll_numbagg),
    "duckdb": Library("DuckDB", roll_duckdb, by_columns=True, max_windows=200_000),
    "river": Library("River, 1 core", roll_river, max_windows=10_000),
}
