"""How the kernels of streams want a model, and what they keep of a stream."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from fastdrift.arrays import Floats
from fastdrift.detectors.blend import BlendedModel, members_of
from fastdrift.detectors.mahalanobis import MahalanobisModel
from fastdrift.detectors.model import Model
from fastdrift.engine.plan import make_plan
from fastdrift.engine.windows import feature_scales
from fastdrift.kernels.layout import GROUP, HEAD, KEPT_HEAD, LANES, MEMBER_HEAD, SCALES, STATE_HEAD

# before any row, and near enough for differences to be exact
NEVER = -(2.0**52)


class Packed(NamedTuple):
    """A model, and a stream of which nothing has been seen yet, each in one array.

    `parameters`: columns, windows, rows of the longest, the unit of the blend; which column each of the ring's is; then
    for every window what `pack_member` says. `state`: rows so far; then for every window what `empty` says.
    """

    parameters: Floats
    state: Floats


def pack(model: Model) -> Packed:
    """Return a model and an empty stream as the kernels want them."""
    members = members_of(model)
    unit = model.unit if isinstance(model, BlendedModel) else 1.0
    order = np.append(np.flatnonzero(model.varies), np.flatnonzero(~model.varies)).astype(np.float64)
    head = [len(model.columns), len(members), model.window, unit]
    states = [_empty(member) for member in members]
    parts = [_pack_member(member, state.size) for member, state in zip(members, states, strict=True)]
    return Packed(np.concatenate([head, order, *parts]), np.concatenate([[0.0], *states]))


def _pack_member(member: Model, state_size: int) -> Floats:
    """Return what is known of one window's model, and room to work in."""
    n_varying, n_constant = member.n_features // 2, len(member.constant_columns)
    width = _padded(n_varying)
    plan = make_plan(member.window, n_varying, n_varying, 1)
    parts = [
        plan.shares,
        _scales(member, n_varying).ravel(),
        _factor(member).ravel(),
        member.penalties,
        member.constant_values,
        np.zeros(n_varying + width + LANES),  # features
        np.zeros(width),  # their squares
        np.zeros(member.window),  # a column of the window
    ]
    size = MEMBER_HEAD + sum(part.size for part in parts)
    head = [member.window, plan.tile, n_varying, n_constant, size, state_size]
    return np.concatenate([head, *parts])


def _scales(member: Model, n_varying: int) -> Floats:
    """Return centres and gains of means, gains and shifts of stds, a line each; a padding column counts nothing."""
    if isinstance(member, MahalanobisModel):
        scales = member.packed.scales
    else:
        scales = feature_scales(member.window, np.zeros(2 * n_varying), np.ones(2 * n_varying))
    lines = np.zeros((SCALES, _padded(n_varying)))
    lines[:, :n_varying] = scales.reshape(n_varying, SCALES).T
    return lines


def _factor(member: Model) -> Floats:
    """Return the columns of the factor of `pack_factor`, a line each; zeros where the detector has none."""
    size = member.n_features
    factor = np.zeros((size, _padded(size)))
    if isinstance(member, MahalanobisModel):
        below = np.tril(-member.cholesky / np.diag(member.cholesky)[:, None], -1)
        factor[:, :size] = below.T
    return factor


def _empty(member: Model) -> Floats:
    """Return what is kept of a stream for one window's model, nothing yet seen.

    The offset of the next row in its block, how many numbers of the window are NaN or inf, and the last row with an
    extreme number; how many rows each column has moved in that was constant; the rows of the window, of which those
    still to come hold numbers that count nothing; and the pairs of every group of a block but its last.
    """
    n_varying, n_constant = member.n_features // 2, len(member.constant_columns)
    rows = np.ones((member.window, _padded(n_varying + n_constant)))
    rows[:, n_varying : n_varying + n_constant] = member.constant_values
    n_pairs = (-(-member.window // GROUP) - 1) * 2 * _padded(n_varying)
    return np.concatenate([[0.0, 0.0, NEVER], np.zeros(n_constant), rows.ravel(), np.zeros(n_pairs)])


def empty_state(packed: Packed, windows: Sequence[int], number: int) -> Floats:
    """Return the state of a stream whose next row is `number`, nothing of it yet seen."""
    state = packed.state.copy()
    state[0] = number
    place, own = HEAD + int(packed.parameters[0]), STATE_HEAD
    for window in windows:
        state[own] = number % window
        place, own = place + int(packed.parameters[place + 4]), own + int(packed.parameters[place + 5])
    return state


def last_rows(model: Model, packed: Packed, state: Floats, count: int) -> Floats:
    """Return the last rows of a stream, fewer than a window of them, out of its state."""
    n_columns = len(model.columns)
    place, own = HEAD + n_columns, STATE_HEAD
    for _ in members_of(model)[:-1]:
        place, own = place + int(packed.parameters[place + 4]), own + int(packed.parameters[place + 5])
    pitch, start = _padded(n_columns), own + KEPT_HEAD + len(model.constant_columns)
    ring = state[start : start + model.window * pitch].reshape(model.window, pitch)
    order = packed.parameters[HEAD : HEAD + n_columns].astype(np.int64)
    rows = np.empty((count, n_columns))
    rows[:, order] = ring[(int(state[own]) - np.arange(count, 0, -1)) % model.window, :n_columns]
    return rows


def _padded(count: int) -> int:
    return -(-count // LANES) * LANES
