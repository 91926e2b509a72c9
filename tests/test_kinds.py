"""A table is read by its columns' names, whatever library made it, and results come back in its kind."""

from __future__ import annotations

import decimal
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from kinds import (
    KINDS,
    NAMES,
    WINDOW,
    Capsule,
    as_arrow_in_uneven_chunks,
    as_nulls,
    as_polars,
    kinds,
    named,
    numbers,
    pa,
    polars,
)

import fastdrift as fd
from fastdrift.tables.columns import Column, Converted, lay_out
from fastdrift.tables.convert import as_table


@kinds
def test_every_kind_of_table_gives_the_bytes_of_the_array(fit, table, kind):
    model = fit(table, window=WINDOW)
    learnt = fit(kind(named(table)), window=WINDOW)
    assert learnt.columns == tuple(NAMES)
    assert learnt.named
    assert learnt.cholesky.tobytes() == model.cholesky.tobytes()
    assert learnt.threshold == model.threshold
    expected = fd.score(model, table).tobytes()
    assert numbers(fd.score(learnt, kind(named(table)))).tobytes() == expected
    assert numbers(fd.score(model, kind(named(table)))).tobytes() == expected
    assert numbers(fd.score(learnt, table)).tobytes() == expected
    means = numbers(fd.rolling_mean(kind(named(table)), WINDOW))
    assert means.tobytes() == fd.rolling_mean(table, WINDOW).tobytes()


@kinds
@pytest.mark.parametrize("threads", [1, 2])
def test_columns_in_another_order_give_the_same_bytes_in_every_kind(fit, rows, kind, threads):
    columns = {name: rows[:, place].copy() for place, name in enumerate(NAMES)}
    model = fit(pd.DataFrame(columns)[:20_000], window=50)
    expected = fd.score(model, pd.DataFrame(columns)).to_numpy().tobytes()
    for order in (NAMES[::-1], [*NAMES[2:], *NAMES[:2]]):
        shuffled = kind({name: columns[name] for name in order})
        assert numbers(fd.score(model, shuffled, threads=threads)).tobytes() == expected


@kinds
def test_missing_and_extra_columns_are_errors_in_every_kind(fit, table, kind):
    model = fit(pd.DataFrame(named(table)), window=WINDOW)
    with pytest.raises(fd.DataError, match="column 'noise' of the model is missing; the table has 'flow', 'heat'"):
        fd.score(model, kind(named(table, ["flow", "heat", "load", "tilt"])))
    with pytest.raises(fd.DataError, match="column 'more' is not the model's: drop it, or name the columns"):
        fd.score(model, kind(named(table) | {"more": table[:, 0].copy()}))


@kinds
def test_columns_that_are_listed_when_fitting_leave_room_for_others_in_every_kind(fit, table, kind):
    chosen = ["load", "flow"]
    model = fit(kind(named(table)), window=WINDOW, columns=chosen)
    assert model.columns == ("load", "flow")
    expected = fd.score(fit(table, window=WINDOW, columns=[3, 0]), table)
    assert numbers(fd.score(model, kind(named(table)))).tobytes() == expected.tobytes()
    with pytest.raises(fd.DataError, match="column 'speed' is missing; the table has 'flow'"):
        fit(kind(named(table)), window=WINDOW, columns=["speed"])


@kinds
def test_distances_of_rows_are_those_of_the_array_in_every_kind(table, kind):
    mean, covariance = np.zeros(len(NAMES)), np.eye(len(NAMES))
    table = np.where(np.arange(len(table))[:, None] % 500 == 3, np.nan, table)
    expected = fd.mahalanobis(table, mean, covariance)
    assert fd.mahalanobis(kind(named(table)), mean, covariance).tobytes() == expected.tobytes()


@kinds
def test_constant_columns_and_gaps_give_the_bytes_of_the_array_in_every_kind(fit, table, kind):
    table = table.copy()
    table[:2_000, 3] = 5.0
    table[2_500, 1] = np.nan
    model = fit(table[:2_000], window=WINDOW)
    with pytest.warns(fd.DriftWarning, match="7 of 2995 windows hold a NaN or inf .* row 2500"):
        expected = fd.score(model, table)
    with pytest.warns(fd.DriftWarning, match="7 of 2995 windows hold a NaN or inf .* row 2500"):
        assert numbers(fd.score(model, kind(named(table)))).tobytes() == expected.tobytes()


def test_results_are_of_the_kind_of_the_table(fit, table):
    pl = polars()
    model = fit(pd.DataFrame(named(table)), window=WINDOW)
    assert isinstance(fd.score(model, KINDS["pandas of one block"](named(table))), pd.Series)
    scores = fd.score(model, as_polars(named(table)))
    assert isinstance(scores, pl.Series)
    assert (scores.name, scores.dtype, scores.null_count()) == ("score", pl.Float64, 0)
    for kind in ("an Arrow table", "an Arrow batch", "an Arrow reader", "a stream's capsule", "a batch's capsule"):
        scores = fd.score(model, KINDS[kind](named(table)))
        assert isinstance(scores, pa.Array)
        assert (scores.type, scores.null_count) == (pa.float64(), 0)


@pytest.mark.parametrize("function", [fd.rolling_mean, fd.rolling_std])
def test_rolling_windows_come_in_the_kind_and_with_the_names_of_the_table(table, function):
    pl = polars()
    expected = function(table, WINDOW)
    for kind in (as_polars, pa.table, pa.RecordBatch.from_pydict):
        stored = kind(named(table))
        result = function(stored, WINDOW)
        assert type(result) is type(stored)
        assert list(getattr(result, "column_names", None) or result.columns) == NAMES
        assert numbers(result).tobytes() == expected.tobytes()
    assert isinstance(function(Capsule(pa.table(named(table))), WINDOW), pa.Table)
    column = np.ascontiguousarray(table[:, 2])
    series = function(pl.Series("noise", column), WINDOW)
    assert (series.name, series.to_numpy().tobytes()) == ("noise", function(column, WINDOW).tobytes())
    for stored in (pa.array(column), pa.chunked_array([column[:10], column[10:]])):
        result = function(stored, WINDOW)
        assert isinstance(result, pa.ChunkedArray if isinstance(stored, pa.ChunkedArray) else pa.Array)
        assert numbers(result).tobytes() == function(column, WINDOW).tobytes()


def test_nulls_are_nans_whatever_the_dtype(table):
    pl = polars()
    gappy = np.where(np.random.default_rng(22).random(table.shape) < 0.01, np.nan, table.round(2))
    columns = named(gappy)
    expected = fd.rolling_mean(gappy, WINDOW)
    arrow = as_nulls(columns)
    assert arrow.column(0).null_count > 5
    for stored in (arrow, pl.from_arrow(arrow), arrow.to_reader(max_chunksize=100), as_arrow_in_uneven_chunks(columns)):
        assert numbers(fd.rolling_mean(stored, WINDOW)).tobytes() == expected.tobytes()
    whole = as_nulls({name: values.round() for name, values in columns.items()}).cast(
        pa.schema([(name, pa.int32()) for name in NAMES])
    )
    expected = fd.rolling_mean(gappy.round(), WINDOW)
    for stored in (whole, pl.from_arrow(whole)):
        assert numbers(fd.rolling_mean(stored, WINDOW)).tobytes() == expected.tobytes()


@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "?", "f2", "f4"])
@pytest.mark.parametrize("gaps", [False, True])
def test_numbers_of_any_dtype_give_the_bytes_of_the_same_values_in_float64(dtype, gaps):
    pl = polars()
    values = np.random.default_rng(23).integers(0, 2 if dtype == "?" else 100, (500, 3)).astype(dtype)
    missing = np.random.default_rng(24).random(values.shape) < (0.01 if gaps else 0)
    expected = fd.rolling_std(np.where(missing, np.nan, values.astype(np.float64)), WINDOW)
    arrays = [pa.array(values[:, place], mask=missing[:, place]) for place in range(3)]
    arrow = pa.table(arrays, names=list("abc"))
    stored = [arrow] if dtype == "f2" else [arrow, pl.from_arrow(arrow)]
    for frame in stored:
        assert numbers(fd.rolling_std(frame, WINDOW)).tobytes() == expected.tobytes()


def test_columns_of_mixed_kinds_give_the_bytes_of_the_same_values_in_float64(fit, table):
    pl = polars()
    flags, counts = table[:, 0] > 0, (100 * table[:, 1]).round().astype("int64")
    prices = [decimal.Decimal(f"{value:.3f}") for value in table[:, 2]]
    doubles = np.stack(
        [flags, counts, [float(price) for price in prices], table[:, 3].astype("f4"), table[:, 4]], axis=1
    )
    arrow = pa.table([flags, counts, prices, table[:, 3].astype("f4"), table[:, 4].copy()], names=NAMES)
    model = fit(doubles, window=WINDOW)
    for stored in (arrow, pl.from_arrow(arrow)):
        assert fit(stored, window=WINDOW).cholesky.tobytes() == model.cholesky.tobytes()
        assert numbers(fd.score(model, stored)).tobytes() == fd.score(model, doubles).tobytes()


@kinds
def test_float32_columns_give_the_bytes_of_the_same_values_in_float64(fit, table, kind):
    narrow = table.astype(np.float32)
    model = fit(narrow.astype(np.float64), window=WINDOW)
    expected = fd.score(model, narrow.astype(np.float64)).tobytes()
    assert numbers(fd.score(model, kind(named(narrow)))).tobytes() == expected
    if kind in (KINDS["polars"], KINDS["an Arrow table"]):
        assert as_table(kind(named(narrow))).dtype == np.float32


def test_columns_are_read_where_they_lie():
    pl = polars()
    columns = {name: np.arange(100.0) + place for place, name in enumerate(NAMES)}
    for frame in (pl.DataFrame(columns), pa.table(columns), pd.DataFrame(columns, copy=False)):
        whole = as_table(frame)
        laid = whole.laid(10, 20)
        assert len(laid.held) == len(NAMES)
        for held, name in zip(laid.held, NAMES, strict=True):
            stored = frame[name]
            owner = stored.chunk(0).to_numpy() if isinstance(frame, pa.Table) else stored.to_numpy()
            assert np.shares_memory(held, owner)


def test_a_piece_across_chunks_is_copied_and_those_within_one_are_not():
    stored = np.arange(60.0)
    column = Column(
        stored[:20], stored[20:20], stored[20:50], Converted(10, lambda start, stop: stored[50:][start:stop])
    )
    for start, stop in [(0, 20), (20, 50), (3, 7), (25, 26)]:
        assert np.shares_memory(column.read(start, stop), stored)
    for start, stop in [(0, 60), (19, 21), (5, 55), (50, 60), (49, 51), (30, 30), (0, 0), (60, 60)]:
        assert np.array_equal(column.read(start, stop), stored[start:stop])
    assert not np.shares_memory(column.read(19, 21), stored)


@pytest.mark.parametrize("dtype", [np.dtype("f4"), np.dtype("f8")])
def test_columns_anywhere_in_memory_make_one_view(dtype):
    rng = np.random.default_rng(25)
    held = rng.normal(size=(8, 50)).astype(dtype)
    unaligned = np.ndarray(50, dtype, buffer=b"x" + held[7].tobytes(), offset=1)
    for columns in (
        [held[3], held[0], rng.normal(size=50).astype(dtype)],
        [held[1], rng.normal(size=50).astype("f2"), rng.integers(0, 9, 50), held[0] > 0],
        [held[2], unaligned, held[1][::-1], held[4].astype(dtype.newbyteorder(">"))],
        [np.broadcast_to(held[0][:1], 50), held[1], held[1]],
        [held.T.copy().T[3]],
        [held[3]],
    ):
        laid = lay_out([[column] for column in columns], 50, dtype)
        assert laid.rows.strides == (dtype.itemsize, dtype.itemsize)
        assert not laid.rows.flags.writeable
        start = laid.rows.__array_interface__["data"][0]
        for place, own, column in zip(laid.places, laid.held, columns, strict=True):
            assert own.__array_interface__["data"][0] == start + int(place) * dtype.itemsize
            assert own.strides == (dtype.itemsize,)
            assert np.array_equal(own, column.astype(dtype))
            is_dense = column.dtype == dtype and column.flags.c_contiguous and column.flags.aligned
            assert np.shares_memory(own, column) == (is_dense and column.dtype.isnative)


def test_memory_stays_bounded_where_columns_must_be_converted(fit):
    n_rows = 400_000
    values = np.random.default_rng(26).normal(size=(n_rows, 4))
    frame = pa.table(
        [pa.array(values[:, place], mask=np.arange(n_rows) == 99) for place in range(4)], names=list("abcd")
    )
    model = fit(frame.slice(100, 20_000), window=20)
    tracemalloc.start()
    with pytest.warns(fd.DriftWarning, match="20 of 399981 windows"):
        fd.score(model, frame, threads=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # the scores, and a piece of half a million numbers
    assert peak < 8 * n_rows + 2 * 8 * (1 << 19)


def test_a_model_file_of_a_polars_frame_scores_pandas_and_arrow(fit, table, tmp_path):
    model = fit(as_polars(named(table)), window=WINDOW)
    model.save(tmp_path / "model.fastdrift")
    loaded = fd.load(tmp_path / "model.fastdrift")
    expected = fd.score(fit(table, window=WINDOW), table).tobytes()
    for order in (NAMES, NAMES[::-1]):
        for stored in (pd.DataFrame(named(table, order)), pa.table(named(table, order))):
            assert numbers(fd.score(loaded, stored)).tobytes() == expected


def test_a_model_of_an_array_takes_frames_by_place_if_they_have_as_many_columns(fit, table):
    model = fit(table, window=WINDOW)
    with pytest.raises(fd.DataError, match="the table has 4 columns and the model 5"):
        fd.score(model, pa.table(named(table, NAMES[:4])))
    with pytest.raises(fd.DataError, match="the model was fitted on an array's columns: pass an array"):
        fd.score(fit(table, window=WINDOW, columns=[0, 1]), pa.table(named(table)))


def test_evaluation_takes_scores_and_labels_of_every_kind():
    pl = polars()
    scores = np.array([np.nan, 1.0, 2.0, 6.0, 1.5, 7.0, 9.0, 8.0])
    labels = np.array([0, 0, 0, 0, 0, 1, 1, 1])
    expected = fd.evaluate(scores, 5.0, labels=labels, events=True).to_dict()
    gappy = pl.Series(scores, nan_to_null=True)
    assert gappy.null_count() == 1
    for kind in (pl.Series, pa.array, lambda values: pa.chunked_array([values[:3], values[3:]])):
        for truth in (kind(labels), kind(labels == 1), labels):
            assert fd.evaluate(kind(scores), 5.0, labels=truth, events=True).to_dict() == expected
    for missing in (gappy, pa.array(scores, from_pandas=True)):
        assert fd.evaluate(missing, 5.0, labels=labels, events=True).to_dict() == expected
        found = fd.events(missing, 5.0)
        assert fd.event_metrics(found, pl.Series(labels)).found == 1
    for flags in (pl.Series(scores > 5), pa.array(scores > 5)):
        assert len(fd.events(flags)) == len(fd.events(scores, 5.0))
    with pytest.warns(fd.DriftWarning):
        assert fd.threshold_from_labels(pl.Series(scores), pa.array(labels)) == 6.0
    for labels in (pl.Series([1, None, 0]), pa.array([True, None, False])):
        with pytest.raises(fd.DataError, match="labels must be 0 or 1"):
            fd.evaluate([1.0, 2.0, 3.0], 2.0, labels=labels)


def test_a_stream_is_read_where_there_is_no_pyarrow_but_polars(run_python):
    polars()
    code = """
import sys
sys.modules["pyarrow"] = None
import numpy as np, polars as pl, fastdrift as fd

class Capsule:
    def __init__(self, frame):
        self.frame = frame
    def __arrow_c_stream__(self, requested_schema=None):
        return self.frame.__arrow_c_stream__(requested_schema)

rows = np.random.default_rng(0).normal(size=(2_000, 2))
model = fd.fit(rows, window=10)
frame = pl.DataFrame({"a": rows[:, 0], "b": rows[:, 1]})
for stored in (Capsule(frame), frame):
    scores = fd.score(model, stored)
    print(type(scores).__name__, np.asarray(scores).tobytes() == fd.score(model, rows).tobytes())
"""
    assert run_python(code).split() == ["ndarray", "True", "Series", "True"]


def test_a_stream_that_nothing_can_read_says_what_to_install(run_python):
    code = """
import sys
sys.modules["pyarrow"] = sys.modules["polars"] = None
import fastdrift as fd

class Capsule:
    def __arrow_c_stream__(self, requested_schema=None):
        raise AssertionError

try:
    fd.fit(Capsule())
except fd.DataError as error:
    print(error)
"""
    assert run_python(code).strip() == "the table is a __main__.Capsule: install pyarrow to have it read"


def test_reading_a_frame_imports_no_other_library(run_python):
    polars()
    code = """
import sys, numpy as np, polars as pl, fastdrift as fd
rows = np.random.default_rng(0).normal(size=(2_000, 2))
frame = pl.DataFrame({"a": rows[:, 0], "b": rows[:, 1]})
fd.score(fd.fit(frame, window=10), frame)
print("pandas" in sys.modules, "pyarrow" in sys.modules)
"""
    assert run_python(code).split() == ["False", "False"]
