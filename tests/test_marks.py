"""What pictures mark lies where it happened, and nothing hides where the baseline ends."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fastdrift.plots.scores import score_figure

pytest.importorskip("matplotlib", reason="pictures need matplotlib")


class Hole:
    """Rows that were never logged, before row 500."""

    kind, onset, start, alarm_row, stop = "missing data", 500, 500, 500, 500


def extents(axes, label):
    """Return the extents (left, right) of the bars or shades with this name."""
    found = [one for one in axes.collections if one.get_label() == label]
    return [(path.vertices[:, 0].min(), path.vertices[:, 0].max()) for one in found for path in one.get_paths()]


def scores(n_rows):
    return np.random.default_rng(3).uniform(1, 4, n_rows)


def test_rows_that_were_never_logged_are_marked_from_the_last_time_to_the_next():
    times = pd.date_range("2024-01-01", periods=1_000, freq="min").to_series()
    times[500:] += pd.Timedelta("23h")
    figure = score_figure(scores(1_000), 8.0, index=pd.DatetimeIndex(times), events=[Hole()])
    ((left, right),) = extents(figure.axes[1], "missing data")
    assert right - left == pytest.approx((23 * 60 + 1) / 1_440)
    figure = score_figure(scores(1_000), 8.0, events=[Hole()])
    assert extents(figure.axes[1], "missing data") == [(499, 500)]


def test_labels_in_the_baseline_do_not_hide_where_it_ends():
    labels = np.zeros(1_000, bool)
    labels[100:120] = labels[250:400] = labels[700:720] = True
    figure = score_figure(scores(1_000), 8.0, baseline=(0, 300), labels=labels)
    assert extents(figure.axes[0], "baseline") == [(-0.5, 299.5)]
    assert extents(figure.axes[0], "labelled") == [(299.5, 399.5), (699.5, 719.5)]
    without = score_figure(scores(1_000), 8.0, labels=labels)
    assert extents(without.axes[0], "labelled") == [(99.5, 119.5), (249.5, 399.5), (699.5, 719.5)]
