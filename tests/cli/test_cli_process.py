"""The command line as a process: exit codes, closed pipes, what is missing, and how quick help is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import fastdrift as fd

ROOT = Path(__file__).parents[2]
HEAVY = ("numpy.random", "numba", "pandas", "pyarrow", "matplotlib", "sklearn", "scipy")


def start(*arguments, folder=None):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, *arguments], env=environment, cwd=folder, **pipes)


def finished(*arguments, folder=None):
    process = start(*arguments, folder=folder)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def test_a_closed_pipe_is_no_traceback(tmp_path, fit):
    frame = fd.generate(4_000, columns=3, seed=1, drifts=()).frame
    frame.to_csv(tmp_path / "telemetry.csv")
    fit(frame, window=20).save(tmp_path / "model.fastdrift")
    process = start("-m", "fastdrift", "score", "model.fastdrift", "telemetry.csv", folder=tmp_path)
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=60) in (0, 1)
    assert "Traceback" not in err
    assert "rror" not in err


def test_the_module_and_its_exit_codes(tmp_path):
    assert finished("-m", "fastdrift", "--version")[:2] == (0, f"fastdrift, version {fd.__version__}\n")
    code, out, err = finished("-m", "fastdrift", "fit", "nowhere.csv", folder=tmp_path)
    assert (code, out) == (1, "")
    assert err == "Error: nowhere.csv: there is no such file\n"
    assert finished("-m", "fastdrift", "fit", folder=tmp_path)[0] == 2


@pytest.mark.parametrize("missing", ["click", "rich"])
def test_without_the_extra_it_says_what_to_install(missing):
    code = f"import sys; sys.modules[{missing!r}] = None; from fastdrift.__main__ import main; main()"
    expected = f"the command line needs {missing}: pip install 'fastdrift[cli]'\n"
    assert finished("-c", code) == (1, "", expected)


def test_without_what_a_command_needs_it_says_what_to_install(tmp_path):
    code = "import sys; sys.modules['pyarrow'] = None; from fastdrift.__main__ import main; main()"
    (tmp_path / "t.csv").write_text("a\n1\n")
    expected = "Error: pyarrow is needed: pip install 'fastdrift[cli]'\n"
    assert finished("-c", code, "fit", "t.csv", folder=tmp_path) == (1, "", expected)


@pytest.mark.parametrize(
    ("package", "message", "extra"),
    [
        ("matplotlib", "pictures need matplotlib", "cli"),
        ("sklearn", "need scikit-learn", "cli"),
        ("jinja2", "reports need Jinja2", "report"),
    ],
)
def test_without_what_a_run_needs_at_its_end_it_says_so_and_leaves_nothing(tmp_path, package, message, extra):
    code = f"import sys; sys.modules[{package!r}] = None; from fastdrift.__main__ import main; main()"
    result, out, err = finished(
        "-c", code, "run", "--n", "3000", "--train", "--eval", "--window", "10", folder=tmp_path
    )
    assert (result, out) == (1, "")
    assert message in err.splitlines()[-1]
    assert f"pip install 'fastdrift[{extra}]'" in err.splitlines()[-1]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("arguments", ["--help", "run --help", "compare --help", "--version"])
def test_help_is_quick_as_nothing_heavy_is_loaded(run_python, arguments):
    code = f"""
import sys
from fastdrift.__main__ import main
sys.argv[1:] = {arguments.split()}
try:
    main()
except SystemExit as end:
    print("ended with", end.code, [name for name in {HEAVY} if name in sys.modules])
"""
    assert run_python(code).splitlines()[-1] == "ended with 0 []"
