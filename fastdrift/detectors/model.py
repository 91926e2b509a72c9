"""Model: what a detector has learnt, frozen, and what every detector must bring.

A detector is one file of this folder with one subclass of `Model`: what it learns, its parameters as the kernels want
them, its fields in a model file, its lines in a summary. `registry` lists them.
"""

from __future__ import annotations

import functools
import os
import warnings
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, fields
from numbers import Integral
from typing import Any, ClassVar

import numpy as np

from fastdrift.arrays import Booleans, Floats, Indices, freeze
from fastdrift.detectors.fields import FIELDS, FILE_NAMES, Check
from fastdrift.detectors.history import Stretch
from fastdrift.detectors.learning import Baseline, Learnt, PackedParameters
from fastdrift.detectors.promise import Promise
from fastdrift.detectors.rows import RowStatistics
from fastdrift.errors import ModelError
from fastdrift.files.archive import Archive, ArchiveFormat
from fastdrift.files.disk import write_bytes

FORMAT = ArchiveFormat(
    schema="fastdrift-model",
    version=3,  # several windows, or a history; of one window without a history version 2 is written
    error=ModelError,
    not_ours="it is not a model of fastdrift: name a file that `fit` or `Model.save` wrote",
    remedy="fit the model anew",
)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Model:
    """What `fit` learnt from a baseline: a value, never changed by scoring. Arrays are read-only.

    Its class says which detector it is.

    Attributes
    ----------
    columns : tuple
        Names of the columns, in the baseline's order.
    named : bool
        Whether they are names of a frame of any kind (matched by name) or an array's indices.
    allow_extra : bool
        Whether the columns were listed when fitting, or others taken for labels or times, so that a scored table may
        hold others.
    window : int
        Rows in a window; of several the longest, before whose end no row has a score.
    false_alarm_rate : float
        The share of clean windows that may be flagged.
    threshold : float
        A row whose score is above it, strictly, is flagged.
    threshold_rule : str
        "cross-fit" or "in-sample".
    constant_columns : tuple
        Names of the columns that held one value all through the baseline.
    constant_values : array
        That value, for each of them, in the column's units.
    baseline_rows, windows_used, windows_left_out : int
        Rows of the baseline, its windows, and those left out because they hold a NaN or inf.
    warnings : tuple of str
        What `fit` warned of.
    promise : Promise or None
        How often events may come falsely, and the levels that keep that; None in files written before there were any.
    rows : RowStatistics or None
        What single rows of the baseline are like.
    history : tuple of Stretch
        The stretches of the baseline, if it has several or `fit` was told when or why; else nothing.
    """

    columns: tuple[Hashable, ...]
    named: bool
    allow_extra: bool
    window: int
    false_alarm_rate: float
    threshold: float
    threshold_rule: str
    constant_columns: tuple[Hashable, ...]
    constant_values: Floats
    baseline_rows: int
    windows_used: int
    windows_left_out: int
    warnings: tuple[str, ...] = ()
    promise: Promise | None = None
    rows: RowStatistics | None = None
    history: tuple[Stretch, ...] = ()

    detector: ClassVar[str]
    own_arrays: ClassVar[tuple[str, ...]]
    own_fields: ClassVar[Mapping[str, Check]] = {}
    is_positive: ClassVar[bool] = True  # whether no score is below 0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                object.__setattr__(self, field.name, _frozen(value))
        if self.rows is not None:
            object.__setattr__(self, "rows", RowStatistics(*map(_frozen, self.rows)))

    def __getstate__(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.__post_init__()

    @property
    def varying_columns(self) -> tuple[Hashable, ...]:
        """Names of the columns that took more than one value in the baseline, in its order."""
        return tuple(name for name in self.columns if name not in self.constant_columns)

    @functools.cached_property
    def varies(self) -> Booleans:
        """Which of the columns vary."""
        return np.array([name not in self.constant_columns for name in self.columns])

    @functools.cached_property
    def places(self) -> tuple[Indices, Indices]:
        """Which of the columns vary, and which are constant, by their places among them."""
        return np.flatnonzero(self.varies), np.flatnonzero(~self.varies)

    @property
    def windows(self) -> tuple[int, ...]:
        """Rows in a window, for each window of the model: several if `fit` was asked for several."""
        return (self.window,)

    @property
    def middle_window(self) -> int:
        """Rows of a window of middling length: what sample size, missing data and onsets are told by."""
        return self.window

    @property
    def n_features(self) -> int:
        """Number of features: a mean and a standard deviation of every column that varies."""
        return 2 * len(self.varying_columns)

    @property
    def effective_windows(self) -> float:
        """Effective sample size: the number of separate windows, as those that overlap tell little that is new."""
        return self.windows_used / self.middle_window

    @property
    def moving_columns(self) -> tuple[Hashable, ...]:
        """`varying_columns` by its old name."""
        _warn_of_old_name("moving_columns", "varying_columns")
        return self.varying_columns

    @property
    def never_moved(self) -> tuple[Hashable, ...]:
        """`constant_columns` by its old name."""
        _warn_of_old_name("never_moved", "constant_columns")
        return self.constant_columns

    @property
    def never_moved_values(self) -> Floats:
        """`constant_values` by its old name."""
        _warn_of_old_name("never_moved_values", "constant_values")
        return self.constant_values

    # what a detector brings

    @classmethod
    def learn(cls, baseline: Baseline, **options: Any) -> Learnt:
        """Learn from a baseline, and from all of it but each fold held out.

        Options are `fit`'s `shrinkage` and `seed`, and `estimator` if its detector is an object; each takes its own.
        """
        raise NotImplementedError

    @property
    def packed(self) -> PackedParameters:
        """What the model has learnt, in the form the kernels want it."""
        raise NotImplementedError

    @property
    def penalties(self) -> Floats:
        """What a constant column adds to the score, or its square, by the rows of the window in which it moved."""
        raise NotImplementedError

    def pack_parts(self) -> Floats | None:
        """Return what the kernel of parts needs; None if the detector has no reasons for its scores."""
        return None

    def own_facts(self) -> dict[str, Any]:
        """Return what the detector adds to the model's facts, ready for JSON."""
        return {}

    def own_lines(self) -> list[tuple[str, str]]:
        """Return what the detector adds to the summary: pairs of a name and a text."""
        return []

    @classmethod
    def read_arrays(cls, archive: Archive, n_features: int) -> dict[str, Floats]:
        """Return the detector's own arrays from an archive, each checked."""
        raise NotImplementedError

    # what all share

    def facts(self) -> dict[str, Any]:
        """Return what the model knows, but its arrays, ready for JSON."""
        return {
            "columns": list(self.columns),
            "never_moved": list(self.constant_columns),
            "window": self.window,
            "windows": list(self.windows),
            "false_alarm_rate": self.false_alarm_rate,
            "threshold": self.threshold,
            "threshold_rule": self.threshold_rule,
            "detector": self.detector,
            **self.own_facts(),
            "baseline_rows": self.baseline_rows,
            "windows_used": self.windows_used,
            "windows_left_out": self.windows_left_out,
            "effective_windows": self.effective_windows,
            "promise": None if self.promise is None else self.promise.to_dict(),
            "history": [stretch.to_dict() for stretch in self.history],
            "warnings": list(self.warnings),
        }

    def lines(self) -> list[tuple[str, str]]:
        """Return a description of the model: pairs of a name and a text."""
        values = zip(self.constant_columns, self.constant_values, strict=True)
        constant = ", ".join(f"{name} = {value:g}" for name, value in values)
        return [
            ("columns", f"{len(self.columns)}, of which {len(self.varying_columns)} moved in the baseline"),
            ("never moved", constant or "none"),
            ("window", f"{listed(self.windows)} rows"),
            ("baseline", f"{self.baseline_rows} rows, {self.windows_used} windows, {self.windows_left_out} left out"),
            ("sample size", f"{self.effective_windows:.0f} separate windows for {self.n_features} features"),
            *self.own_lines(),
            ("threshold", f"{self.threshold:.6g} ({self.threshold_rule}, false-alarm rate {self.false_alarm_rate:g})"),
            *self._promise_lines(),
            *(("stretch", stretch.text()) for stretch in self.history),
            *(("warning", warning) for warning in self.warnings),
        ]

    def _promise_lines(self) -> list[tuple[str, str]]:
        if self.promise is None:
            return []
        shortfall = self.promise.shortfall()
        return [("promise", self.promise.text()), *([("", shortfall)] if shortfall else [])]

    def summary(self) -> str:
        """Return a description of the model, a fact a line."""
        return "\n".join(f"{name:<12} {value}" for name, value in self.lines())

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
        ModelError
            If a column's name is neither text nor a whole number.
        """
        write_bytes(self.encode(), path)

    def encode(self) -> bytes:
        """Return the model as the content of a file.

        Raises
        ------
        ModelError
            If a column's name is neither text nor a whole number.
        """
        if self.history:
            return FORMAT.encode(*self.contents(), version=3)
        return FORMAT.encode(*self.contents(), version=1 if self.promise is None or self.rows is None else 2)

    def contents(self) -> tuple[dict[str, Any], dict[str, Floats]]:
        """Return the header and the arrays of a file.

        Raises
        ------
        ModelError
            If a column's name is neither text nor a whole number.
        """
        attributes = {FILE_NAMES.get(field.name, field.name): getattr(self, field.name) for field in fields(self)}
        known = {name: attributes[name] for name in (*FIELDS, *self.own_fields)}
        known |= {name: [_plain_name(column) for column in known[name]] for name in ("columns", "never_moved")}
        header: dict[str, Any] = {"detector": self.detector, "model": known}
        arrays = {name: attributes[name] for name in (*self.own_arrays, "never_moved_values")}
        if self.promise is not None and self.rows is not None:
            header["promise"] = self.promise.to_dict()
            arrays |= {f"row_{name}": array for name, array in self.rows._asdict().items()}
        if self.history:
            header["history"] = [stretch.to_dict() for stretch in self.history]
        return header, arrays

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({len(self.columns)} columns, window={listed(self.windows)}, "
            f"threshold={self.threshold:.6g} at {self.false_alarm_rate:g} false alarms, {self.windows_used} windows)"
        )


def listed(windows: Sequence[int]) -> str:
    """Return windows as text: "10, 20 and 50"."""
    *others, last = map(str, windows)
    return f"{', '.join(others)} and {last}" if others else last


def _frozen(array: Any) -> Floats:
    return freeze(np.array(array, np.float64, order="C"))


def _plain_name(name: Hashable) -> str | int:
    if isinstance(name, str):
        return str(name)
    if isinstance(name, Integral) and not isinstance(name, bool):
        return int(name)
    raise ModelError(f"column {name!r} cannot be saved: rename it to text or a whole number before fitting")


def _warn_of_old_name(old: str, new: str) -> None:
    warnings.warn(f"Model.{old} is called {new} now", DeprecationWarning, stacklevel=3)
