"""The steps between files and results: read, fit, lay out and draw. It never writes to disk or terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fastdrift.errors import DataError
from fastdrift.evaluation import Evaluation, check_labels, evaluate
from fastdrift.files import column_names, load_model, read_table
from fastdrift.model import Model

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

Step = Callable[[str], None]

LABEL = "label"
# rows of features that are in memory at a time
PIECE_ROWS = 1 << 17


class Telemetry(NamedTuple):
    """A table of metrics, where it is labelled as drift if that is known, and the column that said so."""

    frame: pd.DataFrame
    labels: npt.NDArray[np.bool_] | None = None
    label_column: str | None = None


def read_telemetry(
    path: str,
    *,
    timestamp: str | None,
    labels: str | None = None,
    columns: Sequence[str] | None = None,
    drop: Sequence[str] | None = None,
    metrics: Sequence[str] = (),
) -> Telemetry:
    """Read a table and set its labels apart: the column `labels`, or else one of the usual name that is no metric."""
    names = column_names(path)
    if labels is None and LABEL in names and LABEL not in {*(columns or ()), *(drop or ()), *metrics}:
        labels = LABEL
    if labels is None:
        return Telemetry(read_table(path, timestamp=timestamp, columns=columns, drop=drop or ()))
    if labels not in names or labels in (drop or ()):
        raise DataError(f"{path}: column {labels!r}, said to hold the labels, is not there")
    wanted = None if columns is None else [*(name for name in columns if name != labels), labels]
    table = read_table(path, timestamp=timestamp, columns=wanted, drop=drop or ())
    if len(table.columns) == 1:
        raise DataError(f"{path}: no column is left beside the labels")
    return Telemetry(table.drop(columns=labels), check_labels(table[labels], len(table)), labels)


class Scored(NamedTuple):
    """A table, the model that scored it, and the scores."""

    model: Model
    data: Telemetry
    scores: pd.Series[float]


def read_for(model: Model, path: str, *, timestamp: str | None, labels: str | None = None) -> Telemetry:
    """Read a table to score: all of it, or the model's columns if others may be there."""
    metrics = [str(name) for name in model.columns] if model.named else []
    columns = metrics if model.named and model.allow_extra else None
    return read_telemetry(path, timestamp=timestamp, labels=labels, columns=columns, metrics=metrics)


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


def labelled_table(data: Telemetry) -> pd.DataFrame:
    """Return metrics and labels as one table."""
    return data.frame if data.labels is None else data.frame.assign(**{LABEL: data.labels.astype(np.uint8)})


def judge(scored: Scored, *, with_labels: bool = True, baseline_rows: int = 0) -> Evaluation:
    """Evaluate the rows after the baseline."""
    model = scored.model
    return evaluate(
        scored.scores,
        model.threshold,
        labels=scored.data.labels if with_labels else None,
        false_alarm_rate=model.false_alarm_rate,
        monitored=slice(baseline_rows, None),
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


def draw(scored: Scored, baseline_rows: int = 0) -> bytes:
    """Return a picture of scores as a PNG, the first rows shaded and left out of what its title counts."""
    import pandas as pd

    from fastdrift.plots import score_figure, to_png

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
    return to_png(figure)
