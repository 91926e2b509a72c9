"""The kernel of reasons for events: what a window's columns do that they did not do before."""

from __future__ import annotations

import numpy as np

from fastdrift.kernels.jitting import (
    FIXED_FLOATS,
    FIXED_MATRIX,
    FLOAT,
    FLOATS,
    INDICES,
    INT,
    INT_MATRIX,
    MATRIX,
    entry,
    jit,
    rows_type,
)
from fastdrift.kernels.layout import CHANGES


@jit
def window_features(rows, first, window, columns, features):
    """Write the means, then the standard deviations (ddof=1), of a window's columns."""
    size = columns.size
    for column in range(size):
        total = 0.0
        for row in range(first, first + window):
            total += rows[row, columns[column]]
        mean, squares = total / window, 0.0
        for row in range(first, first + window):
            away = rows[row, columns[column]] - mean
            squares += away * away
        features[column] = mean
        features[size + column] = np.sqrt(squares / (window - 1))


@jit
def average_standard(rows, others, window, columns, centre, scale, features, standard, average):
    """Write standardised features on average: those of a window and of others, told by their last rows, -1 for none."""
    count = 1
    for feature in range(average.size):
        average[feature] = standard[feature]
    for end in others:
        if end >= 0:
            window_features(rows, end - window + 1, window, columns, features)
            for feature in range(average.size):
                average[feature] += (features[feature] - centre[feature]) / scale[feature]
            count += 1
    for feature in range(average.size):
        average[feature] /= count


@jit
def add_constant(rows, first, window, columns, values, penalties, places, parts):
    """Write what columns that were constant add, by the rows of the window in which they moved."""
    for column in range(columns.size):
        moved = 0
        for row in range(first, first + window):
            moved += rows[row, columns[column]] != values[column]
        parts[places[column]] = penalties[moved]


@jit
def choose(parts, least_share, chosen):
    """Write the places of the largest parts, the largest first, as far as they have a share; -1 for the rest."""
    total = 0.0
    for place in range(parts.size):
        total += parts[place]
    for rank in range(chosen.size):
        best = -1
        for place in range(parts.size):
            if parts[place] >= 0 and (best < 0 or parts[place] > parts[best]):
                best = place
        is_chosen = best >= 0 and (rank == 0 or parts[best] >= least_share * total)
        chosen[rank] = best if is_chosen else -1
        if best >= 0:
            parts[best] = -1.0


@jit
def partner(standard, precision, column):
    """Return the column with which one has the largest term, -1 if there is no other."""
    size = standard.size // 2
    best, found = -1.0, -1
    for other in range(size):
        term = 0.0
        for feature in (other, other + size):
            first = standard[column] * precision[column, feature] * standard[feature]
            term += abs(first + standard[size + column] * precision[size + column, feature] * standard[feature])
        if other != column and term > best:
            best, found = term, other
    return found


@jit
def window_parts(
    rows, first, window, varying, varying_places, constant, constant_places, constant_values, penalties, centre, scale,
    precision, features, standard, parts
):  # fmt: skip
    """Write a window's features, plain and standardised, and what each column adds to its squared distance."""
    size = varying.size
    window_features(rows, first, window, varying, features)
    for feature in range(2 * size):
        standard[feature] = (features[feature] - centre[feature]) / scale[feature]
    for column in range(size):
        parts[varying_places[column]] = 0.0
    for feature in range(2 * size):
        total = 0.0
        for other in range(2 * size):
            total += precision[feature, other] * standard[other]
        column = feature if feature < size else feature - size
        part = abs(standard[feature] * total)
        # numbers too large to be told apart are all among the reasons
        parts[varying_places[column]] += np.inf if np.isnan(part) else part
    add_constant(rows, first, window, constant, constant_values, penalties, constant_places, parts)


@entry(
    rows_type, INT, INDICES, INDICES, INDICES, INDICES, FIXED_FLOATS, FIXED_FLOATS, FIXED_FLOATS, FIXED_FLOATS,
    FIXED_MATRIX, INT_MATRIX, FLOATS, MATRIX
)  # fmt: skip
def event_shares(
    rows, window, varying, varying_places, constant, constant_places, constant_values, penalties, centre, scale,
    precision, looks, scratch, shares
):  # fmt: skip
    """Add to `shares`, for the windows that end in the first row of each line of `looks`, every column's share."""
    size = varying.size
    features, standard, parts = scratch[: 2 * size], scratch[2 * size : 4 * size], scratch[4 * size :]
    for place in range(looks.shape[0]):
        window_parts(
            rows, looks[place, 0] - window + 1, window, varying, varying_places, constant, constant_places,
            constant_values, penalties, centre, scale, precision, features, standard, parts
        )  # fmt: skip
        total = 0.0
        for column in range(parts.size):
            total += parts[column]
        for column in range(parts.size):
            if total == np.inf:
                shares[place, column] += parts[column] == np.inf
            elif total > 0:
                shares[place, column] += parts[column] / total


@entry(
    rows_type, INT, INDICES, INDICES, INDICES, INDICES, FIXED_FLOATS, FIXED_FLOATS, FIXED_FLOATS, FIXED_FLOATS,
    FIXED_FLOATS, FIXED_MATRIX, INT_MATRIX, FLOAT, MATRIX, FLOATS, INT_MATRIX, FLOATS
)  # fmt: skip
def event_reasons(
    rows, window, varying, varying_places, constant, constant_places, constant_values, penalties, centre, scale,
    spread, precision, looks, least_share, shares, scratch, chosen, changes
):  # fmt: skip
    """Write, for windows that are looked at, which columns add most to their distance, and what those do.

    A line of `looks` has the row in which such a window ends, then those of others of its event, -1 for none. Of each
    of the `chosen` columns that vary, `changes` has the mean, in standard deviations of it over the baseline and in the
    rows' own, told from the centre; then the standard deviation, in standard deviations of it and in the usual one;
    then the first and third of these over all windows of the line. The last of `chosen` is the column with which the
    first has the largest term, -1 if there is none. If there are any `shares`, a line a line of `looks`, columns are
    chosen by those, which become garbage.
    """
    size, most = varying.size, chosen.shape[1] - 1
    features, standard = scratch[: 2 * size], scratch[2 * size : 4 * size]
    usual, others, rest = scratch[4 * size : 6 * size], scratch[6 * size : 8 * size], scratch[8 * size :]
    parts, column_of = rest[: size + constant.size], rest[size + constant.size :]
    column_of[:] = -1.0
    for column in range(size):
        column_of[varying_places[column]] = column
    for place in range(looks.shape[0]):
        first = looks[place, 0] - window + 1
        window_parts(
            rows, first, window, varying, varying_places, constant, constant_places, constant_values, penalties,
            centre, scale, precision, features, standard, parts
        )  # fmt: skip
        average_standard(rows, looks[place, 1:], window, varying, centre, scale, others, standard, usual)
        choose(shares[place] if shares.size else parts, least_share, chosen[place, :most])
        for rank in range(most):
            column = int(column_of[chosen[place, rank]]) if chosen[place, rank] >= 0 else -1
            if rank == 0:
                other = partner(standard, precision, column) if column >= 0 else -1
                chosen[place, most] = varying_places[other] if other >= 0 else -1
            if column >= 0:
                at = (place * most + rank) * CHANGES
                changes[at] = standard[column]
                changes[at + 1] = (features[column] - centre[column]) / spread[column]
                changes[at + 2] = standard[size + column]
                changes[at + 3] = features[size + column] / centre[size + column]
                changes[at + 4], changes[at + 5] = usual[column], usual[size + column]
