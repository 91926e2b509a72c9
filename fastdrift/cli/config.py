"""Options from a TOML file: a table a command, whose keys are the command's long options."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path

import click

from fastdrift.cli.options import read_windows, split_names
from fastdrift.errors import FileError
from fastdrift.files.disk import reading


def read_config(path: str, commands: Mapping[str, click.Command]) -> dict[str, dict[str, object]]:
    """Return the options in a file by command and parameter, as click's `default_map` has them.

    Everything in the file is checked, also what is for other commands than the one that runs.
    """
    return {name: _read_command(path, name, table, commands) for name, table in _read_toml(path).items()}


def _read_toml(path: str) -> dict[str, object]:
    with reading(Path(path)):
        content = Path(path).read_bytes()
    try:
        return tomllib.loads(content.decode())
    except ValueError as error:
        raise FileError(f"{path}: it is not TOML ({error})") from error


def _read_command(path: str, name: str, table: object, commands: Mapping[str, click.Command]) -> dict[str, object]:
    if not isinstance(table, dict):
        raise click.UsageError(f"{path}: {name!r} is in no table of a command, such as [run]")
    if name not in commands:
        raise click.UsageError(f"{path}: [{name}] is no command; there are {', '.join(commands)}")
    options = _long_options(commands[name])
    values: dict[str, object] = {}
    for key, value in table.items():
        option = options.get(key.replace("_", "-"))
        if option is None or option.name is None:
            raise click.UsageError(f"{path}: {key!r} is no option of [{name}]{_closest(key, options)}")
        if option.name in values:
            raise click.UsageError(f"{path}: {key!r} is twice in [{name}]")
        try:
            values[option.name] = _as_typed(option, value)
            option.process_value(click.Context(commands[name]), values[option.name])
        except click.BadParameter as error:
            raise click.UsageError(f"{path}: {key!r} of [{name}]: {error.message}") from error
    return values


def _long_options(command: click.Command) -> dict[str, click.Option]:
    options = (one for one in command.params if isinstance(one, click.Option))
    return {name.removeprefix("--"): one for one in options for name in one.opts if name.startswith("--")}


def _closest(key: str, options: Mapping[str, click.Option]) -> str:
    close = difflib.get_close_matches(key.replace("_", "-"), options, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _as_typed(option: click.Option, value: object) -> object:
    """Return a value as the command line would have it: text, true or false for a flag, a list for a repeated one.

    A number stays text until click reads it, which makes a whole number of 20.5 where it is given a float.
    """
    if option.is_flag:
        if not isinstance(value, bool):
            raise click.BadParameter("it is true or false")
        return value
    if option.multiple:
        return [_as_text(one) for one in (value if isinstance(value, list) else [value])]
    if isinstance(value, list) and option.callback in (split_names, read_windows):
        return ",".join(map(_as_text, value))
    return _as_text(value)


def _as_text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise click.BadParameter(f"{value!r} is neither text nor a number")
    return str(value)
