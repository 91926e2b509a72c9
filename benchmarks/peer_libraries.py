"""How other libraries do the same work: rolling mean and std of every column, then distances from a baseline's centre.

Each gets its data in the layout it likes best before it is timed. Tried and slower: bottleneck and numbagg on rows
instead of columns, polars on one wide frame of float32, DuckDB on a pandas frame or on unsorted row numbers instead of
a table of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from benchmarks.rows import Floats

# rows for River, which takes them one by one in Python
RIVER_ROWS = 5_000
# windows that the robust estimators are fitted on: they are timed for scoring
ROBUST_WINDOWS = 3_000

Distance = Callable[[Floats], Floats]


class Rolled(NamedTuple):
    """A library's rolling statistics: a call that writes them out, and how its result becomes features."""

    call: Callable[[], Any]
    to_features: Callable[[Any], Floats]  # (windows, 2 × columns), means first


class Peer(NamedTuple):
    """A library, or two, for the whole of the work."""

    packages: tuple[str, ...]
    roll: Callable[[Floats, int], Rolled]
    learn: Callable[[Floats], Distance]
    note: str = ""  # why its scores are not ours, if they are not
    n_rows: int | None = None  # rows that it is given, if not all


def roll_pandas(rows: Floats, window: int) -> Rolled:
    """Roll by pandas."""
    import pandas as pd

    rolling = pd.DataFrame(rows).rolling(window)
    return Rolled(
        lambda: (rolling.mean(), rolling.std()), lambda pair: np.hstack([one.to_numpy() for one in pair])[window - 1 :]
    )


def roll_bottleneck(rows: Floats, window: int) -> Rolled:
    """Roll by bottleneck."""
    import bottleneck as bn

    columns = np.asfortranarray(rows)
    return Rolled(
        lambda: (bn.move_mean(columns, window, axis=0), bn.move_std(columns, window, ddof=1, axis=0)),
        lambda pair: np.hstack(pair)[window - 1 :],
    )


def roll_numbagg(rows: Floats, window: int) -> Rolled:
    """Roll by numbagg."""
    import numbagg

    columns = np.ascontiguousarray(rows.T)
    return Rolled(
        lambda: (numbagg.move_mean(columns, window=window), numbagg.move_std(columns, window=window)),
        lambda pair: np.vstack(pair).T[window - 1 :],
    )


def roll_polars(rows: Floats, window: int) -> Rolled:
    """Roll by polars."""
    import polars as pl

    frame, every = pl.DataFrame(rows), pl.all()
    return Rolled(
        lambda: frame.select(every.rolling_mean(window), every.rolling_std(window).name.suffix("_std")),
        lambda wide: wide.slice(window - 1).to_numpy(),
    )


def roll_duckdb(rows: Floats, window: int) -> Rolled:
    """Roll by DuckDB's window functions over a table in memory."""
    import duckdb
    import pandas as pd

    names = [f"c{column}" for column in range(rows.shape[1])]
    frame = pd.DataFrame(rows, columns=names).assign(i=np.arange(len(rows)))  # noqa: F841  # DuckDB reads it by name
    database = duckdb.connect()
    database.execute("CREATE TABLE t AS SELECT * FROM frame ORDER BY i")
    chosen = [
        f"{function}({name}) OVER w AS {function}_{name}" for function in ("avg", "stddev_samp") for name in names
    ]
    over = f"WINDOW w AS (ORDER BY i ROWS BETWEEN {window - 1} PRECEDING AND CURRENT ROW)"
    query = f"SELECT {', '.join(chosen)} FROM t {over}"  # noqa: S608  # of our own names
    return Rolled(
        lambda: database.execute(query).fetchnumpy(),
        lambda columns: np.stack([np.asarray(column)[window - 1 :] for column in columns.values()], axis=1),
    )


def roll_river(rows: Floats, window: int) -> Rolled:
    """Roll by River, a row at a time."""
    from river import stats, utils

    n_columns = rows.shape[1]
    streamed = rows.tolist()

    def call() -> list[list[float]]:
        means = [utils.Rolling(stats.Mean(), window_size=window) for _ in range(n_columns)]
        variances = [utils.Rolling(stats.Var(ddof=1), window_size=window) for _ in range(n_columns)]
        features = []
        for row in streamed:
            for mean, variance, value in zip(means, variances, row, strict=True):
                mean.update(value)
                variance.update(value)
            features.append([one.get() for one in means] + [one.get() ** 0.5 for one in variances])
        return features

    return Rolled(call, lambda features: np.array(features)[window - 1 :])


def by_blas(features: Floats) -> Distance:
    """Whiten by one matrix product."""
    centre = features.mean(axis=0)
    whitening = np.linalg.inv(np.linalg.cholesky(np.cov(features, rowvar=False, bias=True))).T
    return lambda windows: np.sqrt(np.square((windows - centre) @ whitening).sum(axis=1))


def by_scikit_learn(features: Floats) -> Distance:
    """Let scikit-learn's EmpiricalCovariance make distances."""
    from sklearn.covariance import EmpiricalCovariance

    estimator = EmpiricalCovariance().fit(features)
    return lambda windows: np.sqrt(estimator.mahalanobis(windows))


def _spread_out(features: Floats) -> Floats:
    return features[:: max(1, len(features) // ROBUST_WINDOWS)]


def by_elliptic_envelope(features: Floats) -> Distance:
    """Let scikit-learn's EllipticEnvelope make robust distances."""
    from sklearn.covariance import EllipticEnvelope

    estimator = EllipticEnvelope(random_state=0).fit(_spread_out(features))
    return lambda windows: np.sqrt(estimator.mahalanobis(windows))


def by_pyod(features: Floats) -> Distance:
    """Let PyOD's MCD make robust distances."""
    from pyod.models.mcd import MCD

    estimator = MCD(random_state=0).fit(_spread_out(features))
    return lambda windows: np.sqrt(estimator.decision_function(windows))


ROBUST = "robust estimate, so other scores"
PEERS = {
    "pandas + scikit-learn": Peer(("pandas", "scikit-learn"), roll_pandas, by_scikit_learn),
    "bottleneck + BLAS": Peer(("bottleneck",), roll_bottleneck, by_blas),
    "numbagg + BLAS": Peer(("numbagg",), roll_numbagg, by_blas),
    "polars + BLAS": Peer(("polars",), roll_polars, by_blas),
    "DuckDB + BLAS": Peer(("duckdb",), roll_duckdb, by_blas),
    "numbagg + EllipticEnvelope": Peer(("numbagg", "scikit-learn"), roll_numbagg, by_elliptic_envelope, ROBUST),
    "numbagg + PyOD's MCD": Peer(("numbagg", "pyod"), roll_numbagg, by_pyod, ROBUST),
    "River + BLAS": Peer(("river",), roll_river, by_blas, n_rows=RIVER_ROWS),
}
