"""A table may come as a stream that gives its bytes once."""

from __future__ import annotations

import io
import tempfile
import tracemalloc

import pytest

import fastdrift as fd
from fastdrift.files.read import column_names, read_table
from fastdrift.files.source import spooled
from fastdrift.files.write import write_table

from .samples import TIMES, WRITTEN


class Pipe(io.RawIOBase):
    """A stream that gives so many rows and cannot go back."""

    def __init__(self, content, n_rows=0):
        self.content, self.n_rows = content, n_rows

    def readable(self):
        return True

    def readinto(self, buffer):
        piece = self.content[: len(buffer)]
        self.content = self.content[len(piece) :]
        if not piece and self.n_rows:
            piece = b"1.5,2.5\n" * min(len(buffer) // 8, self.n_rows)
            self.n_rows -= len(piece) // 8
        buffer[: len(piece)] = piece
        return len(piece)


@pytest.mark.parametrize("name", WRITTEN)
def test_a_stream_is_read_as_often_as_needed_and_known_by_its_first_bytes(frame, tmp_path, name):
    write_table(frame, tmp_path / name)
    with spooled(Pipe((tmp_path / name).read_bytes())) as source:
        assert column_names(source) == ["timestamp", "cpu", "memory"] or name == "t.parquet"
        assert read_table(source).to_numpy().tobytes() == read_table(tmp_path / name).to_numpy().tobytes()
        assert read_table(source).index.equals(TIMES)


def test_what_is_wrong_with_a_stream_is_said_of_the_stream():
    for content, message in (
        (b"", "it is empty"),
        (b"a;b\n1;x\n", "column 'b', row 0: 'x'"),
        (b"PAR1", "no Parquet|not a P"),
    ):
        with (
            spooled(Pipe(content)) as source,
            pytest.raises((fd.DataError, fd.FileError), match=f"standard input: .*{message}"),
        ):
            read_table(source)


def test_a_long_stream_is_kept_on_the_disk_and_not_in_memory():
    tracemalloc.start()
    with spooled(Pipe(b"a,b\n", 8_000_000)) as source:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 8 << 20
        assert source.place.seek(0, 2) == 4 + 64_000_000


def test_a_stream_that_is_a_file_is_not_copied(table, monkeypatch):
    monkeypatch.setattr(tempfile, "TemporaryFile", None)
    with table("a,b\n1,2\n").open("rb") as stream, spooled(stream) as source:
        assert column_names(source) == ["a", "b"]
        assert read_table(source)["b"].tolist() == [2.0]


def test_a_stream_for_which_there_is_no_room_is_an_error(monkeypatch):
    def full(**_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    message = r"standard input: it cannot be kept in a temporary file \(No space left on device\): set TMPDIR"
    with pytest.raises(fd.FileError, match=message), spooled(Pipe(b"a\n1\n")):
        pass
