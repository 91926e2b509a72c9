"""Wrong usage: options that would be without effect, and files that would be written over what is read."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click
from click.core import ParameterSource

from fastdrift.cli.settings import CleanSettings

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


def check_outputs(outputs: Iterable[str | None], inputs: Iterable[str]) -> None:
    """Refuse to write over what is read."""
    read = {Path(path).resolve() for path in inputs}
    for path in outputs:
        if path is not None and Path(path).resolve() in read:
            raise click.UsageError(f"{path} is an input: write to another file")
