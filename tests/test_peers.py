"""The comparison with other libraries: it checks them first, and goes on without those that are not installed."""

from __future__ import annotations

import re
import sys
from functools import partial

import numpy as np
import pytest

from benchmarks import work
from benchmarks.peers import __main__ as peers
from benchmarks.peers.libraries import GOOD, LIBRARIES, exact_std, largest_error
from benchmarks.peers.scores import PEERS, by_blas, by_elliptic_envelope, make_score
from benchmarks.work import Shape

SHAPE = Shape(3, 20)
SMALL = ["--rows", "4000", "--rounds", "1", "--shape", str(SHAPE)]


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(peers, "TURN", 0.0)
    monkeypatch.setattr(peers, "interleaved_minima", partial(work.interleaved_minima, rest=0.0))


@pytest.fixture(scope="module")
def contest():
    return peers.make_contest(SHAPE, 4_000)


@pytest.fixture
def run(capsys):
    def run_and_read(*options):
        peers.main([*SMALL, *options])
        printed = capsys.readouterr().out
        tables = [part.splitlines() for part in printed.split("\n\n") if part.startswith("|")]
        return [{cells[1]: cells[2:-1] for line in table if (cells := re.split(r" ?\| ?", line))} for table in tables]

    return run_and_read


def test_every_peer_has_a_row_and_those_that_are_installed_are_checked(run):
    scores, rolling = run()
    assert len(scores) == 4 + len(PEERS)
    assert len(rolling) == 2 + len(LIBRARIES)
    for name, peer in PEERS.items():
        speed, check, _ = scores[peer.title]
        if speed != "not installed":
            assert re.fullmatch(r"[\d.]+ [Mk] \([\d.,]+ ×\)", speed), name
            assert check == ("own estimator" if name in ("elliptic-envelope", "pyod") else "same"), name


def test_a_peer_that_is_not_installed_has_a_row_that_says_so(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "bottleneck", None)
    scores, rolling = run("--only", "bottleneck", "pandas")
    assert scores["bottleneck + BLAS"] == ["not installed", "–", "–"]
    assert rolling["bottleneck"] == ["not installed", "–", "–"]
    assert scores["pandas + scikit-learn"][1] == "same"


def test_a_peer_whose_distances_cannot_be_imported_still_rolls(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.covariance", None)
    scores, rolling = run("--only", "pandas")
    assert scores["pandas + scikit-learn"][0] == "not installed"
    assert rolling["pandas"][0].endswith("×)")


def test_lost_digits_are_in_bold(run):
    _, rolling = run("--only", "pandas")
    assert all(float(error) < 1e-14 for error in rolling["fastdrift"][1:])
    far, spiked = rolling["pandas"][1:]
    assert float(far.strip("*")) > 1e-9
    assert far.startswith("**")
    assert spiked.startswith("**") == (float(spiked.strip("*")) > GOOD)  # pandas 2 loses them after a spike, too


def test_a_std_that_is_nan_has_lost_its_digits():
    half = exact_std("N(1e9, 1)").copy()
    assert largest_error(half, "N(1e9, 1)") == "0e+00"
    half[::2] = np.nan  # all that is wrong are the NaNs
    assert re.fullmatch(r"\*\*0e\+00, 50% NaN\*\*", largest_error(half, "N(1e9, 1)"))


@pytest.fixture
def part(contest):
    return LIBRARIES["fastdrift"].roll(contest.rows, SHAPE.window)


def a_little_off(part):
    return lambda piece, columns: [np.asarray(column) * (1 + 1e-4) for column in part(piece, columns)]


def test_other_scores_than_ours_stop_the_run(contest, part):
    assert peers.score_work(contest, PEERS["pandas"], part, 4_000)[2][0] == "same"
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        peers.score_work(contest, PEERS["pandas"], a_little_off(part), 4_000)


def test_a_robust_estimator_is_held_to_its_own_centre_and_covariance(contest, part):
    def learn_off(features):
        return by_elliptic_envelope(features)._replace(own=False)

    peer = PEERS["elliptic-envelope"]._replace(library="pandas")
    assert peers.score_work(contest, peer, part, 4_000)[2][0] == "own estimator"
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        peers.score_work(contest, peer._replace(learn=learn_off), part, 4_000)
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        peers.score_work(contest, peer, a_little_off(part), 4_000)


@pytest.mark.parametrize("name", ["fastdrift", "pandas"])  # all columns at once, and in groups
def test_other_features_than_ours_stop_the_run(contest, part, name):
    peers.rolling_work(contest, LIBRARIES[name], part, 4_000)
    swapped = lambda piece, columns: part(piece, columns)[::-1]  # noqa: E731
    for wrong in (a_little_off(part), swapped):
        with pytest.raises(AssertionError, match="Not equal to tolerance"):
            peers.rolling_work(contest, LIBRARIES[name], wrong, 4_000)


@pytest.mark.parametrize("name", LIBRARIES)
@pytest.mark.parametrize("piece_rows", [100, 700, 5_000])
def test_pieces_give_the_scores_of_the_whole(name, piece_rows, contest):
    try:
        part = LIBRARIES[name].roll(contest.rows[:1_500], SHAPE.window)
    except ImportError:
        pytest.skip(f"{name} is not installed")
    gauge = by_blas(contest.features.T)
    whole = make_score(part, gauge, 1_500, SHAPE.window, None)()
    pieces = make_score(part, gauge, 1_500, SHAPE.window, piece_rows)()
    np.testing.assert_allclose(pieces, whole, rtol=1e-9)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--shape", "8y50"], "argument --shape: '8y50' is no shape: give columns x window, as in 8x50"),
        (["--shape", "8x50", "--shape", "0x50"], "argument --shape: '0x50' is no shape"),
        (["--only", "pandas", "excel"], "argument --only: invalid choice: 'excel' (choose from"),
        (["--rows", "100"], "argument --rows: 100 is too few for these shapes: give at least 64000"),
        (["--rounds", "0"], "argument --rounds: 0 is too few"),
        (["--rows", "many"], "argument --rows: invalid count value"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(options, complaint, capsys):
    with pytest.raises(SystemExit) as stop:
        peers.main(options)
    assert stop.value.code == 2
    printed, said = capsys.readouterr()
    assert printed == ""
    assert complaint in said
    assert said.count("\n") == 1
