"""Distances by other libraries, from the features that others have rolled, in pieces of rows on all cores."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from threadpoolctl import ThreadpoolController

from benchmarks.peers.rolling import Part
from benchmarks.rows import Floats
from fastdrift.engine.threads import default_threads

Score = Callable[[], Floats]

# windows that robust estimators learn from, which takes seconds and is not timed
ROBUST_WINDOWS = 2_000
# windows at a time: what BLAS makes of 4,096 stays in the cache and took 0.7 times the time of all at once;
# scikit-learn spends a millisecond a call on checks
BLAS_BLOCK, SKLEARN_BLOCK = 4_096, 65_536


class Gauge(NamedTuple):
    """What was learnt from a baseline: squared distances of features (features, windows), `block` windows at a time."""

    squares: Callable[[Floats], Floats]
    block: int
    centre: Floats
    covariance: Floats


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


def by_empirical_covariance(features: Floats) -> Gauge:
    """Let scikit-learn's EmpiricalCovariance make the distances."""
    from sklearn.covariance import EmpiricalCovariance

    fitted = EmpiricalCovariance().fit(features.T)
    return Gauge(lambda windows: fitted.mahalanobis(windows.T), SKLEARN_BLOCK, fitted.location_, fitted.covariance_)


def by_elliptic_envelope(features: Floats) -> Gauge:
    """Let scikit-learn's EllipticEnvelope make the distances; even when it trims nothing, it weighs windows anew."""
    from sklearn.covariance import EllipticEnvelope

    fitted = EllipticEnvelope(support_fraction=1.0, random_state=0).fit(spread_out(features).T)
    return Gauge(lambda windows: fitted.mahalanobis(windows.T), SKLEARN_BLOCK, fitted.location_, fitted.covariance_)


def by_pyod(features: Floats) -> Gauge:
    """Let PyOD's MCD make the distances."""
    from pyod.models.mcd import MCD

    fitted = MCD(random_state=0).fit(spread_out(features).T)
    return Gauge(
        lambda windows: fitted.decision_function(windows.T), SKLEARN_BLOCK, fitted.location_, fitted.covariance_
    )


def spread_out(features: Floats) -> Floats:
    """Return windows from all over the baseline for an estimator that is slow to fit."""
    return features[:, :: max(1, features.shape[1] // ROBUST_WINDOWS)]


@dataclass(frozen=True)
class Peer:
    """Who rolls, who makes distances, and how all cores are kept busy.

    `piece_numbers`: numbers of input in a piece of rows, which a thread of ours rolls and measures while they are in
    the cache; None if the library is left to its own threads, or has none. `same` says whether scores are to be ours.
    """

    title: str
    packages: tuple[str, ...]
    library: str
    learn: Callable[[Floats], Gauge] = by_blas
    piece_numbers: int | None = None
    same: bool = True


# of pieces of 2**17 to 2**21 numbers, and of all rows in one, the fastest with 8 and 32 columns; all rows in one took
# 1.2 to 1.6 times as long by bottleneck, 1.3 by numbagg and pandas, 0.8 by polars, which has threads of its own
PEERS = {
    "pandas": Peer("pandas + scikit-learn", ("pandas", "scikit-learn"), "pandas", by_empirical_covariance, 1 << 20),
    "pandas-whole": Peer(
        "pandas, one call + scikit-learn", ("pandas", "scikit-learn"), "pandas", by_empirical_covariance
    ),
    "polars": Peer("polars + BLAS", ("polars",), "polars"),
    "bottleneck": Peer("bottleneck + BLAS", ("bottleneck",), "bottleneck", piece_numbers=1 << 17),
    "numbagg": Peer("numbagg + BLAS", ("numbagg",), "numbagg", piece_numbers=1 << 19),
    "duckdb": Peer("DuckDB + BLAS", ("duckdb",), "duckdb", piece_numbers=1 << 21),
    "elliptic-envelope": Peer(
        "bottleneck + scikit-learn EllipticEnvelope",
        ("bottleneck", "scikit-learn"),
        "bottleneck",
        by_elliptic_envelope,
        1 << 19,
        same=False,
    ),
    "pyod": Peer("bottleneck + PyOD MCD", ("bottleneck", "pyod"), "bottleneck", by_pyod, 1 << 19, same=False),
    # its MultivariateGaussian has a density, no distance, and took 0.3 ms a row for 16 features, 2 ms for 64
    "river": Peer("River + BLAS, 1 core", ("river",), "river"),
}


@functools.cache
def workers() -> ThreadPoolExecutor:
    """Return as many threads as fastdrift uses."""
    return ThreadPoolExecutor(default_threads())


def distances_of(part: Part, piece: slice, window: int, gauge: Gauge, run: Callable[..., Iterator[Floats]]) -> Floats:
    """Return the distances of the windows that lie in a piece of the rows."""
    columns = [np.asarray(column[window - 1 :]) for column in part(piece, slice(None))]

    def block(first: int) -> Floats:
        return gauge.squares(np.stack([column[first : first + gauge.block] for column in columns]))

    squares = np.concatenate(list(run(block, range(0, columns[0].size, gauge.block))))
    return np.sqrt(squares, out=squares)


def make_score(part: Part, gauge: Gauge, n_rows: int, window: int, piece_rows: int | None) -> Score:
    """Return the call that scores all rows on all cores, in pieces of so many rows if any."""
    blas, n_windows = ThreadpoolController(), n_rows - window + 1

    def score_piece(first: int) -> Floats:
        last = min(first + piece_rows, n_windows) + window - 1
        return distances_of(part, slice(first, last), window, gauge, map)

    def score() -> Floats:
        # the cores are busy with threads of ours, on which BLAS is to have none of its own
        with blas.limit(limits=1, user_api="blas"):
            if piece_rows is None:
                return distances_of(part, slice(0, n_rows), window, gauge, workers().map)
            return np.concatenate(list(workers().map(score_piece, range(0, n_windows, piece_rows))))

    return score


def piece_rows_of(peer: Peer, n_rows: int, n_columns: int) -> int | None:
    """Return the rows of a piece: a share of the rows for each thread at most."""
    return peer.piece_numbers and min(peer.piece_numbers // n_columns, -(-n_rows // default_threads()))
