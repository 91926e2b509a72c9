"""What becomes of scores: metrics, pictures, tables, and whether there is drift."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from fastdrift.cli.inputs import Scored
from fastdrift.cli.settings import DRIFTED, LABEL, DriftSettings, PictureFormat
from fastdrift.cli.terminal import tell
from fastdrift.evaluation.lines import percent
from fastdrift.evaluation.metrics import Evaluation, evaluate
from fastdrift.tables.frames import with_named_index

if TYPE_CHECKING:
    import pandas as pd


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
    """Return scores beside their alarms and, where they are known, labels."""
    import pandas as pd

    alarms = scored.scores > scored.model.threshold
    table = pd.DataFrame({"score": scored.scores, "alarm": alarms.astype(np.uint8)})
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
    figure = score_figure(
        scores.to_numpy(),
        threshold,
        index=scores.index if isinstance(scores.index, pd.DatetimeIndex) else None,
        baseline=(0, baseline_rows) if baseline_rows else None,
        labels=scored.data.labels,
        title=f"Drift score: {flagged:,} of {n_scores:,} monitored rows flagged ({share})",
    )
    return to_bytes(figure, picture_format)


@dataclass(frozen=True)
class Drift:
    """Whether more of the scored rows are flagged than a limit."""

    flagged_share: float | None
    limit: float
    drifted: bool

    def to_dict(self) -> dict[str, Any]:
        """Return it ready for `json.dumps`."""
        return asdict(self)


def find_drift(evaluation: Evaluation, settings: DriftSettings) -> Drift:
    """Return whether there is drift; the limit is twice the false-alarm rate unless another is asked for."""
    asked, share = settings.drift_share, evaluation.flagged_ratio
    limit = 2 * (evaluation.false_alarm_rate or 0.0) if asked is None else asked
    return Drift(share, limit, share is not None and share > limit)


def exit_on_drift(drift: Drift, settings: DriftSettings) -> None:
    """Exit with 3 if that is asked for and there is drift."""
    if settings.fail_on_drift and drift.drifted:
        tell(f"drift: {percent(drift.flagged_share)} of the scored rows are flagged, above {percent(drift.limit)}")
        click.get_current_context().exit(DRIFTED)
