"""The same work by other libraries, in one run: rolling mean and std of every column, then Mahalanobis distances.

    python -m benchmarks.peers            # the README's tables
    python -m benchmarks.peers --rows 200000 --rounds 3 --shape 8x50 --only polars numbagg

Every peer gets the layout and the pieces it likes best and all cores, learns from the same clean rows, and must give
the same scores as fastdrift before it is timed; one with an estimator of its own is marked, and must give the distances
that its own centre and covariance imply. Rounds are interleaved and minima compared. Memory that is freed stays with
the process (glibc alone: the command starts itself anew with the settings for that), because peers write features out,
and the cost of new pages would decide. A peer that is not installed is listed as such; `pip install 'fastdrift[bench]'`
brings them all.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Sequence
from typing import NoReturn

from benchmarks.options import Shape, shape
from benchmarks.peers.digits import HARD
from benchmarks.peers.scores import PEERS, ROBUST_WINDOWS
from benchmarks.peers.work import OURS, Work, make_contest, make_works
from benchmarks.timing import describe_machine, interleaved_minima, keep_memory

SHAPES = [Shape(8, 50), Shape(32, 100)]
# seconds that a call is repeated for in its turn
TURN = 0.2
MISSING = "not installed"

ERRORS = [f"largest relative error of the std on {hard}" for hard in HARD]
# each table's head, and the heads of what is told beside speeds
TABLES = {
    "scores": ("scores: rows a second, and how many times fastdrift's time", ["scores", ERRORS[0]]),
    "rolling": ("rolling mean + std alone, features written out", ERRORS),
}
LEGEND = (
    "Bold: digits are lost. Same: to 1e-6, on rows on which no library loses digits. Own estimator: a robust "
    f"covariance of {ROBUST_WINDOWS:,} windows, learnt before the clock starts; distances are checked by definition."
)

# speed, and what is told beside it, by title
Rows = dict[str, tuple[str, tuple[str, ...]]]


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the arguments, and leave."""
        self.exit(2, f"{self.prog}: {message}\n")


def read_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line, or leave with an error."""
    parser = Parser("python -m benchmarks.peers", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--shape", type=shape, action="append", help="columns x window, as in 8x50; may be repeated")
    parser.add_argument("--only", nargs="+", metavar="NAME", help=f"some of {', '.join(PEERS)}")
    asked = parser.parse_args(arguments)
    asked.shape, asked.only = asked.shape or SHAPES, asked.only or list(PEERS)
    for name in asked.only:
        if name not in PEERS:
            parser.error(f"argument --only: {name!r} is no peer: choose from {', '.join(PEERS)}")
    if asked.rounds < 1:
        parser.error(f"argument --rounds: {asked.rounds} is too few: give at least 1")
    # the baseline, 30 % of the rows, is then six windows for each feature
    least = max(20 * one.columns * one.window for one in asked.shape)
    if asked.rows < least:
        parser.error(f"argument --rows: {asked.rows} is too few for these shapes: give at least {least}")
    return asked


def say(message: str) -> None:
    """Tell who waits at a terminal how far it is."""
    if sys.stderr.isatty():
        print(message, file=sys.stderr, flush=True)


def measure(one: Shape, asked: argparse.Namespace) -> dict[str, Rows]:
    """Return, by table and title, a shape's speeds with what is told beside them."""
    works: dict[str, dict[str, Work | None]] = {table: {} for table in TABLES}
    say(f"{one}: making rows")
    for table, title, work in make_works(make_contest(one, asked.rows), asked.only):
        say(f"{one}, {table}: {title} {'checked' if work else MISSING}")
        works[table][title] = work
    return {table: time_works(f"{one}, {table}", works[table], asked.rounds) for table in TABLES}


def time_works(what: str, works: dict[str, Work | None], rounds: int) -> Rows:
    """Time everything, and return rows a second, how many times our time that is, and what is told beside it."""
    present = {title: work for title, work in works.items() if work is not None}
    say(f"{what}: timing {len(present)} calls in {rounds} rounds")
    least = interleaved_minima({title: work.call for title, work in present.items()}, rounds, turn=TURN)
    rates = {title: work.n_rows / least[title] for title, work in present.items()}
    ours = rates[next(iter(OURS))]
    rows: Rows = dict.fromkeys(works, (MISSING, ()))
    for title, rate in rates.items():
        rows[title] = f"{show_rate(rate)} ({ours / rate:,.1f} ×)", present[title].notes
    return rows


def show_rate(rate: float) -> str:
    """Return rows a second with a unit."""
    return f"{rate / 1e6:.1f} M" if rate >= 1e6 else f"{rate / 1e3:.0f} k"


def to_markdown(heads: list[str], shapes: list[Rows], n_notes: int) -> str:
    """Return a table: the titles, a column of speeds for each shape, and what is told beside them."""
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for title, (_, notes) in shapes[0].items():
        cells = [title, *(shape[title][0] for shape in shapes), *(notes or ["–"] * n_notes)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def report(asked: argparse.Namespace) -> str:
    """Measure, and return both tables and the machine in Markdown."""
    measured = [measure(one, asked) for one in asked.shape]
    speeds = [f"{one.columns} columns, window {one.window}" for one in asked.shape]
    tables = [
        to_markdown([f"{head} ({asked.rows:,} rows)", *speeds, *notes], [rows[table] for rows in measured], len(notes))
        for table, (head, notes) in TABLES.items()
    ]
    packages = dict.fromkeys(package for name in asked.only for package in PEERS[name].packages)
    return "\n\n".join([*tables, LEGEND, describe_machine(["numpy", "numba", *packages])])


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables in Markdown."""
    asked = read_arguments(arguments)
    with warnings.catch_warnings():
        # scikit-learn's on robust fits, and ours on a baseline that is short for its windows
        warnings.simplefilter("ignore")
        print(report(asked))


if __name__ == "__main__":
    keep_memory("benchmarks.peers")
    main()
