"""The command generate: telemetry that drifts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import click
from rich import box
from rich.table import Table

from fastdrift.cli import options
from fastdrift.cli.inputs import Telemetry, labelled_table
from fastdrift.cli.options import examples
from fastdrift.cli.settings import DASH
from fastdrift.cli.streams import check_table, named, write_frame
from fastdrift.cli.terminal import progress, show
from fastdrift.cli.usage import check_paths
from fastdrift.synthetic import Drift
from fastdrift.synthetic import generate as generate_telemetry
from fastdrift.tables.roles import LABEL

MAX_DRIFTS = 12
"""Drifts that the table of them shows."""


@click.command(
    epilog=examples(
        "generate --n 100000 --seed 42 --output telemetry.parquet",
        "generate --n 20000 --drifts mean-shift,missing --output telemetry.csv",
    )
)
@click.option("--n", type=click.IntRange(1), default=100_000, show_default=True, help="Rows, one a minute.")
@click.option("--seed", type=click.IntRange(0), default=42, show_default=True, help="The same seed, the same file.")
@click.option("--columns", type=click.IntRange(1), default=8, show_default=True, help="Number of metrics.")
@options.drifts
@click.option("--no-labels", is_flag=True, help=f"Leave out the column {LABEL!r}.")
@click.option("--output", required=True, metavar="FILE", help=f"{options.TABLE_FILE}, or - for CSV on stdout.")
@options.as_json
def generate(
    *, n: int, seed: int, columns: int, drifts: list[str], no_labels: bool, output: str, as_json: bool
) -> None:
    """Generate telemetry that drifts.

    It is healthy for the first 30 % of its rows.
    """
    check_paths([output], [])
    check_table(output)
    kinds = drifts[0] if drifts in (["mixed"], ["none"]) else drifts
    with progress(2) as step:
        step("generating")
        data = generate_telemetry(n, columns=columns, seed=seed, drifts=kinds)
        step(f"writing {output}")
        write_frame(labelled_table(Telemetry(data.frame, None if no_labels else data.labels)), output)
    document = {
        "rows": n,
        "columns": list(data.frame.columns),
        "labelled_rows": int(data.labels.sum()),
        "drifts": [asdict(drift) for drift in data.drifts],
        "files": named(output),
    }
    show(document, [_drifts_table(data.drifts)], as_json=as_json, aside=output == DASH)


def _drifts_table(drifts: Sequence[Drift]) -> Table:
    table = Table(title=f"{len(drifts)} drifts", title_justify="left", box=box.SIMPLE)
    for name in ("drift", "first row", "last row", "size", "columns"):
        table.add_column(name, justify="left" if name in ("drift", "columns") else "right")
    for drift in drifts[:MAX_DRIFTS]:
        rows = f"{drift.start:,}", f"{drift.stop - 1:,}"
        table.add_row(drift.kind, *rows, f"{drift.size:g}", ", ".join(drift.columns))
    if len(drifts) > MAX_DRIFTS:
        table.add_row(f"and {len(drifts) - MAX_DRIFTS} more")
    return table
