"""suggest: what a baseline is good for, before a model is fitted on it."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Sequence
from functools import partial
from typing import Any

import numpy as np

from fastdrift.detectors.constant import split_columns
from fastdrift.detectors.model import Model
from fastdrift.engine.threads import check_threads
from fastdrift.errors import DriftWarning
from fastdrift.fitting.advice import THIN, WINDOW, rows_of, usable_window
from fastdrift.fitting.backtest import look_back
from fastdrift.fitting.baseline import fit
from fastdrift.fitting.findings import find_all
from fastdrift.fitting.metrics import choose_metrics
from fastdrift.fitting.shifts import smallest_shifts
from fastdrift.fitting.suggestion import Suggestion
from fastdrift.fitting.windows import usable_windows
from fastdrift.fitting.worth import MANY_DRAWN, draw_windows, memory_of
from fastdrift.tables.stretches import reader_of_stretches
from fastdrift.tables.table import usual_step

# windows that find more than one, where the baseline is long enough for them
SEVERAL = (10, 20, 50, 100)


def suggest(
    baseline: Any,
    *,
    window: int | Sequence[int] | None = None,
    false_alarm_rate: float = 0.05,
    false_event_rate: float | str | None = None,
    columns: Sequence[Hashable] | None = None,
    time: Hashable | None = None,
    threads: int | None = None,
) -> Suggestion:
    """Say what a baseline is good for: which window, which promises, what drift it shows, and what stands out in it.

    Parameters
    ----------
    baseline : array of shape (n_rows, n_columns) or frame, or a list of them
        As `fit` takes it.
    window : int or sequence of int, optional
        Rows in a window; by default what is suggested: 50, or fewer where the baseline is short for its columns.
    false_alarm_rate, false_event_rate, columns, time, threads
        As `fit` takes them.

    Returns
    -------
    Suggestion
        It prints as sentences, the answer first.

    Raises
    ------
    DataError
        If no model can be fitted on the baseline; the message says why and what would do.

    Notes
    -----
    A model is fitted on the whole, and three on its first 40, 60 and 80 % of the rows, each to look at the fifth that
    follows: what is flagged there, and how many alarms come, is held against the promise. What a baseline is worth is
    told by the integrated autocorrelation time of its windows (Sokal 1989).

    Examples
    --------
    >>> import fastdrift as fd
    >>> found = fd.suggest(fd.generate(20_000, seed=1, drifts=()).frame)
    >>> found.window, found.backtest.keeps_rows
    (50, True)
    """
    reader = reader_of_stretches(baseline)
    table = choose_metrics(reader, columns, time).table
    n_varying = split_columns(table)[0].size
    used = usable_window(table.n_given, n_varying) if window is None else window
    options: dict[str, Any] = {"false_alarm_rate": false_alarm_rate, "false_event_rate": false_event_rate}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DriftWarning)
        model = fit(baseline, window=used, columns=columns, time=time, threads=threads, **options)
    n_threads = check_threads(threads)
    varying, middle = np.flatnonzero(model.varies), model.middle_window
    drawn = draw_windows(table, varying, middle, MANY_DRAWN)
    step = usual_step(table.times)
    asked = None if false_event_rate is None or model.promise is None else model.promise.asked
    learn = partial(_learn, window=used, rates=options | {"false_event_rate": asked}, threads=threads)
    return Suggestion(
        model=model,
        window=model.windows if len(model.windows) > 1 else model.window,
        reasons=tuple(_reasons(model, asked=window is not None)),
        rows=table.n_given,
        memory=memory_of(table, varying, middle, MANY_DRAWN),
        findings=find_all(table, model, drawn, step),
        shifts=smallest_shifts(model, table, n_threads),
        backtest=look_back(table, learn, model.false_alarm_rate, n_threads),
    )


def _learn(frame: Any, names: Sequence[Hashable], *, window: Any, rates: dict[str, Any], threads: int | None) -> Model:
    return fit(frame, columns=names, window=window, threads=threads, **rates)


def _reasons(model: Model, *, asked: bool) -> list[str]:
    """Return why a window is suggested, and which others could be."""
    size, n_features, window = model.effective_windows, model.n_features, model.middle_window
    holds = f"the baseline holds {size:,.0f} separate windows of {window} rows, {size / n_features:.1f} a feature"
    if asked:
        reasons = [f"windows as asked for: {holds}"]
    elif window == WINDOW:
        reasons = [f"{WINDOW} rows is the usual window: {holds}"]
    else:
        reasons = [f"the longest window that leaves two separate windows a feature, and at least 5 rows: {holds}"]
    if size >= THIN * n_features:
        reasons.append(f"from {THIN:g} a feature on, rates are kept as long as the system stays as it is")
    else:
        enough = rows_of(THIN * n_features, window)
        reasons.append(
            f"below {THIN:g} a feature, for which {enough:,} rows are enough, drift is missed, and fewer rows flagged "
            f"than asked for as long as the system stays as it is"
        )
    several, left_out = usable_windows(SEVERAL, model.baseline_rows)
    if len(model.windows) == 1 and not left_out and size >= THIN * n_features:
        reasons.append(f"window={several} blends four: it finds more, and slow drift sooner, at four times the cost")
    return reasons
