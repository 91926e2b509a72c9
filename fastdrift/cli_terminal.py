"""The terminal: results on stdout, everything else on stderr, and errors as one line and an exit code."""

from __future__ import annotations

import contextlib
import json
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from fastdrift.errors import DataError, DriftWarning, FileError, ModelError
from fastdrift.evaluation import Evaluation
from fastdrift.incidents import EventFigures
from fastdrift.model import MahalanobisModel, Model
from fastdrift.pipeline import Step

INTERRUPTED = 130


class Commands(click.Group):
    """A group whose commands end in one clear line when something is wrong."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; the library's errors exit with 1, and Ctrl-C with 130."""
        with warnings.catch_warnings():
            warnings.simplefilter("always", DriftWarning)
            warnings.showwarning = _show_warning
            try:
                return super().invoke(ctx)
            except (DataError, FileError, ModelError) as error:
                raise click.ClickException(str(error)) from error
            except ModuleNotFoundError as error:
                raise click.ClickException(f"{error.name} is needed: pip install 'fastdrift[cli]'") from error
            except KeyboardInterrupt:
                ctx.exit(INTERRUPTED)


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    tell(f"warning: {message}")


def tell(message: str) -> None:
    """Write a line to stderr, above the progress if that shows."""
    sys.stderr.write(f"{message}\n")  # neither click's echo nor another console knows of the progress


def _console(*, stderr: bool = False) -> Console:
    # a column may be called [b] or :smile:
    return Console(stderr=stderr, markup=False, highlight=False, emoji=False)


@contextlib.contextmanager
def progress(n_steps: int) -> Iterator[Step]:
    """Yield a function that says which step begins; it shows on a terminal only."""
    console = _console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=n_steps, completed=-1)

        def step(description: str) -> None:
            bar.update(task, description=description, advance=1)

        yield step


def show(document: Mapping[str, Any], tables: Iterable[Table], *, as_json: bool) -> None:
    """Write results to stdout, as a JSON document or as tables, and to stderr which files were written."""
    if as_json:
        click.echo(json.dumps(document, indent=2, allow_nan=False))
    else:
        console = _console()
        for table in tables:
            console.print(table)
    for path in document.get("files", ()):
        tell(f"wrote {path}")


def facts_table(title: str, facts: Iterable[Sequence[str]]) -> Table:
    """Return a table of names and values."""
    table = Table(title=title, title_justify="left", show_header=False, box=box.SIMPLE)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts:
        table.add_row(name, value)
    return table


def evaluation_tables(evaluation: Evaluation) -> list[Table]:
    """Return tables of counts and, with labels, of figures beside those that cost nothing."""
    facts = [
        ("rows", f"{evaluation.rows:,}"),
        ("without a score", f"{evaluation.unscored_rows:,}"),
        ("flagged", f"{evaluation.flagged_rows:,}, {percent(evaluation.flagged_ratio)} of those with a score"),
        ("nominal false alarms", percent(evaluation.false_alarm_rate)),
    ]
    if evaluation.labelled_rows is not None:
        facts.append(("flagged when healthy", percent(evaluation.healthy_flagged_ratio)))
        facts.append(("labelled as drift", f"{evaluation.labelled_rows:,}"))
    facts += [("note", note) for note in evaluation.notes]
    counts = facts_table("Monitored rows", facts)
    if evaluation.labelled_rows is None:
        return [counts]
    by_incident = [] if evaluation.event is None else [_incidents_table(evaluation.event)]
    return [counts, _figures_table(evaluation), *by_incident]


def _incidents_table(event: EventFigures) -> Table:
    facts = [
        ("incidents found", f"{event.found} of {event.incidents}"),
        ("delay, rows", f"{number(event.median_delay)} (median), {number(event.max_delay)} (most)"),
        ("false events", f"{number(event.false_events)} of {event.events}"),
        ("per 10,000 rows", number(event.false_events_per_10k_rows)),
        ("per day", number(event.false_events_per_day)),
    ]
    return facts_table("Against the labels, by incidents", facts)


def number(figure: float | None) -> str:
    """Return a figure as text."""
    return "–" if figure is None else f"{figure:.4g}"


def _figures_table(evaluation: Evaluation) -> Table:
    share, flagged = evaluation.prevalence or 0.0, evaluation.flagged_ratio or 0.0
    random_f1 = 2 * share * flagged / (share + flagged) if share + flagged else None
    table = Table(title="Against the labels, row by row", title_justify="left", box=box.SIMPLE)
    table.add_column()
    for name in ("this score", "flag everything", "random score"):
        table.add_column(name, justify="right")
    for name, *figures in (
        ("precision", evaluation.precision, share, share),
        ("recall", evaluation.recall, 1.0, flagged),
        ("F1", evaluation.f1, evaluation.flag_all_f1, random_f1),
        ("ROC AUC", evaluation.roc_auc, 0.5, 0.5),
        ("average precision", evaluation.average_precision, share, share),
    ):
        table.add_row(name, *("–" if figure is None else f"{figure:.3f}" for figure in figures))
    return table


def percent(share: float | None) -> str:
    """Return a share as text."""
    return "–" if share is None else f"{100 * share:.2f} %"


def model_facts(model: Model) -> dict[str, Any]:
    """Return what a model knows, but its arrays, ready for JSON."""
    return {
        "columns": list(model.columns),
        "never_moved": list(model.never_moved),
        "window": model.window,
        "false_alarm_rate": model.false_alarm_rate,
        "threshold": model.threshold,
        "threshold_rule": model.threshold_rule,
        "detector": model.detector,
        **({"shrinkage": model.shrinkage} if isinstance(model, MahalanobisModel) else {}),
        **({"shrinkage_rule": model.shrinkage_rule} if isinstance(model, MahalanobisModel) else {}),
        "baseline_rows": model.baseline_rows,
        "windows_used": model.windows_used,
        "windows_left_out": model.windows_left_out,
        "effective_windows": model.effective_windows,
        "warnings": list(model.warnings),
    }
