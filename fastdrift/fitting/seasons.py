"""Seasons of a baseline: columns that do the same again after so many rows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fastdrift.arrays import Booleans, Floats
from fastdrift.fitting.worth import DrawnWindows, autocorrelation_time, autocorrelations

# rounds of a season that a baseline must hold for it to be one
LEAST_ROUNDS = 3
# the correlation of windows a season apart: so much at least, and so many deviations of what chance makes of them
ALIKE, BEYOND_CHANCE = 0.1, 5.0
# lags that are looked at closely, those of the highest correlation
CANDIDATES = 32
# seasons are one if their lengths are so close
SAME_LENGTH = 0.1


class Season(NamedTuple):
    """Rows after which some columns do the same again, and how alike they are then."""

    rows: float
    places: tuple[int, ...]  # which of the columns that vary, the most alike first
    alike: float  # the correlation of the first


def find_seasons(drawn: DrawnWindows, looked_at: Booleans) -> list[Season]:
    """Return the seasons of a baseline's windows, the one of most columns first."""
    means = _without_line(drawn)
    found = []
    for place in np.flatnonzero(looked_at):
        lag, alike = _best_lag(means[:, place])
        if lag:
            found.append((lag * drawn.step, -alike, int(place)))
    seasons = []
    found.sort()
    while found:
        # the lengths nearest to the one that most agree on
        lengths = np.array([rows for rows, _, _ in found])
        near = np.abs(lengths[:, None] - lengths) <= SAME_LENGTH * lengths[:, None]
        chosen = near[near.sum(axis=1).argmax()]
        own = sorted((alike, place) for (_, alike, place), is_near in zip(found, chosen, strict=True) if is_near)
        seasons.append(Season(float(np.median(lengths[chosen])), tuple(place for _, place in own), -own[0][0]))
        found = [one for one, is_near in zip(found, chosen, strict=True) if not is_near]
    return sorted(seasons, key=lambda season: -len(season.places))


def _without_line(drawn: DrawnWindows) -> Floats:
    """Return the windows' means without their straight line, 0 for those that are not known."""
    means, time = np.nan_to_num(drawn.means), drawn.firsts - drawn.firsts.mean()
    if time.any():
        means = means - np.outer(time, time @ means / (time @ time))
    return means


def _best_lag(values: Floats) -> tuple[int, float]:
    """Return after how many steps values are most alike once they have been unlike, and how alike; 0 if by chance.

    Alike they must be after two, three … times as many steps too: a season goes on, chance does not.
    """
    n_steps, most = values.size, values.size // LEAST_ROUNDS
    found = autocorrelations(values[:, None])
    if not found.size or most < 3:
        return 0, 0.0
    # sums of fewer products, further apart, are made up for
    n_lags = n_steps // 2
    alike = found[:n_lags, 0] * n_steps / (n_steps - np.arange(n_lags))
    first = int((alike < 0).argmax())
    if not first:
        return 0, 0.0
    is_peak = (alike[1:-1] >= alike[:-2]) & (alike[1:-1] > alike[2:])
    peaks = 1 + np.flatnonzero(is_peak)
    peaks = peaks[(peaks > first) & (peaks <= most)]
    peaks = peaks[np.argsort(-alike[peaks], kind="stable")[:CANDIDATES]]
    if not peaks.size:
        return 0, 0.0
    rounds = [alike[lag::lag] for lag in peaks.tolist()]
    means, counts = np.array([one.mean() for one in rounds]), np.array([one.size for one in rounds])
    chance = np.sqrt(autocorrelation_time(values[:, None]) / n_steps / counts)
    is_clear = means >= np.maximum(ALIKE, BEYOND_CHANCE * chance)
    if not is_clear.any():
        return 0, 0.0
    # the clearest: a multiple of a season is as alike, but has fewer rounds to show it
    best = int(np.where(is_clear, means / chance, 0.0).argmax())
    return int(peaks[best]), float(alike[peaks[best]])
