"""The command `compare`: detectors side by side on one table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from rich import box
from rich.table import Table

from fastdrift.cli.inputs import Scored, Telemetry, count_baseline, fit_table, note_labels, read_telemetry
from fastdrift.cli.options import as_json, baseline, examples, fitting, labels, threads, timestamp
from fastdrift.cli.results import draw, judge
from fastdrift.cli.tables import number, percent
from fastdrift.cli.terminal import progress, show
from fastdrift.detectors.model import Model
from fastdrift.detectors.registry import DETECTORS
from fastdrift.errors import DataError
from fastdrift.evaluation.metrics import Evaluation
from fastdrift.files.disk import staged, write_bytes, write_json
from fastdrift.plots.axes import to_bytes
from fastdrift.plots.columns import columns_figure
from fastdrift.plots.curves import curves_figure
from fastdrift.plots.histogram import histogram_figure
from fastdrift.scoring.batch import score

if TYPE_CHECKING:
    import pandas as pd

    from fastdrift.evaluation.event_metrics import EventMetrics


KINDS = ("png", "svg")


@click.command(
    epilog=examples(
        "compare telemetry.parquet --labels label",
        "compare test.parquet --train train.parquet --labels label --output-dir comparison",
    )
)
@click.argument("path", metavar="DATA")
@click.option("--train", metavar="FILE", help="A table of healthy rows to fit on, instead of the first rows of DATA.")
@baseline
@labels
@timestamp
@fitting
@click.option("--output-dir", default="comparison", show_default=True, metavar="DIR", help="Where everything goes.")
@click.option("--format", "kind", type=click.Choice(KINDS), default="png", show_default=True, help="Of the pictures.")
@threads
@as_json
def compare(*, path: str, train: str | None, output_dir: str, kind: str, as_json: bool, **given: Any) -> None:
    """Compare the detectors on labelled DATA.

    Each is fitted on the same baseline, the first 30 % of the rows or what --baseline or --train say, and judged on the
    others. The output directory gets metrics.json and pictures: ROC and precision-recall curves, and for each detector
    its scores over time, their histogram, and the columns with what it flagged.
    """
    del given["detector"]
    reading = {name: given.pop(name) for name in ("timestamp", "labels")}
    share = given.pop("baseline")
    if train is not None and share is not None:
        raise click.UsageError("--train and --baseline both say what the baseline is: give one")
    with progress(3 + len(DETECTORS)) as step, staged(output_dir, replaces=_names(kind)) as stage:
        step(f"reading {path}")
        chosen = {"columns": given["columns"], "drop": given["drop"], **reading}
        data = read_telemetry(path, **chosen)
        note_labels(data, reading["labels"], path)
        if data.labels is None:
            raise DataError(f"{path} has no labels to judge by: name their column with --labels")
        n_rows = 0 if train else count_baseline(share, len(data.frame), default=0.3)
        baseline = read_telemetry(train, **chosen).frame if train else data.frame.iloc[:n_rows]
        scored = {}
        for detector in DETECTORS:
            step(f"fitting and scoring: {detector}")
            scored[detector] = _score(fit_table(baseline, detector=detector, **given), data, given["threads"])
        step("evaluating")
        figures = {name: judge(one, baseline_rows=n_rows) for name, one in scored.items()}
        step("drawing")
        for name, picture in _pictures(scored, baseline, n_rows, kind).items():
            write_bytes(picture, stage / name)
        document = {"data": path, "baseline_rows": len(baseline), "detectors": _documents(figures)}
        write_json(document, stage / "metrics.json")
    files = [str(Path(output_dir) / name) for name in _names(kind)]
    show(document | {"files": files}, [_table(figures)], as_json=as_json)


def _names(kind: str) -> list[str]:
    parts = [f"{part}-{detector}.{kind}" for detector in DETECTORS for part in ("scores", "histogram", "columns")]
    return ["metrics.json", f"curves.{kind}", *parts]


def _score(model: Model, data: Telemetry, threads: int | None) -> Scored:
    return Scored(model, data, score(model, data.frame, threads=threads))


def _documents(figures: dict[str, Evaluation]) -> dict[str, Any]:
    return {name: one.to_dict() for name, one in figures.items()}


def _pictures(scored: dict[str, Scored], baseline: pd.DataFrame, n_rows: int, kind: Any) -> dict[str, bytes]:
    monitored = {name: one.scores.to_numpy()[n_rows:] for name, one in scored.items()}
    labels = next(iter(scored.values())).data.labels
    assert labels is not None  # noqa: S101  # `compare` has refused a table without
    pictures = {f"curves.{kind}": to_bytes(curves_figure(monitored, labels[n_rows:]), kind)}
    stretch = (0, n_rows) if n_rows else None
    for name, one in scored.items():
        flags = one.scores.to_numpy() > one.model.threshold
        columns = columns_figure(one.data.frame, flags, baseline=stretch, labels=labels)
        pictures[f"columns-{name}.{kind}"] = to_bytes(columns, kind)
        pictures[f"scores-{name}.{kind}"] = draw(one, n_rows, kind=kind)
        scores = one.scores.to_numpy()
        if not n_rows:  # the baseline is another table
            scores = np.concatenate([score(one.model, baseline).to_numpy(), scores])
        histogram = histogram_figure(scores, one.model.threshold, baseline=(0, len(baseline)))
        pictures[f"histogram-{name}.{kind}"] = to_bytes(histogram, kind)
    return pictures


def _table(figures: dict[str, Evaluation]) -> Table:
    table = Table(title="Monitored rows, at each detector's own threshold", title_justify="left", box=box.SIMPLE)
    table.add_column()
    for name in figures:
        table.add_column(name, justify="right")
    judged = list(figures.values())
    rows = [
        ("flagged when healthy", [percent(one.healthy_flagged_ratio) for one in judged]),
        ("nominal", [percent(one.false_alarm_rate) for one in judged]),
        ("precision", [_number(one.precision) for one in judged]),
        ("recall", [_number(one.recall) for one in judged]),
        ("F1", [_number(one.f1) for one in judged]),
        ("ROC AUC", [_number(one.roc_auc) for one in judged]),
        ("average precision", [_number(one.average_precision) for one in judged]),
        ("  of a random score", [_number(one.prevalence) for one in judged]),
        ("incidents found", [_found(one.event) for one in judged]),
        ("median delay, rows", [number(one.event.median_delay if one.event else None) for one in judged]),
        ("false events", [number(one.event.false_events if one.event else None) for one in judged]),
    ]
    for name, cells in rows:
        table.add_row(name, *cells)
    return table


def _number(figure: float | None) -> str:
    return "–" if figure is None else f"{figure:.3f}"


def _found(event: EventMetrics | None) -> str:
    return "–" if event is None or event.found is None else f"{event.found} of {event.incidents}"
