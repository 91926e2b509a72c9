"""The detector isolation-forest: scikit-learn grows the trees, the kernels score them.

Trees are kept flat, as they were grown, and laid out as complete trees for the kernel: then a step down is arithmetic
on the node's number, without a branch to predict or a child to look up.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fastdrift.arrays import Floats, freeze
from fastdrift.detectors.learning import Baseline, Learnt, Output
from fastdrift.detectors.model import Model
from fastdrift.detectors.samples import sample_windows
from fastdrift.engine.compiled import kernel
from fastdrift.engine.windows import Piece, Sweep, feature_scales
from fastdrift.errors import DataError, ModelError
from fastdrift.files.archive import Archive
from fastdrift.kernels.layout import GROUP_SIZE

N_TREES = 100
SUBSAMPLE = 256
# windows drawn from the baseline for the trees to draw theirs from: many times what they need
SAMPLE_WINDOWS = 32_768
MAX_DEPTH = 12
LEAF = -1


class Forest(NamedTuple):
    """Flat trees; a tree's nodes are consecutive, its root first. Numbers are doubles, whole ones too.

    `feature` and `split` say which way a window goes at a node (left if not above), `left` and `right` are
    places of its children, -1 at a leaf, and `length` the path length a leaf stands for. `roots` are the places of the
    trees' roots, `expected` the path length of an average window.
    """

    feature: Floats
    split: Floats
    left: Floats
    right: Floats
    length: Floats
    roots: Floats
    expected: Floats


class PackedForest(NamedTuple):
    """Complete trees, as the kernel wants them."""

    scales: Floats
    offsets: npt.NDArray[np.int32]
    thresholds: npt.NDArray[np.float32]
    lengths: Floats
    depth: int
    rate: float

    @property
    def adds_squares(self) -> bool:
        """Whether what a constant column adds is added under the root: a forest's score is none."""
        return False

    @property
    def serial(self) -> bool:
        """Whether pieces must be scored one after the other: they need not."""
        return False

    def score_piece(self, sweep: Sweep, piece: Piece, output: Output, _squared: bool, /) -> bool:
        """Write the isolation scores of a piece's windows; return whether all are finite."""
        room = _room(2 * sweep.columns.size)
        is_finite: bool = sweep.call("forest_range", piece, self.scales, 1, self._trees, room, output)
        return is_finite

    def score_features(self, features: Floats) -> Floats:
        """Return the isolation scores of windows by their features, shape (n_windows, n_features)."""
        scores = np.empty(len(features))
        kernel("forest_rows")(np.ascontiguousarray(features), self._trees, _room(features.shape[1]), scores)
        return scores

    @property
    def _trees(self) -> tuple[Any, ...]:
        return self.offsets, self.thresholds, self.lengths, self.depth, self.rate


def _room(n_features: int) -> tuple[npt.NDArray[np.float32], Floats]:
    """Return room for a group's features and path lengths."""
    return np.empty(n_features * GROUP_SIZE, np.float32), np.empty(GROUP_SIZE)


def expected_length(count: npt.NDArray[np.float64]) -> Floats:
    """Return the mean path length of an unsuccessful search in a binary tree of `count` windows.

    Liu, Ting and Zhou (2008), "Isolation Forest", equation 1.
    """
    many = np.maximum(count, 3.0)
    length = 2 * (np.log(many - 1) + np.euler_gamma) - 2 * (many - 1) / many
    return np.where(count <= 1, 0.0, np.where(count == 2, 1.0, length))


def grow(features: Floats, seed: int) -> Forest:
    """Grow a forest on windows' features, shape (n_windows, n_features)."""
    try:
        from sklearn.ensemble import IsolationForest
    except ImportError as error:
        raise ImportError("growing an isolation forest needs scikit-learn: pip install 'fastdrift[cli]'") from error
    if len(features) < 2:
        raise DataError("a forest cannot grow on fewer than two whole windows: give more rows, or fill the gaps")
    subsample = min(SUBSAMPLE, len(features))
    grown = IsolationForest(n_estimators=N_TREES, max_samples=subsample, random_state=seed).fit(features)
    trees = [estimator.tree_ for estimator in grown.estimators_]
    roots = np.cumsum([0, *(tree.node_count for tree in trees)], dtype=float)
    parts = [_flat_tree(tree, root) for tree, root in zip(trees, roots[:-1], strict=True)]
    expected = expected_length(np.array([float(subsample)]))
    feature, split, left, right, length = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Forest(feature, split, left, right, length, roots[:-1], expected)


def _flat_tree(tree: Any, root: float) -> tuple[Floats, ...]:
    left, right = tree.children_left, tree.children_right
    leaf = left < 0
    depth = np.zeros(tree.node_count)
    for node in np.flatnonzero(~leaf):  # children come after their parents
        depth[[left[node], right[node]]] = depth[node] + 1
    length = np.where(leaf, depth + expected_length(tree.n_node_samples.astype(float)), 0.0)
    return (
        np.where(leaf, 0.0, tree.feature),
        np.where(leaf, 0.0, tree.threshold),
        np.where(leaf, LEAF, left + root),
        np.where(leaf, LEAF, right + root),
        length,
    )


def check_forest(forest: Forest, n_features: int) -> None:
    """Raise ModelError unless every tree is one: whole, without cycles, its features known and its depth bounded."""
    n_nodes = forest.feature.size
    if forest.roots.size == 0 or any(part.shape != (n_nodes,) for part in forest[:5]) or forest.expected.shape != (1,):
        raise ModelError("its trees are incomplete: fit the model anew")
    whole = (forest.feature, forest.left, forest.right, forest.roots)
    if not all(np.isfinite(part).all() for part in forest) or any((part != np.floor(part)).any() for part in whole):
        raise ModelError("its trees hold numbers that are no nodes: fit the model anew")
    inner = forest.left != LEAF
    stops = np.append(forest.roots[1:], n_nodes)
    if forest.roots[0] != 0 or (stops <= forest.roots).any() or ((forest.right != LEAF) != inner).any():
        raise ModelError("its trees do not follow each other: fit the model anew")
    node = np.arange(n_nodes)
    stop = np.repeat(stops, (stops - forest.roots).astype(int))
    children = np.concatenate([forest.left[inner], forest.right[inner]])
    # a child comes after its parent, in the same tree, and has one parent: then there is no cycle
    for child in (forest.left[inner], forest.right[inner]):
        if (child <= node[inner]).any() or (child >= stop[inner]).any():
            raise ModelError("a child in its trees is out of range, or leads back: fit the model anew")
    if np.unique(children).size != children.size or children.size != n_nodes - forest.roots.size:
        raise ModelError("a node in its trees has two parents, or none: fit the model anew")
    if (forest.feature < 0).any() or (forest.feature >= n_features).any():
        raise ModelError("its trees ask for a feature that is not there: fit the model anew")
    if (forest.length < 0).any() or not forest.expected[0] > 0 or _depth(forest) > MAX_DEPTH:
        raise ModelError("its trees have impossible path lengths: fit the model anew")


def _depth(forest: Forest) -> int:
    nodes, depth = forest.roots.astype(int), 0
    while True:
        nodes = nodes[forest.left[nodes] != LEAF]
        if not nodes.size:
            return depth
        nodes = np.concatenate([forest.left[nodes], forest.right[nodes]]).astype(int)
        depth += 1


def pack_forest(forest: Forest, window: int, n_features: int) -> PackedForest:
    """Return a forest as complete trees: what is missing below a leaf always goes left, to the leaf's own length."""
    depth, n_trees = max(1, _depth(forest)), forest.roots.size
    n_inner = (1 << depth) - 1
    feature = np.zeros((n_trees, n_inner), np.int32)
    threshold = np.full((n_trees, n_inner), np.inf, np.float32)
    nodes = forest.roots.astype(int)[:, None]
    for level in range(depth):
        first = (1 << level) - 1
        inner = forest.left[nodes] != LEAF
        here = slice(first, first + nodes.shape[1])
        feature[:, here] = np.where(inner, forest.feature[nodes], 0)
        threshold[:, here] = np.where(inner, _round_down(forest.split[nodes]), np.inf)
        children = [np.where(inner, side[nodes], nodes) for side in (forest.left, forest.right)]
        nodes = np.stack(children, axis=2).reshape(n_trees, -1).astype(int)
    rate = -1.0 / (n_trees * float(forest.expected[0]))
    return PackedForest(
        freeze(feature_scales(window, np.zeros(n_features), np.ones(n_features))),
        np.ascontiguousarray(feature.ravel() * GROUP_SIZE),
        np.ascontiguousarray(threshold.ravel()),
        freeze(np.ascontiguousarray(forest.length[nodes].ravel())),
        depth,
        rate,
    )


def _round_down(threshold: Floats) -> npt.NDArray[np.float32]:
    """Return the largest float32 not above each threshold: float32 numbers compare with it as with the threshold."""
    nearest = threshold.astype(np.float32)
    return np.where(nearest > threshold, np.nextafter(nearest, np.float32(-math.inf)), nearest)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class ForestModel(Model):
    """An isolation forest: the fewer random cuts part a window from the baseline's, the larger its score, 0 to 1.

    A column that was constant in the baseline adds 1 for every row of the window in which it has moved.

    Attributes
    ----------
    feature, split, left, right, length : array of shape (n_nodes,)
        The trees' nodes: the feature asked, the number it is compared with, the indices of the children (-1 at a leaf)
        and, at a leaf, the path length it stands for.
    roots : array of shape (n_trees,)
        Indices of the roots.
    expected : array of shape (1,)
        The path length of an average window.
    """

    feature: Floats
    split: Floats
    left: Floats
    right: Floats
    length: Floats
    roots: Floats
    expected: Floats

    detector = "isolation-forest"
    own_arrays = Forest._fields

    @classmethod
    def learn(cls, baseline: Baseline, *, seed: int = 0, **_: Any) -> Learnt:
        """Grow a forest on windows drawn from the baseline, and one for each fold on those that it does not touch."""
        rows, features = sample_windows(baseline.sweep, SAMPLE_WINDOWS, baseline.threads, seed)
        others = [features[baseline.keeps(rows, fold)] for fold in baseline.held_out]
        forests = [grow(part, seed) for part in (features, *others)]
        packed = [pack_forest(forest, baseline.sweep.window, features.shape[1]) for forest in forests]
        return Learnt(forests[0]._asdict(), packed[0], packed[1:])

    @property
    def forest(self) -> Forest:
        """The trees."""
        return Forest(*(getattr(self, name) for name in self.own_arrays))

    @functools.cached_property
    def packed(self) -> PackedForest:
        """The trees in the form the kernels want them."""
        return pack_forest(self.forest, self.window, self.n_features)

    @functools.cached_property
    def penalties(self) -> Floats:
        """What a constant column adds to the score, by the rows of the window in which it moved."""
        return freeze(np.arange(self.window + 1.0))

    def own_lines(self) -> list[tuple[str, str]]:
        """Return the number of trees and of their nodes."""
        return [("forest", f"{self.roots.size} trees, {self.feature.size} nodes")]

    @classmethod
    def read_arrays(cls, archive: Archive, n_features: int) -> dict[str, Floats]:
        """Return the trees; raise ModelError if they are none."""
        n_nodes, n_trees = archive.length("feature"), archive.length("roots")
        shapes = dict.fromkeys(Forest._fields, (n_nodes,)) | {"roots": (n_trees,), "expected": (1,)}
        arrays = {name: archive.array(name, shape) for name, shape in shapes.items()}
        check_forest(Forest(**arrays), n_features)
        return arrays
