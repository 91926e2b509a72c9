"""What a baseline is worth: its windows' memory, and the warning where that is long."""

from __future__ import annotations

import warnings

import numpy as np
import oracle
import pytest

import fastdrift as fd
from fastdrift.fitting.worth import FEW_DRAWN, MANY_DRAWN, autocorrelation_time, memory_of
from fastdrift.tables.convert import reader_of


def slow_noise(n_rows, n_columns, memory, seed):
    """Return AR(1) rows: each is `memory` times the one before, plus noise."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n_rows, n_columns))
    rows[0] /= np.sqrt(1 - memory**2)
    for row in range(1, n_rows):
        rows[row] += memory * rows[row - 1]
    return rows


def memory_in(rows, window, most=FEW_DRAWN):
    table = reader_of(rows).table()
    return memory_of(table, np.arange(table.n_columns), window, most)


# The time itself


@pytest.mark.parametrize("memory", [-0.5, 0.0, 0.5, 0.9, 0.99])
@pytest.mark.parametrize(("n_steps", "n_series"), [(1, 1), (2, 3), (63, 1), (200, 4), (513, 2)])
def test_the_time_is_that_of_its_definition_in_plain_loops(n_steps, n_series, memory):
    series = slow_noise(n_steps, n_series, memory, seed=n_steps)
    series -= series.mean(axis=0)
    assert autocorrelation_time(series) == pytest.approx(oracle.autocorrelation_time(series), rel=1e-9)


def test_what_is_not_known_counts_as_the_mean_and_what_never_moves_not_at_all():
    series = slow_noise(300, 3, 0.8, seed=1)
    series[40:60] = np.nan
    series[:, 1] = 0.0
    expected = oracle.autocorrelation_time(series)
    assert autocorrelation_time(series) == pytest.approx(expected, rel=1e-9)
    assert autocorrelation_time(series[:, [0, 2]]) == pytest.approx(expected, rel=1e-9)
    assert autocorrelation_time(np.zeros((50, 2))) == autocorrelation_time(np.full((50, 2), np.nan)) == 1.0


@pytest.mark.parametrize("memory", [0.0, 0.5, 0.9, 0.98])
def test_the_time_of_long_slow_noise_is_the_one_of_theory(memory):
    found = autocorrelation_time(slow_noise(100_000, 4, memory, seed=3))
    assert found == pytest.approx((1 + memory) / (1 - memory), rel=0.1)


def test_units_do_not_matter_not_even_huge_ones():
    series = slow_noise(500, 2, 0.9, seed=4)
    assert autocorrelation_time(series * [1e-200, 1e200]) == pytest.approx(autocorrelation_time(series), rel=1e-9)


# The memory of windows


@pytest.mark.parametrize(("n_rows", "window"), [(500, 20), (1_000, 50), (20_000, 50), (300, 5)])
def test_windows_of_noise_are_forgotten_once_they_share_no_row(n_rows, window):
    assert np.mean([memory_in(slow_noise(n_rows, 8, 0.0, seed), window) == 0 for seed in range(20)]) > 0.9


@pytest.mark.parametrize("window", [5, 20])
def test_windows_of_slow_noise_are_remembered_as_long_as_its_rows(window):
    assert memory_in(slow_noise(50_000, 8, 0.998, 2), window, MANY_DRAWN) == pytest.approx(999, rel=0.3)


def test_a_change_of_spread_is_memory_too():
    rows = np.random.default_rng(5).normal(size=(4_000, 3)) * (1 + np.sin(np.arange(4_000) / 900))[:, None] ** 2
    assert memory_in(rows, 20) > 100


def test_levels_of_several_stretches_are_no_memory():
    rows = np.random.default_rng(6).normal(size=(2_000, 3))
    stretches = [rows, rows + 9]
    assert not [note for note in noted(stretches, window=20) if "slowly" in note]
    assert [note for note in noted(np.concatenate(stretches), window=20) if "slowly" in note]


@pytest.mark.parametrize("period", [3, 1_440])
@pytest.mark.parametrize("n_rows", [64 * 1_440, 64 * 1_442, 64 * 156])
def test_what_comes_round_again_is_not_slow(n_rows, period):
    rows = np.random.default_rng(7).normal(size=(n_rows, 2))
    rows[:, 0] = np.arange(n_rows) % period == 0
    rows[:, 1] += np.sin(2 * np.pi * np.arange(n_rows) / period)
    assert not [note for note in noted(rows, window=50) if "slowly" in note]


# What is said of it


def noted(baseline, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fd.DriftWarning)
        return fd.fit(baseline, **options).warnings


def share_over_asked(memory, n_rows, seeds=range(6), window=20):
    """Return realised over asked, and how often slowness is said, over fits of a few seeds."""
    ratios, said = [], []
    for seed in seeds:
        rows = slow_noise(n_rows + 20_000, 8, memory, seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", fd.DriftWarning)
            model = fd.fit(rows[:n_rows], window=window)
        scores = fd.score(model, rows)[n_rows + window :]
        ratios.append((scores > model.threshold).mean() / 0.05)
        said.append(any("change slowly" in note for note in model.warnings))
    return np.mean(ratios), np.mean(said)


@pytest.mark.parametrize("window", [5, 20, 50])
def test_where_slow_columns_make_flagged_rows_too_many_it_is_said_which_way_the_baseline_errs(window):
    ratio, said = share_over_asked(0.99, 500, window=window)
    assert ratio > 2
    assert said > 0.7


@pytest.mark.parametrize(("memory", "n_rows"), [(0.0, 500), (0.5, 1_000), (0.9, 2_000), (0.98, 5_000), (0.99, 20_000)])
def test_where_the_rate_is_kept_or_undercut_nothing_is_said_of_slowness(memory, n_rows):
    ratio, said = share_over_asked(memory, n_rows, seeds=range(4))
    assert ratio < 1.5
    assert said == 0


def test_the_note_tells_the_memory_and_what_would_be_enough():
    notes = [note for note in noted(slow_noise(500, 8, 0.99, 1), window=20) if "slowly" in note]
    assert len(notes) == 1
    assert "independent ones and may show but part" in notes[0]
    assert "more rows are flagged than asked for" in notes[0]
    assert not [note for note in noted(slow_noise(500, 8, 0.99, 1), window=20) if "thin" in note]
