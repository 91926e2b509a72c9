"""The same work by other libraries, in one run: rolling mean and std of every column, then Mahalanobis distances.

    python -m benchmarks.peers            # the README's tables
    python -m benchmarks.peers --rows 200000 --rounds 3 --shape 8x50 --only 'numbagg + BLAS'

Every peer gets the layout it likes best and all cores, fits on the same clean rows, and must give the same scores as
fastdrift before it is timed, or is marked. Rounds are interleaved and minima compared; what takes seconds gets fewer
rounds. Memory that is freed stays with the process (glibc alone: the command starts itself anew with the settings for
that), because peers write features out, and the cost of new pages would decide: up to twice the time, and not theirs.
A peer that is not installed is listed as such (`pip install 'fastdrift[bench]'` brings them).
"""

from __future__ import annotations

import argparse
import functools
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

import fastdrift as fd
from benchmarks.naive import exact_std
from benchmarks.options import Shape, shape
from benchmarks.peer_libraries import PEERS, Peer, Rolled
from benchmarks.rows import Floats, make_rows
from benchmarks.timing import describe_machine, interleaved_minima, keep_memory, seconds

SHAPES = [Shape(8, 50), Shape(32, 100)]
OURS, ONE = "fastdrift", "fastdrift, 1 thread"
# a call that takes longer than this many seconds gets so many rounds
PATIENCE, FEW_ROUNDS = 5.0, 2
TURN = 0.2
# rows, columns and window on which digits are counted
DIGITS = (3_000, 2, 50)


class Timed(NamedTuple):
    """What one library does for a shape: the call of the whole work, that of the rolling statistics, rows, a remark."""

    score: Callable[[], Any]
    roll: Callable[[], Any]
    n_rows: int
    remark: str
    other_scores: bool = False


def our_work(rows: Floats, window: int, baseline: int, threads: int | None) -> Timed:
    """Return our own work, without shrinkage so that it is the peers' distance."""
    model = fd.fit(rows[: baseline + window - 1], window=window, shrinkage=0.0)
    score = functools.partial(fd.score, model, rows, threads=threads)
    roll = lambda: (fd.rolling_mean(rows, window, threads=threads), fd.rolling_std(rows, window, threads=threads))  # noqa: E731
    return Timed(score, roll, len(rows), "")


def peer_work(peer: Peer, rows: Floats, window: int, baseline: int, expected: Floats) -> Timed:
    """Return a peer's work, done once and checked."""
    part = rows[: peer.n_rows]
    rolled = peer.roll(part, window)
    features = rolled.to_features(rolled.call())
    distance = peer.learn(features[:baseline] if peer.n_rows is None else features)
    scores = distance(features)
    if peer.n_rows is None and not peer.note:
        np.testing.assert_allclose(scores, expected[window - 1 :], rtol=1e-6)
    check_features(features, rows, window)
    remark = peer.note or (f"first {len(part):,} rows" if peer.n_rows else "")
    call = lambda: distance(rolled.to_features(rolled.call()))  # noqa: E731
    return Timed(call, rolled.call, len(part), remark, bool(peer.note))


def check_features(features: Floats, rows: Floats, window: int) -> None:
    """Check a peer's rolling statistics against the definition, in a few windows."""
    for end in (window, len(features) + window - 1):
        part = rows[end - window : end]
        expected = np.concatenate([part.mean(axis=0), part.std(axis=0, ddof=1)])
        np.testing.assert_allclose(features[end - window], expected, rtol=1e-6, atol=1e-9)


def works(rows: Floats, window: int, names: Sequence[str]) -> Iterator[tuple[str, Timed | None]]:
    """Yield ours and every peer's work, None for a peer that is not installed."""
    baseline = len(rows) * 3 // 10
    ours = our_work(rows, window, baseline, None)
    expected = ours.score()
    yield OURS, ours
    yield ONE, our_work(rows, window, baseline, 1)
    for name in names:
        say(f"{name}, {rows.shape[1]}x{window}")
        try:
            yield name, peer_work(PEERS[name], rows, window, baseline, expected)
        except ImportError:
            yield name, None


def minima(calls: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Return the least seconds of each call, the slow ones timed less often."""
    slow = {name: call for name, call in calls.items() if seconds(call) > PATIENCE}
    best = interleaved_minima({name: call for name, call in calls.items() if name not in slow}, rounds, turn=TURN)
    return best | interleaved_minima(slow, min(rounds, FEW_ROUNDS))


def compare(one: Shape, names: Sequence[str], n_rows: int, rounds: int) -> tuple[dict[str, str], dict[str, str]]:
    """Return the cells of a shape's columns, of the whole work and of the rolling statistics, by library."""
    found = dict(works(make_rows(n_rows, one.columns), one.window, names))
    present = {name: work for name, work in found.items() if work is not None}
    say(f"timing {one}")
    whole = minima({name: work.score for name, work in present.items()}, rounds)
    # a robust estimate rolls as another peer does
    rolling = minima({name: work.roll for name, work in present.items() if not work.other_scores}, rounds)
    return _cells(found, whole), _cells(
        {name: work for name, work in found.items() if name in rolling or not work}, rolling
    )


def _cells(found: dict[str, Timed | None], least: dict[str, float]) -> dict[str, str]:
    rates = {name: work.n_rows / least[name] for name, work in found.items() if work is not None}
    return {name: _cell(rates.get(name), rates[OURS], work) for name, work in found.items()}


def _cell(rate: float | None, ours: float, work: Timed | None) -> str:
    if rate is None or work is None:
        return "not installed"
    digits = 1 if rate > 1e5 else 3
    return f"{rate / 1e6:.{digits}f} M ({ours / rate:,.1f} ×){f'; {work.remark}' if work.remark else ''}"


def digits_lost(names: Sequence[str]) -> dict[str, str]:
    """Return the largest relative error of each library's rolling std on rows of mean 1e9 and std 1."""
    n_rows, n_columns, window = DIGITS
    rows = np.random.default_rng(0).normal(1e9, 1.0, (n_rows, n_columns))
    expected = np.stack([exact_std(rows[:, column], window) for column in range(n_columns)], axis=1)

    def error(std: Floats) -> str:
        worst = np.max(np.abs(std / expected - 1), initial=0.0, where=~np.isnan(std))
        lost = np.isnan(std).mean()
        return f"{worst:.0e}" + (f", {lost:.0%} NaN" if lost else "")

    errors = dict.fromkeys((OURS, ONE), error(fd.rolling_std(rows, window)[window - 1 :]))
    for name in names:
        try:
            rolled: Rolled = PEERS[name].roll(rows, window)
        except ImportError:
            errors[name] = "–"
            continue
        errors[name] = error(rolled.to_features(rolled.call())[:, n_columns:])
    return errors


def to_markdown(title: str, columns: dict[str, dict[str, str]]) -> str:
    """Return a table with a row for each library."""
    lines = [f"| {title} | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    lines += [f"| {name} | {' | '.join(c[name] for c in columns.values())} |" for name in next(iter(columns.values()))]
    return "\n".join(lines)


def say(message: str) -> None:
    """Tell who waits at a terminal how far it is."""
    if sys.stderr.isatty():
        print(message, file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--shape", type=shape, action="append", help="columns x window, as in 8x50; may be repeated")
    parser.add_argument("--only", action="append", choices=PEERS, help="a peer; may be repeated")
    asked = parser.parse_args(arguments)
    shapes, names = asked.shape or SHAPES, asked.only or list(PEERS)
    if asked.rounds < 1 or asked.rows < 10 * max(one.window for one in shapes) * (
        2 * max(one.columns for one in shapes)
    ):
        parser.error("--rounds must be at least 1, --rows ten windows for each of two features a column")
    warnings.simplefilter("ignore")  # scikit-learn's on robust fits, ours on thin baselines
    whole, rolling = {}, {}
    for one in shapes:
        head = f"{one.columns} columns, window {one.window}"
        whole[head], rolling[head] = compare(one, names, asked.rows, asked.rounds)
    whole["largest error of a std, N(1e9, 1)"] = digits_lost(names)
    print(to_markdown(f"scores: rows a second, and how many times our time ({asked.rows:,} rows)", whole))
    print("\n" + to_markdown("rolling mean and std alone, written out", rolling))
    packages = dict.fromkeys(package for name in names for package in PEERS[name].packages)
    print(f"\n{describe_machine(['numpy', 'numba', *packages])}")
    return 0


if __name__ == "__main__":
    keep_memory("benchmarks.peers")
    sys.exit(main())
