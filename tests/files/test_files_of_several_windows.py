"""A file of several windows gives its model back to the byte, and is refused where its windows do not fit together."""

from __future__ import annotations

import json

import numpy as np
import pytest

import fastdrift as fd
from fastdrift.detectors import store

from .test_model_files import entries_of, npy, sealed

DETECTORS = ["mahalanobis", "isolation-forest"]


@pytest.fixture(scope="module")
def frame():
    return fd.generate(6_000, columns=3, seed=3, drifts=()).frame.assign(still=7.5)


@pytest.fixture(scope="module")
def model_file(frame, tmp_path_factory):
    path = tmp_path_factory.mktemp("several") / "m.fastdrift"
    fd.fit(frame, window=(5, 20)).save(path)
    return path


def changed(path, change):
    """Return the content of a file whose header is changed in place."""
    entries = entries_of(path)
    header = json.loads(entries["header.json"])
    change(header)
    return sealed(entries | {"header.json": json.dumps(header).encode()})


@pytest.mark.parametrize("detector", DETECTORS)
def test_a_model_read_back_scores_byte_for_byte_the_same(frame, tmp_path, detector):
    if detector == "isolation-forest":
        pytest.importorskip("sklearn", reason="growing a forest needs scikit-learn")
    model = fd.fit(frame, window=(5, 20, 10, 40), detector=detector)
    model.save(tmp_path / "m")
    again = fd.load(tmp_path / "m")
    rows = frame.copy()
    rows.iloc[3_000:, 3] = 7.6
    assert fd.score(again, rows).to_numpy().tobytes() == fd.score(model, rows).to_numpy().tobytes()
    assert again.encode() == model.encode()
    assert (again.summary(), repr(again), again.facts()) == (model.summary(), repr(model), model.facts())
    if detector == "mahalanobis":
        assert fd.detect(again, rows).to_frame().equals(fd.detect(model, rows).to_frame())


def test_one_window_is_written_as_ever_and_several_as_version_3(frame, model_file, tmp_path):
    fd.fit(frame, window=20).save(tmp_path / "one")
    versions = [json.loads(entries_of(path)["header.json"])["version"] for path in (tmp_path / "one", model_file)]
    assert versions == [2, 3]
    assert not any(name.startswith("window_") for name in entries_of(tmp_path / "one"))


def test_the_arrays_of_each_window_can_be_read_by_numpy_alone(model_file):
    members = fd.load(model_file).members
    with np.load(model_file, allow_pickle=False) as archive:
        for member in members:
            np.testing.assert_array_equal(archive[f"window_{member.window}_cholesky"], member.cholesky)


def test_any_byte_that_is_changed_is_noticed(model_file):
    content = model_file.read_bytes()
    for place in range(0, len(content), 11):
        flipped = bytearray(content)
        flipped[place] ^= 0x20
        with pytest.raises(fd.ModelError, match=r"not a model|damaged"):
            store.decode(bytes(flipped))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("window", 1),
        ("window", 20),
        ("window", 6),
        ("window", 5.0),
        ("threshold", 0.0),
        ("threshold", -1.0),
        ("threshold", float("inf")),
        ("shrinkage", 2.0),
        ("shrinkage_rule", "guess"),
        ("windows_used", 0),
        ("windows_used", 5_000),
        ("windows_left_out", -1),
        ("columns", ["a"]),
    ],
)
def test_a_window_that_makes_no_sense_is_refused(model_file, field, value):
    forged = changed(model_file, lambda header: header["members"][0].update({field: value}))
    with pytest.raises(fd.ModelError, match="fit the model anew"):
        store.decode(forged)


@pytest.mark.parametrize(
    "change",
    [
        lambda members: members.pop(),
        lambda members: members.pop(0),
        lambda members: members.reverse(),
        lambda members: members.clear(),
        lambda members: members.extend(members[:1]),
        lambda members: members.__setitem__(0, 5),
        lambda members: members[0].pop("threshold"),
    ],
)
def test_windows_that_do_not_fit_together_are_refused(model_file, change):
    with pytest.raises(fd.ModelError, match="fit the model anew"):
        store.decode(changed(model_file, lambda header: change(header["members"])))


@pytest.mark.parametrize(
    "change",
    [
        lambda header: header.pop("members"),
        lambda header: header.update(members=None),
        lambda header: header.pop("promise"),
        lambda header: header.update(version=2),
        lambda header: header.update(comment="mine"),
        lambda header: header["model"].update(window=50),
        lambda header: header["model"].update(shrinkage=0.5),
    ],
)
def test_a_header_of_several_windows_that_makes_no_sense_is_refused(model_file, change):
    with pytest.raises(fd.ModelError, match="fit the model anew"):
        store.decode(changed(model_file, change))


def test_arrays_that_are_missing_too_many_or_none_are_refused(model_file):
    entries = entries_of(model_file)
    name = "window_5_cholesky.npy"
    factor = fd.load(model_file).members[0].cholesky.copy()
    factor[0, 0] = -1
    less = {key: entry for key, entry in entries.items() if key != name}
    for forged in (
        less,
        entries | {name: npy(factor)},
        entries | {name: npy(factor[:2])},
        entries | {"cholesky.npy": b""},
    ):
        with pytest.raises(fd.ModelError, match="fit the model anew"):
            store.decode(sealed(forged))
