"""Distances by other libraries, from the features that others have rolled, in pieces of rows on all cores."""

import pkgutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from threadpoolctl import ThreadpoolController

from benchmarks.peers.libraries import Part
from benchmarks.work import Floats
from fastdrift.engine.threads import default_threads

# windows that robust estimators learn from, which takes seconds and is not timed
ROBUST_WINDOWS = 2_000
# windows at a time: what BLAS makes of 4,096 stays in the cache and took 0.7 times the time of all at once;
# scikit-learn spends a millisecond a call on checks
BLAS_BLOCK, SKLEARN_BLOCK = 4_096, 65_536
# as many as fastdrift uses
WORKERS = ThreadPoolExecutor(default_threads())


class Gauge(NamedTuple):
    """What was learnt from a baseline: squared distances of features (features, windows), `block` windows at a time.

    `own` says that centre and covariance are an estimator's own, and distances not to be ours.
    """

    squares: Callable[[Floats], Floats]
    block: int
    centre: Floats
    covariance: Floats
    own: bool = False


def by_blas(features: Floats) -> Gauge:
    """Whiten by one matrix product."""
    centre, covariance = features.mean(axis=1), np.cov(features, bias=True)
    whitening = np.linalg.inv(np.linalg.cholesky(covariance))
    shift = (whitening @ centre)[:, None]

    def squares(windows: Floats) -> Floats:
        white = whitening @ windows
        white -= shift
        return np.einsum("ij,ij->j", white, white)

    return Gauge(squares, BLAS_BLOCK, centre, covariance)


def by_estimator(name: str, features: Floats, *, own: bool, distance: str = "mahalanobis", **options: Any) -> Gauge:
    """Let an estimator make distances; a robust one is slow to fit, and learns from windows all over the baseline."""
    few = features[:, :: max(1, features.shape[1] // ROBUST_WINDOWS)] if own else features
    fitted = pkgutil.resolve_name(name)(**options).fit(few.T)
    measure = getattr(fitted, distance)
    return Gauge(lambda windows: measure(windows.T), SKLEARN_BLOCK, fitted.location_, fitted.covariance_, own)


by_empirical_covariance = partial(by_estimator, "sklearn.covariance:EmpiricalCovariance", own=False)
by_robust_estimator = partial(by_estimator, own=True, random_state=0)
# even when it trims nothing, it weighs windows anew
by_elliptic_envelope = partial(by_robust_estimator, "sklearn.covariance:EllipticEnvelope", support_fraction=1.0)
by_pyod = partial(by_robust_estimator, "pyod.models.mcd:MCD", distance="decision_function")


class Peer(NamedTuple):
    """Who rolls, who makes distances, and how all cores are kept busy.

    `piece_numbers`: numbers of input in a piece of rows, which a thread of ours rolls and measures while they are in
    the cache; None if the library is left to its own threads, or has none. `plain` says that all is called as most
    users would: one call that rolls, one that makes distances, and BLAS on its own threads. `package` is what it takes
    to learn.
    """

    title: str
    library: str
    learn: Callable[[Floats], Gauge] = by_blas
    piece_numbers: int | None = None
    package: str = "numpy"
    plain: bool = False


# of pieces of 2**17 to 2**21 numbers, and of all rows in one, the fastest with 8 and 32 columns; all rows in one took
# 1.2 to 1.6 times as long by bottleneck, 1.3 by numbagg and pandas, 0.8 by polars, which has threads of its own
PEERS = {
    "pandas": Peer("pandas + scikit-learn", "pandas", by_empirical_covariance, 1 << 20, "scikit-learn"),
    "polars": Peer("polars + BLAS", "polars"),
    "bottleneck": Peer("bottleneck + BLAS", "bottleneck", piece_numbers=1 << 17),
    "numbagg": Peer("numbagg + BLAS", "numbagg", piece_numbers=1 << 19),
    "duckdb": Peer("DuckDB + BLAS", "duckdb", piece_numbers=1 << 21),
    "elliptic-envelope": Peer(
        "bottleneck + scikit-learn EllipticEnvelope", "bottleneck", by_elliptic_envelope, 1 << 19, "scikit-learn"
    ),
    "pyod": Peer("bottleneck + PyOD MCD", "bottleneck", by_pyod, 1 << 19, "pyod"),
    # its MultivariateGaussian has a density, no distance, and took 0.3 ms a row for 16 features, 2 ms for 64
    "river": Peer("River + BLAS, 1 core", "river"),
}
# the fastest and the best known, called plainly; whoever learns a robust covariance, DuckDB and River are slower yet
PEERS |= {
    f"{name}-plain": PEERS[name]._replace(
        title=f"{PEERS[name].title}, as users call it", piece_numbers=None, plain=True
    )
    for name in ("pandas", "polars", "bottleneck", "numbagg")
}


def score_plainly(part: Part, gauge: Gauge, n_rows: int, window: int) -> Callable[[], Floats]:
    """Return the call that scores all rows as most users would."""

    def score() -> Floats:
        columns = [np.asarray(column)[window - 1 :] for column in part(slice(0, n_rows), slice(None))]
        squares = gauge.squares(np.stack(columns))
        return np.sqrt(squares, out=squares)

    return score


def make_score(part: Part, gauge: Gauge, n_rows: int, window: int, piece_rows: int | None) -> Callable[[], Floats]:
    """Return the call that scores all rows on all cores, in pieces of so many rows if any."""
    blas, n_windows = ThreadpoolController(), n_rows - window + 1

    def distances(first: int, size: int, run: Callable[..., Iterator[Floats]] = map) -> Floats:
        rows = slice(first, min(first + size, n_windows) + window - 1)
        columns = [np.asarray(column[window - 1 :]) for column in part(rows, slice(None))]
        blocks = [slice(start, start + gauge.block) for start in range(0, columns[0].size, gauge.block)]
        parts = run(lambda block: gauge.squares(np.stack([column[block] for column in columns])), blocks)
        squares = np.concatenate(list(parts))
        return np.sqrt(squares, out=squares)

    def score() -> Floats:
        # the cores are busy with threads of ours, on which BLAS is to have none of its own
        with blas.limit(limits=1, user_api="blas"):
            if piece_rows is None:
                return distances(0, n_windows, WORKERS.map)
            piece = partial(distances, size=piece_rows)
            return np.concatenate(list(WORKERS.map(piece, range(0, n_windows, piece_rows))))

    return score
