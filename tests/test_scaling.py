"""The scaling benchmark: its command, its verdicts on made-up figures, its picture, its stream."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fastdrift as fd
from benchmarks.scaling import __main__ as scaling
from benchmarks.scaling.claims import TARGETS, judge, scaling_figure
from benchmarks.scaling.curves import Curve
from benchmarks.scaling.memory import assert_pieces_continue, stream_pieces
from benchmarks.work import assert_right
from fastdrift.plots.axes import FLAGGED

ROOT = Path(__file__).parent.parent
# a picture in which every target is met, just so or by far
GOOD = {
    "rows": ("rows", {"1 thread": {10: 4.0, 100: 5.0}}),
    "window": ("window", {"8 columns": {10: 6.0, 20: 4.0}}),
    "columns": ("columns", {"1 thread": {1: 1.0, 2: 4.0, 8: 8.0}}),
    "threads": ("threads", {"8 columns": {1: 9.0, 2: 5.0}}),
    "fit": ("threads", {"fit": {1: 32.0, 2: 20.0}, "score": {1: 8.0, 2: 5.0}}),
    "memory": ("rows", {"2 threads": {10: 1.0, 100: 12.0}}),
}
BAD = {
    "rows": ("1 thread", {10: 4.0, 100: 5.1}, 1.275),
    "window": ("8 columns", {10: 4.0, 20: 6.2}, 1.55),
    "columns": ("1 thread", {1: 1.0, 2: 1.5, 4: 6.5}, math.log2(6.5 / 1.5)),
    "threads": ("8 columns", {1: 8.5, 2: 5.0}, 1.7),
    "fit": ("fit", {1: 20.0, 2: 20.5}, 4.1),
    "memory": ("2 threads", {10: 12.5, 100: 1.0}, 12.5),
}


def made_up(**changed):
    """Return curves that meet every target, but for those of the named curves whose points are changed."""
    curves = {name: Curve(x_name, "ns a row", dict(series)) for name, (x_name, series) in GOOD.items()}
    for name, (series, points) in changed.items():
        curves[name].series[series] = points
    return curves


def titles(curves):
    figure = scaling_figure(curves, judge(curves), "a machine")
    figure.draw_without_rendering()
    return {name: axes._left_title for name, axes in zip(GOOD, figure.axes, strict=True)}


def test_the_command_prints_a_table_and_writes_a_picture_and_figures(tmp_path, capsys):
    scaling.main(["--quick", "--output-dir", str(tmp_path / "new")])
    table = capsys.readouterr().out.split("\n\n")[0].splitlines()
    figures = json.loads((tmp_path / "new" / "scaling.json").read_text())
    assert list(figures["curves"]) == list(TARGETS)
    assert {claim["curve"] for claim in figures["claims"]} == set(TARGETS)
    assert len(table) == 2 + len(figures["claims"])
    for claim, line in zip(figures["claims"], table[2:], strict=True):
        assert line.startswith(f"| {claim['curve']} | {claim['series']} |")
        assert line.endswith(f"| {claim['verdict']} |")
    points = [curve["series"] for name, curve in figures["curves"].items() if name != "memory"]
    assert all(spent > 0 for series in points for by_place in series.values() for spent in by_place.values())
    assert (tmp_path / "new" / "scaling.png").read_bytes().startswith(b"\x89PNG")


def test_an_unknown_option_is_a_usage_error():
    command = [sys.executable, "-m", "benchmarks.scaling", "--slowly"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "--slowly" in done.stderr


def test_figures_that_just_meet_their_targets_are_within():
    claims = judge(made_up())
    assert [claim["verdict"] for claim in claims] == ["within"] * 7
    assert [claim["share"] for claim in claims if claim["curve"] != "fit"] == [1.0] * 5
    assert all(title.get_color() == "black" for title in titles(made_up()).values())


@pytest.mark.parametrize("name", BAD)
def test_a_figure_beyond_its_target_is_missed_and_it_alone(name):
    series, points, measured = BAD[name]
    curves = made_up(**{name: (series, points)})
    missed = [claim for claim in judge(curves) if claim["verdict"] == "missed"]
    assert [claim["curve"] for claim in missed] == [name]
    assert missed[0]["measured"] == pytest.approx(measured)
    assert missed[0]["share"] == pytest.approx(measured / TARGETS[name].bound)
    assert scaling.claims_table(judge(curves), curves).count("| missed |") == 1
    flagged = {title: text.get_text() for title, text in titles(curves).items() if text.get_color() == FLAGGED}
    assert list(flagged) == [name]
    assert flagged[name].endswith(f"target: {TARGETS[name]}, missed")


def test_what_could_not_be_measured_is_neither_within_nor_missed():
    curves = made_up(threads=("8 columns", {1: 9.0}), memory=("2 threads", {}))
    unknown = [claim for claim in judge(curves) if claim["verdict"] == "not measured"]
    assert [claim["curve"] for claim in unknown] == ["threads", "memory"]
    assert all(claim["measured"] is None is claim["share"] for claim in unknown)
    assert "| – | at least 1.8 | – | not measured |" in scaling.claims_table(judge(curves), curves)
    assert titles(curves)["memory"].get_text() == "Memory\ntarget: at most 12, not measured"


def test_points_are_listed_by_place():
    table = scaling.points_table("rows", made_up()["rows"])
    assert table.splitlines()[0] == "| rows: ns a row, by rows | 10 | 100 |"
    assert table.splitlines()[2] == "| 1 thread | 4.0 | 5.0 |"


def test_pieces_of_a_stream_score_as_the_whole_and_must_be_whole_windows():
    rows = next(stream_pieces(1, 20_000, 3, 50))
    assert_pieces_continue(fd.fit(rows), 3)
    with pytest.raises(ValueError, match="multiple of the window, 50"):
        next(stream_pieces(1, 20_010, 3, 50))


def test_a_wrong_or_missing_score_is_not_timed():
    rows = next(stream_pieces(1, 20_000, 3, 50))
    model = fd.fit(rows)
    scores = fd.score(model, rows)
    assert_right(model, rows, scores)
    with pytest.raises(AssertionError):
        assert_right(model, rows, scores * (1 + 1e-6))
    with pytest.raises(AssertionError):
        assert_right(model, rows, np.where(np.arange(len(rows)) == 70, np.nan, scores))
