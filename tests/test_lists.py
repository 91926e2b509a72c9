"""A list of columns or frames is never taken for rows by their place."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from kinds import WINDOW, pa, polars

import fastdrift as fd

VALUES = np.random.default_rng(7).normal(size=60)
LISTS = {
    "pandas columns": (lambda: [pd.Series(VALUES)] * 2, "a list of pandas.Series"),
    "a tuple of them": (lambda: (pd.Series(VALUES), pd.Series(VALUES)), "a tuple of pandas.Series"),
    "one among arrays": (lambda: [VALUES, pd.Series(VALUES)], "a list of pandas.Series"),
    "polars columns": (lambda: [polars().Series(VALUES)] * 2, "a list of polars.Series"),
    "Arrow columns": (lambda: [pa.array(VALUES)] * 2, "a list of pyarrow.DoubleArrays"),
    "Arrow columns in chunks": (lambda: [pa.chunked_array([VALUES])] * 2, "a list of pyarrow.ChunkedArrays"),
}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_of_columns_is_an_error_that_says_to_make_a_frame(fit, name):
    make, kind = LISTS[name]
    model = fit(np.random.default_rng(1).normal(size=(600, 60)), window=WINDOW)
    message = re.escape(f"the table is {kind}: make one frame of them, as with pandas.concat(data, axis=1)")
    for call in (lambda: fd.fit(make()), lambda: fd.score(model, make()), lambda: fd.rolling_mean(make(), 2)):
        with pytest.raises(fd.DataError, match=message):
            call()


@pytest.mark.parametrize("make", [pd.DataFrame, lambda rows: polars().DataFrame(rows), pa.table])
def test_a_list_of_frames_is_an_error_that_says_who_takes_several_stretches(fit, make):
    frames = [make({"a": VALUES})] * 2
    model = fit(frames[0], window=WINDOW)
    message = "give one at a time; only `fit`, and `accept` as its baseline, take several stretches"
    calls = (
        lambda: fd.score(model, frames),
        lambda: fd.detect(model, frames),
        lambda: fd.rolling_mean(frames, 2),
        lambda: fd.accept(model, frames[0], tuple(frames), reason="moved"),
    )
    for call in calls:
        with pytest.raises(fd.DataError, match=message):
            call()


def test_lists_of_rows_are_read_as_before(fit, table):
    model = fit(table, window=WINDOW)
    expected = fd.score(model, table).tobytes()
    for rows in (table.tolist(), [list(row) for row in table], [tuple(row) for row in table], list(table)):
        assert fd.score(model, rows).tobytes() == expected
