"""Model: everything a detector knows, frozen."""

from __future__ import annotations

import functools
import os
from collections.abc import Hashable
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from fastdrift.distances import moved_penalties
from fastdrift.forest import Forest, TreeOperand, make_tree_operand
from fastdrift.windows import Measure, Operand, freeze, make_operand

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Model:
    """What `fit` learnt from a baseline: a value, never changed by scoring. Arrays are read-only.

    Its class says which detector it is: `MahalanobisModel` or `ForestModel`.

    Attributes
    ----------
    columns : tuple
        Names of the columns, in the baseline's order.
    named : bool
        Whether they are a DataFrame's names (matched by name) or an array's places.
    allow_extra : bool
        Whether the columns were listed when fitting, so that a scored table may hold others.
    window : int
        Rows in a window.
    false_alarm_rate : float
        The share of clean windows that may be flagged.
    threshold : float
        A score above it, strictly, is an alarm.
    threshold_rule : str
        "cross-fit" or "in-sample".
    never_moved : tuple
        Names of the columns that held one value all through the baseline.
    never_moved_values : array
        That value, for each of them, in the column's units.
    baseline_rows, windows_used, windows_left_out : int
        Rows of the baseline, its windows, and those left out because they hold a NaN or inf.
    warnings : tuple of str
        What `fit` warned of.
    """

    columns: tuple[Hashable, ...]
    named: bool
    allow_extra: bool
    window: int
    false_alarm_rate: float
    threshold: float
    threshold_rule: str
    never_moved: tuple[Hashable, ...]
    never_moved_values: Floats
    baseline_rows: int
    windows_used: int
    windows_left_out: int
    warnings: tuple[str, ...] = ()

    detector: ClassVar[str]

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                object.__setattr__(self, field.name, freeze(np.array(value, np.float64, order="C")))

    def __getstate__(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.__post_init__()

    @property
    def moving_columns(self) -> tuple[Hashable, ...]:
        """Names of the columns that moved in the baseline, in its order."""
        return tuple(name for name in self.columns if name not in self.never_moved)

    @property
    def n_features(self) -> int:
        """Number of features: a mean and a standard deviation of every column that moves."""
        return 2 * len(self.moving_columns)

    @property
    def effective_windows(self) -> float:
        """Number of windows the baseline is worth: those that overlap tell little that is new."""
        return self.windows_used / self.window

    @property
    def operand(self) -> Measure:
        """What the model has learnt, in the form the kernels want it."""
        raise NotImplementedError

    @property
    def penalties(self) -> Floats:
        """What a column that never moved adds to the score, or its square, by the rows of the window that moved."""
        raise NotImplementedError

    def detector_facts(self) -> list[tuple[str, str]]:
        """Return what `summary` says of the detector itself: pairs of a name and a text."""
        raise NotImplementedError

    def summary(self) -> str:
        """Return a description of the model, a fact a line."""
        still = ", ".join(
            f"{name} = {value:g}" for name, value in zip(self.never_moved, self.never_moved_values, strict=True)
        )
        lines = [
            ("columns", f"{len(self.columns)}, of which {len(self.moving_columns)} moved in the baseline"),
            ("never moved", still or "none"),
            ("window", f"{self.window} rows"),
            ("baseline", f"{self.baseline_rows} rows, {self.windows_used} windows, {self.windows_left_out} left out"),
            ("worth", f"{self.effective_windows:.0f} separate windows for {self.n_features} features"),
            *self.detector_facts(),
            ("threshold", f"{self.threshold:.6g} ({self.threshold_rule}, false-alarm rate {self.false_alarm_rate:g})"),
            *(("warning", warning) for warning in self.warnings),
        ]
        return "\n".join(f"{name:<12} {value}" for name, value in lines)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model to a file, atomically.

        Parameters
        ----------
        path : path-like
            The file; one that exists is replaced.

        Raises
        ------
        FileError
            If the place cannot be written.
        """
        from fastdrift.files import save_model  # the one step upward: disk is the business of `files`

        save_model(self, path)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({len(self.columns)} columns, window={self.window}, threshold={self.threshold:.6g} "
            f"at {self.false_alarm_rate:g} false alarms, {self.windows_used} windows)"
        )


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class MahalanobisModel(Model):
    """A centre and a covariance: the score is the Mahalanobis distance of a window from the centre.

    Attributes
    ----------
    centre, scale : array of shape (n_features,)
        Mean and standard deviation over the baseline of every feature: the windows' means of the columns that move,
        then their windows' standard deviations, in the columns' units.
    cholesky : array of shape (n_features, n_features)
        Lower Cholesky factor of the shrunk correlation of the features.
    shrinkage : float
        How far the correlation was shrunk towards the identity, 0 to 1.
    shrinkage_rule : str
        "ledoit-wolf", "oas" or "fixed".
    """

    centre: Floats
    scale: Floats
    cholesky: Floats
    shrinkage: float
    shrinkage_rule: str

    detector = "mahalanobis"

    @functools.cached_property
    def operand(self) -> Operand:
        """The centre and factor in the form the kernels want them."""
        return make_operand(self.window, self.centre, self.scale, self.cholesky)

    @functools.cached_property
    def penalties(self) -> Floats:
        """What a column that never moved adds to the squared distance, by the rows of the window that moved."""
        return freeze(moved_penalties(self.window, self.windows_used))

    def detector_facts(self) -> list[tuple[str, str]]:
        """Return the shrinkage."""
        return [("shrinkage", f"{self.shrinkage:.3g} ({self.shrinkage_rule})")]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class ForestModel(Model):
    """An isolation forest: the fewer random cuts part a window from the baseline's, the larger its score, 0 to 1.

    A column that never moved in the baseline adds 1 for every row of the window in which it has moved.

    Attributes
    ----------
    feature, split, left, right, length : array of shape (n_nodes,)
        The trees' nodes: the feature asked, the number it is compared with, the places of the children (-1 at a leaf)
        and, at a leaf, the path length it stands for.
    roots : array of shape (n_trees,)
        Places of the roots.
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

    @property
    def forest(self) -> Forest:
        """The trees."""
        return Forest(self.feature, self.split, self.left, self.right, self.length, self.roots, self.expected)

    @functools.cached_property
    def operand(self) -> TreeOperand:
        """The trees in the form the kernels want them."""
        return make_tree_operand(self.forest, self.window, self.n_features)

    @functools.cached_property
    def penalties(self) -> Floats:
        """What a column that never moved adds to the score, by the rows of the window that moved."""
        return freeze(np.arange(self.window + 1.0))

    def detector_facts(self) -> list[tuple[str, str]]:
        """Return the number of trees and of their nodes."""
        return [("forest", f"{self.roots.size} trees, {self.feature.size} nodes")]
