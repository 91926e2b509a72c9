"""What run leaves behind: its files, their names, and the document that metrics.json holds."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

from fastdrift.alarms.judging import Judged
from fastdrift.cli.answer import events_document
from fastdrift.cli.inputs import Scored, labelled_table
from fastdrift.cli.interrupt import checked
from fastdrift.cli.results import draw_scores, events_frame, scores_table
from fastdrift.cli.settings import DASH, RunSettings, TableFormat
from fastdrift.cli.streams import told
from fastdrift.cli.terminal import Step
from fastdrift.cli.verdict import Drift
from fastdrift.evaluation.metrics import Evaluation
from fastdrift.files.disk import write_bytes, write_json
from fastdrift.files.write import write_table
from fastdrift.scoring.chunks import features_pieces

if TYPE_CHECKING:
    import pandas as pd

    from fastdrift.alarms.events import Events

    Tables = dict[str, pd.DataFrame | Iterable[pd.DataFrame]]

MODEL, METRICS, REPORT = "model.fastdrift", "metrics.json", "report.html"
PICTURE = "processed/anomaly_scores.png"
"""Files that have one name each."""
TABLES = ("raw/telemetry", "processed/features", "processed/scores", "processed/events")
"""Tables, less the ending that says their format."""
ARTIFACTS = (
    MODEL,
    METRICS,
    REPORT,
    PICTURE,
    *(f"{table}.{ending}" for table in TABLES for ending in get_args(TableFormat)),
)
"""All that any run may write, in the order in which it is told."""


class Outcome(NamedTuple):
    """What a run has found."""

    scored: Scored
    baseline_rows: int
    evaluation: Evaluation
    judged: Judged | None
    drift: Drift


def run_document(settings: RunSettings, outcome: Outcome) -> dict[str, Any]:
    """Return everything that a run has found, ready for JSON."""
    generated = {"n": settings.n, "seed": settings.seed}
    origin = generated if settings.source is None else {"source": settings.source}
    model, report = outcome.scored.model, outcome.scored.data.cleaning_report
    shape = {"rows": len(outcome.scored.scores), "columns": len(model.columns), "baseline_rows": outcome.baseline_rows}
    return {
        "data": origin | shape,
        **({} if report is None else {"mended": report.to_dict()}),
        "model": model.facts(),
        "evaluation": outcome.evaluation.to_dict(),
        **events_document(outcome.scored, outcome.judged),
        "drift": outcome.drift.to_dict(),
    }


def replaced(settings: RunSettings) -> list[str]:
    """Return the artifacts of an earlier run, less one that is the input of this."""
    source = None if settings.source in (None, DASH) else Path(str(settings.source)).resolve()
    return [name for name in ARTIFACTS if (Path(settings.output_dir) / name).resolve() != source]


def write_artifacts(folder: Path, settings: RunSettings, outcome: Outcome, step: Step) -> list[str]:
    """Write the artifacts and return their names."""
    for part in ("raw", "processed"):
        (folder / part).mkdir()
    for name, table in _tables(settings, outcome.scored).items():
        step(f"writing {name}")
        write_table(table, folder / name)
    step(f"writing {PICTURE}")
    write_bytes(draw_scores(outcome.scored, outcome.baseline_rows), folder / PICTURE)
    outcome.scored.model.save(folder / MODEL)
    if outcome.scored.found is not None:
        step(f"writing {REPORT}")
        _write_report(folder, settings, outcome.scored, outcome.scored.found)
    if settings.judge:
        write_json(run_document(settings, outcome), folder / METRICS)
    return [name for name in ARTIFACTS if (folder / name).exists()]


def _write_report(folder: Path, settings: RunSettings, scored: Scored, found: Events) -> None:
    from fastdrift.reports.html import report

    title = f"generated with seed {settings.seed}" if settings.source is None else Path(told(settings.source)).name
    labels = scored.data.labels if settings.judge else None
    options: dict[str, Any] = {"labels": labels, "title": title, "threads": settings.threads}
    report(scored.model, scored.data.frame, folder / REPORT, events=found, **options)


def _tables(settings: RunSettings, scored: Scored) -> Tables:
    model, frame = scored.model, scored.data.frame
    metrics = frame[list(model.columns)] if model.named else frame
    raw, features, scores, events = (f"{table}.{settings.table_format}" for table in TABLES)
    tables: Tables = {} if settings.source is not None else {raw: labelled_table(scored.data)}
    tables[features] = checked(features_pieces(metrics, model.window, settings.threads))
    tables[scores] = scores_table(scored)
    if scored.found is not None:
        tables[events] = events_frame(scored.found)
    return tables
