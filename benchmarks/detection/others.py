"""Other detectors at their usual settings, on standardised rows of which they see no label.

Where a detector brings no limit of its own, it is the quantile of the scores of the rows that it was fitted on, which
is PyOD's rule. Rows that lack a value have no score. Slow ones learn from rows all over the baseline, `FEW` of them.
"""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.detection.fitted import RATE, Detector, Fit, Fitted, Floats

# rows that slow detectors learn from at most, evenly spread (River's: the last ones, as they follow each other)
FEW_MCD, FEW_NEIGHBOURS, FEW_WINDOWS, FEW_RIVER = 2_000, 5_000, 4_000, 5_000
WINDOW, CLUSTERS, CHUNK = 50, 20, 2_048

# scores of standardised rows
Score = Callable[[Floats], Floats]


def on_rows(learn: Callable[[Floats], Score], limit: float | None = None) -> Fit:
    """Return a fit of a detector that takes standardised rows one by one."""

    def fit(train: pd.DataFrame) -> Fitted:
        from sklearn.preprocessing import StandardScaler

        healthy = train.dropna().to_numpy(np.float64)
        scaler = StandardScaler().fit(healthy)
        score = learn(scaler.transform(healthy))

        def score_whole(rows: pd.DataFrame) -> Floats:
            values = rows.to_numpy(np.float64)
            is_whole = np.isfinite(values).all(axis=1)
            scores = np.full(len(values), np.nan)
            scores[is_whole] = score(scaler.transform(values[is_whole]))
            return scores

        threshold = np.nanquantile(score_whole(train), 1 - RATE) if limit is None else limit
        return Fitted(score_whole, float(threshold))

    return fit


def spread(rows: Floats, few: int) -> Floats:
    """Return at most so many rows, evenly spread."""
    return rows[:: max(1, -(-len(rows) // few))]


def three_sigma(rows: Floats) -> Score:  # noqa: ARG001  # rows are standardised already
    return lambda new: np.abs(new).max(axis=1)


def mahalanobis(rows: Floats) -> Score:
    from sklearn.covariance import EmpiricalCovariance

    found = EmpiricalCovariance().fit(rows)
    return lambda new: np.sqrt(np.maximum(found.mahalanobis(new), 0.0))


def principal(rows: Floats, *, residual: bool) -> Score:
    """Return T² in the components that hold 90 % of the variance, or Q, what is left over by them."""
    from sklearn.decomposition import PCA

    found = PCA(n_components=0.9, svd_solver="full").fit(rows)

    def score(new: Floats) -> Floats:
        parts = found.transform(new)
        if residual:
            left = new - found.inverse_transform(parts)
            return np.einsum("ij,ij->i", left, left)
        return np.asarray((parts**2 / found.explained_variance_).sum(axis=1))

    return score


def robust(rows: Floats) -> Score:
    from sklearn.covariance import MinCovDet

    few = spread(rows, FEW_MCD)
    # rows that nearly all lie in fewer dimensions have no determinant to make least
    few = few + 1e-3 * np.random.default_rng(0).normal(size=few.shape)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = MinCovDet(random_state=0).fit(few)
    return lambda new: np.sqrt(np.maximum(found.mahalanobis(new), 0.0))


def forest(rows: Floats) -> Score:
    from sklearn.ensemble import IsolationForest

    found = IsolationForest(random_state=0).fit(rows)
    return lambda new: -found.score_samples(new)


def neighbours(rows: Floats) -> Score:
    from sklearn.neighbors import NearestNeighbors

    few = spread(rows, FEW_NEIGHBOURS)
    found = NearestNeighbors(n_neighbors=5).fit(few)
    return lambda new: np.concatenate([found.kneighbors(part)[0][:, -1] for part in pieces(new)])


def pieces(rows: Floats) -> list[Floats]:
    return [rows[start : start + CHUNK] for start in range(0, len(rows), CHUNK)]


def by_pyod(module: str, name: str) -> Callable[[Floats], Score]:
    def learn(rows: Floats) -> Score:
        from importlib import import_module

        found = getattr(import_module(f"pyod.models.{module}"), name)().fit(rows)
        return lambda new: np.asarray(found.decision_function(new))

    return learn


def half_space_trees(train: pd.DataFrame) -> Fitted:
    """Follow River's documentation: rows scaled to 0 … 1, each scored and then learnt."""
    from river import anomaly, preprocessing

    found = preprocessing.MinMaxScaler() | anomaly.HalfSpaceTrees(seed=42)

    def score(rows: pd.DataFrame) -> Floats:
        names, scores = list(map(str, rows.columns)), []
        for row in rows.to_numpy(np.float64).tolist():
            one = dict(zip(names, row, strict=True))
            is_whole = all(value == value for value in row)  # noqa: PLR0124  # false of NaN
            scores.append(found.score_one(one) if is_whole else np.nan)
            if is_whole:
                found.learn_one(one)
        return np.array(scores)

    learnt = score(train.tail(FEW_RIVER))
    return Fitted(score, float(np.nanquantile(learnt[min(1_000, len(learnt) // 2) :], 1 - RATE)))


def clustered_windows(train: pd.DataFrame) -> Fitted:
    """Measure how far a window of rows, laid end to end, is from the nearest of twenty centres."""
    from sklearn.cluster import KMeans
    from sklearn.preprocessing import StandardScaler

    healthy = train.dropna().to_numpy(np.float64)
    scaler = StandardScaler().fit(healthy)
    windows = laid_out(scaler.transform(healthy).astype(np.float32))
    few = spread(windows, FEW_WINDOWS)
    found = KMeans(n_clusters=CLUSTERS, n_init=1, random_state=0).fit(few.reshape(len(few), -1))

    def score(rows: pd.DataFrame) -> Floats:
        windows = laid_out(scaler.transform(rows.to_numpy(np.float64)).astype(np.float32))
        scores = np.full(len(rows), np.nan)
        for start in range(0, len(windows), CHUNK):
            part = windows[start : start + CHUNK].reshape(-1, found.n_features_in_)
            is_whole = np.isfinite(part).all(axis=1)
            if is_whole.any():
                rows_of = np.flatnonzero(is_whole) + start + WINDOW - 1
                scores[rows_of] = found.transform(part[is_whole]).min(axis=1)
        return scores

    return Fitted(score, float(np.nanquantile(score(train), 1 - RATE)))


def laid_out(rows: Any) -> Any:
    """Return a view of the windows of rows, shape (n_windows, n_columns, window)."""
    return np.lib.stride_tricks.sliding_window_view(rows, WINDOW, axis=0)


OTHERS = {
    "three-sigma": Detector("3 sigma by column", on_rows(three_sigma, limit=3.0)),
    "mahalanobis": Detector("Mahalanobis of rows", on_rows(mahalanobis)),
    "pca-t2": Detector("PCA, T²", on_rows(lambda rows: principal(rows, residual=False))),
    "pca-q": Detector("PCA, Q", on_rows(lambda rows: principal(rows, residual=True))),
    "mcd": Detector("MCD", on_rows(robust)),
    "forest": Detector("isolation forest of rows", on_rows(forest)),
    "knn": Detector("5th nearest neighbour", on_rows(neighbours)),
    "k-means": Detector("k-means of windows", clustered_windows),
    "ecod": Detector("ECOD (PyOD)", on_rows(by_pyod("ecod", "ECOD")), "pyod"),
    "copod": Detector("COPOD (PyOD)", on_rows(by_pyod("copod", "COPOD")), "pyod"),
    "river": Detector("HalfSpaceTrees (River)", half_space_trees, "river"),
}
