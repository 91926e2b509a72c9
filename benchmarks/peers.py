"""The same work by other libraries, in one run: rolling mean and std of every column, then Mahalanobis distances.

    python -m benchmarks.peers            # the README's table
    python -m benchmarks.peers --rows 200000 --rounds 3

Every peer gets the layout it likes best and all cores, fits its own whitening on the same clean rows, and must give the
same scores as fastdrift before it is timed. Rounds are interleaved and minima compared. A peer that is not installed is
listed as such (`pip install 'fastdrift[bench]'` brings them).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np

import fastdrift as fd
from benchmarks.rows import Floats, make_rows
from benchmarks.timing import describe_machine, interleaved_minima

Score = Callable[[], Floats]

SHAPES = [(8, 50), (32, 100)]


def whiten(features: Floats, centre: Floats, whitening: Floats) -> Floats:
    """Return distances by one matrix product."""
    return np.sqrt(np.square((features - centre) @ whitening).sum(axis=1))


def learn_whitening(features: Floats) -> tuple[Floats, Floats]:
    """Return centre and whitening of a baseline's features."""
    covariance = np.cov(features, rowvar=False, bias=True)
    return features.mean(axis=0), np.linalg.inv(np.linalg.cholesky(covariance)).T


def pandas_sklearn(rows: Floats, window: int, baseline: int) -> Score:
    """Roll by pandas, distances by scikit-learn's EmpiricalCovariance."""
    import pandas as pd
    from sklearn.covariance import EmpiricalCovariance

    frame = pd.DataFrame(rows)

    def features() -> Floats:
        rolling = frame.rolling(window)
        return np.hstack([rolling.mean().to_numpy(), rolling.std().to_numpy()])[window - 1 :]

    estimator = EmpiricalCovariance().fit(features()[:baseline])
    return lambda: np.sqrt(estimator.mahalanobis(features()))


def _with_whitening(features: Callable[[], Floats], baseline: int) -> Score:
    centre, whitening = learn_whitening(features()[:baseline])
    return lambda: whiten(features(), centre, whitening)


def bottleneck_blas(rows: Floats, window: int, baseline: int) -> Score:
    """Roll by bottleneck, distances by BLAS."""
    import bottleneck as bn

    columns = np.asfortranarray(rows)

    def features() -> Floats:
        mean, std = bn.move_mean(columns, window, axis=0), bn.move_std(columns, window, ddof=1, axis=0)
        return np.hstack([mean, std])[window - 1 :]

    return _with_whitening(features, baseline)


def numbagg_blas(rows: Floats, window: int, baseline: int) -> Score:
    """Roll by numbagg, distances by BLAS."""
    import numbagg

    columns = np.ascontiguousarray(rows.T)

    def features() -> Floats:
        return np.vstack([f(columns, window=window) for f in (numbagg.move_mean, numbagg.move_std)]).T[window - 1 :]

    return _with_whitening(features, baseline)


def polars_blas(rows: Floats, window: int, baseline: int) -> Score:
    """Roll by polars, distances by BLAS."""
    import polars as pl

    frame = pl.DataFrame(rows)
    every = pl.all()

    def features() -> Floats:
        wide = frame.select(every.rolling_mean(window), every.rolling_std(window).name.suffix("_std"))
        return wide.slice(window - 1).to_numpy()

    return _with_whitening(features, baseline)


PEERS: dict[str, tuple[str, Callable[[Floats, int, int], Score]]] = {
    "pandas + scikit-learn": ("scikit-learn", pandas_sklearn),
    "bottleneck + BLAS": ("bottleneck", bottleneck_blas),
    "numbagg + BLAS": ("numbagg", numbagg_blas),
    "polars + BLAS": ("polars", polars_blas),
}


def ours(rows: Floats, window: int, baseline: int, threads: int | None = None) -> Score:
    """Return fastdrift's own score of the same rows, without shrinkage so that it is the peers' distance."""
    model = fd.fit(rows[: baseline + window - 1], window=window, shrinkage=0.0)
    return lambda: fd.score(model, rows, threads=threads)


def assert_same(scores: Floats, expected: Floats, window: int) -> None:
    """Check a peer's scores against ours."""
    np.testing.assert_allclose(scores, expected[window - 1 :], rtol=1e-6)


def compare(n_rows: int, n_columns: int, window: int, rounds: int) -> list[tuple[str, str]]:
    """Return a row for us and for each peer: name, and rate with ratio."""
    rows, baseline = make_rows(n_rows, n_columns), n_rows * 3 // 10
    calls: dict[str, Callable[[], Any]] = {
        "fastdrift": ours(rows, window, baseline),
        "fastdrift, 1 thread": ours(rows, window, baseline, threads=1),
    }
    expected = calls["fastdrift"]()
    missing = []
    for name, (_, make) in PEERS.items():
        try:
            call = make(rows, window, baseline)
        except ImportError:
            missing.append(name)
            continue
        assert_same(call(), expected, window)
        calls[name] = call
    best = interleaved_minima(calls, rounds)
    lines = [
        (name, f"{n_rows / least / 1e6:.1f} M ({least / best['fastdrift']:.1f} ×)") for name, least in best.items()
    ]
    return lines + [(name, "not installed") for name in missing]


def main() -> None:
    """Print the table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=7)
    asked = parser.parse_args()
    tables = [dict(compare(asked.rows, n_columns, window, asked.rounds)) for n_columns, window in SHAPES]
    heads = [f"{n_columns} columns, window {window}" for n_columns, window in SHAPES]
    print(f"| rows a second, and how many times fastdrift's time ({asked.rows:,} rows) | " + " | ".join(heads) + " |")
    print("|---|" + "---|" * len(heads))
    for name in tables[0]:
        print(f"| {name} | " + " | ".join(table[name] for table in tables) + " |")
    packages = ["numpy", "numba", *dict.fromkeys(package for package, _ in PEERS.values()), "pandas"]
    print(f"\n{describe_machine(packages)}")


if __name__ == "__main__":
    main()
