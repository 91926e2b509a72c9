"""The command run: the whole way from a table to scores, metrics and a picture."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from fastdrift.alarms.judging import answer_text
from fastdrift.cli import options
from fastdrift.cli.answer import answer_tables, judge_events
from fastdrift.cli.artifacts import METRICS, MODEL, Outcome, replaced, run_document, write_artifacts
from fastdrift.cli.cleaning import clean_input
from fastdrift.cli.inputs import (
    Telemetry,
    count_baseline,
    fit_table,
    read_for,
    read_telemetry,
    score_table,
    warn_of_labelled,
    with_events,
)
from fastdrift.cli.options import examples, takes
from fastdrift.cli.results import evaluate_scores
from fastdrift.cli.settings import BASELINE_SHARE, CleanSettings, FitSettings, RunSettings, TableFormat, option_names
from fastdrift.cli.staging import HEAVY, LEARNING, import_ahead, stage
from fastdrift.cli.streams import told
from fastdrift.cli.tables import evaluation_tables, facts_table
from fastdrift.cli.terminal import Step, progress, show, tell
from fastdrift.cli.usage import check_cleaning, refuse
from fastdrift.cli.verdict import exit_on_drift, find_drift
from fastdrift.detectors.model import Model, listed
from fastdrift.detectors.store import load_model
from fastdrift.errors import DataError, FileError
from fastdrift.fitting.advice import WINDOW, count_varying, usable_window
from fastdrift.synthetic import generate

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

N_STEPS = 9
"""Steps that the progress counts."""


@click.command(
    epilog=examples(
        "run --n 100000 --seed 42 --train --eval --output-dir output",
        "run --input telemetry.csv --labels incident --train --eval",
        "run --input logged.csv --sentinel -999 --freq 1min --train",
        "run --input telemetry.csv --train --window 10,20,50,100",
        "run --input today.parquet --model model.fastdrift --fail-on-drift",
    )
)
@click.option("--n", type=click.IntRange(1), default=100_000, show_default=True, help="Rows to generate.")
@click.option("--seed", type=click.IntRange(0), default=42, show_default=True, help="Seed of what is generated.")
@click.option("--input", "source", metavar="FILE", help=f"{options.TABLE_FILE} instead of generated rows.")
@options.labels
@options.timestamp
@options.cleaning
@click.option("--train", is_flag=True, help="Fit a model on the baseline; otherwise one is loaded.")
@click.option("--model", metavar="FILE", help=f"The model to load; by default {MODEL} in the output directory.")
@options.baseline
@options.fitting
@click.option("--eval", "judge", is_flag=True, help=f"Evaluate the rows after the baseline and write {METRICS}.")
@click.option("--output-dir", default="output", show_default=True, metavar="DIR", help="Where everything goes.")
@click.option(
    "--format",
    "table_format",
    type=click.Choice(get_args(TableFormat)),
    default="csv",
    show_default=True,
    help="Of tables.",
)
@options.drift
@options.threads
@options.as_json
@takes(settings=RunSettings)
def run(settings: RunSettings) -> None:
    """Run everything: rows, fit, score, evaluate.

    Rows are generated, or read with --input. With --train a model is fitted on the first 30 % of them, or on what
    --baseline says; the others are monitored. The output directory gets raw/telemetry (unless --input is given),
    processed/features, processed/scores, processed/events, processed/anomaly_scores.png, model.fastdrift,
    report.html and metrics.json; those of an earlier run are replaced. If anything is wrong, nothing is written.

    The answer comes first: the alarms in the monitored rows, since when and why, and what was promised of them. A
    notice is weaker than an alarm and promises nothing.

    Rows of --input are put into time order; with an option of `fastdrift prepare` they are cleaned as that does. Where
    the baseline is thin for windows of 50 rows, shorter ones are used, unless --window is given.
    """
    _check_usage(settings)
    import_ahead(HEAVY + (LEARNING if settings.judge else ()))
    # the stage first: a place that cannot be written is found before the work is done
    with progress(N_STEPS) as step, stage(settings.output_dir, replaces=replaced(settings)) as folder:
        outcome = _find_drift(settings, step)
        names = write_artifacts(folder, settings, outcome, step)
    files = [str(Path(settings.output_dir) / name) for name in names]
    document = run_document(settings, outcome) | {"files": files}
    found, answer = outcome.scored.found, ""
    tables = [_run_table(settings, outcome), *evaluation_tables(outcome.evaluation, by_runs=found is None)]
    if found is not None:
        answer = answer_text(found, outcome.judged)
        tables = [*answer_tables(found, outcome.judged), *tables]
    show(document, tables, as_json=settings.as_json, answer=answer)
    exit_on_drift(outcome.drift, settings.drift)


def _check_usage(settings: RunSettings) -> None:
    """Refuse options that would be without effect."""
    check_cleaning(settings.cleaning)
    if settings.source is not None:
        refuse(["n", "seed"], "is for generated rows, not for --input")
    else:
        refuse(["labels", "timestamp", *option_names(CleanSettings)], "needs --input")
    if settings.train:
        refuse(["model"], "is for scoring without --train")
    else:
        refuse(option_names(FitSettings), "needs --train: a loaded model has its own")


def _find_drift(settings: RunSettings, step: Step) -> Outcome:
    model, data, baseline_rows = _prepare(settings, step)
    step("scoring")
    scored = score_table(model, data, threads=settings.threads)
    scored = with_events(scored, since=baseline_rows)
    step("evaluating")
    evaluation = evaluate_scores(scored, with_labels=settings.judge, baseline_rows=baseline_rows)
    judged = judge_events(scored) if settings.judge else None
    return Outcome(scored, baseline_rows, evaluation, judged, find_drift(scored, evaluation, settings.drift))


def _prepare(settings: RunSettings, step: Step) -> tuple[Model, Telemetry, int]:
    """Return the model, fitted or loaded, the rows to score, and how many of them are the baseline."""
    model = None
    if not settings.train:
        step("loading the model")
        model = _load(settings)
    step("reading" if settings.source else "generating")
    data = _telemetry(settings, model)
    n_rows = len(data.frame)
    baseline_rows = count_baseline(settings.baseline, n_rows, default=BASELINE_SHARE if settings.train else 0.0)
    if baseline_rows == n_rows:
        raise DataError(f"a baseline of all {n_rows} rows leaves none to monitor: use a smaller one")
    if model is None:
        step("fitting")
        warn_of_labelled(data, baseline_rows)
        model = _fit(settings, data.frame.iloc[:baseline_rows])
    return model, data, baseline_rows


def _load(settings: RunSettings) -> Model:
    path = Path(settings.model or Path(settings.output_dir) / MODEL)
    if settings.model is None and not path.exists():
        raise FileError(f"there is no {path}: add --train to fit a model, or name one with --model")
    return load_model(path)


def _telemetry(settings: RunSettings, model: Model | None) -> Telemetry:
    path = settings.source
    if path is None:
        generated = generate(settings.n, seed=settings.seed)
        return Telemetry(generated.frame, generated.labels)
    reading = replace(settings.reading, any_order=True, text=settings.cleans)
    data = read_telemetry(path, reading) if model is None else read_for(model, path, reading)
    return clean_input(data, told(path), settings.cleaning if settings.cleans else None)


def _fit(settings: RunSettings, baseline: pd.DataFrame) -> Model:
    """Fit a model, with a shorter window where the usual one is too long for the baseline and none was asked for."""
    fitting = settings.fitting
    if not settings.chooses_window:
        return fit_table(baseline, fitting, settings.threads)
    window = usable_window(len(baseline), count_varying(baseline, fitting.columns, fitting.drop))
    model = fit_table(baseline, replace(fitting, window=window), settings.threads)
    if window < WINDOW:  # that even these are few, if so, `fit` has said
        few = f"{len(baseline):,} rows are few for windows of {WINDOW}"
        tell(f"note: {few}: those of {window} rows are used instead (--window for others)")
    return model


def _run_table(settings: RunSettings, outcome: Outcome) -> Table:
    origin = f"generated with seed {settings.seed}" if settings.source is None else told(settings.source)
    model, n_rows = outcome.scored.model, len(outcome.scored.scores)
    return facts_table(
        "Run",
        [
            ("data", f"{origin}, {n_rows:,} rows × {len(model.columns)} columns"),
            ("baseline", f"{outcome.baseline_rows:,} rows"),
            ("window", f"{listed(model.windows)} rows"),
            ("threshold", f"{model.threshold:.4g}, {model.threshold_rule}"),
        ],
    )
