"""What becomes of scores: metrics, pictures and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fastdrift.cli.inputs import Scored
from fastdrift.cli.settings import PictureFormat
from fastdrift.evaluation.lines import counted
from fastdrift.evaluation.metrics import Evaluation, evaluate
from fastdrift.tables.frames import with_named_index
from fastdrift.tables.roles import LABEL

if TYPE_CHECKING:
    import pandas as pd

    from fastdrift.alarms.events import Events


def evaluate_scores(scored: Scored, *, with_labels: bool = True, baseline_rows: int = 0) -> Evaluation:
    """Evaluate the rows after the baseline; with labels by incidents too, each due for a window after its end."""
    model = scored.model
    labels = scored.data.labels if with_labels else None
    return evaluate(
        scored.scores,
        model.threshold,
        labels=labels,
        false_alarm_rate=model.false_alarm_rate,
        monitored=slice(baseline_rows, None),
        events=labels is not None,
        tolerance=0 if labels is None else model.window - 1,
    )


def scores_table(scored: Scored) -> pd.DataFrame:
    """Return scores beside which rows are flagged and, where they are known, labels."""
    import pandas as pd

    flagged = scored.scores > scored.model.threshold
    table = pd.DataFrame({"score": scored.scores, "flagged": flagged.astype(np.uint8)})
    if scored.data.labels is not None:
        table[LABEL] = scored.data.labels.astype(np.uint8)
    return with_named_index(table)


def draw_scores(scored: Scored, baseline_rows: int = 0, picture_format: PictureFormat = "png") -> bytes:
    """Return a picture of scores, the first rows shaded and left out of what its title counts."""
    import pandas as pd

    from fastdrift.plots.axes import to_bytes
    from fastdrift.plots.scores import score_figure

    scores, threshold = scored.scores, scored.model.threshold
    monitored = scores.to_numpy()[baseline_rows:]
    flagged, n_scores = int((monitored > threshold).sum()), int((~np.isnan(monitored)).sum())
    share = f"{100 * flagged / max(n_scores, 1):.1f} %"
    title = f"Drift score: {flagged:,} of {n_scores:,} monitored rows flagged ({share})"
    found = scored.found
    figure = score_figure(
        scores.to_numpy(),
        threshold,
        index=scores.index if isinstance(scores.index, pd.DatetimeIndex) else None,
        baseline=(0, baseline_rows) if baseline_rows else None,
        labels=scored.data.labels,
        title=title if found is None else f"{title}, {_counted(found)}",
        events=found,
        levels=None if found is None else (found.promise.alarm_level, found.promise.notice_level),
    )
    return to_bytes(figure, picture_format)


def events_frame(found: Events) -> pd.DataFrame:
    """Return a row an event, its number first."""
    frame = found.to_frame()
    frame.insert(0, "event", np.arange(len(frame)))
    return frame


def _counted(found: Events) -> str:
    return f"{counted(len(found.alarms), 'alarm')}, {counted(len(found.notices), 'notice')}"
