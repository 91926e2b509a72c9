"""Ctrl-C at any moment: a command that was interrupted exits with 130, says nothing and leaves nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import fastdrift as fd
from fastdrift.cli import interrupt

ROOT = Path(__file__).parents[2]
ARTIFACTS = ["model.fastdrift", "processed", "processed/anomaly_scores.png", "processed/events.csv",
             "processed/features.csv", "processed/scores.csv", "report.html"]  # fmt: skip
GENERATED = sorted([*ARTIFACTS, "raw", "raw/telemetry.csv"])
TRIES, EARLY = 40, 10
# the handler that a terminal's processes start with, whatever started this one; a line says when it is taken over
START = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from fastdrift.__main__ import interrupt, main
install = interrupt.install
def install_and_say_so():
    install()
    print("installed", flush=True)
interrupt.install = install_and_say_so
{before}
main()
"""
RUN = ["run", "--n", "3000", "--train", "--window", "20"]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise there")


def start(folder, *arguments, before=""):
    command = [sys.executable, "-c", START.format(before=before), *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, env=environment, cwd=folder, **pipes)


def finish(process):
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def written(folder):
    return sorted(str(path.relative_to(folder)) for path in Path(folder).rglob("*"))


def wait_for_stage(folder, process):
    deadline = time.monotonic() + 60
    while not os.listdir(folder) and process.poll() is None and time.monotonic() < deadline:  # noqa: PTH208
        time.sleep(0.001)


@pytest.fixture(scope="module")
def telemetry_file(tmp_path_factory):
    """Write rows that take a second to run, without gaps, of which `run` would rightly warn."""
    path = tmp_path_factory.mktemp("data") / "telemetry.parquet"
    fd.generate(100_000, columns=6, seed=1, drifts=["mean-shift"]).frame.to_parquet(path)
    return path


@pytest.fixture(scope="module")
def run_times(tmp_path_factory, telemetry_file):
    """Return how long a run takes until its stage is there, and from then on."""
    folder = tmp_path_factory.mktemp("whole")
    process = start(folder, "run", "--input", str(telemetry_file), "--train")
    process.stdout.readline()
    began = time.monotonic()
    wait_for_stage(folder, process)
    staged = time.monotonic()
    code, _, err = finish(process)
    assert (code, written(folder / "output")) == (0, ARTIFACTS), err
    return staged - began, time.monotonic() - staged


def interrupted(folder, telemetry_file, delay, *, early):
    """Interrupt a run so long after its begin, or after its stage was made; return what became of it."""
    process = start(folder, "run", "--input", str(telemetry_file), "--train")
    process.stdout.readline()
    if not early:
        wait_for_stage(folder, process)
    time.sleep(delay)
    process.send_signal(signal.SIGINT)
    code, _, err = finish(process)
    return code, err, written(folder)


def test_a_run_that_is_interrupted_at_any_moment_exits_with_130_and_leaves_nothing(tmp_path, telemetry_file, run_times):
    def try_once(number):
        early = number < EARLY
        delay = run_times[0] * number / EARLY if early else run_times[1] * (number - EARLY) / (TRIES - EARLY)
        for attempt in range(20):
            folder = tmp_path / f"{number}-{attempt}"
            folder.mkdir()
            code, err, left = interrupted(folder, telemetry_file, delay, early=early)
            if code:
                return code, err, left
            # its files were moved already: all of them are there, and it is tried again, sooner
            assert left == ["output", *(f"output/{name}" for name in ARTIFACTS)]
            delay *= 0.8
        return "never interrupted"

    with ThreadPoolExecutor(2) as executor:
        outcomes = list(executor.map(try_once, range(TRIES)))
    assert outcomes == [(130, "", [])] * TRIES


# what Ctrl-C may hit, put in the place of the rows that `run` generates
SWALLOWED = """
def hit(*_, **__):
    try:
        os.kill(os.getpid(), signal.SIGINT)
    except KeyboardInterrupt:
        pass
    return generate(3_000, seed=1)
"""
HALF_IMPORTED = """
def hit(*_, **__):
    try:
        os.kill(os.getpid(), signal.SIGINT)
    except KeyboardInterrupt:
        raise ImportError("cannot import name 'bit_generator' from partially initialized module")
"""
IN_A_DESTRUCTOR = """
class Dying:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
def hit(*_, **__):
    Dying()
    return generate(3_000, seed=1)
"""
FOR_LONG = """
import time
def hit(*_, **__):
    try:
        os.kill(os.getpid(), signal.SIGINT)
    except KeyboardInterrupt:
        pass
    time.sleep(100)
"""
TOLD_BY_C = """
def hit(*_, **__):
    try:
        os.kill(os.getpid(), signal.SIGINT)
    except KeyboardInterrupt as error:
        sys.excepthook(type(error), error, error.__traceback__)
    return generate(3_000, seed=1)
"""
PUT = "import fastdrift.cli.run as module\nfrom fastdrift.synthetic import generate\n{}\nmodule.generate = hit\n"


@pytest.mark.parametrize(
    "hit",
    [SWALLOWED, FOR_LONG, HALF_IMPORTED, IN_A_DESTRUCTOR, TOLD_BY_C],
    ids=["swallowed", "before a long step", "import", "destructor", "C"],
)
def test_an_interrupt_that_something_swallows_is_still_one(tmp_path, hit):
    began = time.monotonic()
    code, _, err = finish(start(tmp_path, *RUN, before=PUT.format(hit)))
    assert (code, err, written(tmp_path)) == (130, "", [])
    assert time.monotonic() - began < 60


def test_without_an_interrupt_the_same_errors_are_told(tmp_path):
    told = SWALLOWED.replace("os.kill(os.getpid(), signal.SIGINT)", "raise RuntimeError('told')")
    code, _, err = finish(start(tmp_path, *RUN, before=PUT.format(told)))
    assert code == 1
    assert "RuntimeError: told" in err
    assert written(tmp_path) == []


IN_THE_MOVE = """
from pathlib import Path
moved = Path.replace
def replace(path, target):
    os.kill(os.getpid(), signal.SIGINT)
    return moved(path, target)
def settle():
    given()
    Path.replace = replace
from fastdrift.cli import interrupt
given, interrupt.settle = interrupt.settle, settle
"""


def test_an_interrupt_while_files_are_moved_is_too_late(tmp_path):
    code, out, err = finish(start(tmp_path, *RUN, before=IN_THE_MOVE))
    assert code == 0
    assert "Monitored rows" in out
    assert err.splitlines()[-1] == "wrote output/processed/events.csv"
    assert written(tmp_path / "output") == GENERATED
    assert [path.name for path in tmp_path.iterdir()] == ["output"]


RIGHT_BEFORE_THE_MOVE = """
from fastdrift.cli import interrupt
given = interrupt.settle
def settle():
    try:
        os.kill(os.getpid(), signal.SIGINT)
    except KeyboardInterrupt:
        pass
    given()
interrupt.settle = settle
"""


def test_an_interrupt_right_before_files_are_moved_is_in_time(tmp_path):
    Path(tmp_path / "output").mkdir()
    Path(tmp_path / "output" / "metrics.json").write_text("of an earlier run")
    before = written(tmp_path)
    code, _, _ = finish(start(tmp_path, *RUN, before=RIGHT_BEFORE_THE_MOVE))
    assert (code, written(tmp_path)) == (130, before)
    assert Path(tmp_path / "output" / "metrics.json").read_text() == "of an earlier run"


TWICE = """
import tempfile
cleaned = tempfile.TemporaryDirectory.cleanup
def cleanup(folder):
    os.kill(os.getpid(), signal.SIGINT)
    cleaned(folder)
tempfile.TemporaryDirectory.cleanup = cleanup
def hit(*_, **__):
    os.kill(os.getpid(), signal.SIGINT)
"""


def test_a_second_interrupt_does_not_stop_the_tidying_up_after_the_first(tmp_path):
    code, _, err = finish(start(tmp_path, *RUN, before=PUT.format(TWICE)))
    assert (code, err, written(tmp_path)) == (130, "", [])


AT_THE_END = """
import atexit
atexit.register(lambda: os.kill(os.getpid(), signal.SIGINT))
"""


@pytest.mark.parametrize(("command", "code"), [("doctor", 0), ("fit", 2)])
def test_an_interrupt_when_all_is_done_changes_nothing(tmp_path, command, code):
    assert finish(start(tmp_path, command, before=AT_THE_END))[0] == code


def test_where_interrupts_are_ignored_they_stay_ignored(tmp_path):
    ignored = PUT.format(SWALLOWED) + "signal.signal(signal.SIGINT, signal.SIG_IGN)"
    code, _, _ = finish(start(tmp_path, *RUN, before=ignored))
    assert code == 0
    assert written(tmp_path / "output") == GENERATED


def test_other_commands_stop_at_once_too(tmp_path, telemetry_file):
    hit = "import fastdrift.cli.fit as module\ndef hit(*_, **__): os.kill(os.getpid(), signal.SIGINT)\n"
    code, _, err = finish(start(tmp_path, "fit", str(telemetry_file), before=f"{hit}module.read_telemetry = hit"))
    assert (code, err, written(tmp_path)) == (130, "", [])


def test_pieces_are_passed_on_until_there_is_an_interrupt(monkeypatch):
    monkeypatch.setattr(interrupt, "_state", interrupt._State(raises=True))
    pieces = interrupt.checked(iter("abc"))
    assert next(pieces) == "a"
    interrupt._state.is_recorded = True
    with pytest.raises(KeyboardInterrupt):
        next(pieces)


def test_another_thread_and_a_program_with_its_own_handler_are_left_alone():
    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=interrupt.install)
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGINT) is before

    def own_handler(*_):
        """Stand for a program's own handler."""

    signal.signal(signal.SIGINT, own_handler)
    try:
        interrupt.install()
        interrupt.uninstall()
        assert signal.getsignal(signal.SIGINT) is own_handler
    finally:
        signal.signal(signal.SIGINT, before)
