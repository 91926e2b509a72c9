"""What the commands share: how options are read, how tables and the machine are told."""

import argparse
import os
import platform
import re
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import distributions
from typing import NoReturn

from benchmarks.work import Shape


class Parser(argparse.ArgumentParser):
    """A parser whose help is a module's docstring as it stands, and whose errors are one line."""

    def __init__(self, module: str, description: str | None) -> None:
        super().__init__(f"python -m {module}", None, description, formatter_class=argparse.RawDescriptionHelpFormatter)

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the arguments, and leave."""
        self.exit(2, f"{self.prog}: {message}\n")

    def parse_shapes(
        self, arguments: Sequence[str] | None, shapes: list[Shape], least: Callable[[Shape], int], **defaults: int
    ) -> argparse.Namespace:
        """Read the options of a command that takes shapes, rows, `least` for a shape, and rounds."""
        self.add_argument("--rows", type=count)
        self.add_argument("--rounds", type=count)
        self.add_argument("--shape", type=shape, action="append", help="columns x window, as in 8x50; may be repeated")
        self.set_defaults(**defaults)
        asked = self.parse_args(arguments)
        asked.shape = asked.shape or shapes
        wanted = max(map(least, asked.shape))
        if asked.rows < wanted:
            self.error(f"argument --rows: {asked.rows} is too few for these shapes: give at least {wanted}")
        return asked


def count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is too few: give at least 1")
    return number


def windows(text: str) -> tuple[int, ...]:
    return tuple(count(window) for window in text.split(","))


def shape(text: str) -> Shape:
    match = re.fullmatch(r"(\d+)x(\d+)", text)
    if not match or int(match[1]) < 1 or int(match[2]) < 2:
        raise argparse.ArgumentTypeError(f"{text!r} is no shape: give columns x window, as in 8x50")
    return Shape(int(match[1]), int(match[2]))


def line(cells: Iterable[object]) -> str:
    """Return a line of a Markdown table."""
    return f"| {' | '.join(map(str, cells))} |"


def table(heads: Sequence[object], rows: Iterable[Iterable[object]] = ()) -> str:
    """Return a Markdown table."""
    return "\n".join([line(heads), "|---" * len(heads) + "|", *map(line, rows)])


def describe_machine(packages: Iterable[str] = ("numpy", "numba")) -> str:
    """Return the machine, and the versions of Python and of packages, in a line."""
    known = {one.name.lower(): one.version for one in distributions()}
    versions = ", ".join(f"{package} {known.get(package, 'not installed')}" for package in packages)
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {versions}"
