"""The terminal: results on stdout, everything else on stderr, and errors as one line and an exit code."""

from __future__ import annotations

import contextlib
import io
import json
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from fastdrift.cli import interrupt
from fastdrift.errors import DataError, DriftWarning, EngineError, FileError, ModelError
from fastdrift.files.disk import sending

if TYPE_CHECKING:
    from rich.table import Table

Step = Callable[[str], None]
"""Says which step begins."""
EXPLAINED = (DataError, FileError, ModelError, EngineError, ImportError)
"""Errors whose message says what to do; any other is a mistake of ours and keeps its traceback."""


class Commands(click.Group):
    """A group whose commands end in one clear line when something is wrong."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; the library's errors exit with 1, and Ctrl-C with 130."""
        with warnings.catch_warnings():
            warnings.simplefilter("always", DriftWarning)
            warnings.showwarning = _warn_once()
            try:
                with interrupt.raised():
                    return super().invoke(ctx)
            except click.exceptions.Exit:
                raise
            except BaseException as error:
                if interrupt.is_interrupt(error):
                    ctx.exit(interrupt.INTERRUPTED)
                if isinstance(error, EXPLAINED):
                    raise click.ClickException(_explain(error)) from error
                raise


def _explain(error: Exception) -> str:
    if isinstance(error, ModuleNotFoundError):
        return f"{error.name} is needed: pip install 'fastdrift[cli]'"
    return str(error)


def _warn_once() -> Callable[..., None]:
    """Return what tells each warning once: two models of one baseline have the same to say of it."""
    told: set[str] = set()

    def show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
        if str(message) not in told:
            told.add(str(message))
            tell(f"warning: {message}")

    return show_warning


def tell(message: str) -> None:
    """Write a line to stderr, above the progress if that shows."""
    sys.stderr.write(f"{message}\n")  # neither click's echo nor another console knows of the progress


def _console(**options: Any) -> Console:
    # a column may be called [b] or :smile:
    return Console(markup=False, highlight=False, emoji=False, **options)


@contextlib.contextmanager
def progress(n_steps: int) -> Iterator[Step]:
    """Yield a function that says which step begins; it shows on a terminal only.

    No step begins, and the last does not end, after an interrupt.
    """
    console = _console(stderr=True)
    if console.is_terminal:
        columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task("", total=n_steps, completed=-1)

            def step(description: str) -> None:
                interrupt.check()
                bar.update(task, description=description, advance=1)

            yield step
            interrupt.check()
    else:  # a bar that is disabled, of Rich before 14.3, ends in an empty line
        yield lambda _: interrupt.check()
        interrupt.check()


def show(
    document: Mapping[str, Any], tables: Iterable[Table], *, as_json: bool, answer: str = "", aside: bool = False
) -> None:
    """Write results to stdout, as a JSON document or as an answer and tables; to stderr which files were written.

    An answer and tables go to stderr too where stdout holds something else.
    """
    if as_json:
        send_json(document)
    else:
        text = _laid_out(answer, tables, _console(stderr=aside))
        (sys.stderr.write if aside else _send)(text)
    for path in document.get("files", ()):
        tell(f"wrote {path}")


def _laid_out(answer: str, tables: Iterable[Table], terminal: Console) -> str:
    """Return an answer and tables as they look on a terminal; a console writes to its file even what is captured."""
    page = io.TextIOWrapper(io.BytesIO(), terminal.encoding, "replace", newline="")
    looks = {"width": terminal.width, "force_terminal": terminal.is_terminal, "color_system": terminal.color_system}
    console = _console(file=page, **looks)
    if answer:
        console.print(answer, end="\n\n")
    for table in tables:
        console.print(table)
    page.seek(0)
    return page.read()


def send_json(document: object) -> None:
    """Write a JSON document to stdout."""
    _send(json.dumps(document, indent=2, allow_nan=False) + "\n")


def _send(text: str) -> None:
    with sending(standard(sys.stdout, "output")) as file:
        file.write(text.encode(sys.stdout.encoding, "replace"))


def standard(stream: Any, name: str) -> Any:
    """Return the bytes of a standard stream, which may have been closed."""
    if stream is None:
        raise FileError(f"standard {name} is closed")
    return stream.buffer
