"""Kernels of streams: a row at a time, with the bits of the sweep; `kept` tells how."""

from __future__ import annotations

import numpy as np
from numba import types

from fastdrift.kernels.jitting import FLOATS, INDICES, MATRIX, entry, inline, jit
from fastdrift.kernels.kept import kept_at, make_window, member_at, padded, step_on, take_in
from fastdrift.kernels.layout import HEAD, HISTORY_HEAD, LANES, REFUSED, STATE_HEAD
from fastdrift.kernels.vectors import fma, load, spread, spread_from, store

# a row and rows of any layout, which may be read-only
ROW = types.Array(types.float64, 1, "A", readonly=True)
ROWS = types.Array(types.float64, 2, "A", readonly=True)


@inline
def squared_distance(member, features):
    """Return the squared distance of a window by forward substitution, which overwrites the features.

    Column by column of the factor: each feature takes what those before it add in the order of `solve_group`.
    """
    size = 2 * member.n_varying
    height = padded(size)
    total = spread(0.0)
    for solved in range(size):
        value = spread_from(features, solved)
        total = fma(value, value, total)
        for at in range((solved + 1) // LANES * LANES, height, LANES):
            store(features, at, fma(load(member.factor, solved * height + at), value, load(features, at)))
    store(features, 0, total)
    return features[0]


@inline
def distance(member, kept):
    """Return the distance of a window, with what columns add that were constant."""
    total = squared_distance(member, member.features)
    for place in range(member.n_constant):
        total += member.penalties[int(kept.moved[place])]
    return np.sqrt(total)


@jit
def settled(score, n_broken):
    """Return NaN for the score of a window that holds a NaN or inf, inf for another that is no number."""
    if n_broken > 0:
        return np.nan
    return score if abs(score) < np.inf else np.inf


@inline
def push(row, parameters, state):
    """Take a row in and return its score: NaN before the first whole window."""
    n_columns, n_members, longest, unit = int(parameters[0]), int(parameters[1]), parameters[2], parameters[3]
    number = state[0]
    order = parameters[HEAD : HEAD + n_columns]
    at, own_at = HEAD + n_columns, STATE_HEAD
    pair, other, n_broken = 0.0, 0.0, 0.0
    for index in range(n_members):
        member = member_at(parameters, at)
        kept = kept_at(member, state, own_at)
        take_in(row, order, number, member, kept)
        if number >= longest - 1:
            make_window(member, kept, number, member.features)
            score = distance(member, kept)
            # the geometric mean of two or four, see `blend_scores`
            if index == 0:
                pair = score
            elif index == 1:
                pair = np.sqrt(pair * score)
            elif index == 2:
                other = score
            else:
                pair = np.sqrt(pair * np.sqrt(other * score))
        n_broken = kept.counts[1]
        step_on(member, kept)
        at, own_at = at + int(parameters[at + 4]), own_at + int(parameters[at + 5])
    state[0] = number + 1.0
    if number < longest - 1:
        return np.nan
    return settled(pair * unit if n_members > 1 else pair, n_broken)


@entry(ROW, FLOATS, FLOATS, FLOATS)
def push_row(row, parameters, state, history):
    """Take a row in, note it and its score, and return the score.

    `REFUSED` is returned of a row of another length, or if there is no room for it, and it is not taken in. The history
    holds how many rows it has, how many it has room for, the rows and their scores.
    """
    n_columns, place, room = int(parameters[0]), int(history[0]), int(history[1])
    if row.size != n_columns or place >= room:
        return REFUSED
    score = push(row, parameters, state)
    for column in range(n_columns):
        history[HISTORY_HEAD + place * n_columns + column] = row[column]
    history[HISTORY_HEAD + room * n_columns + place] = score
    history[0] = place + 1.0
    return score


@entry(ROWS, FLOATS, MATRIX, INDICES, FLOATS)
def push_rows(rows, parameters, states, which, scores):
    """Take rows in, each by the stream whose state is that line, and write their scores."""
    for row in range(rows.shape[0]):
        scores[row] = push(rows[row], parameters, states[which[row]])


@entry(ROWS, FLOATS, MATRIX, INDICES, MATRIX)
def push_features(rows, parameters, states, which, out):
    """Take rows in, and write what other detectors than distances score, a line a row.

    How many numbers are NaN or inf; then, a model after the other, the rows in which each of the columns that were
    constant has moved, and the features.
    """
    n_columns, n_members = int(parameters[0]), int(parameters[1])
    order = parameters[HEAD : HEAD + n_columns]
    for row in range(rows.shape[0]):
        state, line, place = states[which[row]], out[row], 1
        at, own_at = HEAD + n_columns, STATE_HEAD
        for _ in range(n_members):
            member = member_at(parameters, at)
            kept = kept_at(member, state, own_at)
            take_in(rows[row], order, state[0], member, kept)
            make_window(member, kept, state[0], member.features)
            line[0] = kept.counts[1]
            for index in range(member.n_constant):
                line[place + index] = kept.moved[index]
            place += member.n_constant
            for index in range(2 * member.n_varying):
                line[place + index] = member.features[index]
            place += 2 * member.n_varying
            step_on(member, kept)
            at, own_at = at + int(parameters[at + 4]), own_at + int(parameters[at + 5])
        state[0] += 1.0
