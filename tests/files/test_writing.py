"""What is written is read back to the last bit, and files are written whole or not at all."""

from __future__ import annotations

import json
import os
import stat

import pandas as pd
import pytest

import fastdrift as fd
from fastdrift.files import disk
from fastdrift.files.disk import staged, write_bytes, write_json
from fastdrift.files.read import read_table
from fastdrift.files.write import write_table

from .samples import TIMES, WRITTEN


@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_written_is_read_back_to_the_last_bit(frame, tmp_path, name):
    write_table(frame, tmp_path / name)
    back = read_table(tmp_path / name)
    assert back.to_numpy().tobytes() == frame.to_numpy().tobytes()
    assert list(back.columns) == list(frame.columns)
    assert back.index.equals(TIMES)


@pytest.mark.parametrize("name", WRITTEN)
def test_the_same_table_gives_the_same_bytes_whole_or_in_pieces(frame, tmp_path, name):
    whole, pieces = tmp_path / name, tmp_path / f"pieces_{name}"
    write_table(frame, whole)
    write_table((frame.iloc[row : row + 1] for row in range(3)), pieces)
    if name in ("t.csv", "t.tsv"):
        assert pieces.read_bytes() == whole.read_bytes()
    pd.testing.assert_frame_equal(read_table(pieces), read_table(whole))
    first = whole.read_bytes()
    write_table(frame, whole)
    assert whole.read_bytes() == first


def test_a_csv_has_no_more_digits_than_it_needs(frame, tmp_path):
    write_table(frame, tmp_path / "t.csv")
    lines = (tmp_path / "t.csv").read_text().splitlines()
    assert lines[:2] == ["timestamp,cpu,memory", "2024-01-01 00:00:00,0.30000000000000004,1e-300"]
    write_table(frame, tmp_path / "t.tsv")
    assert (tmp_path / "t.tsv").read_text().splitlines() == [line.replace(",", "\t") for line in lines]


def test_a_packed_table_has_the_same_bytes_tomorrow(frame, tmp_path, monkeypatch):
    write_table(frame, tmp_path / "t.csv.gz")
    monkeypatch.setattr("time.time", lambda: 2e9)
    write_table(frame, tmp_path / "tomorrow.csv.gz")
    assert (tmp_path / "tomorrow.csv.gz").read_bytes() == (tmp_path / "t.csv.gz").read_bytes()


def test_a_file_is_replaced_whole_or_not_at_all(frame, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("old")

    def pieces():
        yield frame
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        write_table(pieces(), path)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["t.csv"]  # noqa: PTH208


def test_a_full_disk_is_an_error_and_leaves_nothing(tmp_path, monkeypatch):
    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(disk.os, "fsync", full)
    with pytest.raises(fd.FileError, match=r"m\.bin: it cannot be written \(No space left on device\)"):
        write_bytes(b"new", tmp_path / "m.bin")
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_is_an_error(tmp_path):
    with pytest.raises(fd.FileError, match="it cannot be written"):
        write_bytes(b"", tmp_path / "no" / "where")
    (tmp_path / "file").write_text("")
    with pytest.raises(fd.FileError, match="it cannot be written"), staged(tmp_path / "file" / "below"):
        pass
    with pytest.raises(fd.FileError, match=r"ends in \.csv"):
        write_table(pd.DataFrame({"a": [1]}), tmp_path / "t.xlsx")


def test_replacing_keeps_links_modes_and_devices(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("old")
    target.chmod(0o640)
    link.symlink_to(target)
    write_bytes(b"new", link)
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    write_bytes(b"gone", os.devnull)
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)  # noqa: PTH116


def test_json_holds_no_nan(tmp_path):
    write_json({"a": 1.5, "b": None}, tmp_path / "m.json")
    assert json.loads((tmp_path / "m.json").read_text()) == {"a": 1.5, "b": None}
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json({"a": float("nan")}, tmp_path / "other.json")
    assert not (tmp_path / "other.json").exists()


def test_a_staged_directory_appears_whole_or_not_at_all(tmp_path):
    out = tmp_path / "deep" / "out"

    def stop_in_the_middle():
        with staged(out) as stage:
            (stage / "a").write_text("1")
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        stop_in_the_middle()
    assert not list(tmp_path.iterdir())
    with staged(out) as stage:
        (stage / "sub").mkdir()
        (stage / "sub" / "a").write_text("1")
    (out / "mine").write_text("kept")
    with staged(out, replaces=["sub/a"]) as stage:
        (stage / "b").write_text("2")
    assert sorted(path.name for path in out.rglob("*") if path.is_file()) == ["b", "mine"]
    assert [path.name for path in tmp_path.iterdir()] == ["deep"]
