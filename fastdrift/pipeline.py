"""The steps between files and results: read, fit, lay out and draw. It never writes to disk or terminal."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from fastdrift.baseline import THIN, split_columns
from fastdrift.errors import DataError
from fastdrift.evaluation import Evaluation, check_labels, evaluate
from fastdrift.files import column_names, load_model, read_table
from fastdrift.frames import as_table
from fastdrift.model import Model
from fastdrift.prepare import How
from fastdrift.repairs import Duplicates, Fill, Report

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

Step = Callable[[str], None]

LABEL = "label"
# rows of features that are in memory at a time
PIECE_ROWS = 1 << 17
WINDOW, LEAST_WINDOW = 50, 5


class Telemetry(NamedTuple):
    """A table of metrics, where it is labelled as drift if that is known, the column that said so, and any mending."""

    frame: pd.DataFrame
    labels: npt.NDArray[np.bool_] | None = None
    label_column: str | None = None
    mended: Report | None = None


def read_telemetry(
    path: str,
    *,
    timestamp: str | None,
    labels: str | None = None,
    columns: Sequence[str] | None = None,
    drop: Sequence[str] | None = None,
    metrics: Sequence[str] = (),
    **reading: Any,
) -> Telemetry:
    """Read a table and set its labels apart: the column `labels`, or else one of the usual name that is no metric."""
    names = column_names(path)
    if labels is None and LABEL in names and LABEL not in {*(columns or ()), *(drop or ()), *metrics}:
        labels = LABEL
    if labels is None:
        return Telemetry(read_table(path, timestamp=timestamp, columns=columns, drop=drop or (), **reading))
    if labels not in names or labels in (drop or ()):
        raise DataError(f"{path}: column {labels!r}, said to hold the labels, is not there")
    wanted = None if columns is None else [*(name for name in columns if name != labels), labels]
    table = read_table(path, timestamp=timestamp, columns=wanted, drop=drop or (), **reading)
    if len(table.columns) == 1:
        raise DataError(f"{path}: no column is left beside the labels")
    return Telemetry(table.drop(columns=labels), check_labels(table[labels], len(table)), labels)


def prepare_telemetry(
    data: Telemetry,
    *,
    freq: str | None = None,
    how: tuple[How, Mapping[Hashable, How]] = ("mean", {}),
    duplicates: Duplicates = "last",
    fill: Fill = "leave",
    limit: int | None = None,
    **cleaning: Any,
) -> tuple[Telemetry, Report]:
    """Clean a table and put it onto a grid; its labels follow their rows, and a bin has the highest of its rows.

    Gaps are filled last: only on the grid are rows that were never logged a gap. A bin without rows is not labelled.
    """
    from fastdrift.prepare import aggregate, clean

    late: dict[str, Any] = {"fill": fill, "limit": limit}
    frame, report = clean(data.frame, duplicates=duplicates, **cleaning, **(late if freq is None else {}))
    reports, truth = [report], _label_frame(data, duplicates)
    if freq is not None:
        default, own = how
        hows: dict[Hashable, How] = {**dict.fromkeys(frame.columns, default), **own}
        frame, report = aggregate(frame, freq, how=hows)
        filled, filling = clean(frame, fill=fill, limit=limit)
        frame, reports = filled, [*reports, report, filling]
        truth = None if truth is None else aggregate(truth, freq, how="max").frame
    labels = None if truth is None else truth[LABEL].to_numpy() == 1
    changes = tuple(change for report in reports for change in report.changes)
    return Telemetry(frame, labels, data.label_column), Report(len(data.frame), len(frame), changes)


def _label_frame(data: Telemetry, duplicates: Duplicates) -> pd.DataFrame | None:
    """Return the labels of the rows that `clean` keeps, in its order."""
    import pandas as pd

    from fastdrift.prepare import clean

    if data.labels is None:
        return None
    return clean(pd.DataFrame({LABEL: data.labels}, index=data.frame.index), duplicates=duplicates).frame


class Scored(NamedTuple):
    """A table, the model that scored it, and the scores."""

    model: Model
    data: Telemetry
    scores: pd.Series[float]


def read_for(model: Model, path: str, *, timestamp: str | None, labels: str | None = None, **reading: Any) -> Telemetry:
    """Read a table to score: all of it, or the model's columns if others may be there."""
    metrics = [str(name) for name in model.columns] if model.named else []
    columns = metrics if model.named and model.allow_extra else None
    return read_telemetry(path, timestamp=timestamp, labels=labels, columns=columns, metrics=metrics, **reading)


def score_file(
    model_path: str, path: str, step: Step, *, timestamp: str | None, labels: str | None = None, **settings: Any
) -> Scored:
    """Score the table in a file by the model in another."""
    from fastdrift.scoring import score

    step(f"reading {path}")
    model = load_model(model_path)
    data = read_for(model, path, timestamp=timestamp, labels=labels)
    step("scoring")
    return Scored(model, data, score(model, data.frame, **settings))


def fit_table(frame: pd.DataFrame, columns: Sequence[str] | None, drop: Sequence[str] | None, **settings: Any) -> Model:
    """Fit on a table; if its columns were chosen from others, tables to score may hold others too."""
    from fastdrift.baseline import fit

    chosen = [name for name in (columns or frame.columns) if name not in (drop or ())]
    return fit(frame, columns=None if columns is None and drop is None else chosen, **settings)


def usable_window(n_rows: int, n_columns: int) -> int:
    """Return the window for a baseline: 50 rows, fewer where it is thin for that, but at least 5.

    That is the longest for which the baseline is worth two separate windows a feature, as `fit` asks of one that is not
    thin. Of 1,000 generated rows, 300 of them the baseline (means of 50 seeds; tests/test_thin.py), at 5 columns:

    ======================================  ====  ====  ====  ====  ====
    window                                     5    10    14    20    50
    clean monitored rows that are flagged    5.1   5.0   4.5   3.9   2.1  %
    drifted rows that are found               61    66    65    60    34  %
    ======================================  ====  ====  ====  ====  ====

    At 8 columns windows of 9 find 75 %, of 50 46 %. Of 500 rows and fewer the shortest windows find most, but a
    standard deviation of fewer than 5 rows is hardly one.
    """
    n_features = 2 * n_columns
    return max(LEAST_WINDOW, min(WINDOW, int((n_rows + 1) / (THIN * n_features + 1))))


def moving_columns(baseline: pd.DataFrame, columns: Sequence[str] | None, drop: Sequence[str] | None) -> int:
    """Return how many of the columns that a model is fitted on move in a baseline."""
    chosen = [name for name in (columns or baseline.columns) if name not in (drop or ())]
    return len(split_columns(as_table(baseline, chosen))[0])


def labelled_table(data: Telemetry) -> pd.DataFrame:
    """Return metrics and labels as one table."""
    name = data.label_column or LABEL
    return data.frame if data.labels is None else data.frame.assign(**{name: data.labels.astype(np.uint8)})


def judge(scored: Scored, *, with_labels: bool = True, baseline_rows: int = 0) -> Evaluation:
    """Evaluate the rows after the baseline; with labels by incidents too, each due for a window after its end."""
    model = scored.model
    labels = scored.data.labels if with_labels else None
    by_events: dict[str, Any] = {} if labels is None else {"events": True, "tolerance": model.window - 1}
    return evaluate(
        scored.scores,
        model.threshold,
        labels=labels,
        false_alarm_rate=model.false_alarm_rate,
        monitored=slice(baseline_rows, None),
        **by_events,
    )


def scores_table(scored: Scored) -> pd.DataFrame:
    """Return scores beside their alarms and, where they are known, labels."""
    import pandas as pd

    alarms = scored.scores > scored.model.threshold
    table = pd.DataFrame({"score": scored.scores, "alarm": alarms.astype(np.uint8)})
    if scored.data.labels is not None:
        table[LABEL] = scored.data.labels.astype(np.uint8)
    return _with_named_index(table)


def _with_named_index(table: pd.DataFrame) -> pd.DataFrame:
    return table if table.index.name is not None else table.rename_axis(index="row")


def features_pieces(frame: pd.DataFrame, window: int, threads: int | None) -> Iterator[pd.DataFrame]:
    """Yield the features of every window in pieces, with the bits that they have in the whole."""
    import pandas as pd

    from fastdrift.windows import rolling_mean, rolling_std

    frame = _with_named_index(frame)
    step = max(1, PIECE_ROWS // window) * window
    for start in range(0, len(frame), step):
        # from the block before: a window's bits depend on where it lies among the blocks of `window` rows
        first = max(0, start - window)
        rows = frame.iloc[first : start + step]
        means = rolling_mean(rows, window, threads=threads).add_suffix("_mean")
        stds = rolling_std(rows, window, threads=threads).add_suffix("_std")
        yield pd.concat([means, stds], axis=1).iloc[start - first :]


def draw(scored: Scored, baseline_rows: int = 0, kind: Literal["png", "svg"] = "png") -> bytes:
    """Return a picture of scores, the first rows shaded and left out of what its title counts."""
    import pandas as pd

    from fastdrift.plots import score_figure, to_bytes

    scores, threshold = scored.scores, scored.model.threshold
    monitored = scores.to_numpy()[baseline_rows:]
    flagged, n_scores = int((monitored > threshold).sum()), int((~np.isnan(monitored)).sum())
    share = f"{100 * flagged / max(n_scores, 1):.1f} %"
    figure = score_figure(
        scores.to_numpy(),
        threshold,
        index=scores.index if isinstance(scores.index, pd.DatetimeIndex) else None,
        baseline=(0, baseline_rows) if baseline_rows else None,
        labels=scored.data.labels,
        title=f"Drift score: {flagged:,} of {n_scores:,} monitored rows flagged ({share})",
    )
    return to_bytes(figure, kind)
