"""A model file gives its model back to the byte, and cannot lie or run code."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import zipfile
import zlib

import numpy as np
import pandas as pd
import pytest

import fastdrift as fd
from fastdrift.detectors import store
from fastdrift.detectors.store import load_model
from fastdrift.files import disk
from fastdrift.files.archive import DIGEST_LENGTH


@pytest.fixture(scope="module")
def named_model():
    data = fd.generate(4_000, columns=3, seed=3, drifts=())
    return fd.fit(data.frame.assign(still=7.5), window=20)


@pytest.fixture
def model_file(named_model, tmp_path):
    path = tmp_path / "m.fastdrift"
    named_model.save(path)
    return path


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
    """Return an archive of entries, as a mapping or pairs, with the checksum of one of ours."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, entry in entries.items() if isinstance(entries, dict) else entries:
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


def with_header(entries, change):
    """Return entries whose header's text is another."""
    return entries | {"header.json": change(entries["header.json"].decode()).encode()}


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


def test_a_model_file_that_is_missing_or_too_large_is_refused(model_file, monkeypatch):
    with pytest.raises(fd.FileError, match="there is no such file"):
        load_model(model_file.with_name("nowhere"))
    monkeypatch.setattr(store, "MAX_MODEL_BYTES", model_file.stat().st_size)
    assert load_model(model_file).window == 20
    monkeypatch.setattr(store, "MAX_MODEL_BYTES", model_file.stat().st_size - 1)
    with pytest.raises(fd.ModelError, match="not a model"):
        load_model(model_file)


def test_a_model_of_a_newer_version_says_to_upgrade(model_file):
    entries = entries_of(model_file)
    header = json.loads(entries["header.json"])
    header["version"] = 4
    entries["header.json"] = json.dumps(header).encode()
    with pytest.raises(fd.ModelError, match="it has version 4, and this fastdrift reads 3: upgrade"):
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


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", ["header.json", "centre.npy", "cholesky.npy"])
def test_an_entry_that_is_there_twice_is_refused(model_file, name):
    entries = entries_of(model_file)
    for pairs in ([*entries.items(), (name, entries[name])], [(name, b""), *entries.items()]):
        with pytest.raises(fd.ModelError, match=f"it holds '{name}' twice: fit the model anew"):
            store.decode(sealed(pairs))


@pytest.mark.parametrize("name", ["readme.txt", "cholesky.npy.npy", "trees.npy", "../cholesky.npy", "folder/"])
def test_an_entry_that_no_model_has_is_refused(model_file, name):
    with pytest.raises(fd.ModelError, match=r"it holds .*, which none of its kind does: fit the model anew"):
        store.decode(sealed(entries_of(model_file) | {name: b""}))


@pytest.mark.parametrize("field", ["schema", "detector", "model", "window", "columns"])
def test_a_header_that_says_something_twice_is_refused(model_file, field):
    forged = with_header(entries_of(model_file), lambda text: text.replace(f'"{field}"', f'"{field}": 1, "{field}"', 1))
    with pytest.raises(fd.ModelError, match=f"it holds '{field}' twice: fit the model anew"):
        store.decode(sealed(forged))


def test_a_header_that_says_more_than_a_model_has_is_refused(model_file):
    forged = with_header(entries_of(model_file), lambda text: text.replace("{", '{"comment": "mine", ', 1))
    with pytest.raises(fd.ModelError, match="it holds 'comment', which none of its kind does: fit the model anew"):
        store.decode(sealed(forged))


@pytest.mark.parametrize("detector", [{}, [], ["mahalanobis"], {"mahalanobis": 1}, None, 1, True, "", "svm"])
def test_a_detector_that_is_none_of_ours_is_refused(model_file, detector):
    forged = with_header(entries_of(model_file), lambda text: json.dumps(json.loads(text) | {"detector": detector}))
    with pytest.raises(fd.ModelError, match="its detector cannot be"):
        store.decode(sealed(forged))


def test_entries_that_lie_in_one_another_are_not_read(model_file):
    header = entries_of(model_file)["header.json"]
    content, infos = b"", []
    for name in (*(f"{number}.npy" for number in reversed(range(50))), "header.json"):
        inside = header if name == "header.json" else content or bytes(1_000_000)
        info = zipfile.ZipInfo(name)
        info.file_size = info.compress_size = len(inside)
        info.CRC = zlib.crc32(inside)
        content = info.FileHeader() + inside + (content if name == "header.json" else b"")
        infos.append((info, len(content)))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.fp.write(content)
        archive.start_dir, archive.comment = len(content), bytes(DIGEST_LENGTH)
        for info, place in infos:
            info.header_offset = len(content) - place
            archive.filelist.append(info)
    body = buffer.getvalue()[:-DIGEST_LENGTH]
    assert len(body) < 1_100_000 < sum(info.file_size for info, _ in infos) / 40
    with pytest.raises(fd.ModelError, match="not a model"):
        store.decode(body + hashlib.sha256(body).hexdigest().encode())


def test_a_model_at_the_largest_rate_of_false_alarms_is_read_back(fit, tmp_path):
    model = fit(np.random.default_rng(0).normal(size=(2_000, 2)), window=10, false_alarm_rate=0.5)
    model.save(tmp_path / "m")
    assert fd.load(tmp_path / "m").false_alarm_rate == 0.5


def test_a_model_that_cannot_be_written_leaves_the_old_one(named_model, model_file, monkeypatch):
    before = model_file.read_bytes()

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(disk.os, "fsync", full)
    with pytest.raises(fd.FileError, match="No space left"):
        named_model.save(model_file)
    assert model_file.read_bytes() == before
