"""The command fit: a model of what healthy is."""

from __future__ import annotations

import click

from fastdrift.cli import options
from fastdrift.cli.inputs import count_baseline, fit_table, read_telemetry, warn_of_labelled
from fastdrift.cli.options import examples, takes
from fastdrift.cli.settings import BaselineSize, FitSettings, ReadSettings
from fastdrift.cli.streams import told
from fastdrift.cli.tables import facts_table
from fastdrift.cli.terminal import progress, show
from fastdrift.cli.usage import check_paths


@click.command(
    epilog=examples(
        "fit healthy.parquet --output model.fastdrift",
        "fit telemetry.csv --baseline 0.3 --output model.fastdrift",
        "fit april.parquet june.parquet --created 2024-07-01",
        "fit healthy.parquet --window 10,20,50,100",
        "fit healthy.csv --false-event-rate 1/week --drop host,region",
        "fit - --timestamp ts < healthy.tsv.gz",
    )
)
@click.argument("paths", metavar="BASELINE...", nargs=-1, required=True)
@options.baseline
@click.option("--output", default="model.fastdrift", show_default=True, metavar="FILE", help="Where the model goes.")
@click.option("--created", metavar="TEXT", help="When the model was fitted, if it is to say so.")
@options.fitting
@options.timestamp
@options.labels
@options.threads
@options.as_json
@takes(reading=ReadSettings, fitting=FitSettings)
def fit(
    *,
    paths: tuple[str, ...],
    baseline: BaselineSize,
    output: str,
    created: str | None,
    reading: ReadSettings,
    fitting: FitSettings,
    threads: int | None,
    as_json: bool,
) -> None:
    """Learn what healthy is from BASELINE.

    BASELINE is a table of healthy rows in time order, or with --baseline one that begins with them. Several tables are
    stretches of one system: no window reaches from one into the next.
    """
    path, *more = paths
    if more and baseline is not None:
        raise click.UsageError("--baseline is for one table: give several with healthy rows alone")
    check_paths([], [*paths], files=[output])
    with progress(2) as step:
        step(f"reading {', '.join(map(told, paths))}")
        data = read_telemetry(path, reading)
        others = [read_telemetry(one, reading) for one in more]
        step("fitting")
        n_rows = count_baseline(baseline, len(data.frame), default=1.0)
        model = fit_table(
            data.frame.iloc[:n_rows], fitting, threads, others=[one.frame for one in others], created=created
        )
    warn_of_labelled(data, n_rows)
    for one in others:
        warn_of_labelled(one, len(one.frame))
    model.save(output)
    show(model.facts() | {"files": [output]}, [facts_table("Model", model.lines())], as_json=as_json)
