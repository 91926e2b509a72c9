"""The command line: the group that the commands are in."""

from __future__ import annotations

import click

import fastdrift
from fastdrift.cli.accept import accept
from fastdrift.cli.compare import compare
from fastdrift.cli.config import read_config
from fastdrift.cli.detect import detect
from fastdrift.cli.evaluate import evaluate
from fastdrift.cli.explain import explain
from fastdrift.cli.fit import fit
from fastdrift.cli.generate import generate
from fastdrift.cli.machine import doctor, warmup
from fastdrift.cli.options import examples
from fastdrift.cli.prepare import prepare
from fastdrift.cli.report import report
from fastdrift.cli.run import run
from fastdrift.cli.score import score
from fastdrift.cli.suggest import suggest
from fastdrift.cli.terminal import Commands

CONFIG = """

\b
A settings.toml:
  [run]
  window = 30
  false-alarm-rate = 0.01
  columns = ["cpu", "latency"]
"""


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=examples(
        "run --train --eval",
        "suggest healthy.parquet",
        "fit healthy.parquet --output model.fastdrift",
        "detect model.fastdrift today.parquet",
        "explain model.fastdrift today.parquet --event 0",
        "report model.fastdrift today.parquet --output report.html",
        "--config settings.toml run --train",
    )
    + CONFIG,
)
@click.option("--config", metavar="FILE", help="A TOML file of options for commands; those that are typed win over it.")
@click.version_option(fastdrift.__version__, prog_name="fastdrift")
@click.pass_context
def cli(ctx: click.Context, /, *, config: str | None) -> None:
    """Find silent drift in telemetry: when a system left the way it was when it was healthy.

    Results go to stdout and everything else to stderr. Exit codes: 0 done, 1 error, 2 wrong usage, 3 drift, where
    --fail-on-drift asks for it. Messages count rows from 0.

    A table is a .csv, .tsv or .parquet file, text also packed as .gz or .zst, or - for standard input, of any of these
    kinds; columns of text may be separated by commas, semicolons, tabs or bars. What is taken for what, such as a
    column for the time, is told. An --output of - is standard output.

    The file of --config is TOML: a table a command, whose keys are the command's options without the dashes.
    """
    if config is not None:
        ctx.default_map = read_config(config, cli.commands)


for command in (
    run, generate, suggest, fit, detect, explain, report, accept, score, evaluate, prepare, compare, warmup, doctor,
):  # fmt: skip
    cli.add_command(command)
