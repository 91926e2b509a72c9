"""The kernel that writes features out."""

from __future__ import annotations

from numba import types

from fastdrift.kernels.jitting import INT, OUTPUT, SPAN, WORK, entry, jit, source_type
from fastdrift.kernels.layout import GROUP_SIZE, LANES, Output, Source, Span, Work
from fastdrift.kernels.loading import prefetch_part
from fastdrift.kernels.sweep import sweep_with
from fastdrift.kernels.vectors import fma, load, spread, store


@jit
def consume_features(features, count, _row, at, target, ahead, extra):
    """Copy some of the features of a group, from one number up to another; what is infinite becomes NaN."""
    prefetch_part(ahead, 0, 1)
    start, stop = extra
    for member in range(count):
        for feature in range(start, stop):
            vector = load(features, feature * GROUP_SIZE + member * LANES)
            place = ((at + member) * (stop - start) + feature - start) * LANES
            store(target.results, place, fma(vector, spread(0.0), vector))


sweep_features = sweep_with(consume_features)
FEATURES = types.UniTuple(INT, 2)


@entry(source_type, WORK, SPAN, FEATURES, OUTPUT)
def feature_range(source, work, span, features, output):
    """Write the features numbered `features[0]` up to `features[1]` of the windows that `span` wants."""
    width = features[1] - features[0]
    sweep_features(Source(*source), Work(*work), Span(*span), features, width, Output(*output))
