"""A model file's history is checked as the rest of it is."""

from __future__ import annotations

import json

import numpy as np
import pytest

import fastdrift as fd
from fastdrift.detectors import store

from .test_model_files import entries_of, sealed, with_header

ROWS = np.random.default_rng(3).normal(size=(900, 3))
FIRST = {"rows": 600, "first": None, "last": None, "created": None, "reason": None, "checksum": "00"}
SECOND = FIRST | {"rows": 300}


@pytest.fixture(params=[20, (10, 20)], ids=["one window", "two windows"])
def file(request, fit, tmp_path):
    """Return a file with a model of two stretches."""
    path = tmp_path / "model.fastdrift"
    fit([ROWS[:600], ROWS[600:]], window=request.param).save(path)
    return path


def forged(path, history, **others):
    return sealed(with_header(entries_of(path), lambda text: json.dumps(json.loads(text) | others | history)))


def test_the_forger_of_these_tests_can_make_a_history(file):
    model = store.decode(forged(file, {"history": [FIRST, SECOND | {"reason": "release 2"}]}))
    assert [(one.rows, one.reason) for one in model.history] == [(600, None), (300, "release 2")]


@pytest.mark.parametrize(
    "history",
    [
        {},
        [],
        "long ago",
        [600, 300],
        [FIRST],
        [FIRST, FIRST],
        [FIRST, SECOND | {"rows": 300.0}],
        [FIRST | {"rows": 900}, SECOND | {"rows": 0}],
        [FIRST | {"rows": 1_000}, SECOND | {"rows": -100}],
        [FIRST, SECOND | {"reason": 7}],
        [FIRST, SECOND | {"first": ["2024"]}],
        [FIRST, SECOND | {"checksum": None}],
        [FIRST, SECOND | {"comment": "mine"}],
        [FIRST, {name: value for name, value in SECOND.items() if name != "created"}],
    ],
)
def test_a_history_that_cannot_be_is_refused_with_what_to_do(file, history):
    content = forged(file, {"history": history})
    with pytest.raises(fd.ModelError, match="its history is not one of the rows it was fitted on: fit the model anew"):
        store.decode(content)
    file.write_bytes(content)
    with pytest.raises(fd.ModelError, match=str(file)):
        fd.load(file)


def test_a_history_without_its_second_stretch_does_not_fit_the_counts_of_windows(file):
    with pytest.raises(fd.ModelError, match="counts of rows and of windows do not agree"):
        store.decode(forged(file, {"history": [FIRST | {"rows": 900}]}))
    with pytest.raises(fd.ModelError):
        store.decode(forged(file, {"history": None}))


def test_a_version_that_had_no_history_has_none(file):
    with pytest.raises(fd.ModelError):
        store.decode(forged(file, {"history": [FIRST, SECOND]}, version=2))
