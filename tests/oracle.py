"""Slow, obviously right versions of what fastdrift computes, for tests and benchmarks to share."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np

FOLDS = 5


def telemetry(n_rows, n_columns, seed):
    """Return autocorrelated, correlated rows whose columns have units and offsets of very different sizes."""
    rng = np.random.default_rng(seed)
    steps = rng.normal(size=(n_rows + 32, n_columns)) @ rng.normal(size=(n_columns, n_columns))
    smooth = np.lib.stride_tricks.sliding_window_view(steps, 8, axis=0).mean(axis=-1)[:n_rows]
    units = 10.0 ** (np.arange(n_columns) % 7 - 3)
    return (smooth + 3 * np.arange(n_columns)) * units


def exact_sums(column, window):
    """Return, for every whole window of finite numbers, the sum and the sum of squares as whole numbers of a unit.

    Every double is a whole number of 2**-1074, so whole numbers of Python hold all of it.
    """
    ratios = [float(value).as_integer_ratio() for value in column]
    unit = max(denominator for _, denominator in ratios)
    whole = [numerator * (unit // denominator) for numerator, denominator in ratios]
    squares = [number * number for number in whole]
    first, second = sum(whole[:window]), sum(squares[:window])
    yield first, second, unit
    for end in range(window, len(whole)):
        first += whole[end] - whole[end - window]
        second += squares[end] - squares[end - window]
        yield first, second, unit


def nearest_root(square):
    """Return the square root of a Fraction as the nearest double, or next to it."""
    if square == 0:
        return 0.0
    shift = 2 * (140 + max(0, square.denominator.bit_length() - square.numerator.bit_length()))
    return float(Fraction(math.isqrt((square.numerator << shift) // square.denominator), 1 << (shift // 2)))


def rolling_exact(column, window):
    """Return the rolling mean and std (ddof=1) of a column by exact arithmetic, rounded once at the end."""
    column = np.asarray(column, np.float64)
    mean, std = np.full(column.size, np.nan), np.full(column.size, np.nan)
    finite = np.isfinite(column)
    for end, (first, second, unit) in enumerate(exact_sums(np.where(finite, column, 0.0), window), window - 1):
        if finite[end - window + 1 : end + 1].all():
            mean[end] = Fraction(first, window * unit)
            std[end] = nearest_root(Fraction(window * second - first * first, window * (window - 1) * unit * unit))
    return mean, std


def relative_error(values, expected):
    """Return the largest |values / expected - 1|, taking 0 for 0 and NaN for NaN as exact."""
    values, expected = np.asarray(values, np.float64), np.asarray(expected, np.float64)
    same = (values == expected) | (np.isnan(values) & np.isnan(expected))
    if same.all():
        return 0.0
    with np.errstate(all="ignore"):
        error = np.abs(values - expected)[~same] / np.abs(expected)[~same]
    return float(np.max(np.where(np.isnan(error), np.inf, error)))


def rolling_features(rows, window):
    """Return the means, then the stds (ddof=1), of every whole window of the columns of `rows`."""
    windows = np.lib.stride_tricks.sliding_window_view(np.asarray(rows, np.float64), window, axis=0)
    with np.errstate(all="ignore"):
        return np.concatenate([windows.mean(axis=-1), windows.std(axis=-1, ddof=1)], axis=1)


def squared_distances(points, centre, covariance):
    """Return the squared Mahalanobis distances of points, one linear system at a time."""
    return np.array([delta @ np.linalg.solve(covariance, delta) for delta in np.asarray(points) - centre])


def model_scores(model, rows):
    """Return the scores of the columns that moved in the baseline, by definition; NaN where there is no window."""
    moving = [place for place, name in enumerate(model.columns) if name not in model.constant_columns]
    features = rolling_features(np.asarray(rows, np.float64)[:, moving], model.window)
    covariance = np.outer(model.scale, model.scale) * (model.cholesky @ model.cholesky.T)
    squares = squared_distances(features, model.centre, covariance)
    return np.concatenate([np.full(model.window - 1, np.nan), np.sqrt(squares)])


def members_of(model):
    """Return the models of one window that a model is made of."""
    return getattr(model, "members", (model,))


def blended(model, scores):
    """Return the geometric mean, row by row, of the scores of each window over its own threshold."""
    ratios = [own / member.threshold for own, member in zip(scores, model.members, strict=True)]
    return np.array([math.exp(sum(map(math.log, row)) / len(row)) for row in zip(*ratios, strict=True)])


def ledoit_wolf(points, covariance):
    """Return the intensity of Ledoit and Wolf (2004, Lemma 3.1 to 3.4) around 0, towards a multiple of the identity."""
    n_points, size = points.shape
    target = np.trace(covariance) / size * np.eye(size)
    distance = np.sum((covariance - target) ** 2)
    noise = sum(np.sum((np.outer(point, point) - covariance) ** 2) for point in points) / n_points**2
    return min(max(noise / distance, 0.0), 1.0)


def oas(covariance, n_points):
    """Return the intensity of Chen et al. (2010), equation 23, for `n_points` separate points."""
    size = len(covariance)
    square, trace = np.trace(covariance @ covariance), np.trace(covariance)
    above = (1 - 2 / size) * square + trace**2
    below = (n_points + 1 - 2 / size) * (square - trace**2 / size)
    return min(max(above / below, 0.0), 1.0)


def standardise(features):
    """Return features told from their mean in units of their standard deviation (ddof=0)."""
    return (features - features.mean(axis=0)) / features.std(axis=0)


def fit_gauge(points, shrinkage, window):
    """Return centre, covariance shrunk on the correlation's scale, and intensity of points in baseline-wide units."""
    centre = points.mean(axis=0)
    covariance = (points - centre).T @ (points - centre) / len(points)
    if shrinkage == "ledoit-wolf":
        # the sum of the fourth powers is taken around the baseline's centre, which folds share
        shift = np.trace(covariance) / len(covariance) * np.eye(len(covariance))
        norms = np.sum(points**2, axis=1)
        noise = (np.mean(norms**2) - np.sum(covariance**2)) / len(points)
        amount = min(max(noise / np.sum((covariance - shift) ** 2), 0.0), 1.0)
    elif shrinkage == "oas":
        amount = oas(covariance, len(points) / window)
    else:
        amount = shrinkage
    scale = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(scale, scale)
    shrunk = (1 - amount) * correlation + amount * np.eye(len(scale))
    return centre, np.outer(scale, scale) * shrunk, amount


def folds_of(n_windows):
    """Return the bounds of five consecutive folds of windows."""
    edges = [n_windows * fold // FOLDS for fold in range(FOLDS + 1)]
    return list(pairwise(edges))


def threshold(rows, window, rate=0.05, shrinkage="ledoit-wolf", rule="cross-fit"):
    """Return the threshold that a baseline without broken windows gives, by the whole procedure in plain loops."""
    points = standardise(rolling_features(rows, window))
    scores = []
    for start, stop in folds_of(len(points)):
        if rule == "in-sample":
            others = points
        else:
            # a window shares rows with the `window - 1` before it and after it
            others = [
                point for place, point in enumerate(points) if place <= start - window or place >= stop + window - 1
            ]
        centre, covariance, _ = fit_gauge(np.array(others), shrinkage, window)
        scores.extend(np.sqrt(squared_distances(points[start:stop], centre, covariance)))
    return sorted(scores)[math.ceil((1 - rate) * (len(scores) - 1))]


def windows(rows, window):
    """Return every whole window of rows."""
    values = np.asarray(rows, np.float64)
    return [values[end - window : end] for end in range(window, len(values) + 1)]


def onset_ratios(rows, least_rows, healthy_rows):
    """Return twice the log likelihood of each split of whitened rows, but for a constant, by the first row after it.

    Rows that hold a NaN or inf tell nothing; too few of the others have no splits.
    """
    whole = np.flatnonzero(np.isfinite(rows).all(axis=1))
    if len(whole) < 2 * least_rows:
        return {}
    ratios = {}
    for place in range(least_rows, len(whole) - least_rows + 1):
        parts, cost = (rows[whole[:place]], rows[whole[place:]]), 0.0
        for values in (column for part in parts for column in part.T):
            spread = max((values**2).mean() - values.mean() ** 2, 0.0)
            weight = len(values) / (len(values) + healthy_rows)
            cost += len(values) * math.log(weight * spread + 1 - weight)
        ratios[int(whole[place])] = -cost
    return ratios


def standard_features(model, window):
    """Return the features of a window of all columns, and those told from the centre in units of their scale."""
    moving = [place for place, name in enumerate(model.columns) if name not in model.constant_columns]
    values = window[:, moving]
    features = np.concatenate([values.mean(axis=0), values.std(axis=0, ddof=1)])
    return moving, features, (features - model.centre) / model.scale


def parts(model, window, signed):
    """Return what each column adds to the squared score of a window, or its share of the sum of absolute values."""
    if not np.isfinite(window).all():
        return np.full(len(model.columns), np.nan)
    moving, _, standard = standard_features(model, window)
    terms = standard * np.linalg.solve(model.cholesky @ model.cholesky.T, standard)
    result = np.zeros(len(model.columns))
    for place, term in zip([*moving, *moving], terms, strict=True):
        result[place] += term if signed else abs(term)
    for name, value in zip(model.constant_columns, model.constant_values, strict=True):
        place = list(model.columns).index(name)
        result[place] = model.penalties[sum(window[:, place] != value)]
    return result if signed else result / result.sum()


def reason(model, windows, least_share, most):
    """Return the columns that add most to the distance of the first of some windows, and what they do, in words.

    What a column does is told if it is far off in the first window, and half as far in all of them on average. Where
    the model is of several lengths, shares are averaged, and the longest has the words.
    """
    window, spread, members = windows[0], model.rows.spread, members_of(model)
    share = np.mean([parts(one, window[-one.window :], False) for one in members], axis=0)
    model = members[-1]
    moving, features, standard = standard_features(model, window)
    usual = np.mean([standard_features(model, one)[2] for one in windows], axis=0)
    size = len(moving)
    ranked = sorted(range(len(share)), key=lambda place: -share[place])[:most]
    chosen = [place for rank, place in enumerate(ranked) if rank == 0 or share[place] >= least_share]
    said = []
    for place in chosen:
        name, text = model.columns[place], []
        if place not in moving:
            value = model.constant_values[list(model.constant_columns).index(name)]
            said.append(f"{name} moved from {value:g}, where it had always been")
            continue
        mean, std = moving.index(place), size + moving.index(place)
        if abs(standard[mean]) > 3 and usual[mean] * np.sign(standard[mean]) > 1.5:
            shift = (features[mean] - model.centre[mean]) / spread[mean]
            text.append(f"{'up' if shift > 0 else 'down'} by {abs(shift):.2g} of its usual spreads")
        if abs(standard[std]) > 3 and usual[std] * np.sign(standard[std]) > 1.5:
            ratio = features[std] / model.centre[std]
            text.append("stuck" if ratio < 0.01 else f"{'more' if ratio > 1 else 'less'} variable (×{ratio:.2g})")
        if text:
            said.append(f"{name} {' and '.join(text)}")
    names = [str(model.columns[place]) for place in chosen]
    if said:
        return names, ", ".join(said)
    precision = np.linalg.inv(model.cholesky @ model.cholesky.T)
    first, terms = moving.index(chosen[0]), {}
    for other in set(range(size)) - {first}:
        terms[other] = sum(
            abs(sum(standard[of] * precision[of, to] * standard[to] for of in (first, first + size)))
            for to in (other, other + size)
        )
    if not terms:
        return names, f"{names[0]} moves as it never did"
    return names, f"{names[0]} and {model.columns[moving[max(terms, key=terms.get)]]} no longer move together"


def autocorrelation_time(series):
    """Return for how many steps series stay alike, by its definition in plain loops; NaN counts as 0."""
    columns = [[0.0 if math.isnan(value) else value for value in column] for column in np.asarray(series).T.tolist()]
    columns = [column for column in columns if any(column)]
    time = 1.0
    for lag in range(1, len(series)):
        ratios = []
        for column in columns:
            products = [column[step] * column[step + lag] for step in range(len(column) - lag)]
            ratios.append(math.fsum(products) / math.fsum(value * value for value in column))
        time += 2 * math.fsum(ratios) / max(1, len(ratios))
        if lag >= 5 * time:
            break
    return max(1.0, time)
