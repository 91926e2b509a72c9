"""The parts of a score are those of the definition, for rows and for events."""

from __future__ import annotations

import numpy as np
import pytest

import fastdrift as fd

from .spoiled import WINDOW, quiet, spoil, up


@pytest.fixture(scope="module")
def mixed(telemetry):
    """Return a model with constant columns among others, and later rows in which they move."""
    healthy = telemetry[:15_000].copy()
    healthy.insert(1, "zero", 0.0)
    healthy["one"] = 1.0
    later = telemetry[15_000:18_000].copy()
    later.insert(1, "zero", 0.0)
    later["one"] = 1.0
    later.iloc[500:505, 1] = 3.0
    later.iloc[700, -1] = np.nan
    later.iloc[900, 0] = np.inf
    return fd.fit(healthy, window=WINDOW), later


@quiet
def test_signed_parts_add_up_to_the_squared_score(mixed):
    model, rows = mixed
    parts = fd.explain(model, rows, signed=True)
    scores = fd.score(model, rows)
    whole = np.isfinite(scores.to_numpy())
    assert np.array_equal(np.isfinite(parts.to_numpy()).all(axis=1), whole)
    assert np.isnan(parts.to_numpy()[~whole]).all()
    error = np.abs(parts.sum(axis=1) - scores**2)[whole]
    assert (error <= 1e-9 * parts.abs().sum(axis=1)[whole]).all()
    assert list(parts.columns) == list(model.columns)


@quiet
def test_shares_are_those_of_the_definition_and_add_up_to_one(mixed):
    model, rows = mixed
    asked = [510, 25, 2_999, 503, 503]
    shares = fd.explain(model, rows, rows=asked)
    assert shares.index.equals(rows.index[asked])
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)
    precision = np.linalg.inv(model.cholesky @ model.cholesky.T)
    for place, row in enumerate(asked):
        window = rows.iloc[row - WINDOW + 1 : row + 1]
        varying = window[list(model.varying_columns)].to_numpy()
        v = (np.append(varying.mean(axis=0), varying.std(axis=0, ddof=1)) - model.centre) / model.scale
        terms = np.abs(v * (precision @ v))
        parts = dict(zip(model.varying_columns, terms[:5] + terms[5:], strict=True))
        for name, value in zip(model.constant_columns, model.constant_values, strict=True):
            parts[name] = model.penalties[int((window[name] != value).sum())]
        expected = np.array([parts[name] for name in model.columns])
        np.testing.assert_allclose(shares.iloc[place], expected / expected.sum(), rtol=1e-7)


@quiet
@pytest.mark.parametrize("threads", [1, 2])
def test_some_rows_have_the_reasons_they_have_among_all(mixed, threads):
    model, rows = mixed
    whole = fd.explain(model, rows, threads=threads).to_numpy()
    some = [2_900, 19, 400, 401, 1_999]
    assert fd.explain(model, rows, rows=some).to_numpy().tobytes() == whole[some].tobytes()
    assert fd.explain(model, rows, rows=slice(100, 200)).to_numpy().tobytes() == whole[100:200].tobytes()


def test_an_event_is_the_mean_of_its_rows(telemetry, model):
    rows = spoil(telemetry[15_000:18_000], 1_000, 1_100, **{telemetry.columns[1]: up(9)})
    found = fd.detect(model, rows)
    by_event = fd.explain(model, rows, events=found, signed=True)
    assert len(by_event) == len(found)
    for place, event in enumerate(found):
        rows_of = fd.explain(model, rows, rows=range(event.start, event.stop), signed=True)
        np.testing.assert_allclose(by_event.iloc[place], rows_of.mean(axis=0), rtol=1e-9)


@pytest.mark.parametrize("rows", [[-1], [3_000], [[1, 2]], [0.5], "ab"])
def test_rows_that_do_not_exist_are_an_error(telemetry, model, rows):
    with pytest.raises(fd.DataError, match=r"row"):
        fd.explain(model, telemetry[:3_000], rows=rows)


def test_rows_and_events_together_are_an_error(telemetry, model):
    with pytest.raises(fd.DataError, match="give one"):
        fd.explain(model, telemetry[:3_000], rows=[1], events=[])
