"""Tables of every kind that can be read, made of the same columns."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

WINDOW = 7
NAMES = ["flow", "heat", "noise", "load", "tilt"]
pa = pytest.importorskip("pyarrow", reason="Arrow tables need pyarrow")


def polars():
    return pytest.importorskip("polars", reason="polars frames need polars")


def as_polars(columns):
    return polars().DataFrame(columns)


def as_polars_in_chunks(columns):
    pl = polars()
    frame = pl.DataFrame(columns)
    edges = [0, 1, 900, 901, 2_000, len(frame)]
    return pl.concat([frame[start:stop] for start, stop in itertools.pairwise(edges)], rechunk=False)


def as_arrow_in_uneven_chunks(columns):
    arrays = []
    for place, values in enumerate(columns.values()):
        edges = [0, 100 * place, 100 * place, 1_000 + place, len(values)]
        arrays.append(pa.chunked_array([values[start:stop] for start, stop in itertools.pairwise(edges)]))
    return pa.table(arrays, names=list(columns))


class Capsule:
    """What hands out an Arrow stream and is nothing else."""

    def __init__(self, table):
        self.table = table

    def __arrow_c_stream__(self, requested_schema=None):
        return self.table.__arrow_c_stream__(requested_schema)


class BatchCapsule:
    """What hands out one Arrow batch and is nothing else."""

    def __init__(self, batch):
        self.batch = batch

    def __arrow_c_array__(self, requested_schema=None):
        return self.batch.__arrow_c_array__(requested_schema)


def as_duckdb(columns):
    duckdb = pytest.importorskip("duckdb", reason="relations need duckdb")
    stored = pa.table(columns)
    return duckdb.from_arrow(stored)


def as_nulls(columns):
    """Return an Arrow table whose NaNs are nulls."""
    return pa.table({name: pa.array(values, from_pandas=True) for name, values in columns.items()})


KINDS = {
    "pandas of one block": lambda columns: pd.DataFrame(np.stack(list(columns.values()), 1), columns=list(columns)),
    "pandas of several blocks": lambda columns: pd.DataFrame({name: values.copy() for name, values in columns.items()}),
    "pandas backed by Arrow": lambda columns: pd.DataFrame(columns).astype("float64[pyarrow]"),
    "polars": as_polars,
    "polars in chunks": as_polars_in_chunks,
    "an Arrow table": pa.table,
    "an Arrow table in chunks": as_arrow_in_uneven_chunks,
    "an Arrow batch": pa.RecordBatch.from_pydict,
    "an Arrow reader": lambda columns: pa.table(columns).to_reader(max_chunksize=700),
    "a stream's capsule": lambda columns: Capsule(pa.table(columns)),
    "a batch's capsule": lambda columns: BatchCapsule(pa.RecordBatch.from_pydict(columns)),
    "a DuckDB relation": as_duckdb,
}
kinds = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())


def named(table, names=NAMES):
    """Return columns by name, in the order of `names`."""
    return {name: np.ascontiguousarray(table[:, NAMES.index(name)]) for name in names}


def numbers(result):
    """Return what a table or column of results holds, as rows × columns or as one number a row."""
    if isinstance(result, np.ndarray):
        return np.ascontiguousarray(result)
    if isinstance(result, (pa.Array, pa.ChunkedArray)):
        return np.asarray(result)
    if isinstance(result, (pa.Table, pa.RecordBatch)):
        return np.stack([np.asarray(column) for column in result.columns], axis=1)
    return np.ascontiguousarray(result.to_numpy())
