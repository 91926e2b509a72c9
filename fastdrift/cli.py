"""The command line: a function for each command, and the group they are in."""

from __future__ import annotations

import sys
from dataclasses import asdict
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich import box
from rich.table import Table

import fastdrift
from fastdrift import cli_options as options
from fastdrift.cli_compare import compare
from fastdrift.cli_machine import doctor, warmup
from fastdrift.cli_prepare import prepare
from fastdrift.cli_run import run
from fastdrift.cli_terminal import Commands, evaluation_tables, facts_table, model_facts, progress, show
from fastdrift.files import save_model
from fastdrift.pipeline import (
    LABEL,
    Telemetry,
    draw,
    fit_table,
    judge,
    labelled_table,
    read_telemetry,
    score_file,
    scores_table,
)
from fastdrift.writing import table_ending, write_bytes, write_csv, write_json, write_table

if TYPE_CHECKING:
    from fastdrift.synthetic import Drift

SHOWN_DRIFTS = 12


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=options.examples(
        "run --train --eval",
        "fit healthy.parquet --output model.fastdrift",
        "score model.fastdrift today.parquet --output scores.csv",
    ),
)
@click.version_option(fastdrift.__version__, prog_name="fastdrift")
def cli() -> None:
    """Find silent drift in telemetry: when a system left the way it was when it was healthy.

    Results go to stdout and everything else to stderr. Exit codes: 0 done, 1 error, 2 wrong usage, 3 drift, where
    --fail-on-drift asks for it. Messages count rows from 0.
    """


@cli.command(
    epilog=options.examples(
        "generate --n 100000 --seed 42 --output telemetry.parquet",
        "generate --n 20000 --drifts mean-shift,missing --output telemetry.csv",
    )
)
@click.option("--n", type=click.IntRange(1), default=100_000, show_default=True, help="Rows, one a minute.")
@click.option("--seed", type=click.IntRange(0), default=42, show_default=True, help="The same seed, the same file.")
@click.option("--columns", type=click.IntRange(1), default=8, show_default=True, help="Number of metrics.")
@options.drifts
@click.option("--no-labels", is_flag=True, help=f"Leave out the column {LABEL!r}.")
@click.option("--output", required=True, metavar="FILE", help="A .csv, .csv.gz or .parquet file.")
@options.as_json
def generate(
    *, n: int, seed: int, columns: int, drifts: list[str], no_labels: bool, output: str, as_json: bool
) -> None:
    """Generate telemetry that drifts.

    It is healthy for the first 30 % of its rows.
    """
    from fastdrift.synthetic import generate as generate_telemetry

    table_ending(Path(output))
    kinds = drifts[0] if drifts in (["mixed"], ["none"]) else drifts
    with progress(2) as step:
        step("generating")
        data = generate_telemetry(n, columns=columns, seed=seed, drifts=kinds)
        step(f"writing {output}")
        write_table(labelled_table(Telemetry(data.frame, None if no_labels else data.labels)), output)
    document = {
        "rows": n,
        "columns": list(data.frame.columns),
        "labelled_rows": int(data.labels.sum()),
        "drifts": [asdict(drift) for drift in data.drifts],
        "files": [output],
    }
    show(document, [_drifts_table(data.drifts)], as_json=as_json)


def _drifts_table(drifts: tuple[Drift, ...]) -> Table:
    table = Table(title=f"{len(drifts)} drifts", title_justify="left", box=box.SIMPLE)
    for name in ("drift", "first row", "last row", "size", "columns"):
        table.add_column(name, justify="left" if name in ("drift", "columns") else "right")
    for drift in drifts[:SHOWN_DRIFTS]:
        rows = f"{drift.start:,}", f"{drift.stop - 1:,}"
        table.add_row(drift.kind, *rows, f"{drift.size:g}", ", ".join(drift.columns))
    if len(drifts) > SHOWN_DRIFTS:
        table.add_row(f"and {len(drifts) - SHOWN_DRIFTS} more")
    return table


@cli.command(
    epilog=options.examples(
        "fit healthy.parquet --output model.fastdrift",
        "fit telemetry.csv --baseline 0.3 --output model.fastdrift",
        "fit healthy.csv --window 30 --false-alarm-rate 0.01 --drop host,region",
    )
)
@click.argument("path", metavar="BASELINE")
@options.baseline
@click.option("--output", default="model.fastdrift", show_default=True, metavar="FILE", help="Where the model goes.")
@options.fitting
@options.timestamp
@options.labels
@options.threads
@options.as_json
def fit(*, path: str, baseline: float | int | None, output: str, as_json: bool, **given: Any) -> None:
    """Learn what healthy is from BASELINE.

    BASELINE is a table of healthy rows in time order, or with --baseline one that begins with them.
    """
    options.check_outputs([output], [path])
    names = {name: given.pop(name) for name in ("timestamp", "labels")}
    with progress(2) as step:
        step(f"reading {path}")
        data = read_telemetry(path, columns=given["columns"], drop=given["drop"], **names)
        options.note_labels(data, names["labels"], path)
        step("fitting")
        n_rows = options.baseline_rows(baseline, len(data.frame), default=1.0)
        model = fit_table(data.frame.iloc[:n_rows], **given)
    options.warn_of_labelled(data, n_rows)
    save_model(model, output)
    facts = [(line[:12], line[13:]) for line in model.summary().splitlines()]
    show(model_facts(model) | {"files": [output]}, [facts_table("Model", facts)], as_json=as_json)


@cli.command(
    epilog=options.examples(
        "score model.fastdrift today.csv > scores.csv",
        "score model.fastdrift today.parquet --output scores.parquet --fail-on-drift",
    )
)
@click.argument("model")
@click.argument("data")
@click.option("--output", metavar="FILE", help="A .csv, .csv.gz or .parquet file; by default CSV on stdout.")
@click.option(
    "--align",
    type=click.Choice(["end", "center"]),
    default="end",
    show_default=True,
    help="The row of a window that gets its score: the last, or the middle one for looking back.",
)
@options.timestamp
@options.drift
@options.threads
@options.as_json
def score(
    *,
    model: str,
    data: str,
    output: str | None,
    as_json: bool,
    fail_on_drift: bool,
    drift_share: float | None,
    **given: Any,
) -> None:
    """Score the rows of DATA with MODEL.

    A score says how far the rows of a window are from the baseline; an alarm is a score above the model's threshold.
    The first rows, which end no whole window, have none. With --json the document holds the scores unless they go to a
    file.
    """
    options.check_outputs([output], [model, data])
    files = [] if output is None else [output]
    with progress(2 + len(files)) as step:
        scored = score_file(model, data, step, **given)
        options.note_labels(scored.data, None, data)
        table = scores_table(scored)
        for file in files:
            step(f"writing {file}")
            write_table(table, file)
    counts = judge(scored, with_labels=False)
    drift = options.drift_facts(counts, drift_share)
    if as_json or files:
        document = {**counts.to_dict(), "drift": drift, "files": files}
        listed = {} if files else {"scores": [value if isfinite(value) else None for value in scored.scores]}
        show(document | listed, evaluation_tables(counts), as_json=as_json)
    else:
        write_csv([table], sys.stdout.buffer)
    options.exit_on_drift(drift, fail_on_drift=fail_on_drift)


@cli.command(
    epilog=options.examples(
        "evaluate model.fastdrift test.parquet --labels label --plot scores.png",
        "evaluate model.fastdrift test.csv --output metrics.json",
    )
)
@click.argument("model")
@click.argument("data")
@options.labels
@click.option("--plot", metavar="FILE", help="Where a picture of the scores goes, a .png.")
@click.option("--output", metavar="FILE", help="Where the figures go, as JSON.")
@options.timestamp
@options.drift
@options.threads
@options.as_json
def evaluate(
    *,
    model: str,
    data: str,
    plot: str | None,
    output: str | None,
    as_json: bool,
    fail_on_drift: bool,
    drift_share: float | None,
    **given: Any,
) -> None:
    """Judge MODEL on the rows of DATA.

    Without labels it counts what is flagged. With labels it says how right that is, row by row at the model's own
    threshold, beside what flagging everything would get and a random score that flags as many rows.
    """
    options.check_outputs([plot, output], [model, data])
    with progress(3) as step:
        scored = score_file(model, data, step, **given)
        options.note_labels(scored.data, given["labels"], data)
        step("evaluating")
        figures = judge(scored)
        picture = draw(scored) if plot is not None else b""
    drift = options.drift_facts(figures, drift_share)
    document = {"model": model, "data": data, **figures.to_dict(), "drift": drift}
    if plot is not None:
        write_bytes(picture, plot)
    if output is not None:
        write_json(document, output)
    files = [path for path in (plot, output) if path is not None]
    show(document | {"files": files}, evaluation_tables(figures), as_json=as_json)
    options.exit_on_drift(drift, fail_on_drift=fail_on_drift)


for command in (run, prepare, compare, warmup, doctor):
    cli.add_command(command)
