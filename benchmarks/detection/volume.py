"""VUS-PR: the volume under the precision-recall surface, whose second axis is how blurred the labels' edges are.

Paparrizos, Boniol, Palpanas, Tsay, Elmore and Franklin (2022), "Volume Under the Surface: a New Accuracy Evaluation
Measure for Time-Series Anomaly Detection", PVLDB 15(11).
"""

import numpy as np
import numpy.typing as npt

from fastdrift.evaluation.events import runs

Floats = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]

# rows, for all series alike; what the authors' later benchmark of many detectors uses
LONGEST_BUFFER = 100


def soften(labels: Booleans, buffer: int) -> Floats:
    """Return labels that fade out over half a buffer on each side: the root of 1 - distance / buffer.

    Where the edges of two anomalies meet they add up, to 1 at most, as in the authors' code.
    """
    soft = labels.astype(np.float64)
    starts, stops = runs(labels)
    for distance in range(1, buffer // 2 + 1):
        weight = np.sqrt(1 - distance / buffer)
        before, after = starts - distance, stops - 1 + distance
        np.add.at(soft, before[before >= 0], weight)
        np.add.at(soft, after[after < labels.size], weight)
    return np.minimum(soft, 1.0)


def vus_pr(scores: npt.ArrayLike, labels: Booleans, longest_buffer: int = LONGEST_BUFFER) -> float | None:
    """Return the mean, over buffers of 0 to `longest_buffer` rows, of the area under range-based precision and recall.

    Every distinct score is a threshold; rows without a score rank below all others. Recall is what is flagged of the
    softened labels, over the mean of their sum and the hard ones', times the share of anomalies (with their edges;
    those that touch are one) of which any row is flagged. None without labels of both kinds.
    """
    if labels.all() or not labels.any():
        return None
    values = np.nan_to_num(np.asarray(scores, np.float64), nan=-np.inf, posinf=np.inf, neginf=-np.inf)
    distinct, rank = np.unique(-values, return_inverse=True)
    flagged = np.cumsum(np.bincount(rank))
    n_true = int(labels.sum())
    areas = []
    for buffer in range(longest_buffer + 1):
        soft = soften(labels, buffer)
        hits = np.cumsum(np.bincount(rank, weights=soft))
        share = np.minimum(1.0, hits / ((n_true + soft.sum()) / 2)) * _found(soft > 0, rank, distinct.size)
        areas.append(float(np.sum(np.diff(share, prepend=0.0) * hits / flagged)))
    return float(np.mean(areas))


def _found(mask: Booleans, rank: Integers, n_ranks: int) -> Floats:
    """Return, by rank of the threshold, the share of runs of a mask of which a row is flagged."""
    starts, stops = runs(mask)
    edges = np.column_stack([starts, stops]).ravel()
    first = np.minimum.reduceat(np.append(rank, n_ranks), edges)[::2]
    found: Floats = np.cumsum(np.bincount(first, minlength=n_ranks)) / starts.size
    return found
