"""A baseline of several stretches: no window, fold or cluster reaches from one into the next."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import fastdrift as fd
from fastdrift.fitting.folds import cut_folds

COLUMNS = list("abcd")


def values(n_rows: int, seed: int, level: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(level, 1.0, (n_rows, 4))


HEALTHY, ACCEPTED = values(4_000, 1), values(1_000, 2, level=8.0)


def test_one_stretch_in_a_list_has_the_bytes_of_the_table_itself():
    assert fd.fit([HEALTHY], window=20).encode() == fd.fit(HEALTHY, window=20).encode()


@pytest.mark.parametrize("window", [20, (10, 20)])
def test_bytes_do_not_depend_on_how_stretches_are_passed(window):
    def frame(rows: np.ndarray) -> pd.DataFrame:
        return pd.DataFrame(rows, columns=COLUMNS)

    expected = fd.fit([frame(HEALTHY), frame(ACCEPTED)], window=window, threads=1).encode()
    ways = [
        (frame(np.asfortranarray(HEALTHY)), pl.DataFrame(ACCEPTED, schema=COLUMNS)),
        [pa.Table.from_pandas(frame(HEALTHY)), frame(ACCEPTED)[COLUMNS[::-1]]],
        [frame(HEALTHY), ACCEPTED],
    ]
    assert all(fd.fit(way, window=window, threads=2).encode() == expected for way in ways)


def test_float32_stretches_give_the_bytes_of_the_same_numbers_in_float64():
    narrow = [HEALTHY.astype(np.float32), ACCEPTED.astype(np.float32)]
    wide = [part.astype(np.float64) for part in narrow]
    assert fd.fit(narrow, window=20).encode() == fd.fit(wide, window=20).encode()
    assert fd.fit([narrow[0], wide[1]], window=20).encode() == fd.fit(wide, window=20).encode()


def test_rows_and_windows_between_stretches_count_as_none():
    model = fd.fit([HEALTHY, ACCEPTED], window=20)
    assert model.baseline_rows == 5_000
    assert (model.windows_used, model.windows_left_out) == (4_000 - 19 + 1_000 - 19, 0)
    assert not any("NaN" in note for note in model.warnings)
    assert not model.rows.missing.any()


def test_moments_are_those_of_the_windows_of_each_stretch():
    model = fd.fit([HEALTHY, ACCEPTED], window=20)
    windows = [np.lib.stride_tricks.sliding_window_view(part, 20, axis=0) for part in (HEALTHY, ACCEPTED)]
    features = np.concatenate([np.hstack([one.mean(-1), one.std(-1, ddof=1)]) for one in windows])
    np.testing.assert_allclose(model.centre, features.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(model.scale, features.std(axis=0), rtol=1e-9)


def test_every_fold_lies_in_one_stretch_and_all_windows_lie_in_one_fold():
    folds = cut_folds([(0, 100), (101, 131)], 20)
    assert [window for first, stop in folds for window in range(first, stop)] == [*range(19, 100), *range(120, 131)]
    assert all(stop <= 100 or first >= 101 for first, stop in folds)


def test_a_level_that_was_accepted_is_no_burst_and_no_fault():
    far = values(300, 3, level=5_000.0)
    model = fd.fit([HEALTHY, far], window=20)
    assert model.windows_left_out == 0
    assert (fd.score(model, values(2_000, 4, level=5_000.0))[19:] > model.threshold).mean() < 0.2


def test_the_accepted_level_is_flagged_before_and_not_after():
    fresh = values(3_000, 5, level=8.0)
    before, after = fd.fit(HEALTHY, window=20), fd.fit([HEALTHY, ACCEPTED], window=20)
    assert (fd.score(before, fresh)[19:] > before.threshold).all()
    assert (fd.score(after, fresh)[19:] > after.threshold).mean() < 0.1


def test_a_hole_is_told_by_its_row_in_its_stretch():
    holed = ACCEPTED.copy()
    holed[7, 2] = np.nan
    with pytest.warns(fd.DriftWarning, match="hold a NaN or inf") as caught:
        model = fd.fit([HEALTHY, holed], window=20)
    assert model.windows_left_out == 8
    assert len(caught) == 1
    assert model.rows.missing.tolist() == [0, 0, 1, 0]
    half = values(400, 6)
    half[5::10] = np.nan
    with pytest.raises(fd.DataError, match="row 5 of stretch 2"):
        fd.fit([values(300, 7), half], window=20)


def test_the_step_between_rows_is_told_within_stretches():
    index = pd.date_range("2024-01-01", periods=4_000, freq="min")
    frames = [pd.DataFrame(HEALTHY, index), pd.DataFrame(ACCEPTED, index[:1_000] + pd.Timedelta("90D"))]
    model = fd.fit(frames, window=20, created="2024-06-01", reason="moved for good")
    assert model.promise.step == 60
    first, second = model.history
    assert (first.first, first.last) == ("2024-01-01T00:00:00", "2024-01-03T18:39:00")
    assert (second.rows, second.first, second.created) == (1_000, "2024-03-31T00:00:00", "2024-06-01")
    assert second.reason == "moved for good"


@pytest.mark.parametrize("window", [20, (10, 20)])
def test_history_is_in_the_file(tmp_path, window):
    model = fd.fit([HEALTHY, ACCEPTED], window=window)
    model.save(tmp_path / "model")
    loaded = fd.load(tmp_path / "model")
    assert loaded.history == model.history
    assert len(loaded.history) == 2
    assert loaded.encode() == model.encode()
    assert fd.fit(HEALTHY, window=window, created="now").history[0].created == "now"


def test_stretches_of_other_columns_or_too_few_rows_are_errors_that_say_which():
    frame = pd.DataFrame(HEALTHY, columns=COLUMNS)
    with pytest.raises(fd.DataError, match="stretch 2: column 'd' is missing"):
        fd.fit([frame, frame[["a", "b", "c"]]])
    with pytest.raises(fd.DataError, match="stretch 2: column 'e'"):
        fd.fit([frame, frame.assign(e=1.0)])
    with pytest.raises(fd.DataError, match="stretch 2: 10 rows hold no window of 20"):
        fd.fit([frame, frame[:10]], window=20)


def test_labels_and_times_are_set_apart_in_all_stretches():
    frames = [
        pd.DataFrame(part, columns=COLUMNS).assign(label=0, ts=np.arange(len(part)) * 60 + 1_700_000_000)
        for part in (HEALTHY, ACCEPTED)
    ]
    with pytest.warns(fd.DriftWarning):
        model = fd.fit(frames, window=20)
    assert model.columns == tuple(COLUMNS)
