"""The regression gate passes what is as fast as it was, and nothing else."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
from numba import njit

from benchmarks import work
from benchmarks.cases import CASES, Case
from benchmarks.gate import __main__ as gate
from benchmarks.gate.laps import GateError, Lap, checkout, measure, worker
from benchmarks.gate.verdicts import (
    NONE,
    Loop,
    judge_loops,
    judge_names,
    judge_peak,
    judge_speed,
    load_floors,
    loops_of,
    updated,
)

ROOT = Path(__file__).parent.parent
SUITE = """
import numpy as np
from benchmarks.cases import Case

def prepare():
    numbers = np.arange(10_000.0)
    assert numbers.sum() == 49_995_000
    return numbers.sum

CASES = [Case("sum", prepare), Case("sum again", prepare, reference="memory")]
"""


@pytest.fixture
def own(tmp_path):
    """Return the options of a suite of one's own, and the path of its floors, made already."""
    suite, floors = tmp_path / "mine.py", tmp_path / "mine.json"
    suite.write_text(SUITE)
    options = ["--suite", str(suite), "--floors", str(floors), "--rounds", "2"]
    assert gate.main([*options, "--update", "--reason", "first"]) == 0
    return options, floors


def floors(**speeds):
    return NONE | {"speeds": speeds}


def assert_usage_error(options, complaint, capsys):
    with pytest.raises(SystemExit) as stop:
        gate.main(options)
    assert stop.value.code == 2
    assert complaint in capsys.readouterr().err


def slow_down(path, name, times):
    """Raise a floor, which is what a slower case looks like."""
    document = json.loads(path.read_text())
    document["speeds"][name] *= times
    path.write_text(json.dumps(document))


# Floors


def test_floors_come_back_from_their_file(tmp_path):
    floors = updated(NONE, {"a": 0.5, "b": 2.0}, {"c": 12.0}, "a machine", "why not")
    (tmp_path / "f.json").write_text(json.dumps(floors))
    assert load_floors(tmp_path / "f.json") == floors
    later = updated(floors, {"a": 0.4, "d": 1.0}, {}, "another", "slower, but right")
    assert [entry["reason"] for entry in later["history"]] == ["why not", "slower, but right"]
    assert later["history"][-1] | {"changed": ["a", "d"], "gone": ["b"], "machine": "another"} == later["history"][-1]
    assert (later["speeds"], later["peaks"]) == ({"a": 0.4, "d": 1.0}, {})


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "no such file; --update"),
        ("{", "Expecting property name"),
        ("[]", "its schema is None"),
        ('{"schema": 7, "speeds": {}, "peaks": {}}', "its schema is 7, this gate reads 1"),
        ('{"schema": 1, "speeds": {"a": 0}, "peaks": {}}', "speeds must map names to numbers above 0"),
        ('{"schema": 1, "speeds": {"a": "fast"}, "peaks": {}}', "speeds must map"),
        ('{"schema": 1, "speeds": {}}', "peaks must map"),
        ('{"schema": 1, "speeds": {}, "peaks": {}, "history": 1}', "history must be a list"),
    ],
)
def test_floors_that_cannot_be_used_say_why(tmp_path, content, complaint, capsys):
    path = tmp_path / "f.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(GateError, match=re.escape(complaint)):
        load_floors(path)
    assert_usage_error(["--floors", str(path)], complaint, capsys)


def test_a_speed_a_quarter_below_its_floor_fails_and_one_above_does_not():
    assert list(judge_speed("a", 0.76, floors(a=1.0))) == []
    assert list(judge_speed("a", 0.74, floors(a=1.0))) == ["a: runs at 74% of its floor, less than 75%"]


def test_cases_without_floors_and_floors_without_cases_fail():
    gone, new = judge_names({"new", "kept"}, floors(kept=1.0, gone=1.0))
    assert gone.startswith("gone: has a floor but is no longer benchmarked")
    assert new.startswith("new: has no floor")


def test_memory_above_what_was_committed_fails():
    known = NONE | {"peaks": {"score": 9.0}}
    assert list(judge_peak("score", 15.9, known)) == []
    assert list(judge_peak("score", 16.1, known)) == ["score: takes 16.1 MiB where 9.0 were committed"]
    assert "fit: has no figure" in next(judge_peak("fit", 1.0, known))


def test_the_committed_floors_are_those_of_the_suite():
    committed = load_floors(ROOT / "bench_data" / "floors.json")
    assert sorted(committed["speeds"]) == sorted(case.name for case in CASES)
    assert committed["peaks"].keys() == gate.peaks().keys()
    assert committed["history"][-1]["reason"]


# Timing


@pytest.mark.parametrize(("second", "problems"), [(0.8, 0), (0.7, 1)])
def test_a_second_measurement_must_agree(monkeypatch, capsys, second, problems):
    asked, laps = [], iter([Lap(1.0, 0.5), Lap(1.0, second)])
    monkeypatch.setattr(gate, "measure", lambda _case, rounds: asked.append(rounds) or next(laps))
    assert len(gate.judge_case(Case("a", list), floors(a=1.0), rounds=3)) == problems
    assert asked == [3, 6]
    assert f"| {second:.0%} |" in capsys.readouterr().out


def test_a_case_near_its_floor_is_measured_once(monkeypatch, capsys):
    laps = iter([Lap(1.0, 0.9)])
    monkeypatch.setattr(gate, "measure", lambda _case, _rounds: next(laps))
    assert gate.judge_case(Case("a", list), floors(a=1.0), rounds=3) == []


@pytest.mark.parametrize("floor", [1e-9, 1e9])  # once where it is fast enough, and where it is measured again
def test_what_is_compiled_while_it_is_timed_is_noticed(floor):
    kinds = iter([np.int8, np.int16, np.int32, np.int64, np.float32, np.float64, *[np.float64] * 10**6])

    def prepare():
        @njit
        def double(value):
            return 2 * value

        return lambda: double(next(kinds)(1))

    problems = gate.judge_case(Case("double", prepare), floors(double=floor), rounds=1)
    assert problems[-1].startswith("double: compiles double")
    assert measure(Case("nothing", lambda: list), 1).compiled == ()


# Assembly


@njit
def scalar_loop(numbers, out):
    total = 0.0
    for at in range(numbers.size):  # each step needs the one before
        total = (total * 0.5 + numbers[at]) * (total - 3.0) + (total * numbers[at] - 1.0) * 0.25 + total * 0.125
    out[0] = total


def test_a_hot_loop_on_single_numbers_is_found():
    scalar_loop(np.ones(9), np.ones(1))
    (assembly,) = scalar_loop.inspect_asm().values()
    loops = loops_of(assembly)
    if not loops:
        pytest.skip("reads x86 assembly")
    assert any(loop.scalar >= 8 > loop.packed for loop in loops)
    problems = list(judge_loops("scalar_loop", loops, [16]))
    assert "on single numbers and 0 on vectors" in problems[0]
    assert "has [0] packed multiply-adds" in problems[-1]
    slow = sum(loop.scalar > loop.packed and loop.packed + loop.scalar >= 8 for loop in loops)
    assert len(list(judge_loops("scalar_loop", loops, [0], slow))) == 0
    assert len(list(judge_loops("scalar_loop", loops, [0], slow - 1))) == slow


def test_loops_are_told_apart():
    inner = ["\tvfmadd231pd\t%zmm0, %zmm1, %zmm2"] * 16 + ["\tjne\t.LBB0_2"]
    outer = ["\tvaddsd\t%xmm0, %xmm1, %xmm2"] * 9 + ["\tvsqrtpd\t%zmm1, %zmm2", "\tjmp\t.LBB0_1"]
    assembly = "\n".join(["f:", "\tjmp\t.LBB0_1", ".LBB0_1:", "\tvmovups\t(%rax), %zmm0", ".LBB0_2:", *inner, *outer])
    assert loops_of(assembly) == [Loop(16, 16, 0)]
    assert list(judge_loops("f", loops_of(assembly), [16])) == []
    (problem,) = judge_loops("f", loops_of(assembly), [32, 16])
    assert "[16] packed multiply-adds in its busiest loops, [32, 16] are wanted" in problem


# The command


def test_a_suite_of_ones_own_passes_at_its_floors_and_fails_above(own, capsys):
    options, path = own
    slow_down(path, "sum", 1e-3)
    slow_down(path, "sum again", 1e-3)
    assert gate.main(options) == 0
    assert "passed" in capsys.readouterr().out
    slow_down(path, "sum", 1e6)
    assert gate.main(options) == 1
    captured = capsys.readouterr()
    assert "FAILED sum: runs at" in captured.err
    assert "1 problem(s)" in captured.out
    assert gate.main([*options, "--only", "sum again"]) == 0


def test_floors_of_some_cases_are_updated_and_the_others_kept(own, capsys):
    options, path = own
    slow_down(path, "sum", 1e6)
    slow_down(path, "sum again", 1e6)
    before = load_floors(path)
    assert gate.main([*options, "--update", "--reason", "why", "--only", "sum again"]) == 0
    after = load_floors(path)
    assert list(after["speeds"]) == list(before["speeds"])
    assert after["speeds"]["sum"] == before["speeds"]["sum"]
    assert after["speeds"]["sum again"] < before["speeds"]["sum again"] / 1e3
    assert after["history"][-1]["changed"] == ["sum again"]
    assert after["history"][:-1] == before["history"]


def test_a_floor_is_the_least_of_the_measurements(own, monkeypatch):
    options, path = own
    laps = iter([Lap(1.0, 0.5), Lap(1.0, 0.25), Lap(1.0, 0.4)])
    monkeypatch.setattr(gate, "measure", lambda _case, _rounds: next(laps))
    assert gate.main([*options, "--update", "--reason", "why", "--only", "sum"]) == 0
    assert load_floors(path)["speeds"]["sum"] == 0.25


def test_memory_is_measured_with_the_usual_allocator(monkeypatch):
    for name, value in work.KEEPING.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MALLOC_ARENA_MAX", "2")
    kept = work.usual_environment()
    assert kept["MALLOC_ARENA_MAX"] == "2"
    assert not kept.keys() & work.KEEPING.keys()


def test_a_case_that_vanished_fails(own, capsys):
    options, path = own
    document = json.loads(path.read_text())
    document["speeds"]["product"] = 1.0
    path.write_text(json.dumps(document))
    assert gate.main(options) == 1
    assert "FAILED product: has a floor but is no longer benchmarked" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--update"], "--update needs --reason"),
        (["--update", "--reason", " "], "--update needs --reason"),
        (["--update", "--reason", "why", "--against", "HEAD"], "--against judges nothing"),
        (["--only", "no such case"], "no case is called 'no such case'"),
        (["--rounds", "0"], "at least 1"),
    ],
)
def test_wrong_usage_is_an_error_of_usage(options, complaint, capsys):
    assert_usage_error(options, complaint, capsys)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "no such file of Python"),
        ("CASES = []", "must be a list"),
        ("from benchmarks.cases import Case\nCASES = [Case('a', list), Case('a', list)]", "two cases are called 'a'"),
    ],
)
def test_a_suite_that_cannot_be_used_says_why(tmp_path, content, complaint, capsys):
    path = tmp_path / "mine.py"
    if content:
        path.write_text(content)
    assert_usage_error(["--suite", str(path)], complaint, capsys)


needs_git = pytest.mark.skipif(
    shutil.which("git") is None or not (ROOT / ".git").exists(), reason="there is no repository of other revisions"
)


@needs_git
def test_another_revision_is_timed_in_turns(own, capsys):
    options, _ = own
    assert gate.main([*options, "--against", "HEAD"]) == 0
    rows = re.findall(r"^\| (sum.*?) \| [\d,]+ \| [\d,]+ \| ([\d.]+) \|$", capsys.readouterr().out, re.MULTILINE)
    assert [name for name, _ in rows] == ["sum", "sum again"]


@needs_git
def test_the_other_side_has_the_revision_s_package_and_not_this_one(tmp_path):
    suite = tmp_path / "where.py"
    suite.write_text(
        "import fastdrift\nfrom benchmarks.cases import Case\n"
        "def prepare():\n    raise RuntimeError(fastdrift.__file__)\nCASES = [Case('where', prepare)]\n"
    )
    with checkout("HEAD") as source:
        for place in (source, ROOT):
            with worker(place, "where", str(suite)) as lap, pytest.raises(GateError, match=re.escape(str(place))):
                lap()


def test_a_case_that_fails_in_its_process_or_ends_it_has_a_row_that_says_so(tmp_path, monkeypatch, capsys):
    suite = tmp_path / "mine.py"
    suite.write_text(
        "import os\nfrom benchmarks.cases import Case\n"
        "CASES = [Case('wrong', lambda: 1 / 0), Case('dead', lambda: os._exit(1)), Case('fine', lambda: list)]\n"
    )
    monkeypatch.setattr(gate, "checkout", lambda _revision: nullcontext(ROOT))
    assert gate.main(["--suite", str(suite), "--rounds", "1", "--against", "HEAD"]) == 0
    printed = capsys.readouterr().out
    assert "| wrong | – | – | ZeroDivisionError: division by zero |" in printed
    assert "| dead | – | – | the process that timed it has died |" in printed
    assert re.search(r"^\| fine \| [\d,]+ \| [\d,]+ \| [\d.]+ \|$", printed, re.MULTILINE)


def test_a_process_that_ends_at_once_is_told_whenever_it_is_asked(tmp_path):
    (tmp_path / "fastdrift").mkdir()
    (tmp_path / "fastdrift" / "__init__.py").write_text("raise SystemExit(1)")
    with worker(tmp_path, "any", None) as lap:
        for _ in range(2):  # the second time there is nobody left to write to
            with pytest.raises(GateError, match="the process that timed it has died"):
                lap()


@needs_git
def test_a_revision_that_is_not_there_is_an_error_of_usage(own, capsys):
    options, _ = own
    assert_usage_error([*options, "--against", "no-such-revision"], "no-such-revision", capsys)


def test_the_suite_of_the_guide_runs(tmp_path, capsys):
    guide = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (code,) = [block for block in re.findall(r"```py\n(.*?)```", guide, flags=re.DOTALL) if "CASES" in block]
    suite = tmp_path / "mine.py"
    suite.write_text(code)
    options = ["--suite", str(suite), "--floors", str(tmp_path / "mine.json"), "--rounds", "3"]
    assert gate.main([*options, "--update", "--reason", "first floors"]) == 0
    slow_down(tmp_path / "mine.json", "score of my telemetry", 1e-3)
    assert gate.main(options) == 0
    assert "| score of my telemetry |" in capsys.readouterr().out


def test_the_command_has_help_with_examples():
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.gate", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "python -m benchmarks.gate --against HEAD~3" in done.stdout
