"""Rows taken in by the kernels of streams, and what they score."""

from __future__ import annotations

from typing import cast

import numpy as np

from fastdrift.arrays import Floats, Indices, Rows
from fastdrift.detectors.blend import BlendedModel, blend, members_of
from fastdrift.detectors.learning import PackedFeatures
from fastdrift.detectors.mahalanobis import MahalanobisModel
from fastdrift.detectors.model import Model
from fastdrift.engine.compiled import kernel
from fastdrift.streams.packing import Packed, empty_state

# windows whose features are in memory at a time
PIECE_ROWS = 4_096


def is_fast(model: Model) -> bool:
    """Return whether a model's scores are distances, which the kernel that takes rows in makes itself."""
    return all(isinstance(member, MahalanobisModel) for member in members_of(model))


def take_rows(model: Model, packed: Packed, states: Floats, which: Indices, rows: Rows) -> Floats:
    """Take rows in, each by the stream whose state is that line of `states`; return their scores.

    `rows` are float64, in the order of the model's columns.
    """
    scores = np.empty(len(rows))
    if is_fast(model):
        kernel("push_rows")(rows, packed.parameters, states, which, scores)
        return scores
    for start in range(0, len(rows), PIECE_ROWS):
        piece = slice(start, start + PIECE_ROWS)
        scores[piece] = _take_piece(model, packed, states, which[piece], rows[piece])
    return scores


def _take_piece(model: Model, packed: Packed, states: Floats, which: Indices, rows: Rows) -> Floats:
    """Take rows in, and give their windows' features to detectors that score those."""
    members = members_of(model)
    n_constant = len(model.constant_columns)
    width = n_constant + model.n_features
    told = _room(model, len(rows))
    before = states[which, 0]
    kernel("push_features")(rows, packed.parameters, states, which, told)
    # of several rows of one stream each has a number of its own
    order = np.argsort(which, kind="stable")
    firsts = np.append(True, np.diff(which[order]) != 0)
    starts = np.flatnonzero(firsts)
    numbers = np.empty(len(rows))
    numbers[order] = before[order] + np.arange(len(rows)) - np.repeat(starts, np.diff(np.append(starts, len(rows))))
    seen = numbers >= model.window - 1
    own = []
    for place, member in enumerate(members):
        start = 1 + place * width
        scores = np.full(len(rows), np.nan)
        scores[seen] = cast("PackedFeatures", member.packed).score_features(
            told[seen, start + n_constant : start + width]
        )
        for column in range(n_constant):
            scores += member.penalties[told[:, start + column].astype(np.int64)]
        own.append(scores)
    result = own[0]
    if isinstance(model, BlendedModel):
        with np.errstate(invalid="ignore"):
            blend(result, np.stack(own[1:]), model.unit)
    result[~np.isfinite(result)] = np.inf
    result[(told[:, 0] > 0) | ~seen] = np.nan
    return result


def state_after(model: Model, packed: Packed, number: int, last: Floats) -> Floats:
    """Return the state of a stream after `number` rows, of which the last are known: a window's but one, or all.

    That is all that windows to come hold, and where they lie among the blocks is told by the number. In the place of
    the row before there may be any numbers.
    """
    first = max(0, number - model.window)
    state = empty_state(packed, [member.window for member in members_of(model)], first)
    if number - first > len(last):
        filler = np.ones((1, len(model.columns)))
        filler[0, ~model.varies] = model.constant_values
        last = np.concatenate([filler, last])
    rows = last[len(last) - (number - first) :]
    which = np.zeros(len(rows), np.int64)
    if is_fast(model):
        kernel("push_rows")(rows, packed.parameters, state[None], which, np.empty(len(rows)))
    else:
        kernel("push_features")(rows, packed.parameters, state[None], which, _room(model, len(rows)))
    return state


def _room(model: Model, n_rows: int) -> Floats:
    """Return room for what the kernel tells of rows."""
    return np.empty((n_rows, 1 + len(members_of(model)) * (len(model.constant_columns) + model.n_features)))
