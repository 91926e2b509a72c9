"""The command run: the whole way from a table to scores, figures and a picture."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from fastdrift.cli.inputs import (
    Scored,
    Telemetry,
    clean_input,
    count_baseline,
    fit_table,
    note_labels,
    read_for,
    read_telemetry,
    warn_of_labelled,
)
from fastdrift.cli.options import (
    SETTINGS,
    as_json,
    baseline,
    check_cleaning,
    cleaning,
    drift,
    examples,
    fitting,
    is_cleaning_asked,
    labels,
    threads,
    timestamp,
)
from fastdrift.cli.results import draw, drift_facts, exit_on_drift, judge, labelled_table, scores_table
from fastdrift.cli.tables import evaluation_tables, facts_table
from fastdrift.cli.terminal import Step, progress, show, tell
from fastdrift.detectors.model import Model
from fastdrift.detectors.store import load_model
from fastdrift.errors import DataError, FileError
from fastdrift.evaluation.metrics import Evaluation
from fastdrift.files.disk import staged, write_bytes, write_json
from fastdrift.files.write import write_table
from fastdrift.fitting.advice import WINDOW, count_varying, usable_window
from fastdrift.scoring.batch import score
from fastdrift.scoring.chunks import features_pieces
from fastdrift.synthetic import generate

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table


N_STEPS = 8
MODEL, METRICS, PICTURE = "model.fastdrift", "metrics.json", "processed/anomaly_scores.png"
TABLES, FORMATS = ("raw/telemetry", "processed/features", "processed/scores"), ("csv", "parquet")
ARTIFACTS = (MODEL, METRICS, PICTURE, *(f"{table}.{ending}" for table in TABLES for ending in FORMATS))

BASELINE = 0.3

ONLY_GENERATED = ("n", "seed")
NAMES = ("labels", "timestamp")
ONLY_INPUT = (*NAMES, *SETTINGS)
ONLY_TRAINED = ("window", "false_alarm_rate", "threshold", "shrinkage", "detector", "columns", "drop")


@click.command(
    epilog=examples(
        "run --n 100000 --seed 42 --train --eval --output-dir output",
        "run --input telemetry.csv --labels incident --train --eval",
        "run --input logged.csv --sentinel -999 --freq 1min --train",
        "run --input today.parquet --model model.fastdrift --fail-on-drift",
    )
)
@click.option("--n", type=click.IntRange(1), default=100_000, show_default=True, help="Rows to generate.")
@click.option("--seed", type=click.IntRange(0), default=42, show_default=True, help="Seed of what is generated.")
@click.option("--input", "source", metavar="FILE", help="A .csv, .csv.gz or .parquet file instead of generated rows.")
@labels
@timestamp
@cleaning
@click.option("--train", is_flag=True, help="Fit a model on the baseline; otherwise one is loaded.")
@click.option("--model", metavar="FILE", help=f"The model to load; by default {MODEL} in the output directory.")
@baseline
@fitting
@click.option("--eval", "judge", is_flag=True, help=f"Evaluate the rows after the baseline and write {METRICS}.")
@click.option("--output-dir", default="output", show_default=True, metavar="DIR", help="Where everything goes.")
@click.option("--format", "ending", type=click.Choice(FORMATS), default="csv", show_default=True, help="Of tables.")
@drift
@threads
@as_json
@click.pass_context
def run(ctx: click.Context, /, **given: Any) -> None:
    """Run everything: rows, fit, score, evaluate.

    Rows are generated, or read with --input. With --train a model is fitted on the first 30 % of them, or on what
    --baseline says; the others are monitored. The output directory gets raw/telemetry (unless --input is given),
    processed/features, processed/scores, processed/anomaly_scores.png, model.fastdrift and metrics.json; those of an
    earlier run are replaced. If anything is wrong, nothing is written.

    Rows of --input are put into time order; with an option of `fastdrift prepare` they are cleaned as that does. Where
    the baseline is thin for windows of 50 rows, shorter ones are used, unless --window is given.
    """
    _check_usage(ctx, given)
    given |= {"clean": is_cleaning_asked(ctx), "fit_window": not _is_given(ctx, "window")}
    # the stage first: a place that cannot be written is found before the work is done
    with progress(N_STEPS) as step, staged(given["output_dir"], replaces=_replaced(given)) as stage:
        model, data, baseline_rows = _prepare(given, step)
        step("scoring")
        scored = Scored(model, data, score(model, data.frame, threads=given["threads"]))
        step("evaluating")
        figures = judge(scored, with_labels=given["judge"], baseline_rows=baseline_rows)
        document = _document(given, scored, figures, baseline_rows)
        names = _write(given, stage, scored, document, baseline_rows, step)
    files = [str(Path(given["output_dir"]) / name) for name in names]
    tables = [_run_table(document), *evaluation_tables(figures)]
    show(document | {"files": files}, tables, as_json=given["as_json"])
    exit_on_drift(document["drift"], fail_on_drift=given["fail_on_drift"])


def _check_usage(ctx: click.Context, given: dict[str, Any]) -> None:
    """Refuse options that would be without effect."""
    check_cleaning(ctx)
    if given["source"] is not None:
        _refuse(ctx, ONLY_GENERATED, "is for generated rows, not for --input")
    else:
        _refuse(ctx, ONLY_INPUT, "needs --input")
    if given["train"]:
        _refuse(ctx, ["model"], "is for scoring without --train")
    else:
        _refuse(ctx, ONLY_TRAINED, "needs --train: a loaded model has its own")


def _refuse(ctx: click.Context, names: Iterable[str], reason: str) -> None:
    for parameter in ctx.command.params:
        if parameter.name in names and _is_given(ctx, parameter.name):
            raise click.UsageError(f"{parameter.opts[0]} {reason}")


def _is_given(ctx: click.Context, name: str) -> bool:
    return ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE


def _prepare(given: dict[str, Any], step: Step) -> tuple[Model, Telemetry, int]:
    """Return the model, fitted or loaded, the rows to score, and how many of them are the baseline."""
    model = None
    if not given["train"]:
        step("loading the model")
        model = _load(given)
    step("reading" if given["source"] else "generating")
    data = _telemetry(given, model)
    n_rows = len(data.frame)
    baseline_rows = count_baseline(given["baseline"], n_rows, default=BASELINE if given["train"] else 0.0)
    if baseline_rows == n_rows:
        raise DataError(f"a baseline of all {n_rows} rows leaves none to monitor: use a smaller one")
    if model is None:
        step("fitting")
        warn_of_labelled(data, baseline_rows)
        model = _fit(given, data.frame.iloc[:baseline_rows])
    return model, data, baseline_rows


def _fit(given: dict[str, Any], baseline: pd.DataFrame) -> Model:
    """Fit a model, with a shorter window where the usual one is too long for the baseline and none was asked for."""
    settings = {name: given[name] for name in (*ONLY_TRAINED, "threads")}
    if not given["fit_window"]:
        return fit_table(baseline, **settings)
    n_rows, n_columns = len(baseline), count_varying(baseline, given["columns"], given["drop"])
    window = usable_window(n_rows, n_columns)
    model = fit_table(baseline, **settings | {"window": window})
    if window < WINDOW:
        tell(
            f"note: the baseline is thin: its {n_rows:,} rows are {n_rows / WINDOW:.3g} separate windows of {WINDOW} "
            f"for {2 * n_columns} features; windows of {window} rows are used instead (--window for others)"
        )
    return model


def _load(given: dict[str, Any]) -> Model:
    path = Path(given["model"] or Path(given["output_dir"]) / MODEL)
    if given["model"] is None and not path.exists():
        raise FileError(f"there is no {path}: add --train to fit a model, or name one with --model")
    return load_model(path)


def _telemetry(given: dict[str, Any], model: Model | None) -> Telemetry:
    if given["source"] is None:
        generated = generate(given["n"], seed=given["seed"])
        return Telemetry(generated.frame, generated.labels)
    path, settings = given["source"], {name: given[name] for name in SETTINGS} if given["clean"] else None
    reading = {name: given[name] for name in NAMES} | {"any_order": True, "text": given["clean"]}
    if model is None:
        data = read_telemetry(path, columns=given["columns"], drop=given["drop"], **reading)
    else:
        data = read_for(model, path, **reading)
    note_labels(data, given["labels"], path)
    return clean_input(data, path, settings)


def _document(given: dict[str, Any], scored: Scored, figures: Evaluation, baseline_rows: int) -> dict[str, Any]:
    origin = {name: given[name] for name in (ONLY_GENERATED if given["source"] is None else ("source",))}
    shape = {"rows": len(scored.scores), "columns": len(scored.model.columns), "baseline_rows": baseline_rows}
    cleaning_report = scored.data.cleaning_report
    return {
        "data": origin | shape,
        **({} if cleaning_report is None else {"mended": cleaning_report.to_dict()}),
        "model": scored.model.facts(),
        "evaluation": figures.to_dict(),
        "drift": drift_facts(figures, given["drift_share"]),
    }


def _write(
    given: dict[str, Any], stage: Path, scored: Scored, document: dict[str, Any], baseline_rows: int, step: Step
) -> list[str]:
    """Write the artifacts and return their names."""
    for folder in ("raw", "processed"):
        (stage / folder).mkdir()
    for name, table in _tables(given, scored).items():
        step(f"writing {name}")
        write_table(table, stage / name)
    step(f"writing {PICTURE}")
    write_bytes(draw(scored, baseline_rows), stage / PICTURE)
    scored.model.save(stage / MODEL)
    if given["judge"]:
        write_json(document, stage / METRICS)
    return [name for name in ARTIFACTS if (stage / name).exists()]


def _replaced(given: dict[str, Any]) -> list[str]:
    """Return the artifacts of an earlier run, less one that is the input of this."""
    source = None if given["source"] is None else Path(given["source"]).resolve()
    return [name for name in ARTIFACTS if (Path(given["output_dir"]) / name).resolve() != source]


def _tables(given: dict[str, Any], scored: Scored) -> dict[str, pd.DataFrame | Iterable[pd.DataFrame]]:
    model, frame = scored.model, scored.data.frame
    metrics = frame[list(model.columns)] if model.named else frame
    raw, features, scores = (f"{table}.{given['ending']}" for table in TABLES)
    tables: dict[str, pd.DataFrame | Iterable[pd.DataFrame]] = {}
    if given["source"] is None:
        tables[raw] = labelled_table(scored.data)
    tables[features] = features_pieces(metrics, model.window, given["threads"])
    tables[scores] = scores_table(scored)
    return tables


def _run_table(document: dict[str, Any]) -> Table:
    data, model = document["data"], document["model"]
    origin = data.get("source", f"generated with seed {data.get('seed')}")
    return facts_table(
        "Run",
        [
            ("data", f"{origin}, {data['rows']:,} rows × {data['columns']} columns"),
            ("baseline", f"{data['baseline_rows']:,} rows"),
            ("window", f"{model['window']} rows"),
            ("threshold", f"{model['threshold']:.4g}, {model['threshold_rule']}"),
        ],
    )
