"""Wrong usage: options that would be without effect, and files that would be written over what is read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import click
from click.core import ParameterSource

from fastdrift.cli.settings import DASH, CleanSettings

IS_GIVEN = (ParameterSource.COMMANDLINE, ParameterSource.DEFAULT_MAP)
"""Where an option comes from that somebody gave: the command line, or the file of --config."""


def given_options() -> frozenset[str]:
    """Return the names of the options of the running command that were given, on the command line or by a file."""
    context = click.get_current_context()
    return frozenset(name for name in context.params if context.get_parameter_source(name) in IS_GIVEN)


def refuse(options: Iterable[str], reason: str) -> None:
    """Refuse options that were given, for a reason that follows their name."""
    unwanted = given_options().intersection(options)
    for parameter in click.get_current_context().command.params:
        if parameter.name in unwanted:
            raise click.UsageError(f"{parameter.opts[0]} {reason}")


def check_cleaning(cleaning: CleanSettings) -> None:
    """Refuse a limit without a filling, and a way to fill bins without bins."""
    if cleaning.limit is not None and cleaning.fill == "leave":
        raise click.UsageError("--limit needs --fill forward or interpolate")
    if cleaning.freq is None:
        refuse(["how"], "needs --freq, the length of a bin")


def check_paths(outputs: Sequence[str | None], inputs: Sequence[str | None], files: Sequence[str | None] = ()) -> None:
    """Refuse to write over what is read, and to put two things onto standard input or output.

    `files` are outputs that can't go to standard output, such as pictures.
    """
    if DASH in files:
        raise click.UsageError("- is for tables and JSON: name a file for this")
    if list(inputs).count(DASH) > 1:
        raise click.UsageError("standard input holds one table: name a file for the other")
    as_json = bool(click.get_current_context().params.get("as_json"))
    if list(outputs).count(DASH) + as_json > 1:
        raise click.UsageError("standard output holds one result: give - once, without --json, and name files")
    read = {Path(path).resolve() for path in inputs if path is not None and path != DASH}
    for path in (*outputs, *files):
        if path is not None and path != DASH and Path(path).resolve() in read:
            raise click.UsageError(f"{path} is an input: write to another file")
