"""Kernels that were compiled once are loaded by later processes without Numba, and any doubt costs a compilation."""

from __future__ import annotations

import errno
import hashlib
import json
import multiprocessing
import os
import pathlib
import shutil
import struct
import subprocess
import sys

import numpy as np
import pytest
from llvmlite import binding
from numba import njit, types
from numba.core.codegen import CPUCodeLibrary

import fastdrift as fd
from fastdrift.kernels import calling, compiling, keeping

FLOAT = np.dtype(np.float64)
# kernels that are quick to compile, and what they gave
SMALL = """
import sys, warnings, numpy as np
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import fastdrift as fd
    rows = np.random.default_rng(0).normal(size=(2_000, 2))
    distances = fd.mahalanobis(rows, [0.0, 0.0], [[2.0, 0.5], [0.5, 1.0]])
print(distances.tobytes().hex()[:256], "numba" in sys.modules, len(caught))
"""


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """Return a folder in which a process has kept its kernels, and what it printed."""
    folder = tmp_path_factory.mktemp("kernels")
    return folder, _run(SMALL, folder)


@pytest.fixture
def cache(filled, tmp_path):
    """Return a copy of that folder."""
    return shutil.copytree(filled[0], tmp_path / "cache")


def _run(code, folder, *options, **environment):
    known = os.environ | {"PYTHONPATH": str(_root()), "FASTDRIFT_CACHE_DIR": str(folder)} | environment
    command = [sys.executable, *options, "-c", code]
    done = subprocess.run(command, env=known, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def _root():
    return keeping._HERE.parent.parent


def _files(folder):
    return sorted(folder.rglob(f"*{keeping.SUFFIX}"))


# Without Numba


def test_a_fresh_process_fits_and_scores_without_numba_where_kernels_are_kept(run_python):
    code = """
import sys, hashlib, numpy as np, fastdrift as fd
rows = np.random.default_rng(0).normal(size=(2_000, 2))
scores = fd.score(fd.fit(rows, window=10, threshold="in-sample"), rows)
print(hashlib.sha256(scores.tobytes()).hexdigest(), *[name in sys.modules for name in ("numba", "scipy", "pandas")])
"""
    first = run_python(code, "-W", "ignore").split()
    assert run_python(code, "-W", "ignore").split() == [first[0], "False", "False", "False"]


def test_what_was_kept_gives_the_bytes_of_what_was_compiled(filled):
    folder, (distances, had_numba, n_warnings) = filled
    assert (had_numba, n_warnings) == ("True", "0")
    assert _run(SMALL, folder) == [distances, "False", "0"]


# Doubt


def _sealed(content):
    return keeping._MAGIC + hashlib.sha256(content).hexdigest().encode() + b"\n" + content


def _with_header(file, **change):
    line, _, code = file.partition(b"\n")[2].partition(b"\n")
    header = json.loads(line)
    (name,) = change
    (header if name in header else header["for"])[name] = change[name]
    assert json.loads(line)["for"].keys() == header["for"].keys(), f"nothing tells {name}"
    return _sealed(json.dumps(header).encode() + b"\n" + code)


DAMAGES = {
    "empty": lambda _: b"",
    "foreign": lambda _: b"\x80\x04 not what we wrote",
    "half-written": lambda file: file[: len(file) // 2],
    "a line short": lambda file: file.partition(b"\n")[0],
    "a bit of the code": lambda file: file[:-100] + bytes([file[-100] ^ 1]) + file[-99:],
    "a bit of the header": lambda file: file.replace(b"float64", b"float32", 1),
    "no header": lambda _: _sealed(b"no header\n"),
    "a list": lambda _: _sealed(b"[]\n"),
    "lacks fields": lambda file: _sealed(file.partition(b"\n")[2].replace(b"needs", b"wants", 1)),
    "another kernel": lambda file: _with_header(file, kernel="score_range"),
    "another dtype": lambda file: _with_header(file, dtype="float32"),
    "another processor": lambda file: _with_header(file, cpu="sandybridge"),
    "other features": lambda file: _with_header(file, features="+sse2"),
    "another Numba": lambda file: _with_header(file, numba="0.1"),
    "another llvmlite": lambda file: _with_header(file, llvmlite="0.1"),
    "another Python": lambda file: _with_header(file, python="2.7"),
    "another NumPy": lambda file: _with_header(file, numpy="1.0"),
    "other kernels": lambda file: _with_header(file, kernels="0"),
    "a name that is not there": lambda file: _with_header(file, needs=["no_such_function"]),
    "a function that is not there": lambda file: _with_header(file, function="no_such_function"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_file_that_is_damaged_or_not_for_this_process_is_as_none(cache, monkeypatch, damage):
    monkeypatch.setenv("FASTDRIFT_CACHE_DIR", str(cache))
    assert calling.kept_kernel("distance_range", FLOAT) is not None
    for path in _files(cache):
        path.write_bytes(DAMAGES[damage](path.read_bytes()))
    assert calling.kept_kernel("distance_range", FLOAT) is None


def test_a_damaged_file_costs_a_compilation_and_no_word_and_is_mended(filled, cache):
    for path, damage in zip(_files(cache), (b"", b"not what we wrote"), strict=True):
        path.write_bytes(damage)
    assert _run(SMALL, cache) == [filled[1][0], "True", "0"]
    assert _run(SMALL, cache) == [filled[1][0], "False", "0"]


def test_settings_of_numba_that_may_change_the_code_have_files_of_their_own(cache, tmp_path, monkeypatch):
    monkeypatch.setenv("FASTDRIFT_CACHE_DIR", str(cache))
    monkeypatch.chdir(tmp_path)

    def is_kept():
        keeping.identity.cache_clear()
        return keeping.read_kept("distance_range", FLOAT) is not None

    assert is_kept()
    monkeypatch.setenv("NUMBA_NUM_THREADS", "1")
    assert is_kept()
    monkeypatch.setenv("NUMBA_CPU_NAME", "haswell")
    assert not is_kept()
    monkeypatch.delenv("NUMBA_CPU_NAME")
    (tmp_path / ".numba_config.yaml").write_text("opt: 1")
    assert not is_kept()
    (tmp_path / ".numba_config.yaml").unlink()
    assert is_kept()


def _numba_without_object_code(patch):
    patch.delattr(CPUCodeLibrary, "serialize_using_object_code")


def _another_order_of_arguments(patch):
    patch.setattr(compiling, "_is_called_as_expected", lambda *_: False)


def _a_kernel_that_needs_numba(patch):
    patch.setattr(compiling, "needed_by", lambda _: {"numba_gil_ensure"})


def _arrays_that_lie_otherwise(patch):
    patch.setattr(compiling, "arrays_are_as_expected", lambda: False)


def _code_that_cannot_be_loaded(patch):
    patch.setattr(binding.ObjectFileRef, "from_data", _raise)


def _raise(*_):
    raise RuntimeError("no object file")


@pytest.mark.parametrize(
    "change",
    [
        _numba_without_object_code,
        _another_order_of_arguments,
        _a_kernel_that_needs_numba,
        _arrays_that_lie_otherwise,
        _code_that_cannot_be_loaded,
    ],
)
def test_where_code_cannot_be_kept_numba_calls_the_kernel_and_it_is_said_once(tmp_path, monkeypatch, change):
    monkeypatch.setenv("FASTDRIFT_CACHE_DIR", str(tmp_path))
    matrix, factors = np.cov(np.random.default_rng(0).normal(size=(12, 400))), []
    for is_changed in (False, True):
        with monkeypatch.context() as patch:
            if is_changed:
                keeping.warn_not_kept.cache_clear()
                change(patch)
                with pytest.warns(fd.DriftWarning, match="compiled anew in each process"):
                    cholesky = compiling.compile_kernel("cholesky", None)
                assert compiling.compile_kernel("cholesky", None).signatures  # numba's own, and no second warning
            else:
                cholesky = compiling.compile_kernel("cholesky", None)
        factors.append(np.zeros_like(matrix))
        assert cholesky(matrix, 0.0, factors[-1])[0] == -1
    assert factors[0].tobytes() == factors[1].tobytes()
    assert np.allclose(factors[0] @ factors[0].T, matrix)


# What is called in the process


def _undefined(code):
    """Return the names that an object of Linux leaves to others, from the table of its symbols."""
    sections, size, count = (struct.unpack_from(kind, code, at)[0] for kind, at in (("<Q", 40), ("<H", 58), ("<H", 60)))
    headers = [struct.unpack_from("<IIQQQQIIQQ", code, sections + size * index) for index in range(count)]
    table = next(header for header in headers if header[1] == 2)
    names = headers[table[6]][4]
    symbols = [struct.unpack_from("<IBBH", code, at) for at in range(table[4] + 24, table[4] + table[5], 24)]
    return {code[names + at : code.index(b"\0", names + at)].decode() for at, _, _, section in symbols if section == 0}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads objects of Linux")
def test_code_calls_nothing_but_what_it_says_it_needs():
    for name, dtype in (("cholesky", None), ("row_moments", FLOAT), ("onset_rows", FLOAT)):
        kept = compiling.compile_object(name, dtype)
        assert _undefined(kept.code) <= {*kept.needs, "_GLOBAL_OFFSET_TABLE_"}
    other = compiling._compiled(njit(lambda value: str(value + 1)), (types.int64,))
    library = next(iter(other.overloads.values())).library
    assert _undefined(library.serialize_using_object_code()[2][0]) > {"NRT_Free"}  # a check that can fail


# At once, and by halves


def test_threads_that_ask_at_once_for_the_first_time_get_one_kernel(cache):
    code = """
import sys, threading, numpy as np, fastdrift as fd
rows = np.random.default_rng(0).normal(size=(2_000, 2))
together, found = threading.Barrier(8), set()
def first():
    together.wait()
    found.add(fd.mahalanobis(rows, [0.0, 0.0], [[2.0, 0.5], [0.5, 1.0]]).tobytes().hex()[:256])
threads = [threading.Thread(target=first) for _ in range(8)]
for one in threads: one.start()
for one in threads: one.join()
print(*found, "numba" in sys.modules, 0)
"""
    assert _run(code, cache) == _run(SMALL, cache)


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="this system has no fork")
def test_a_forked_child_uses_what_its_parent_loaded_and_loads_what_it_did_not(cache):
    code = """
import os, sys, numpy as np, fastdrift as fd
rows = np.random.default_rng(0).normal(size=(2_000, 2))
def distances():
    return fd.mahalanobis(rows, [0.0, 0.0], [[2.0, 0.5], [0.5, 1.0]]).tobytes().hex()[:256]
first = distances() if sys.argv[1:] else None
child = os.fork()
if not child:
    print(distances(), "numba" in sys.modules, 0, flush=True)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
assert distances() == first or not first
"""
    expected = _run(SMALL, cache)
    assert _run(code, cache, "-W", "ignore") == expected
    assert _run(code.replace("sys.argv[1:]", "True"), cache, "-W", "ignore") == expected


def test_a_process_that_ends_while_it_writes_leaves_nothing_that_is_read(filled, tmp_path):
    code = """
import os, pathlib
write = pathlib.Path.write_bytes
def half(path, content):
    write(path, content[: len(content) // 2])
    os._exit(0)
pathlib.Path.write_bytes = half
"""
    assert _run(code + SMALL, tmp_path) == []
    assert _files(tmp_path) == []
    assert len(list(tmp_path.rglob("*.part"))) == 1
    assert _run(SMALL, tmp_path) == filled[1]


def test_a_full_disk_costs_a_warning(tmp_path, monkeypatch):
    monkeypatch.setenv("FASTDRIFT_CACHE_DIR", str(tmp_path))
    keeping.cache_directory.cache_clear()
    keeping.warn_not_kept.cache_clear()
    monkeypatch.setattr(pathlib.Path, "write_bytes", _full)
    try:
        with pytest.warns(fd.DriftWarning, match="cannot be kept in .*No space left"):
            compiling.compile_kernel("cholesky", None)
    finally:
        keeping.cache_directory.cache_clear()


def _full(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


# Numba's inside


@pytest.mark.parametrize("name", ["JITCodeLibrary", "global_compiler_lock", "cpu_target"])
def test_nesting_is_done_without_where_numba_has_moved_what_it_uses(run_python, name):
    code = f"""
import numba.core.codegen, numba.core.compiler_lock, numba.core.registry
for module in (numba.core.codegen, numba.core.compiler_lock, numba.core.registry):
    vars(module).pop({name!r}, None)
from fastdrift.kernels import nesting
with nesting.compiled_whole("anything"):
    print(nesting.FOUND)
"""
    assert run_python(code) == "False\n"
