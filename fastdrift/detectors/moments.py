"""Moments of windows' features, kept apart by pieces so that any fold's can be had by adding up."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from fastdrift.arrays import Floats
from fastdrift.engine.threads import run_spans
from fastdrift.engine.windows import Sweep, feature_scales
from fastdrift.errors import DataError
from fastdrift.kernels.layout import LANES, Span
from fastdrift.tables.table import Table

# a feature that varies less than this share of its column's spread is told in units of that share
MIN_SCALE = 1e-6
# ranges that a fold is cut into, so that several threads have something to do with all of them
FOLD_RANGES = 4
# rows of a baseline, and of the window, from which on every fourth window stands for four: neighbours share most of
# their rows. Taken for baselines of 30,000 rows (30 seeds, windows of 50 and 16) that moved thresholds by 0.12 % and
# levels of alarms by 1.2 % at most, and neither false alarms, promises nor delays; incidents of smd, asd and
# jumpstarter found were the same. A short baseline is fast anyway
LEAST_ROWS, LEAST_WINDOW = 50_000, 16

# stretches of windows, told as the rows in which they end
Folds = Sequence[tuple[int, int]]


class Moments(NamedTuple):
    """Sums over windows of their features, told from a common centre in common units."""

    n_windows: float
    n_left_out: float
    quartic: float  # of the fourth powers of the norms
    sums: Floats
    products: Floats  # of the lower triangle, row by row; or of the diagonal alone

    @classmethod
    def total(cls, parts: Sequence[Moments]) -> Moments:
        """Add up moments in the order given."""
        total = parts[0]
        for part in parts[1:]:
            total = cls(
                total.n_windows + part.n_windows,
                total.n_left_out + part.n_left_out,
                total.quartic + part.quartic,
                total.sums + part.sums,
                total.products + part.products,
            )
        return total

    def of_all(self, n_windows: int) -> Moments:
        """Return moments of so many windows, where each of these stood for some, and at the ends for a few more."""
        if self.n_windows + self.n_left_out == n_windows:
            return self
        share = n_windows / self.n_windows
        return Moments(float(n_windows), 0.0, share * self.quartic, share * self.sums, share * self.products)

    @property
    def mean(self) -> Floats:
        """The features' mean."""
        return self.sums / self.n_windows

    @property
    def covariance(self) -> Floats:
        """The features' covariance."""
        mean = self.mean
        covariance: Floats = _square(self.products, mean.size) / self.n_windows - mean[:, None] * mean
        return covariance


def check_left_out(table: Table, whole: Moments) -> None:
    """Raise DataError if half of the windows or more hold a NaN or inf."""
    if whole.n_windows > whole.n_left_out:
        return
    place = table.place_of_broken(np.arange(table.n_columns))
    if place == "nowhere":
        raise DataError("the squares of the baseline's values overflow: give the columns other units")
    raise DataError(
        f"{whole.n_left_out:.0f} of {whole.n_windows + whole.n_left_out:.0f} windows of the baseline hold a NaN or inf "
        f"(first: {place}): fill the gaps, drop the column, or use a shorter window"
    )


# the windows between two edges, and their moments
Pieces = Sequence[tuple[tuple[int, int], Moments]]


class Standardisation(NamedTuple):
    """Where features are told from, in what units, and the smallest unit each may have."""

    centre: Floats
    scale: Floats
    floor: Floats


def first_moments(sweep: Sweep, threads: int) -> tuple[Floats, list[Moments]]:
    """Return where a first sweep tells features from, and the sums of them and of their squares, a span at a time.

    Means are told from each column's first finite number, deviations from 0.
    """
    first = sweep.table.first_finite()[sweep.columns]
    start = np.concatenate([first, np.zeros(first.size)])
    scales = feature_scales(sweep.window, start, np.ones(start.size))
    return start, sweep_moments(sweep, sweep.spans(), scales, start.size, threads, diagonal=True)


def standardise(sweep: Sweep, start: Floats, total: Moments) -> Standardisation:
    """Return the features' means and standard deviations over the baseline, from the total of its first moments."""
    check_left_out(sweep.table, total)
    mean, n_columns = total.mean, sweep.columns.size
    scale = np.sqrt(np.maximum(total.products / total.n_windows - mean**2, 0.0))
    spread = np.hypot(scale[:n_columns], mean[n_columns:] + start[n_columns:])
    floor = np.maximum(MIN_SCALE * np.tile(spread, 2), 8 * np.finfo(float).eps * np.abs(start + mean))
    return Standardisation(start + mean, np.maximum(scale, floor), floor)


def sweep_moments(
    sweep: Sweep, spans: Sequence[Span], scales: Floats, n_features: int, threads: int, *, diagonal: bool = False
) -> list[Moments]:
    """Return the moments of each span's windows; of the features alone, not their products, if `diagonal`.

    Of a long baseline that lacks nothing, every fourth window stands for four.
    """
    if sweep.table.n_rows >= LEAST_ROWS and sweep.window >= LEAST_WINDOW:
        parts = _sweep_with("last_moment_range", sweep, spans, scales, n_features, threads, diagonal)
        if not any(part.n_left_out for part in parts):
            return parts
    return _sweep_with("moment_range", sweep, spans, scales, n_features, threads, diagonal)


def _sweep_with(
    name: str, sweep: Sweep, spans: Sequence[Span], scales: Floats, n_features: int, threads: int, diagonal: bool
) -> list[Moments]:
    n_products = n_features if diagonal else n_features * (n_features + 1) // 2

    def task(span: Span) -> Moments:
        totals, products = np.zeros((3 + n_features, LANES)), np.zeros((n_products, LANES))
        sweep.call(name, sweep.piece(span), scales, 1, totals.reshape(-1), products.reshape(-1))
        # squares of what is far beyond all else may overflow in a first sweep, and it is found out by that
        with np.errstate(over="ignore") if diagonal else contextlib.nullcontext():
            flat = _add_lanes(totals)
            return Moments(flat[0], flat[1], flat[2], flat[3:], _add_lanes(products))

    return run_spans(task, spans, sweep.n_numbers, threads)


def _add_lanes(vectors: Floats) -> Floats:
    # one after the other: numpy's own sum may pair them up differently on another machine
    total = vectors[:, 0].copy()
    for lane in range(1, LANES):
        total += vectors[:, lane]
    return total


def _square(triangle: Floats, size: int) -> Floats:
    matrix: Floats = np.zeros((size, size))
    matrix[np.tril_indices(size)] = triangle
    return matrix + np.tril(matrix, -1).T


def piece_moments(sweep: Sweep, standardisation: Standardisation, folds: Folds, threads: int) -> Pieces:
    """Return the moments of the pieces that the folds' edges, and the gaps beside them, cut the windows into."""
    start, stop = folds[0][0], folds[-1][1]
    gap = sweep.window - 1
    edges = {min(max(edge + shift, start), stop) for fold in folds for edge in fold for shift in (-gap, 0, gap)}
    pieces = list(itertools.pairwise(sorted(edges)))
    spans = [sweep.spans(*piece, n_ranges=FOLD_RANGES) for piece in pieces]
    scales = feature_scales(sweep.window, standardisation.centre, 1 / standardisation.scale)
    parts = iter(sweep_moments(sweep, list(itertools.chain(*spans)), scales, standardisation.centre.size, threads))
    return [(piece, Moments.total([next(parts) for _ in own])) for piece, own in zip(pieces, spans, strict=True)]


def moments_without(pieces: Pieces, fold: tuple[int, int], window: int) -> Moments:
    """Add up what does not overlap a fold's rows."""
    gap = window - 1
    others = [part for (start, stop), part in pieces if stop <= fold[0] - gap or start >= fold[1] + gap]
    return Moments.total(others)
