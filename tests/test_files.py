"""Tables come in clean or with a clear error, files are written whole or not at all, and model files cannot lie."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import pickle
import stat
import zipfile

import numpy as np
import pandas as pd
import pytest

import fastdrift as fd
from fastdrift.detectors import store
from fastdrift.detectors.store import load_model
from fastdrift.files import disk
from fastdrift.files.archive import DIGEST_LENGTH
from fastdrift.files.disk import staged, write_bytes, write_json
from fastdrift.files.read import column_names, read_table
from fastdrift.files.write import write_table

TIMES = pd.date_range("2024-01-01", periods=3, freq="min", name="timestamp")


@pytest.fixture
def frame():
    values = {"cpu": [0.1 + 0.2, np.nan, -np.inf], "memory": [1e-300, 2**53 + 1.0, 5.0]}
    return pd.DataFrame(values, index=TIMES)


@pytest.fixture
def table(tmp_path):
    """Return a function that writes text to a CSV and returns its path."""

    def write(text, name="table.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


@pytest.fixture(scope="module")
def named_model():
    data = fd.generate(4_000, columns=3, seed=3, drifts=())
    return fd.fit(data.frame.assign(still=7.5), window=20)


@pytest.fixture
def model_file(named_model, tmp_path):
    path = tmp_path / "m.fastdrift"
    named_model.save(path)
    return path


def test_a_csv_is_read_with_its_time_as_index_and_its_numbers_to_the_last_bit(table):
    path = table("when,timestamp,cpu\n1,2024-01-01 00:00:00,0.30000000000000004\n2,2024-01-01T00:01:00,\n")
    frame = read_table(path)
    assert list(frame.columns) == ["when", "cpu"]
    assert frame.index.name == "timestamp"
    assert frame.index[1] == pd.Timestamp("2024-01-01 00:01")
    assert frame["cpu"].iloc[0] == 0.1 + 0.2
    assert np.isnan(frame["cpu"].iloc[1])


def test_a_table_without_a_time_gets_row_numbers(table):
    frame = read_table(table("a,b\n1,2\n3,4\n"))
    assert isinstance(frame.index, pd.RangeIndex)
    assert frame.to_numpy().tolist() == [[1, 2], [3, 4]]


def test_numbers_may_be_booleans_and_times_may_be_numbers(table):
    frame = read_table(table("Time,on\n0,true\n0.5,false\n0.5,true\n"))
    assert frame.index.tolist() == [0.0, 0.5, 0.5]
    assert frame["on"].tolist() == [1.0, 0.0, 1.0]


def test_the_time_can_be_named_and_a_metric_may_be_called_time(table):
    path = table("time,clock\n3,2024-01-01\n2,2024-01-02\n")
    frame = read_table(path, timestamp="clock")
    assert frame["time"].tolist() == [3, 2]
    assert isinstance(read_table(path, columns=["time"]).index, pd.RangeIndex)


def test_times_of_summer_and_winter_are_brought_to_utc(table):
    index = read_table(table("date,a\n2024-10-27T02:30:00+02:00,1\n2024-10-27T02:10:00+01:00,2\n")).index
    assert [str(time) for time in index] == ["2024-10-27 00:30:00+00:00", "2024-10-27 01:10:00+00:00"]


def test_columns_are_chosen_by_name_and_text_can_be_left_out(table):
    path = table("host,a,b\nweb,1,2\n")
    assert list(read_table(path, columns=["b", "a"]).columns) == ["b", "a"]
    assert list(read_table(path, drop=["host"]).columns) == ["a", "b"]
    assert column_names(path) == ["host", "a", "b"]


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.parquet"])
def test_what_is_written_is_read_back_to_the_last_bit(frame, tmp_path, name):
    write_table(frame, tmp_path / name)
    back = read_table(tmp_path / name)
    assert back.to_numpy().tobytes() == frame.to_numpy().tobytes()
    assert list(back.columns) == list(frame.columns)
    assert back.index.equals(TIMES)


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.parquet"])
def test_the_same_table_gives_the_same_bytes_whole_or_in_pieces(frame, tmp_path, name):
    whole, pieces = tmp_path / name, tmp_path / f"pieces_{name}"
    write_table(frame, whole)
    write_table((frame.iloc[row : row + 1] for row in range(3)), pieces)
    if name == "t.csv":
        assert pieces.read_bytes() == whole.read_bytes()
    pd.testing.assert_frame_equal(read_table(pieces), read_table(whole))
    first = whole.read_bytes()
    write_table(frame, whole)
    assert whole.read_bytes() == first


def test_a_csv_has_no_more_digits_than_it_needs(frame, tmp_path):
    write_table(frame, tmp_path / "t.csv")
    lines = (tmp_path / "t.csv").read_text().splitlines()
    assert lines[:2] == ["timestamp,cpu,memory", "2024-01-01 00:00:00,0.30000000000000004,1e-300"]


def test_parquet_keeps_float32_and_time_zones(tmp_path):
    index = pd.date_range("2024-01-01", periods=4, freq="h", tz="Europe/Berlin")  # an index without a name
    frame = pd.DataFrame(np.arange(8, dtype=np.float32).reshape(4, 2), index=index, columns=["a", "b"])
    frame.to_parquet(tmp_path / "t.parquet")
    back = read_table(tmp_path / "t.parquet")
    assert set(back.dtypes) == {np.dtype(np.float32)}
    assert back.index.tz is not None
    assert back.index.name == "timestamp"


def test_an_index_of_parquet_that_holds_no_time_is_no_metric(tmp_path):
    pd.DataFrame({"a": [1.0, 2.0]}, index=[7, 3]).to_parquet(tmp_path / "t.parquet")
    frame = read_table(tmp_path / "t.parquet")
    assert list(frame.columns) == ["a"]
    assert isinstance(frame.index, pd.RangeIndex)


BAD_CSV = {
    "empty": (b"", fd.FileError, "it is empty"),
    "only blank lines": (b"\n\n", fd.FileError, "it is empty"),
    "no rows": (b"a,b\n", fd.DataError, "no row below"),
    "a picture": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", fd.FileError, "not a CSV, which is text in UTF-8"),
    "zeros": (bytes(100), fd.FileError, "binary"),
    "UTF-16": ("a,b\n1,2\n".encode("utf-16"), fd.FileError, "not a CSV, which is text in UTF-8"),
    "binary below a header": (b"a,b\n1,\xff\xfe\n", fd.FileError, "not a CSV"),
    "prose": (b"Dear all\nthe report is late\n", fd.DataError, "'Dear all', row 0: 'the report is late' is not a num"),
    "semicolons": (b"a;b\n1;2\n", fd.FileError, "not separated by commas"),
    "a short row": (b"a,b\n1,2\n\n3\n", fd.DataError, "line 4 has 1 values for 2 columns"),
    "a long row": (b"a,b\n1,2\n3,4,5\n", fd.DataError, "line 3 has 3 values for 2 columns"),
    "no header": (b"1.5,2\n3,4\n", fd.DataError, "first line holds numbers"),
    "a name twice": (b"a,b,a\n1,2,3\n", fd.DataError, "column 'a' is there twice"),
    "no name": (b",a\n0,1\n", fd.DataError, "column 0 has no name"),
    "text": (b"a,b\n1,2\n3,oops\n4,worse\n", fd.DataError, r"column 'b', row 1: 'oops' is not a number.*--drop b"),
    "no times": (b"time,a\n2024-01-01,1\n31.12.2024,2\n", fd.DataError, "'time', row 1: '31.12.2024' is not a time"),
    "a missing time": (b"time,a\n2024-01-01,1\n,2\n", fd.DataError, "row 1 has no time in column 'time'"),
    "times that go back": (
        b"time,a\n2024-01-02,1\n2024-01-02,1\n2024-01-01,2\n",
        fd.DataError,
        "row 2 has 2024-01-01 00:00:00 after 2024-01-02 00:00:00",
    ),
    "numbers that go back": (b"time,a\n5,1\n4,2\n", fd.DataError, "row 1 has 4.0 after 5.0"),
    "only a time": (b"time\n1\n2\n", fd.DataError, "no column of numbers is left"),
}


@pytest.mark.parametrize("case", BAD_CSV)
def test_a_bad_csv_is_refused_with_its_place(table, case):
    content, error, message = BAD_CSV[case]
    path = table(content)
    with pytest.raises(error, match=message) as caught:
        read_table(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_text_far_down_a_long_column_is_found(table):
    rows = [str(value) for value in range(200_000)]
    rows[123_456] = "12a"
    with pytest.raises(fd.DataError, match=r"column 'a', row 123456: '12a' is not a number"):
        read_table(table("a\n" + "\n".join(rows)))


def test_a_gzip_that_was_cut_short_is_refused(table):
    packed = gzip.compress(b"a,b\n" + b"1,2\n" * 10_000)
    with pytest.raises(fd.FileError, match=r"table\.csv\.gz: it"):
        read_table(table(packed[:-20], "table.csv.gz"))
    with pytest.raises(fd.FileError, match="not a whole gzip file"):
        read_table(table(b"a,b\n1,2\n", "table.csv.gz"))


@pytest.mark.parametrize("content", [b"", b"PAR1", b"hello world" * 20, b"PAR1" + bytes(100) + b"PAR1"])
def test_what_is_no_parquet_is_refused(table, content):
    with pytest.raises(fd.FileError, match="it is not a Parquet file, or it is damaged"):
        read_table(table(content, "t.parquet"))


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (["web", "db"], "column 'a', row 0: 'web' is not a number"),
        (pd.to_datetime(["2024-01-01", "2024-01-02"]), r"column 'a' holds timestamp.*, not numbers"),
        ([[1.0], [2.0]], "column 'a' holds list.*, not numbers"),
    ],
)
def test_parquet_columns_that_hold_no_numbers_are_refused(tmp_path, column, message):
    pd.DataFrame({"a": column, "b": [1, 2]}).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(fd.DataError, match=message):
        read_table(tmp_path / "t.parquet")


def test_parquet_columns_may_be_missing_decimal_or_half(tmp_path):
    import pyarrow as pa
    from pyarrow import parquet

    half = pa.array(np.array([1.5, 2.5], np.float16))
    table = pa.table(
        {
            "none": pa.nulls(2),
            "flag": pa.array([True, None]),
            "price": pa.array([1, 2]).cast(pa.decimal128(25, 2)),
            "half": half,
        }
    )
    parquet.write_table(table, tmp_path / "t.parquet")
    frame = read_table(tmp_path / "t.parquet")
    assert frame["price"].tolist() == [1.0, 2.0]
    assert frame["half"].tolist() == [1.5, 2.5]
    assert frame["flag"].isna().tolist() == [False, True]
    assert all(kind.kind == "f" for kind in frame.dtypes)


def test_files_that_are_not_there_or_not_tables_are_refused(tmp_path):
    with pytest.raises(fd.FileError, match="there is no such file"):
        read_table(tmp_path / "nowhere.csv")
    with pytest.raises(fd.FileError, match="there is no such file"):
        read_table(tmp_path / "nowhere.parquet")
    with pytest.raises(fd.FileError, match=r"ends in \.csv, \.csv\.gz or \.parquet"):
        read_table(tmp_path / "table.xlsx")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(fd.FileError, match="a directory"):
        read_table(tmp_path / "folder.csv")


def test_columns_that_are_not_there_are_named_beside_those_that_are(table):
    path = table("a,b\n1,2\n")
    for options in ({"columns": ["c"]}, {"drop": ["c"]}, {"timestamp": "c"}):
        with pytest.raises(fd.DataError, match=r"column 'c'.* not there; there are 'a', 'b'"):
            read_table(path, **options)


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


def test_a_model_read_back_scores_byte_for_byte_the_same(named_model, model_file):
    rows = fd.generate(3_000, columns=3, seed=4, drifts=()).frame.assign(still=7.5)
    rows.iloc[2_000:, 3] = 7.6
    loaded = fd.load(model_file)
    assert fd.score(loaded, rows).to_numpy().tobytes() == fd.score(named_model, rows).to_numpy().tobytes()
    assert loaded.summary() == named_model.summary()
    assert repr(loaded) == repr(named_model)


def test_saving_twice_gives_the_same_bytes(named_model, model_file, tmp_path):
    fd.load(model_file).save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == model_file.read_bytes()


def test_a_model_of_an_array_keeps_its_places(fit, tmp_path):
    rows = np.random.default_rng(0).normal(size=(2_000, 3))
    fit(rows, window=10).save(tmp_path / "m")
    assert fd.load(tmp_path / "m").columns == (0, 1, 2)
    fit(pd.DataFrame(rows, columns=np.arange(3)), window=10).save(tmp_path / "m")
    assert fd.score(fd.load(tmp_path / "m"), pd.DataFrame(rows)).notna().sum() == 1_991


def test_the_arrays_of_a_model_can_be_read_by_numpy_alone(named_model, model_file):
    with np.load(model_file, allow_pickle=False) as archive:
        np.testing.assert_array_equal(archive["cholesky"], named_model.cholesky)
        assert json.loads(archive["header.json"])["schema"] == "fastdrift-model"


def test_a_column_with_a_name_that_cannot_be_kept_is_named(fit, tmp_path):
    rows = pd.DataFrame(np.random.default_rng(0).normal(size=(2_000, 2)), columns=["a", ("b", 1)])
    with pytest.raises(fd.ModelError, match=r"column \('b', 1\) cannot be saved"):
        fit(rows, window=10).save(tmp_path / "m")
    assert not (tmp_path / "m").exists()


def test_any_byte_that_is_changed_or_missing_is_noticed(model_file):
    content = model_file.read_bytes()
    for place in range(0, len(content), 7):
        flipped = bytearray(content)
        flipped[place] ^= 0x20
        with pytest.raises(fd.ModelError, match=r"not a model|damaged"):
            store.decode(bytes(flipped))
        with pytest.raises(fd.ModelError, match=r"not a model|damaged"):
            store.decode(content[:place])


def sealed(entries, compression=zipfile.ZIP_STORED):
    """Return an archive with the checksum of one of ours."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, entry in entries.items():
            archive.writestr(name, entry)
        archive.comment = bytes(DIGEST_LENGTH)
    body = buffer.getvalue()[:-DIGEST_LENGTH]
    return body + hashlib.sha256(body).hexdigest().encode()


def entries_of(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def test_the_forger_of_these_tests_can_make_a_model(model_file):
    assert store.decode(sealed(entries_of(model_file))).window == 20


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("a model file ran code",))


def foreign_files():
    npz = io.BytesIO()
    np.savez(npz, centre=np.zeros(3))
    return {
        "nothing": b"",
        "text": b"hello",
        "a pickle": pickle.dumps(Bomb()),
        "a zip cut short": b"PK\x03\x04",
        "a foreign npz": npz.getvalue(),
        "a sealed foreign npz": sealed({"centre.npy": npy(np.zeros(3))}),
        "a header of nonsense": sealed({"header.json": b"[" * 100_000}),
        "a foreign header": sealed({"header.json": b'{"schema": "other", "version": 1}'}),
    }


@pytest.mark.parametrize("case", foreign_files())
def test_a_foreign_file_is_refused(tmp_path, case):
    path = tmp_path / "m"
    path.write_bytes(foreign_files()[case])
    with pytest.raises(fd.ModelError, match="it is not a model of fastdrift: name a file that") as caught:
        load_model(path)
    assert str(path) in str(caught.value)


def test_a_model_file_that_is_missing_or_endless_is_refused(tmp_path, monkeypatch):
    with pytest.raises(fd.FileError, match="there is no such file"):
        load_model(tmp_path / "nowhere")
    (tmp_path / "m").write_bytes(bytes(2_000))
    monkeypatch.setattr(store, "MAX_MODEL_BYTES", 1_000)
    with pytest.raises(fd.ModelError, match="not a model"):
        load_model(tmp_path / "m")


def test_a_model_of_a_newer_version_says_to_upgrade(model_file):
    entries = entries_of(model_file)
    header = json.loads(entries["header.json"])
    header["version"] = 2
    entries["header.json"] = json.dumps(header).encode()
    with pytest.raises(fd.ModelError, match="it has version 2, and this fastdrift reads 1: upgrade"):
        store.decode(sealed(entries))


def test_a_zip_bomb_does_not_go_off(model_file):
    entries = entries_of(model_file)
    entries["cholesky.npy"] = bytes(100_000_000)
    bomb = sealed(entries, zipfile.ZIP_DEFLATED)
    assert len(bomb) < 200_000
    with pytest.raises(fd.ModelError, match="not a model"):
        store.decode(bomb)


def test_an_array_that_claims_to_be_huge_is_not_believed(model_file):
    entries = entries_of(model_file)
    entries["centre.npy"] = entries["centre.npy"].replace(b"(6,)", b"(600000000000,)")
    with pytest.raises(fd.ModelError, match=r"its centre is not float64 numbers of shape \(6,\)"):
        store.decode(sealed(entries))


@pytest.mark.parametrize(
    "array",
    [
        np.array([Bomb()] * 6, dtype=object),
        np.zeros(6, np.float32),
        np.zeros(6, ">f8"),
        np.zeros((6, 1)),
        np.zeros(5),
        np.full(6, np.nan),
        np.full(6, np.inf),
    ],
)
def test_arrays_of_another_kind_shape_or_with_nan_are_refused(model_file, array):
    entries = entries_of(model_file)
    entries["centre.npy"] = npy(array)
    with pytest.raises(fd.ModelError, match="its centre"):
        store.decode(sealed(entries))


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("scale", np.zeros(6)),
        ("cholesky", np.ones((6, 6))),
        ("cholesky", np.zeros((6, 6))),
        ("never_moved_values", np.zeros(0)),
    ],
)
def test_arrays_that_cannot_be_a_model_are_refused(model_file, name, array):
    entries = entries_of(model_file)
    entries[f"{name}.npy"] = npy(array)
    with pytest.raises(fd.ModelError, match="fit the model anew"):
        store.decode(sealed(entries))


def test_a_missing_array_is_refused(model_file):
    entries = entries_of(model_file)
    del entries["scale.npy"]
    with pytest.raises(fd.ModelError, match="its scale"):
        store.decode(sealed(entries))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("columns", []),
        ("columns", ["a", "a"]),
        ("columns", [["a"]]),
        ("columns", "abcd"),
        ("named", 1),
        ("window", 1),
        ("window", True),
        ("window", 20.0),
        ("window", 30),
        ("false_alarm_rate", 0.0),
        ("false_alarm_rate", 0.6),
        ("threshold", float("nan")),
        ("threshold", float("inf")),
        ("threshold", "5"),
        ("threshold", -1.0),
        ("threshold_rule", "guess"),
        ("threshold_rule", ["cross-fit"]),
        ("shrinkage", 1.5),
        ("shrinkage_rule", None),
        ("never_moved", ["no such column"]),
        ("windows_used", 0),
        ("baseline_rows", 10),
        ("warnings", [1]),
        ("unheard of", 1),
    ],
)
def test_a_header_that_makes_no_sense_is_refused(model_file, field, value):
    entries = entries_of(model_file)
    header = json.loads(entries["header.json"])
    header["model"][field] = value
    entries["header.json"] = json.dumps(header).encode()
    with pytest.raises(fd.ModelError, match="fit the model anew"):
        store.decode(sealed(entries))


def test_a_model_that_cannot_be_written_leaves_the_old_one(named_model, model_file, monkeypatch):
    before = model_file.read_bytes()

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(disk.os, "fsync", full)
    with pytest.raises(fd.FileError, match="No space left"):
        named_model.save(model_file)
    assert model_file.read_bytes() == before
