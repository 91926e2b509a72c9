"""The same work by other libraries, in one run: rolling mean and std of every column, then Mahalanobis distances.

    python -m benchmarks.peers            # the tables of benchmarks/README.md, which says how it is kept fair
    python -m benchmarks.peers --rows 200000 --rounds 3 --shape 8x50 --only polars numbagg

Every peer must give fastdrift's scores before it is timed; one with an estimator of its own is marked, and must give
the distances that its own centre and covariance imply. Rounds are interleaved and minima compared. Freed memory stays
with the process (glibc alone: the command starts itself anew with the settings for that). A peer that is not installed
is listed as such; `pip install 'fastdrift[bench]'` brings them all.
"""

import sys
import warnings
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from threadpoolctl import ThreadpoolController

import fastdrift as fd
from benchmarks.command import Parser, describe_machine, table
from benchmarks.peers.libraries import HARD, LIBRARIES, OURS, Library, Part, errors_of
from benchmarks.peers.scores import PEERS, ROBUST_WINDOWS, WORKERS, Peer, make_score, score_plainly
from benchmarks.work import Call, Floats, Shape, interleaved_minima, keep_memory, make_rows, score_call
from fastdrift.engine.threads import default_threads

SHAPES = [Shape(8, 50), Shape(32, 100)]
# seconds that a call is repeated for in its turn
TURN = 0.2
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
# a call to time, how many rows it is over, and what is told beside its speed
Work = tuple[Call, int, list[str]]
# the works of a table's rows by its name and their titles, None if a package is not installed
Works = dict[tuple[str, str], Work | None]
# groups of columns that threads share out among them: 4 to 32 made no difference
GROUPS = 8
# windows that are learnt from at most
MOST_WINDOWS = 45_000


class Contest(NamedTuple):
    """A shape's rows, and what fastdrift makes of them, its scores and features of the whole windows."""

    one: Shape
    rows: Floats
    model: fd.Model
    scores: Floats
    features: Floats


def learnt_from(n_rows: int) -> int:
    """Return the windows of the baseline: of more, `fit` takes every fourth, and others all, so that scores differ."""
    return min(n_rows * 3 // 10, MOST_WINDOWS)


def make_contest(one: Shape, n_rows: int) -> Contest:
    """Make a shape's rows, and what peers are checked against: without shrinkage our score is their distance."""
    rows, before = make_rows(n_rows, one.columns), one.window - 1
    model = fd.fit(rows[: learnt_from(n_rows) + before], window=one.window, shrinkage=0.0)
    features = np.hstack([fd.rolling_mean(rows, one.window), fd.rolling_std(rows, one.window)])
    return Contest(one, rows, model, fd.score(model, rows)[before:], features[before:])


def score_work(contest: Contest, peer: Peer, part: Part, n_rows: int) -> Work:
    """Return a peer's scoring of the rows, checked against ours, or by an estimator's own centre and covariance."""
    n_columns, window = contest.one
    # on more threads BLAS made the robust estimators' many small products ten times as slow
    with ThreadpoolController().limit(limits=1, user_api="blas"):
        gauge = peer.learn(contest.features[: learnt_from(len(contest.rows))].T)
    # a share of the rows for each thread at most
    piece_rows = peer.piece_numbers and min(peer.piece_numbers // n_columns, -(-n_rows // default_threads()))
    if peer.plain:
        call = score_plainly(part, gauge, n_rows, window)
    else:
        call = make_score(part, gauge, n_rows, window, piece_rows)
    expected = contest.scores[: n_rows - window + 1]
    if gauge.own:
        expected = fd.mahalanobis(contest.features[: expected.size], gauge.centre, gauge.covariance)
    np.testing.assert_allclose(call(), expected, rtol=1e-6)
    return call, n_rows, ["own estimator" if gauge.own else "same", errors_of(LIBRARIES[peer.library])[0]]


def rolling_work(contest: Contest, library: Library, part: Part, n_rows: int) -> Work:
    """Return a library's rolling statistics of the rows, features written out, checked against ours."""
    n_columns, window = contest.one
    edges = np.linspace(0, n_columns, GROUPS + 1 if library.by_columns else 2).astype(int)
    groups = [slice(first, last) for first, last in pairwise(edges) if last > first]
    roll = partial(part, slice(0, n_rows))

    def call() -> list[Sequence[Any]]:
        return list(WORKERS.map(roll, groups)) if len(groups) > 1 else [roll(groups[0])]

    for columns, features in zip(groups, call(), strict=True):
        theirs = np.stack([np.asarray(column[window - 1 :]) for column in features], axis=1)
        places = np.arange(2 * n_columns).reshape(2, n_columns)[:, columns].ravel()
        np.testing.assert_allclose(theirs, contest.features[: len(theirs), places], rtol=1e-6, atol=1e-9)
    return call, n_rows, errors_of(library)


def make_works(one: Shape, n_rows: int, names: Sequence[str]) -> Works:
    """Return what to time."""
    contest, works, rolled = make_contest(one, n_rows), {}, {}
    for title, threads in OURS.items():
        call = score_call(contest.model, contest.rows, threads)
        works["scores", title] = call, n_rows, ["", errors_of(LIBRARIES[title])[0]]
    for name in dict.fromkeys([*OURS, *(PEERS[name].library for name in names)]):
        library, part = LIBRARIES[name], None
        rows = contest.rows[: library.max_windows + one.window - 1]
        some = f", first {library.max_windows:,} windows" if n_rows > library.max_windows else ""
        with suppress(ImportError):
            part = library.roll(rows, one.window)
        works["rolling", library.title + some] = part and rolling_work(contest, library, part, len(rows))
        rolled[name] = part, len(rows), some
    for peer in map(PEERS.__getitem__, names):
        part, given, some = rolled[peer.library]
        works["scores", peer.title + some] = None
        with suppress(ImportError):
            works["scores", peer.title + some] = part and score_work(contest, peer, part, given)
    return works


def time_works(works: Works, rounds: int) -> dict[tuple[str, str], str]:
    """Time everything, and return rows a second and how many times our time that is."""
    present = {place: work for place, work in works.items() if work is not None}
    least = interleaved_minima({place: call for place, (call, _, _) in present.items()}, rounds, turn=TURN)
    rates, told = {place: n_rows / least[place] for place, (_, n_rows, _) in present.items()}, {}
    for place, rate in rates.items():
        speed = f"{rate / 1e6:.1f} M" if rate >= 1e6 else f"{rate / 1e3:.0f} k"
        told[place] = f"{speed} ({rates[place[0], 'fastdrift'] / rate:,.1f} ×)"
    return dict.fromkeys(works, "not installed") | told


def main(arguments: Sequence[str] | None = None) -> None:
    parser = Parser("benchmarks.peers", __doc__)
    listed = f"some of {', '.join(PEERS)}"
    parser.add_argument("--only", nargs="+", choices=PEERS, default=[*PEERS], metavar="NAME", help=listed)
    # the baseline, 30 % of the rows, is at least six windows for each feature
    asked = parser.parse_shapes(arguments, SHAPES, lambda one: 20 * one.columns * one.window, rows=1_000_000, rounds=7)
    warnings.simplefilter("ignore")  # scikit-learn's on robust fits, and ours on a baseline that is short
    measured = []
    for one in asked.shape:
        print(f"checking and timing {one} …", file=sys.stderr)
        works = make_works(one, asked.rows, asked.only)
        measured.append(time_works(works, asked.rounds))
    heads = [f"{one.columns} columns, window {one.window}" for one in asked.shape]
    for name, (head, notes) in TABLES.items():
        rows = [
            [title, *(speeds[kind, title] for speeds in measured), *(work[2] if work else "–" * len(notes))]
            for (kind, title), work in works.items()
            if kind == name
        ]
        print(table([f"{head} ({asked.rows:,} rows)", *heads, *notes], rows), end="\n\n")
    packages = ["numpy", "numba", *(name for peer in asked.only for name in (PEERS[peer].library, PEERS[peer].package))]
    print(f"{LEGEND}\n\n{describe_machine(dict.fromkeys(packages))}")


if __name__ == "__main__":
    keep_memory("benchmarks.peers")
    main()
