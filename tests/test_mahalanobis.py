"""mahalanobis gives exact distances from any mean under any covariance that has full rank."""

from __future__ import annotations

import mpmath
import numpy as np
import pandas as pd
import pytest
from oracle import relative_error, squared_distances, telemetry

import fastdrift as fd


def covariance_of(n_columns, seed):
    factor = np.random.default_rng(seed).normal(size=(n_columns, 2 * n_columns + 1))
    return factor @ factor.T


@pytest.mark.parametrize("n_columns", [1, 2, 3, 4, 5, 7, 8, 16, 33])
@pytest.mark.parametrize("n_rows", [1, 7, 8, 100, 1_001])
def test_distances_are_those_of_a_linear_system_a_row(n_columns, n_rows):
    rng = np.random.default_rng(n_rows)
    rows, mean, covariance = (
        rng.normal(size=(n_rows, n_columns)),
        rng.normal(size=n_columns),
        covariance_of(n_columns, 1),
    )
    expected = np.sqrt(squared_distances(rows, mean, covariance))
    assert relative_error(fd.mahalanobis(rows, mean, covariance), expected) < 1e-10


def test_distances_are_exact_to_the_last_digits_where_the_covariance_allows():
    rng = np.random.default_rng(2)
    rows, mean, covariance = rng.normal(size=(20, 4)), rng.normal(size=4), np.eye(4) + 0.3
    with mpmath.workdps(50):
        inverse = mpmath.matrix(covariance.tolist()) ** -1
        expected = []
        for row in rows.tolist():
            delta = mpmath.matrix(
                [mpmath.mpf(value) - mpmath.mpf(centre) for value, centre in zip(row, mean, strict=True)]
            )
            expected.append(float(mpmath.sqrt((delta.T * inverse * delta)[0])))
    assert relative_error(fd.mahalanobis(rows, mean, covariance), expected) < 2e-15


def test_units_play_no_part():
    rows, mean, covariance = telemetry(200, 3, seed=3), np.zeros(3), covariance_of(3, 3)
    units = np.array([2.0**-300, 1.0, 2.0**300])
    scaled = fd.mahalanobis(rows * units, mean * units, covariance * np.outer(units, units))
    assert relative_error(scaled, fd.mahalanobis(rows, mean, covariance)) < 1e-14


def test_any_layout_and_number_of_threads_gives_the_same_bytes():
    rows, mean, covariance = telemetry(60_001, 5, seed=4), np.arange(5.0), covariance_of(5, 4)
    expected = fd.mahalanobis(rows, mean, covariance, threads=1).tobytes()
    wide = np.zeros((2 * len(rows), 6))
    wide[::2, :5] = rows
    ways = [np.asfortranarray(rows), wide[::2, :5], rows[::-1].copy()[::-1], pd.DataFrame(rows), rows.astype(">f8")]
    for way in ways:
        assert fd.mahalanobis(way, mean, covariance, threads=2).tobytes() == expected
    for threads in (2, 5, 8):
        assert fd.mahalanobis(rows, mean, covariance, threads=threads).tobytes() == expected
    one_by_one = [fd.mahalanobis(rows[row : row + 1], mean, covariance)[0] for row in range(50)]
    assert np.array(one_by_one).tobytes() == expected[: 50 * 8]
    narrow = rows.astype(np.float32)
    as_doubles = fd.mahalanobis(narrow.astype(np.float64), mean, covariance)
    assert fd.mahalanobis(narrow, mean, covariance).tobytes() == as_doubles.tobytes()


def test_a_row_with_a_nan_or_inf_has_no_distance_and_a_huge_one_is_infinitely_far():
    rows = np.random.default_rng(5).normal(size=(100, 3))
    rows[[10, 11, 12, 13], [0, 1, 2, 0]] = np.nan, np.inf, -np.inf, 1e200
    distances = fd.mahalanobis(rows, np.zeros(3), np.eye(3))
    assert np.flatnonzero(np.isnan(distances)).tolist() == [10, 11, 12]
    assert np.flatnonzero(np.isinf(distances)).tolist() == [13]


def test_no_rows_have_no_distances():
    assert fd.mahalanobis(np.empty((0, 2)), [0.0, 0.0], np.eye(2)).shape == (0,)


@pytest.mark.parametrize(
    ("mean", "covariance", "message"),
    [
        ([0.0, 0.0], np.ones((2, 2)), "column 1 is determined by the columns before it"),
        ([0.0, 0.0], np.ones((2, 2)) + 1e-10 * np.eye(2), "column 1 is determined by the columns before it"),
        ([0.0, 0.0], [[1.0, 2.0], [2.0, 1.0]], "column 1 is determined"),
        ([0.0, 0.0], np.diag([1.0, 0.0]), "the variance of column 1 is 0: it must be above 0"),
        ([0.0, 0.0], -np.eye(2), "the variance of column 0 is -1"),
        ([0.0, 0.0], [[1.0, 0.2], [0.1, 1.0]], "not symmetric"),
        ([0.0, 0.0], [[1.0, 0.2], [0.2 + 1e-8, 1.0]], "not symmetric"),
        ([0.0, 0.0], [[1e12, 0.2], [0.21, 1e-12]], "not symmetric"),
        ([0.0, np.nan], np.eye(2), "the mean or the covariance holds a NaN or inf"),
        ([0.0, 0.0], np.diag([1.0, np.inf]), "the mean or the covariance holds a NaN or inf"),
        ([0.0], np.eye(2), "the rows have 2 columns, so the mean needs shape"),
        ([0.0, 0.0], np.eye(3), "the rows have 2 columns, so the mean needs shape"),
    ],
)
def test_a_mean_or_covariance_that_cannot_be_used_is_an_error(mean, covariance, message):
    with pytest.raises(fd.DataError, match=message):
        fd.mahalanobis(np.zeros((5, 2)), mean, covariance)


def test_rows_must_be_a_table_of_numbers():
    with pytest.raises(fd.DataError, match="1 dimension"):
        fd.mahalanobis([1.0, 2.0], [0.0, 0.0], np.eye(2))
    with pytest.raises(fd.DataError, match="the array holds complex128"):
        fd.mahalanobis(np.zeros((3, 2), complex), [0.0, 0.0], np.eye(2))


def test_the_first_column_that_others_determine_is_named():
    covariance = np.eye(5)
    covariance[1, 2] = covariance[2, 1] = 1.0
    with pytest.raises(fd.DataError, match="column 2 is determined by the columns before it"):
        fd.mahalanobis(np.zeros((3, 5)), np.zeros(5), covariance)
    with pytest.raises(fd.DataError, match="column 1 is determined by the columns before it"):
        fd.mahalanobis(np.zeros((3, 3)), np.zeros(3), np.ones((3, 3)))


def test_rounding_does_not_make_a_covariance_unsymmetric():
    covariance = np.eye(3)
    covariance[0, 1] = 1e-18
    assert np.isfinite(fd.mahalanobis(np.ones((3, 3)), np.zeros(3), covariance)).all()
