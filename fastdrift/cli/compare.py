"""The command compare: detectors side by side on one table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

import click
import numpy as np

from fastdrift.alarms.judging import Judged
from fastdrift.cli import options
from fastdrift.cli.answer import events_document, judge_events
from fastdrift.cli.estimators import check_estimators, load_estimator
from fastdrift.cli.inputs import (
    Scored,
    Telemetry,
    count_baseline,
    fit_table,
    read_telemetry,
    score_table,
    with_events,
)
from fastdrift.cli.interrupt import checked
from fastdrift.cli.options import examples, takes
from fastdrift.cli.results import draw_scores, evaluate_scores
from fastdrift.cli.settings import BASELINE_SHARE, CompareSettings, PictureFormat
from fastdrift.cli.staging import HEAVY, LEARNING, import_ahead, stage
from fastdrift.cli.streams import told
from fastdrift.cli.tables import numbers_table
from fastdrift.cli.terminal import Step, progress, show
from fastdrift.cli.usage import check_paths
from fastdrift.detectors.registry import DETECTORS
from fastdrift.errors import DataError
from fastdrift.evaluation.lines import UNDEFINED, decimal, number, percent
from fastdrift.evaluation.metrics import Evaluation
from fastdrift.files.disk import write_bytes, write_json
from fastdrift.plots.axes import to_bytes
from fastdrift.plots.columns import columns_figure
from fastdrift.plots.curves import curves_figure
from fastdrift.plots.histogram import histogram_figure

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

    from fastdrift.arrays import Booleans
    from fastdrift.evaluation.event_metrics import EventMetrics

METRICS = "metrics.json"
"""The file of all metrics, beside the pictures."""


class Compared(NamedTuple):
    """The baseline, how many rows of the labelled table it is, and the scores of that by each detector."""

    baseline: pd.DataFrame
    baseline_rows: int
    labels: Booleans
    scored: dict[str, Scored]


@click.command(
    epilog=examples(
        "compare telemetry.parquet --labels label",
        "compare test.parquet --train train.parquet --labels label --output-dir comparison",
        "compare telemetry.parquet --labels label --estimator sklearn.mixture:GaussianMixture",
    )
)
@click.argument("path", metavar="DATA")
@click.option("--train", metavar="FILE", help="A table of healthy rows to fit on, instead of the first rows of DATA.")
@options.baseline
@options.labels
@options.timestamp
@options.fitting
@click.option(
    "--estimator",
    "estimators",
    metavar="MODULE:NAME",
    multiple=True,
    callback=check_estimators,
    help="Another detector: an object with scikit-learn's fit and score_samples, or a class of such. May be repeated.",
)
@click.option("--output-dir", default="comparison", show_default=True, metavar="DIR", help="Where everything goes.")
@click.option(
    "--format",
    "picture_format",
    type=click.Choice(get_args(PictureFormat)),
    default="png",
    show_default=True,
    help="Of the pictures.",
)
@options.threads
@options.as_json
@takes(settings=CompareSettings)
def compare(settings: CompareSettings) -> None:
    """Compare the detectors on labelled DATA.

    Each is fitted on the same baseline, the first 30 % of the rows or what --baseline or --train say, and judged on the
    others. The output directory gets metrics.json and pictures: ROC and precision-recall curves, and for each detector
    its scores over time, their histogram, and the columns with what it flagged.
    """
    if settings.train is not None and settings.baseline is not None:
        raise click.UsageError("--train and --baseline both say what the baseline is: give one")
    check_paths([], [settings.path, settings.train])
    import_ahead(HEAVY + LEARNING)
    detectors = _detectors(settings)
    names = _names(detectors, settings.picture_format)
    with progress(3 + len(detectors)) as step, stage(settings.output_dir, replaces=names) as folder:
        compared = _compare(settings, detectors, step)
        step("evaluating")
        n_rows = compared.baseline_rows
        evaluations = {name: evaluate_scores(one, baseline_rows=n_rows) for name, one in compared.scored.items()}
        step("drawing")
        for name, picture in checked(_pictures(compared, settings.picture_format)):
            write_bytes(picture, folder / name)
        judged = {name: judge_events(one) for name, one in compared.scored.items()}
        document = _document(settings, compared, evaluations, judged)
        write_json(document, folder / METRICS)
    files = [str(Path(settings.output_dir) / name) for name in names]
    show(document | {"files": files}, [_table(evaluations, judged)], as_json=settings.as_json)


def _detectors(settings: CompareSettings) -> dict[str, object]:
    """Return what `fit` takes for a detector, by name: those there are, and the estimators asked for."""
    return dict(zip(DETECTORS, DETECTORS, strict=True)) | {
        name: load_estimator(*one) for name, one in settings.estimators.items()
    }


def _names(detectors: Iterable[str], picture_format: PictureFormat) -> list[str]:
    parts = [f"{part}-{name}.{picture_format}" for name in detectors for part in ("scores", "histogram", "columns")]
    return [METRICS, f"curves.{picture_format}", *parts]


def _compare(settings: CompareSettings, detectors: Mapping[str, object], step: Step) -> Compared:
    """Fit every detector on the baseline and score all rows with it."""
    path, train = settings.path, settings.train
    step(f"reading {told(path)}")
    data = read_telemetry(path, settings.reading)
    if data.labels is None:
        raise DataError(f"{told(path)} has no labels to judge by: name their column with --labels")
    n_rows = 0 if train else count_baseline(settings.baseline, len(data.frame), default=BASELINE_SHARE)
    baseline = _read_healthy(train, settings) if train else data.frame.iloc[:n_rows]
    scored = {}
    for name, detector in detectors.items():
        step(f"fitting and scoring: {name}")
        model = fit_table(baseline, replace(settings.fitting, detector=detector), settings.threads)
        one = score_table(model, data, threads=settings.threads)
        scored[name] = with_events(one, since=n_rows)
    return Compared(baseline, n_rows, data.labels, scored)


def _read_healthy(path: str, settings: CompareSettings) -> pd.DataFrame:
    """Read a table of healthy rows, which may lack the labels of the other."""
    return read_telemetry(path, settings.reading, is_labelled=False).frame


def _document(
    settings: CompareSettings,
    compared: Compared,
    evaluations: Mapping[str, Evaluation],
    judged: Mapping[str, Judged | None],
) -> dict[str, Any]:
    detectors = {
        name: one.to_dict() | events_document(compared.scored[name], judged[name]) for name, one in evaluations.items()
    }
    return {"data": settings.path, "baseline_rows": len(compared.baseline), "detectors": detectors}


def _pictures(compared: Compared, picture_format: PictureFormat) -> Iterator[tuple[str, bytes]]:
    """Yield pictures and their names: curves of all detectors, then three of each."""
    n_rows, labels = compared.baseline_rows, compared.labels
    monitored = {name: one.scores.to_numpy()[n_rows:] for name, one in compared.scored.items()}
    yield f"curves.{picture_format}", to_bytes(curves_figure(monitored, labels[n_rows:]), picture_format)
    stretch = (0, n_rows) if n_rows else None
    for name, one in compared.scored.items():
        flags = one.scores.to_numpy() > one.model.threshold
        columns = columns_figure(one.data.frame, flags, baseline=stretch, labels=labels)
        yield f"columns-{name}.{picture_format}", to_bytes(columns, picture_format)
        yield f"scores-{name}.{picture_format}", draw_scores(one, n_rows, picture_format)
        scores = one.scores.to_numpy()
        if not n_rows:  # the baseline is another table
            of_baseline = score_table(one.model, Telemetry(compared.baseline)).scores
            scores = np.concatenate([of_baseline.to_numpy(), scores])
        histogram = histogram_figure(scores, one.model.threshold, baseline=(0, len(compared.baseline)))
        yield f"histogram-{name}.{picture_format}", to_bytes(histogram, picture_format)


def _table(evaluations: Mapping[str, Evaluation], by_events: Mapping[str, Judged | None]) -> Table:
    judged = list(evaluations.values())
    alarms = [None if one is None else one.alarm for one in by_events.values()]
    notices = [None if one is None else one.notice for one in by_events.values()]
    metrics = zip(*(one.comparison() for one in judged), strict=True)
    rows = [
        ("incidents found", *map(_found, alarms)),
        ("  by notices too", *map(_found, notices)),
        ("median delay, rows", *(number(one.median_delay if one else None) for one in alarms)),
        ("false alarms", *(number(one.false_events if one else None) for one in alarms)),
        ("  per 10,000 healthy rows", *(number(one.false_events_per_10k_rows if one else None) for one in alarms)),
        ("flagged when healthy", *(percent(one.healthy_flagged_ratio) for one in judged)),
        ("  nominal", *(percent(one.false_alarm_rate) for one in judged)),
        *((of_each[0].name, *(decimal(one.score) for one in of_each)) for of_each in metrics),
        ("  of a random score", *(decimal(one.prevalence) for one in judged)),
    ]
    return numbers_table("Monitored rows, at each detector's own levels", evaluations, rows)


def _found(metrics: EventMetrics | None) -> str:
    return UNDEFINED if metrics is None or metrics.found is None else f"{metrics.found} of {metrics.incidents}"
