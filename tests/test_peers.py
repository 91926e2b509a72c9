"""The comparison with other libraries checks them, and goes on without those that are not installed."""

from __future__ import annotations

import re
import sys

import numpy as np
import pytest

from benchmarks import peers
from benchmarks.peer_libraries import PEERS, roll_pandas
from benchmarks.rows import make_rows

SMALL = ["--rows", "4000", "--rounds", "1", "--shape", "3x20"]


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(peers, "TURN", 0.0)
    monkeypatch.setattr(peers, "DIGITS", (200, 1, 20))


def test_a_peer_that_is_not_installed_is_listed_as_such_and_the_run_goes_on(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "bottleneck", None)
    assert peers.main([*SMALL, "--only", "bottleneck + BLAS", "--only", "pandas + scikit-learn"]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"\| bottleneck \+ BLAS \| not installed \| – \|", printed)
    assert re.search(r"\| bottleneck \+ BLAS \| not installed \|$", printed, re.MULTILINE)
    assert re.search(r"\| pandas \+ scikit-learn \| [\d.]+ M \([\d.,]+ ×\) \| \de-\d+ \|", printed)


def test_what_loses_digits_is_seen_and_what_does_not_is_too(capsys):
    assert peers.main([*SMALL, "--only", "pandas + scikit-learn"]) == 0
    printed = capsys.readouterr().out
    errors = dict(re.findall(r"^\| (fastdrift|pandas \+ scikit-learn) \| .* \| (\S+e-\d+) \|$", printed, re.MULTILINE))
    assert float(errors["fastdrift"]) < 1e-14
    assert float(errors["pandas + scikit-learn"]) > 1e-8


def test_a_peer_that_gives_other_scores_stops_the_run():
    rows = make_rows(3_000, 3)
    expected = peers.our_work(rows, 20, 1_000, 1).score()
    peer = PEERS["pandas + scikit-learn"]
    peers.peer_work(peer, rows, 20, 1_000, expected)
    wrong = peer._replace(learn=lambda features: lambda windows: peer.learn(features)(windows) * 1.001)
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        peers.peer_work(wrong, rows, 20, 1_000, expected)


def test_a_peer_that_rolls_wrongly_stops_the_run():
    rows = make_rows(300, 2)
    features = roll_pandas(rows, 20)
    right = features.to_features(features.call())
    peers.check_features(right, rows, 20)
    wrong = np.roll(right, 1, axis=0)
    with pytest.raises(AssertionError):
        peers.check_features(wrong, rows, 20)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--shape", "8y50"], "'8y50' is no shape: give columns x window, as in 8x50"),
        (["--shape", "0x50"], "is no shape"),
        (["--only", "excel"], "invalid choice: 'excel'"),
        (["--rows", "100"], "ten windows"),
    ],
)
def test_wrong_usage_is_an_error_of_usage(options, complaint, capsys):
    with pytest.raises(SystemExit) as stop:
        peers.main(options)
    assert stop.value.code == 2
    assert complaint in capsys.readouterr().err
