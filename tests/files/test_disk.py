"""The disk: nothing endless is read, nothing half written stays, and what cannot be written is said once."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
import tracemalloc
from pathlib import Path

import pandas as pd
import pytest

import fastdrift as fd
from fastdrift.detectors.store import load_model
from fastdrift.files import csv, disk, scratch
from fastdrift.files.disk import replacing, sending, staged, write_bytes
from fastdrift.files.read import column_names, read_table
from fastdrift.files.source import spooled
from fastdrift.files.write import write_csv, write_table

ROOT = Path(__file__).parents[2]
FRAME = pd.DataFrame({"a": [1.5, 2.5]})


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def python(code, **options):
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", code],
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": ""},
        text=True,
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options,
    )


# What is read


def sparse(path, head, size):
    with path.open("wb") as file:
        file.write(head)
        file.truncate(size)
    return path


@pytest.mark.parametrize("head", [b"PAR1", b"", b"PK\x03\x04", b"\x1f\x8b\x08"])
@pytest.mark.parametrize("read", [load_model, read_table, column_names])
def test_a_large_file_of_another_kind_is_known_by_its_first_bytes(tmp_path, read, head):
    path = sparse(tmp_path / "large.csv", head, 1_400_000_000)
    read_table_once(tmp_path)
    tracemalloc.start()
    try:
        with pytest.raises((fd.ModelError, fd.FileError), match=r"large\.csv: it is not a"):
            read(path)
        assert tracemalloc.get_traced_memory()[1] < 2 << 20
    finally:
        tracemalloc.stop()


def read_table_once(folder):
    """Load what reading imports, which would count as memory."""
    write_table(FRAME, folder / "small.csv")
    assert len(read_table(folder / "small.csv")) == 2


def test_a_line_that_never_ends_is_not_read_to_its_end(tmp_path, monkeypatch):
    monkeypatch.setattr(csv, "_LONGEST_LINE", 1 << 20)
    path = tmp_path / "long.csv"
    path.write_bytes(b"a" * (8 << 20))
    with pytest.raises(fd.FileError, match="its first line does not end within 1,048,576 bytes"):
        read_table(path)


@pytest.mark.parametrize("read", [load_model, read_table, column_names])
@pytest.mark.parametrize("name", ["t", "t.csv", "t.parquet"])
def test_pipes_devices_and_folders_are_refused_at_once(tmp_path, read, name):
    pipe, device, folder = (tmp_path / kind / name for kind in ("pipe", "device", "folder"))
    for path in (pipe, device, folder):
        path.parent.mkdir()
    os.mkfifo(pipe)
    device.symlink_to("/dev/zero")
    folder.mkdir()
    for path, kind in ((pipe, "pipe"), (device, "device"), (folder, "directory")):
        with pytest.raises(fd.FileError, match=f"{name}: it is a {kind}, not a file"):
            read(path)


# What is written to a stream

WRITER = """
import sys
import pandas as pd
from fastdrift.errors import FileError
from fastdrift.files.write import write_csv
try:
    write_csv([pd.DataFrame({{"a": range({rows})}})], sys.stdout.buffer)
except (FileError, BrokenPipeError) as error:
    sys.stderr.write(f"{{type(error).__name__}}: {{error}}")
    sys.exit(7)
"""


@pytest.mark.parametrize("rows", [3, 300_000])
def test_a_full_disk_behind_standard_output_is_one_error_and_no_complaint_at_exit(rows):
    with Path("/dev/full").open("wb") as full:
        process = python(WRITER.format(rows=rows), stdout=full)
        _, err = process.communicate(timeout=60)
    assert err == "FileError: standard output: it cannot be written (No space left on device)"
    assert process.returncode == 7


@pytest.mark.parametrize("rows", [3, 300_000])
def test_a_reader_that_has_gone_is_told_apart_and_no_complaint_at_exit(rows):
    reader, writer = os.pipe()
    os.close(reader)
    process = python(WRITER.format(rows=rows), stdout=writer)
    os.close(writer)
    _, err = process.communicate(timeout=60)
    assert err == "BrokenPipeError: [Errno 32] Broken pipe"
    assert process.returncode == 7


def test_what_a_stream_gets_comes_after_what_it_had_and_is_all_there(tmp_path):
    with (tmp_path / "t.csv").open("wb") as stream:
        stream.write(b"# of today\n")
        write_csv([FRAME], stream)
        assert (tmp_path / "t.csv").read_bytes() == b"# of today\na\n1.5\n2.5\n"
        stream.write(b"3\n")
    assert (tmp_path / "t.csv").read_bytes().endswith(b"2.5\n3\n")


class Awkward:
    """A stream in memory that fails at one of the moments at which streams fail."""

    def __init__(self, moment, error):
        self.moment, self.error = moment, error
        self.content = b""

    def write(self, content):
        self.fail("write")
        self.content += bytes(content)
        return len(content)

    def flush(self):
        self.fail("flush" if self.content else "first flush")

    def fail(self, moment):
        if moment == self.moment:
            raise self.error


@pytest.mark.parametrize("moment", ["first flush", "write", "flush"])
def test_a_stream_may_fail_at_any_moment(moment):
    for error, expected in (
        (OSError(errno.ENOSPC, "No space left on device"), fd.FileError),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), BrokenPipeError),
    ):
        with (
            pytest.raises(expected, match=r"No space left on device|Broken pipe"),
            sending(Awkward(moment, error)) as file,
        ):
            file.write(b"scores")
    stream = Awkward("never", None)
    with sending(stream) as file:
        file.write(b"scores")
    assert stream.content == b"scores"


def test_a_stream_that_cannot_be_read_is_an_error():
    class Broken:
        def read(self, _size):
            raise OSError(errno.EIO, "Input/output error")

    with (
        pytest.raises(fd.FileError, match=r"standard input: it cannot be read \(Input/output error\)"),
        spooled(Broken()),
    ):
        pass


# What is written to a file


def test_all_of_a_file_is_on_the_disk_before_it_takes_its_place(tmp_path, monkeypatch):
    synced = []

    def note(descriptor):
        synced.append((os.fstat(descriptor).st_size, (tmp_path / "m.bin").exists()))

    monkeypatch.setattr(disk.os, "fsync", note)
    write_bytes(b"12345", tmp_path / "m.bin")
    assert synced == [(5, False)]


KILLED = """
import os, sys
from pathlib import Path
from fastdrift.files.disk import replacing, staged
place = Path({place!r})
with {writer} as scratch:
    scratch.write(b"half") if hasattr(scratch, "write") else (scratch / "half").write_text("half")
    print("writing", flush=True)
    sys.stdin.read()
"""


def kill_a_writer(place, writer):
    with python(KILLED.format(place=str(place), writer=writer), stdin=subprocess.PIPE) as process:
        assert process.stdout.readline() == "writing\n"
        left = {path for path in place.parent.rglob(".*") if path != place}
        process.send_signal(signal.SIGKILL)
    return left


@pytest.mark.parametrize("name", ["m.bin", "a name of [stars] *.bin", "ü" * 120])
def test_the_next_writer_of_a_file_removes_what_a_killed_one_left(tmp_path, name):
    place = tmp_path / name
    write_bytes(b"old", tmp_path / "other")
    kept = tmp_path / ".other.0123456789abcdef.partial"
    kept.write_text("of another file")
    left = kill_a_writer(place, "replacing(place)") - {kept}
    assert len(left) == 1
    assert not place.exists()
    write_bytes(b"new", place)
    assert names_in(tmp_path) == sorted([kept.name, name, "other"])
    assert place.read_bytes() == b"new"
    write_bytes(b"new", tmp_path / "other")
    assert names_in(tmp_path) == sorted([name, "other"])


def test_the_next_writer_of_a_folder_removes_what_a_killed_one_left(tmp_path):
    place = tmp_path / "deep" / "out"
    assert len(kill_a_writer(place, "staged(place)")) == 1
    with staged(place) as stage:
        (stage / "a").write_text("1")
    assert names_in(place) == ["a"]


def test_what_a_live_writer_writes_stays_and_the_last_to_end_wins(tmp_path):
    place = tmp_path / "m.bin"
    with python(KILLED.format(place=str(place), writer="replacing(place)"), stdin=subprocess.PIPE) as process:
        assert process.stdout.readline() == "writing\n"
        with replacing(place) as file:
            file.write(b"first")
            write_bytes(b"second", place)
            assert place.read_bytes() == b"second"
            assert len(names_in(tmp_path)) == 3
        assert place.read_bytes() == b"first"
        process.stdin.close()
        assert process.wait(60) == 0
    assert place.read_bytes() == b"half"
    assert names_in(tmp_path) == ["m.bin"]


def test_many_writers_of_one_file_all_succeed(tmp_path):
    def write(number):
        for _ in range(30):
            write_bytes(bytes([number]) * 50_000, tmp_path / "m.bin")
            with staged(tmp_path / "out") as stage:
                (stage / "a").write_bytes(bytes([number]) * 50_000)

    failures = []
    threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threading, "excepthook", failures.append)
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failures == []
    for path in (tmp_path / "m.bin", tmp_path / "out" / "a"):
        assert path.read_bytes() == path.read_bytes()[:1] * 50_000
    assert names_in(tmp_path) == ["m.bin", "out"]
    assert names_in(tmp_path / "out") == ["a"]


def test_what_another_swept_away_before_it_was_locked_is_made_anew(tmp_path, monkeypatch):
    lock, swept = scratch._lock, []

    def sweep_first(path):
        if not swept:
            swept.append(path.name)
            path.unlink()
        return lock(path)

    monkeypatch.setattr(scratch, "_lock", sweep_first)
    write_bytes(b"new", tmp_path / "m.bin")
    assert len(swept) == 1
    assert names_in(tmp_path) == ["m.bin"]


def test_on_a_disk_without_locks_files_are_written_and_nothing_is_swept(tmp_path, monkeypatch):
    kill_a_writer(tmp_path / "m.bin", "replacing(place)")

    def without(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(scratch.fcntl, "flock", without)
    write_bytes(b"new", tmp_path / "m.bin")
    assert (tmp_path / "m.bin").read_bytes() == b"new"
    assert len(names_in(tmp_path)) == 2


def test_what_is_named_like_scratch_and_is_none_is_left_alone(tmp_path):
    names = [".m.bin.0123456789abcdef.partial", ".m.bin.partial", ".m.bin.0123456789abcdeg.partial", ".x.partial"]
    for name in names[1:]:
        (tmp_path / name).write_text("mine")
    (tmp_path / names[0]).symlink_to(tmp_path / names[1])
    write_bytes(b"new", tmp_path / "m.bin")
    assert names_in(tmp_path) == sorted([*names, "m.bin"])
