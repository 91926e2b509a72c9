"""Folds of a baseline, each scored by what the others have taught."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np

from fastdrift.arrays import Floats
from fastdrift.detectors.learning import PackedParameters
from fastdrift.detectors.moments import FOLD_RANGES, Folds
from fastdrift.engine.windows import Sweep, check_length
from fastdrift.errors import DataError
from fastdrift.scoring.spans import SpanScorer, score_spans
from fastdrift.tables.table import Table

FOLDS = 5
# scores up to which a quantile is looked for among all, and of how many the bound below it is told: putting a million
# in order took half the time of scoring them
FEW_SCORES, DRAWN = 16_384, 4_096


def cut_folds(stretches: Folds, window: int) -> list[tuple[int, int]]:
    """Cut the windows of stretches into consecutive folds, told as the rows in which their windows end.

    Each stretch has folds of its own, so that what is held out is always scored by a fit that knows its stretch.
    """
    folds: list[tuple[int, int]] = []
    for start, stop in stretches:
        n_windows = stop - start - window + 1
        edges = [start + window - 1 + n_windows * fold // FOLDS for fold in range(FOLDS + 1)]
        folds += [(first, last) for first, last in itertools.pairwise(edges) if first < last]
    return folds


def check_lengths(table: Table, window: int) -> None:
    """Raise DataError if a stretch holds no window."""
    for number, one in enumerate(table.stretches, 1):
        try:
            check_length(one.n_rows, window)
        except DataError as error:
            raise DataError(f"stretch {number}: {error}" if table.gaps.size else str(error)) from error


def check_folds(stretches: Folds, window: int) -> None:
    """Raise DataError if the gaps around a fold leave no window to learn from."""
    n_rows = sum(stop - start for start, stop in stretches)
    sizes = [stop - start - window + 1 for start, stop in stretches]
    training = sum(sizes) - max(min(size, -(-size // FOLDS) + 2 * (window - 1)) for size in sizes)
    if training < window:
        enough = math.ceil((3 * window - 2) / (1 - 1 / FOLDS)) + 1 + window - 1
        raise DataError(
            f"{n_rows} rows are too few to cross-fit a threshold with windows of {window}: give at least {enough} "
            f"rows, a shorter window, or threshold='in-sample' (which flags far more than it says)"
        )


def score_folds(sweep: Sweep, packed_folds: Sequence[PackedParameters], folds: Folds, threads: int) -> Floats:
    """Return the scores of every fold's windows by what was learnt without it; constant columns add nothing."""
    start = folds[0][0]
    # windows between two folds reach over the gap between two stretches
    scores: Floats = np.full(folds[-1][1] - start, np.nan)
    scorer_of = {}
    for fold, packed in zip(folds, packed_folds, strict=True):
        scorer = SpanScorer.of_varying(sweep, packed)
        scorer_of.update(dict.fromkeys(sweep.spans(*fold, n_ranges=FOLD_RANGES), scorer))
    score_spans(scorer_of.__getitem__, list(scorer_of), sweep.n_numbers, threads, (scores, start))
    return scores


def by_fold(scores: Floats, folds: Folds) -> list[Floats]:
    """Return what `score_folds` returned fold by fold."""
    first = folds[0][0]
    return [scores[start - first : stop - first] for start, stop in folds]


def row_threshold(scores: Floats, folds: Folds, stretches: Folds, share: float) -> float:
    """Return the least score that at most `share` of the scores of any stretch exceed, told by `score_folds`.

    Pooled, a short stretch would pay for a long one: where 1,000 rows of a moved level were accepted beside 6,000, 11 %
    of that level's later rows were flagged for 5 %, and 25 % where it was half as noisy again. Now it is 3.5 %.
    """
    first = folds[0][0]
    parts = (scores[max(0, start - first) : stop - first] for start, stop in stretches)
    return max(upper_quantile(part, share) for part in parts if np.isfinite(part).any())


def upper_quantile(scores: Floats, share: float) -> float:
    """Return the least score that at most `share` of the finite scores exceed."""
    if not np.isfinite(scores.sum()):
        scores = scores[np.isfinite(scores)]
    rank = math.ceil((1 - share) * (scores.size - 1))
    if scores.size > FEW_SCORES:
        # all but what is above a lower bound, which some of the scores tell, need not be put in order
        drawn = np.sort(scores[np.random.default_rng(0).integers(scores.size, size=DRAWN)])
        bound = drawn[max(0, math.floor((1 - share) * DRAWN - 5 * math.sqrt(DRAWN * share * (1 - share))))]
        above = scores[scores >= bound]
        if above.size >= scores.size - rank:
            scores, rank = above, rank - scores.size + above.size
    return float(np.partition(scores, rank)[rank])
