"""What peers and fastdrift are timed at: calls that were made once, and whose results were checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from threadpoolctl import ThreadpoolController

import fastdrift as fd
from benchmarks.options import Shape
from benchmarks.peers.digits import library_errors, our_errors
from benchmarks.peers.rolling import LIBRARIES, Library, Part
from benchmarks.peers.scores import PEERS, Gauge, Peer, make_score, piece_rows_of, workers
from benchmarks.rows import Floats, make_rows

OURS = {"fastdrift": None, "fastdrift, 1 thread": 1}
# groups of columns that threads share out among them: 4 to 32 made no difference
GROUPS = 8


class Work(NamedTuple):
    """Something to time: the call, how many rows it is over, and what is told beside its speed."""

    call: Callable[[], Any]
    n_rows: int
    notes: tuple[str, ...]


class Contest(NamedTuple):
    """A shape's rows, and what fastdrift makes of them: scores and features of the whole windows."""

    one: Shape
    rows: Floats
    scores: Floats
    features: Floats


def make_contest(one: Shape, n_rows: int) -> Contest:
    """Make a shape's rows, and what peers are checked against."""
    rows = make_rows(n_rows, one.columns)
    scores, features = our_score(rows, one.window, None)(), our_features(rows, one.window, None)()
    return Contest(one, rows, scores[one.window - 1 :], np.hstack(features)[one.window - 1 :])


def n_baseline(n_rows: int) -> int:
    """Return how many windows are learnt from."""
    return n_rows * 3 // 10


def our_score(rows: Floats, window: int, threads: int | None) -> Callable[[], Floats]:
    """Return fastdrift's own score, without shrinkage so that it is the peers' distance."""
    model = fd.fit(rows[: n_baseline(len(rows)) + window - 1], window=window, shrinkage=0.0)
    return lambda: fd.score(model, rows, threads=threads)


def our_features(rows: Floats, window: int, threads: int | None) -> Callable[[], tuple[Floats, Floats]]:
    """Return fastdrift's own rolling mean and std."""
    return lambda: (fd.rolling_mean(rows, window, threads=threads), fd.rolling_std(rows, window, threads=threads))


def score_work(contest: Contest, peer: Peer, part: Part) -> Work:
    """Return a peer's scoring of all rows."""
    rows, (n_columns, window) = contest.rows, contest.one
    library = LIBRARIES[peer.library]
    n_rows = library.n_rows(len(rows), window)
    # on more threads BLAS made the robust estimators' many small products ten times as slow
    with ThreadpoolController().limit(limits=1, user_api="blas"):
        gauge = peer.learn(contest.features[: n_baseline(len(rows))].T)
    call = make_score(part, gauge, n_rows, window, piece_rows_of(peer, n_rows, n_columns))
    check_scores(call(), contest, None if peer.same else gauge)
    return Work(call, n_rows, ("same" if peer.same else "own estimator", library_errors(library)[0]))


def check_scores(scores: Floats, contest: Contest, own: Gauge | None) -> None:
    """Check scores against ours, or against what an estimator's own centre and covariance imply."""
    expected = contest.scores[: scores.size]
    if own is not None:
        expected = fd.mahalanobis(contest.features[: scores.size], own.centre, own.covariance)
    np.testing.assert_allclose(scores, expected, rtol=1e-6)


def rolling_work(contest: Contest, library: Library, part: Part) -> Work:
    """Return a library's rolling statistics of all rows, features written out."""
    n_rows = library.n_rows(len(contest.rows), contest.one.window)
    edges = np.linspace(0, contest.one.columns, GROUPS + 1 if library.by_columns else 2).astype(int)
    groups = [slice(first, last) for first, last in pairwise(edges) if last > first]
    roll = partial(part, slice(0, n_rows))

    def call() -> list[Sequence[Any]]:
        return list(workers().map(roll, groups)) if len(groups) > 1 else [roll(groups[0])]

    for columns, features in zip(groups, call(), strict=True):
        check_features(features, contest, columns)
    return Work(call, n_rows, library_errors(library))


def check_features(features: Sequence[Any], contest: Contest, columns: slice) -> None:
    """Check the means and stds of some columns against ours."""
    n_columns, window = contest.one
    theirs = np.stack([np.asarray(column[window - 1 :]) for column in features], axis=1)
    places = np.arange(n_columns)[columns]
    expected = contest.features[: len(theirs), np.concatenate([places, places + n_columns])]
    np.testing.assert_allclose(theirs, expected, rtol=1e-6, atol=1e-9)


def make_works(contest: Contest, names: Sequence[str]) -> Iterator[tuple[str, str, Work | None]]:
    """Yield a table, the title of a row of it and what to time there, None if a package is not installed."""
    rows, window = contest.rows, contest.one.window
    for title, threads in OURS.items():
        yield "scores", title, Work(our_score(rows, window, threads), len(rows), ("", our_errors()[0]))
        yield "rolling", title, Work(our_features(rows, window, threads), len(rows), our_errors())
    given = {name: rows[: LIBRARIES[name].n_rows(len(rows), window)] for name in libraries_of(names)}
    parts = {name: or_missing(partial(LIBRARIES[name].roll, few, window)) for name, few in given.items()}
    for name, part in parts.items():
        library = LIBRARIES[name]
        yield "rolling", title_of(library.title, library, len(rows)), part and rolling_work(contest, library, part)
    for name in names:
        peer = PEERS[name]
        library, part = LIBRARIES[peer.library], parts[peer.library]
        work = part and or_missing(partial(score_work, contest, peer, part))
        yield "scores", title_of(peer.title, library, len(rows)), work


def libraries_of(names: Sequence[str]) -> list[str]:
    """Return the libraries that roll for some peers."""
    return list(dict.fromkeys(PEERS[name].library for name in names))


def title_of(title: str, library: Library, n_rows: int) -> str:
    """Return a title that says if only the first windows are taken."""
    few = library.max_windows is not None and n_rows > library.max_windows
    return f"{title}, first {library.max_windows:,} windows" if few else title


def or_missing(make: Callable[[], Any]) -> Any:
    """Return what is made, or None if a package that it takes is not installed."""
    try:
        return make()
    except ImportError:
        return None
