"""Scores of windows with gaps, written down plainly: covariances instead of precisions, a window at a time."""

from __future__ import annotations

import numpy as np

from fastdrift.detectors.gaps import gap_parameters

MASK = (1 << 64) - 1


def drawn(row, column):
    """Return what a row draws in a column, by whole numbers of any size."""
    row, column = int(row), int(column)
    bits = (row * 0x9E3779B97F4A7C15 + (column + 1) * 0xD1B54A32D192ED03) & MASK
    bits = ((bits ^ bits >> 30) * 0xBF58476D1CE4E5B9) & MASK
    bits = ((bits ^ bits >> 27) * 0x94D049BB133111EB) & MASK
    bits ^= bits >> 31
    total = sum(bits >> 16 * part & 0xFFFF for part in range(4))
    return (total / 65536 - 2 + 2 / 65536) * np.sqrt(3)


def filled_window(model, rows_known, window, first_row):
    """Return a window with its scattered gaps filled, NaN where a column is gone; `first_row` is that of the stream."""
    gaps = gap_parameters(model, rows_known)
    centre, square, level_variance, usual, spread_variance = gaps.estimates.T[:5]
    there = np.isfinite(window)
    counts = there.sum(axis=0)
    kept = 2 * counts >= len(window)
    values = np.where(there, window, np.nan)
    observed_mean = np.array(
        [column[np.isfinite(column)].mean() if np.isfinite(column).any() else 0 for column in values.T]
    )
    observed_std = np.array(
        [column[np.isfinite(column)].std(ddof=1) if n > 1 else 0 for column, n in zip(values.T, counts, strict=True)]
    )
    level = centre + (observed_mean - centre) * level_variance / (level_variance + square / np.maximum(counts, 1))
    weight = spread_variance / (spread_variance + square / (2 * np.maximum(counts - 1, 1)))
    spread = np.where(counts > 1, 1 + (observed_std / usual - 1) * weight, 1.0)
    still = (counts > 1) & (counts < len(window)) & (observed_std == 0)
    level, spread = np.where(still, observed_mean, level), np.where(still, 0.0, spread)
    covariance = np.linalg.inv(gaps.within)
    lacking = [row for row in range(len(window)) if (~there[row] & kept).any()]

    def fill(with_draws):
        filled = values.copy()
        for row in lacking:
            known = there[row] & kept
            unknown = ~known
            told = (values[row, known] - level[known]) / usual[known]
            off = covariance[np.ix_(unknown, known)] @ np.linalg.solve(covariance[np.ix_(known, known)], told)
            if with_draws:
                left = np.linalg.cholesky(gaps.within[np.ix_(unknown, unknown)])
                noise = np.linalg.solve(left.T, [drawn(first_row + row, column) for column in np.flatnonzero(unknown)])
                off = off + spread[unknown] * noise
            filled[row, unknown] = level[unknown] + np.where(spread[unknown] > 0, usual[unknown], 0.0) * off
        filled[:, ~kept] = np.nan
        return filled

    for _ in range(12):
        new = centre + (fill(False).mean(axis=0) - centre) * level_variance / (level_variance + square / len(window))
        changed = kept & (counts < len(window)) & (spread > 0)
        moved = (np.abs(new - level) / usual * (1 - counts / len(window)))[changed]
        level = np.where(changed, new, level)
        if not (moved > 0.002).any():
            break
    return fill(True)


def marginal(model, filled):
    """Return the squared distance of a window over the columns that are there."""
    kept = np.isfinite(filled).all(axis=0)
    features = (np.concatenate([filled.mean(axis=0), filled.std(axis=0, ddof=1)]) - model.centre) / model.scale
    chosen = np.tile(kept, 2)
    correlation = (model.cholesky @ model.cholesky.T)[np.ix_(chosen, chosen)]
    return float(features[chosen] @ np.linalg.solve(correlation, features[chosen]))


def gap_score(model, window, first_row=0, rows_known=None):
    """Return the score of one window, rows × the model's columns, by a model of one window."""
    window = np.asarray(window, np.float64)
    varying, constant = window[:, model.varies], window[:, ~model.varies]
    there = np.isfinite(window)
    if 2 * (2 * there.sum(axis=0) >= len(window)).sum() < window.shape[1]:
        return np.nan
    kept = 2 * np.isfinite(varying).sum(axis=0) >= len(window)
    if not kept.any():
        return np.nan
    squared = marginal(model, filled_window(model, model.rows or rows_known, varying, first_row))
    if not kept.all():
        curves = gap_parameters(model, model.rows or rows_known).curves
        where, what = curves[2 * (~kept).sum() - 2], curves[2 * (~kept).sum() - 1]
        distance = np.sqrt(squared)
        beyond = what[-1] + (distance - where[-1]) * (what[-1] - what[-2]) / (where[-1] - where[-2])
        squared = (np.interp(distance, where, what) if distance <= where[-1] else beyond) ** 2
    moved = (np.isfinite(constant) & (constant != model.constant_values)).sum(axis=0)
    return np.sqrt(squared + model.penalties[moved].sum())
