"""What becomes of scores: figures, pictures, tables and exit codes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import click
import numpy as np

from fastdrift.cli.inputs import LABEL, Scored, Telemetry
from fastdrift.cli.tables import percent
from fastdrift.cli.terminal import tell
from fastdrift.evaluation.metrics import Evaluation, evaluate
from fastdrift.tables.frames import with_named_index

if TYPE_CHECKING:
    import pandas as pd


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
    return with_named_index(table)


def draw(scored: Scored, baseline_rows: int = 0, kind: Literal["png", "svg"] = "png") -> bytes:
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
    return to_bytes(figure, kind)


DRIFTED = 3


def drift_facts(evaluation: Evaluation, limit: float | None) -> dict[str, Any]:
    """Return whether more of the scored rows are flagged than a limit, which is twice the false-alarm rate if None."""
    limit = 2 * (evaluation.false_alarm_rate or 0.0) if limit is None else limit
    share = evaluation.flagged_ratio
    return {"flagged_share": share, "limit": limit, "drifted": share is not None and share > limit}


def exit_on_drift(facts: dict[str, Any], *, fail_on_drift: bool) -> None:
    """Exit with 3 if that is asked for and there is drift."""
    if fail_on_drift and facts["drifted"]:
        tell(
            f"drift: {percent(facts['flagged_share'])} of the scored rows are flagged, above {percent(facts['limit'])}"
        )
        click.get_current_context().exit(DRIFTED)
