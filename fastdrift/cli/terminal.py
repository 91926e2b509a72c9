"""The terminal: results on stdout, everything else on stderr, and errors as one line and an exit code."""

from __future__ import annotations

import contextlib
import json
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from fastdrift.errors import DataError, DriftWarning, FileError, ModelError

Step = Callable[[str], None]

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
