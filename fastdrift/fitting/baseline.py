"""fit: from a clean stretch of rows to a model.

Two sweeps of the baseline give the features' centre and scale, then their covariance, kept apart by pieces so that any
fold's can be had by adding up; a third scores the held-out folds for the threshold.
"""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Literal, Protocol

import numpy as np

from fastdrift.alarms.tail import clusters_seen, learn_promise, read_rate
from fastdrift.detectors.blend import BlendedModel, middle_window
from fastdrift.detectors.estimator import EstimatorModel, is_estimator
from fastdrift.detectors.history import Stretch, stretches_of
from fastdrift.detectors.model import Model
from fastdrift.detectors.registry import DETECTORS
from fastdrift.detectors.rows import learn_rows
from fastdrift.detectors.shrinkage import Shrinkage
from fastdrift.engine.threads import check_threads
from fastdrift.errors import DataError, DriftWarning
from fastdrift.fitting.advice import baseline_notes
from fastdrift.fitting.folds import by_stretch, check_folds, check_lengths, cut_folds, row_threshold
from fastdrift.fitting.healthy import Healthy, look_at
from fastdrift.fitting.learning import Lesson, Teaching, teach
from fastdrift.fitting.metrics import choose_metrics
from fastdrift.fitting.windows import check_windows, usable_windows
from fastdrift.fitting.worth import FEW_DRAWN, memory_of
from fastdrift.tables.stretches import reader_of_stretches
from fastdrift.tables.table import Table, usual_step


class Estimator(Protocol):
    """What another library's detector must be able to do."""

    def fit(self, features: Any, /) -> Any:
        """Learn from features, shape (n_windows, n_features)."""

    def score_samples(self, features: Any, /) -> Any:
        """Return a number a row, bigger for what is more normal."""


def fit(
    baseline: Any,
    *,
    window: int | Sequence[int] = 50,
    false_alarm_rate: float = 0.05,
    false_event_rate: float | str | None = None,
    threshold: Literal["cross-fit", "in-sample"] = "cross-fit",
    shrinkage: Shrinkage = "ledoit-wolf",
    columns: Sequence[Hashable] | None = None,
    detector: Literal["mahalanobis", "isolation-forest"] | Estimator = "mahalanobis",
    seed: int = 0,
    time: Hashable | None = None,
    created: str | None = None,
    reason: str | None = None,
    threads: int | None = None,
) -> Model:
    """Learn what healthy telemetry looks like from a baseline.

    Parameters
    ----------
    baseline : array of shape (n_rows, n_columns) or frame
        Rows of a healthy stretch, in time order, in any units. A frame is one of pandas or polars, an Arrow table or
        record batch, or what hands out Arrow's C streams, as DuckDB's relations do; a model of one kind scores all.
        Several stretches are a list of tables with the same columns: no window reaches from one into the next.
    window : int or sequence of int, default 50
        Rows in a window. Of 2 or 4 windows, such as ``(10, 20, 50, 100)``, the score is the geometric mean of each
        one's score over its own row threshold: short ones see what is sudden, long ones what is small. Those longer
        than an eighth of the baseline are left out. Not for detectors that are objects.
    false_alarm_rate : float, default 0.05
        The share of clean windows that may be flagged, above 0 and at most 0.5.
    false_event_rate : float or str, optional
        How many false alarms (events, not rows) may come a row: ``1 / 10_000``, or text such as "1/day" or "2/week"
        where rows have times. By default 1 in 10,000, or the strictest that the baseline can support.
    threshold : {"cross-fit", "in-sample"}
        Where the threshold is taken from: scores of windows that the fit has not seen, or scores of the very windows it
        was made from, which is far too low for new rows and there for comparison.
    shrinkage : {"ledoit-wolf", "oas"} or float
        How far the features' correlation is shrunk towards the identity; a number from 0 to 1 fixes it.
    columns : sequence, optional
        Names (or places) of the columns to use; then scored tables may hold others beside them. By default all, but
        for a column called `label` that holds 0 and 1 alone and columns of times since 1970, which are said.
    detector : {"mahalanobis", "isolation-forest"} or object
        Distances from the baseline's centre, or how easily random cuts part a window from the baseline's. The forest is
        grown by scikit-learn (extra `cli`) and has no shrinkage; scoring does not need it. Or any object with
        scikit-learn's ``fit(features)`` and ``score_samples(features)``, bigger for what is more normal: a copy learns
        from at most 200,000 windows' means and standard deviations, shape (n_windows, 2 · n_columns), and scores at its
        own speed. Such a model can't be saved.
    seed : int, default 0
        Of random numbers: the forest's, and which windows are drawn from a long baseline.
    time : str, optional
        Name of a frame's column of times, which is no metric: the model does not know it.
    created, reason : str, optional
        When the model is made and why the rows are healthy, for its `history`; which several stretches have anyway.
    threads : int, optional
        Threads to use; by default what the machine and the container allow.

    Returns
    -------
    Model
        Frozen; the same bytes whatever the layout of the baseline and the number of threads.

    Raises
    ------
    DataError
        If the baseline or an option cannot be used; the message says which column and row and what would do.

    Warns
    -----
    DriftWarning
        If the baseline is thin for its number of columns, or short for how slowly they change, windows were left out, a
        few rows decide what is learnt, a column is taken as labels or time, or only ever grows.

    Notes
    -----
    Cross-fitting: the baseline is cut into five stretches; each is scored by a fit on the others, less the windows that
    overlap it, and the threshold is the quantile of the pooled held-out scores; each of several stretches is cut so,
    and of their thresholds and levels of events the highest counts, less what the highest of equal ones would be by
    chance, so that none pays for another. Shrinkage: Ledoit and Wolf (2004), "A well-conditioned estimator for
    large-dimensional covariance matrices"; Chen, Wiesel, Eldar and Hero (2010), "Shrinkage algorithms for MMSE
    covariance estimation". Centre and covariance of 50,000 rows and more are told by every fourth window where those
    have 16 rows or more, which share most of them with their neighbours, and none lacks a value; held-out scores are
    those of all windows. The forest: Liu, Ting and Zhou (2008), "Isolation Forest". Beside the baseline, `fit` holds
    one held-out score a row and window.

    Rows that hold no readings, such as a value of 1e12 among numbers about 1, would make every later drift look small.
    If a column's variance is owed to few of its rows, those are left out with their windows: values 500 times as far
    from the median as a middling one, or 50 times in half of the columns at once, unless a tenth as many lie on the way
    there, as with the spikes of a healthy system. Above 3 % of the rows, or half of the windows, nothing is left out,
    but it is said.

    Bursts are left out with their windows too, up to a tenth of the rows, and said: stretches whose held-out scores lie
    beyond a break in the sorted peaks (told by their normalised spacings, Renyi 1953) that chance does not make, unless
    most of them move the columns as several others do, as a job that runs every night does. Heavy tails have no break.

    Examples
    --------
    >>> import fastdrift as fd
    >>> data = fd.generate(20_000, seed=1, drifts=())
    >>> model = fd.fit(data.frame, window=50, false_alarm_rate=0.05)
    >>> model.window, len(model.columns), model.threshold_rule
    (50, 8, 'cross-fit')
    """
    asked_windows = check_windows(window)
    _check_options(false_alarm_rate, threshold, shrinkage, detector)
    kind = DETECTORS[detector] if isinstance(detector, str) else EstimatorModel
    if len(asked_windows) > 1 and not kind.is_positive:
        raise DataError("scores of a detector that is an object may be below 0 and are not blended: give one window")
    n_threads = check_threads(threads)
    reader = reader_of_stretches(baseline)
    metrics = choose_metrics(reader, columns, time)
    table = metrics.table
    windows, window_notes = usable_windows(asked_windows, table.n_given)
    longest, middle = windows[-1], middle_window(windows)
    check_lengths(table, longest)
    step = usual_step(table.times)
    asked = None if false_event_rate is None else read_rate(false_event_rate, step)
    folds = cut_folds(table.bounds(), longest)
    if threshold == "cross-fit":
        check_folds(table.bounds(), longest)
    rate = float(false_alarm_rate)
    learn = partial(kind.learn, shrinkage=shrinkage, seed=seed, estimator=detector)
    how = Teaching(learn, windows, folds, threshold == "cross-fit", rate, n_threads)
    healthy, lessons, scores, _ = teach(look_at(table, longest, n_threads), how)
    total = healthy.total
    limit = row_threshold(scores, folds, table.bounds(), rate, middle)
    seen = [clusters_seen(parts, limit, longest) for parts in by_stretch(scores, folds, table.bounds())]
    promise, promise_notes = learn_promise(seen, limit, asked, step)
    sweep = healthy.sweep
    memory = memory_of(sweep.table, sweep.columns, middle, FEW_DRAWN)
    size_notes = baseline_notes(total, healthy.n_aside, 2 * sweep.columns.size, middle, rate, memory)
    notes = (*metrics.notes, *window_notes, *healthy.notes, *size_notes, *promise_notes)
    for note in notes:
        warnings.warn(note, DriftWarning, stacklevel=2)
    rows = learn_rows(sweep.table, sweep.columns, middle, lacking=table if total.n_left_out else None)
    of_all: dict[str, Any] = {"threshold": limit, "warnings": notes, "promise": promise, "rows": rows}
    of_all["history"] = _history(table, created, reason)
    common = {
        "named": reader.named,
        "allow_extra": metrics.among_others,
        "false_alarm_rate": rate,
        "threshold_rule": threshold,
        **_table_fields(table, healthy),
    }
    members = [kind(**common, **_own_fields(lesson)) for lesson in lessons]
    return replace(members[0], **of_all) if len(members) == 1 else BlendedModel.of(members, **of_all)


def _history(table: Table, created: str | None, reason: str | None) -> tuple[Stretch, ...]:
    """Return what is remembered of a baseline; nothing of one stretch of which nothing is said."""
    if not table.gaps.size and created is None and reason is None:
        return ()
    return stretches_of(table, created, [reason] * len(table.stretches))


def _table_fields(table: Table, healthy: Healthy) -> dict[str, Any]:
    """Return the fields of a model that its baseline tells, whatever the detector and the window."""
    return {
        "columns": table.names,
        "constant_columns": tuple(table.names[column] for column in healthy.constant),
        "constant_values": healthy.values,
        "baseline_rows": table.n_given,
    }


def _own_fields(lesson: Lesson) -> dict[str, Any]:
    """Return the fields of a model of one window that depend on the window."""
    return {
        "window": lesson.window,
        "threshold": lesson.threshold,
        "windows_used": int(lesson.total.n_windows),
        "windows_left_out": int(lesson.total.n_left_out),
        **lesson.learnt.fields,
    }


def _check_options(false_alarm_rate: object, threshold: object, shrinkage: object, detector: object) -> None:
    if detector not in DETECTORS if isinstance(detector, str) else not is_estimator(detector):
        raise DataError(
            f"detector is {detector!r:.80}: it is {', '.join(map(repr, DETECTORS))} or an object with fit(features) "
            f"and score_samples(features)"
        )
    if not isinstance(false_alarm_rate, (int, float, np.floating)) or not 0 < false_alarm_rate <= 0.5:
        raise DataError(f"false_alarm_rate is {false_alarm_rate!r}: give a share above 0 and at most 0.5")
    if not isinstance(threshold, str) or threshold not in ("cross-fit", "in-sample"):
        raise DataError(f"threshold is {threshold!r}: it is 'cross-fit' or 'in-sample'")
    known: bool = shrinkage in ("ledoit-wolf", "oas") if isinstance(shrinkage, str) else _is_share(shrinkage)
    if not known:
        raise DataError(f"shrinkage is {shrinkage!r}: it is 'ledoit-wolf', 'oas' or a number from 0 to 1")


def _is_share(value: object) -> bool:
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool) and 0 <= float(value.real) <= 1
