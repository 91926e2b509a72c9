"""When it began: the split of the rows before an alarm into two that are most unlike."""

from __future__ import annotations

import numpy as np

from fastdrift.arrays import Floats

# windows before the alarm in which the beginning is looked for
WINDOWS_BACK = 5
# rows on either side of a split, and the least variance of an axis: fewer, or less, would make anything unlikely
LEAST_ROWS, LEAST_VARIANCE = 3, 1e-2


def best_split(rows: Floats) -> int:
    """Return how many of the whitened rows come before the most likely change of mean and variance.

    The likelihood ratio is that of a Gaussian an axis, healthy before and with a mean and variance of its own after.
    Rows that hold a NaN or inf tell nothing.
    """
    whole = np.arange(len(rows))
    if not np.isfinite(rows.sum()):
        whole = np.flatnonzero(np.isfinite(rows).all(axis=1))
    values = rows[whole]
    if len(values) < 2 * LEAST_ROWS:
        return 0 if not len(values) else int(whole[0])
    after = np.arange(len(values), 0, -1)[:, None]
    both = np.concatenate([values, values * values], axis=1)
    means = np.cumsum(both[::-1], axis=0)[::-1] / after
    size = values.shape[1]
    variance = np.maximum(means[:, size:] - means[:, :size] ** 2, LEAST_VARIANCE)
    # twice the log likelihood of what comes after, beside that of healthy rows
    ratio = after[:, 0] * (means[:, size:] - np.log(variance) - 1).sum(axis=1)
    ratio[-LEAST_ROWS + 1 :] = -np.inf
    return int(whole[ratio.argmax()])
