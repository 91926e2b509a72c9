"""Pictures: reductions that agree with a plain loop, and figures that hold what was asked for."""

from __future__ import annotations

import itertools
import sys
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.text import Text

from fastdrift.errors import DataError
from fastdrift.plots.axes import PIXEL_COLUMNS, column_extremes, column_shares, column_starts, to_bytes
from fastdrift.plots.reasons import MOST_BARS, reasons_figure
from fastdrift.plots.scores import score_figure

NAN, INF = np.nan, np.inf
N_ROWS = 100_000


def plain_extremes(values, starts):
    """Return the smallest and largest value of each column with loops, NaN where there is none."""
    low, high = [], []
    for start, stop in zip(starts, [*starts[1:], len(values)], strict=True):
        column = [value for value in values[start:stop].tolist() if value == value]  # noqa: PLR0124
        low.append(min(column, default=NAN))
        high.append(max(column, default=NAN))
    return np.array(low), np.array(high)


def healthy_scores(n_rows=N_ROWS):
    return 4 * np.exp(0.2 * np.random.default_rng(5).standard_normal(n_rows))


def line_of(figure):
    """Return the x and y values of the drawn scores."""
    return next(line.get_data() for line in figure.axes[0].lines if line.get_label() == "score")


def patches_of(figure, label):
    """Return the extents (left, right) of the shaded stretches with this name in the legend."""
    shades = [shade for shade in figure.axes[0].collections if shade.get_label() == label]
    return [(path.vertices[:, 0].min(), path.vertices[:, 0].max()) for s in shades for path in s.get_paths()]


@settings(deadline=None)
@given(
    values=st.lists(st.floats(-1e9, 1e9) | st.sampled_from([NAN, INF]), min_size=1, max_size=60),
    n_columns=st.integers(1, 20),
)
def test_extremes_are_those_of_a_plain_loop(values, n_columns):
    values = np.array(values)
    starts = column_starts(np.arange(len(values)), n_columns)
    np.testing.assert_array_equal(column_extremes(values, starts), plain_extremes(values, starts))


def test_extremes_and_shares_of_many_rows_are_those_of_a_plain_loop():
    values = healthy_scores(10_007)
    values[np.random.default_rng(6).random(10_007) < 0.3] = NAN
    starts = column_starts(np.arange(10_007), 1_600)
    np.testing.assert_array_equal(column_extremes(values, starts), plain_extremes(values, starts))
    shares = [np.mean(piece > 4.0) for piece in np.split(values, starts[1:])]
    np.testing.assert_array_equal(column_shares(values > 4.0, starts), shares)


def test_columns_are_equal_stretches_of_time_and_hold_at_least_one_row():
    times = np.sort(np.random.default_rng(7).integers(0, 10**15, 50_000))
    starts = column_starts(times, 1_000)
    assert starts[0] == 0
    assert (np.diff(starts) > 0).all()
    column = (times - times[0]) * 1_000 // (times[-1] - times[0] + 1)
    np.testing.assert_array_equal(starts, np.flatnonzero(np.diff(column, prepend=-1)))


def test_few_rows_are_not_reduced_and_equal_times_make_one_column():
    np.testing.assert_array_equal(column_starts(np.arange(5), 5), np.arange(5))
    np.testing.assert_array_equal(column_starts(np.full(6, 3), 5), [0])


def test_a_lone_spike_survives_and_a_lone_nan_wipes_nothing():
    scores = healthy_scores()
    scores[61_234] = 5_000.0
    scores[20_000] = NAN
    _, drawn = line_of(score_figure(scores, 8.0))
    assert drawn[~np.isnan(drawn)].max() == 5_000.0
    assert not np.isnan(drawn).any()


def test_a_stretch_without_scores_leaves_a_gap():
    scores = healthy_scores()
    scores[30_000:40_000] = NAN
    x, drawn = line_of(score_figure(scores, 8.0))
    gap = x[np.isnan(drawn)]
    assert gap.min() == pytest.approx(30_000, abs=N_ROWS / PIXEL_COLUMNS)
    assert gap.max() == pytest.approx(40_000, abs=N_ROWS / PIXEL_COLUMNS)


def test_the_line_is_broken_where_times_are_missing():
    times = pd.date_range("2025-01-01", periods=200, freq="min")
    later = times[100:] + pd.Timedelta("1D")
    whole = line_of(score_figure(np.full(200, 4.0), 8.0, index=times))[1]
    broken = line_of(score_figure(np.full(200, 4.0), 8.0, index=times[:100].append(later)))[1]
    assert not np.isnan(whole).any()
    assert np.flatnonzero(np.isnan(broken)).tolist() == [3 * 99 + 2]


def test_rows_that_share_a_time_do_not_break_the_line():
    times = pd.date_range("2025-01-01", periods=50, freq="min").repeat(3)
    assert not np.isnan(line_of(score_figure(np.full(150, 4.0), 8.0, index=times))[1]).any()


def test_a_score_between_two_gaps_is_drawn_as_a_dot():
    figure = score_figure([NAN, 3.0, NAN, 4.0, 5.0], 8.0)
    dots = next(line for line in figure.axes[0].lines if line.get_marker() == ".")
    assert dots.get_xydata().tolist() == [[1.0, 3.0]]


def test_zero_and_infinite_scores_lie_at_the_edges_of_the_axis():
    figure = score_figure([4.0, 0.0, 5.0, INF, 4.0, -1.0], 8.0)
    bottom, top = figure.axes[0].get_ylim()
    _, drawn = line_of(figure)
    assert 3.0 < bottom < 4.0
    assert 8.0 < top < 100.0
    assert drawn.reshape(-1, 3)[:, 0].tolist() == [4.0, bottom, 5.0, top, 4.0, bottom]


def test_the_axis_looks_no_more_than_three_decades_below_the_threshold():
    bottom, _ = score_figure([4.0, 1e-30, 5.0], 8.0).axes[0].get_ylim()
    assert 8e-4 < bottom < 8e-3


@pytest.mark.parametrize("scores", [[3.0], [NAN] * 9, [0.0, 0.0], [INF, INF], [1e300, 1e-300], [4.0, 4.0], [-1.0, NAN]])
@pytest.mark.parametrize("threshold", [8.0, 0.0, -2.0, INF])
def test_unusual_scores_make_a_picture_all_the_same(scores, threshold):
    bottom, top = (figure := score_figure(scores, threshold)).axes[0].get_ylim()
    assert 0 < bottom < top < INF
    assert to_bytes(figure, "png").startswith(b"\x89PNG")


def test_a_stretch_is_shaded_from_its_first_row_to_its_last():
    labels = np.zeros(100, dtype=int)
    labels[[40, 41, 42, 90]] = 1
    figure = score_figure(healthy_scores(100), 8.0, baseline=(20, 30), labels=labels)
    assert patches_of(figure, "baseline") == [(19.5, 29.5)]
    assert patches_of(figure, "labelled") == [(39.5, 42.5), (89.5, 90.5)]


def test_one_labelled_row_among_many_is_shaded_and_a_million_runs_are_few_patches():
    labels = np.zeros(N_ROWS, dtype=bool)
    labels[77_777] = True
    ((left, right),) = patches_of(score_figure(healthy_scores(), 8.0, labels=labels), "labelled")
    assert left < 77_777 < right
    assert right - left < 3 * N_ROWS / PIXEL_COLUMNS
    labels[::2] = True
    assert len(patches_of(score_figure(healthy_scores(), 8.0, labels=labels), "labelled")) == 1


def test_the_strip_shows_the_share_of_flagged_rows_and_never_loses_a_lone_one():
    scores = np.full(N_ROWS, 4.0)
    scores[50_000:60_000] = 9.0
    scores[12_345] = 9.0
    (bars,) = score_figure(scores, 8.0).axes[1].collections
    x, base, height = np.array([(s[0, 0], s[0, 1], s[1, 1] - s[0, 1]) for s in bars.get_segments()]).T
    is_lone = x < 20_000
    assert is_lone.sum() == 1
    assert 0.1 < height[is_lone][0] < 0.2
    inside = (x > 50_100) & (x < 59_900)
    np.testing.assert_allclose(height[inside], 0.7)
    assert base.min() >= 0


def test_strips_are_named_and_labels_add_one():
    names = [tick.get_text() for tick in score_figure([4.0, 9.0], 8.0).axes[1].get_yticklabels()]
    assert names == ["flagged"]
    figure = score_figure([4.0, 9.0], 8.0, labels=[0, 1])
    assert [tick.get_text() for tick in figure.axes[1].get_yticklabels()] == ["flagged", "labelled"]


def test_the_legend_names_everything_and_stands_above_the_data():
    figure = score_figure(healthy_scores(500), 8.25, baseline=(0, 100), labels=np.arange(500) > 400, title="pump 7")
    legend = figure.axes[0].get_legend()
    names = [text.get_text() for text in legend.get_texts()]
    assert names == ["score", "threshold 8.25", "baseline", "labelled"]
    figure.draw_without_rendering()
    assert legend.get_window_extent().y0 >= figure.axes[0].get_window_extent().y1
    (title,) = figure.findobj(lambda artist: isinstance(artist, Text) and artist.get_text() == "pump 7")
    assert legend.get_window_extent().y1 <= title.get_window_extent().y0


def test_the_title_counts_flagged_rows_unless_one_is_given():
    assert (
        score_figure([NAN, 4.0, 9.0], 8.0).axes[0].get_title(loc="left").endswith("1 of 2 scored rows flagged (50.0 %)")
    )
    assert score_figure([4.0, 9.0], 8.0, title="pump 7").axes[0].get_title(loc="left") == "pump 7"


def test_times_are_drawn_in_their_own_zone():
    index = pd.date_range("2025-06-01", periods=48, freq="h", tz="Asia/Tokyo")
    figure = score_figure(healthy_scores(48), 8.0, index=index)
    figure.draw_without_rendering()
    assert figure.axes[1].get_xlabel() == "time (Asia/Tokyo)"
    labels = [tick.get_text() for tick in figure.axes[1].get_xticklabels()]
    assert labels[0] == "Jun-01"  # midnight there, not in UTC


def test_a_figure_asks_for_no_display_and_leaves_pyplot_alone(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    assert len(to_bytes(score_figure(healthy_scores(100), 8.0), "png")) > 5_000


def test_a_missing_matplotlib_is_named_with_the_remedy(monkeypatch):
    index = pd.date_range("2025-01-01", periods=2)
    for name in [name for name in sys.modules if name.startswith("matplotlib")]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=r"pip install 'fastdrift\[cli\]'"):
        score_figure([1.0, 2.0], 8.0, index=index)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"index": pd.date_range("2025-01-01", periods=2)}, "the index has 2 times, but there are 3 rows"),
        ({"index": pd.DatetimeIndex(["2025-01-02", "2025-01-01", "2025-01-03"])}, "times decrease"),
        ({"index": pd.DatetimeIndex(["2025-01-01", None, "2025-01-03"])}, "times decrease or are missing"),
        ({"baseline": (2, 2)}, r"baseline \(2, 2\) is not a stretch of the 3 rows"),
        ({"baseline": (0, 4)}, r"baseline \(0, 4\)"),
        ({"baseline": (-1, 2)}, r"baseline \(-1, 2\)"),
        ({"labels": [0, 1]}, "labels have shape"),
        ({"labels": [0, 1, 5]}, "row 2 holds 5"),
    ],
)
def test_what_cannot_be_drawn_is_refused(options, message):
    with pytest.raises(DataError, match=message):
        score_figure([1.0, 2.0, 9.0], 5.0, **options)


def test_no_rows_are_refused():
    with pytest.raises(DataError, match="no row to draw"):
        score_figure([], 5.0)


class Mark(NamedTuple):
    """An event as far as pictures know it."""

    onset: int
    start: int
    alarm_row: int
    stop: int
    kind: str = "drift"


def bars_of(figure, label):
    """Return the extents (left, right) of the bars with this name in the strips."""
    bars = [bars for bars in figure.axes[1].collections if bars.get_label() == label]
    return [(path.vertices[:, 0].min(), path.vertices[:, 0].max()) for one in bars for path in one.get_paths()]


def test_an_alarm_is_pale_from_its_onset_to_its_row_and_missing_data_has_a_bar_of_its_own():
    events = [Mark(100, 110, 120, 180), Mark(200, 210, -1, 230), Mark(300, 320, 320, 400, "missing data")]
    figure = score_figure(healthy_scores(500), 8.0, events=events, levels=(12.0, 9.0))
    assert bars_of(figure, "onset to alarm") == [(100, 120)]
    assert bars_of(figure, "alarm") == [(120, 180)]
    assert bars_of(figure, "_notice") == [(210, 230)]
    assert bars_of(figure, "missing data") == [(300, 400)]
    names = [tick.get_text() for tick in figure.axes[1].get_yticklabels()]
    assert names == ["flagged", "notices", "alarms"]


def test_bars_lie_at_the_times_of_their_rows():
    index = pd.date_range("2025-06-01", periods=100, freq="h")
    figure = score_figure(healthy_scores(100), 8.0, index=index, events=[Mark(24, 24, 48, 72)])
    ((left, right),) = bars_of(figure, "alarm")
    (earlier, _), *_ = bars_of(figure, "onset to alarm")
    assert (left - earlier, right - left) == (1.0, 1.0)


def test_the_levels_are_lines_with_names_and_lie_within_the_axis():
    figure = score_figure(healthy_scores(500), 8.0, levels=(200.0, 9.0))
    heights = {line.get_label(): line.get_ydata()[0] for line in figure.axes[0].lines if len(line.get_ydata()) == 2}
    assert heights["notice level 9"] == 9.0
    assert heights["alarm level 200"] == 200.0 < figure.axes[0].get_ylim()[1]


def test_the_legend_names_only_the_events_there_are():
    def legend(events):
        figure = score_figure(healthy_scores(500), 8.0, events=events)
        return [text.get_text() for text in figure.axes[0].get_legend().get_texts()]

    assert legend([]) == ["score", "threshold 8"]
    assert legend([Mark(10, 10, 20, 30)]) == ["score", "threshold 8", "onset to alarm", "alarm"]
    assert legend([Mark(10, 10, 10, 30, "missing data")]) == ["score", "threshold 8", "missing data"]


def test_with_sixty_events_nothing_overlaps_and_every_alarm_shows():
    events = [Mark(row, row, row + 5, row + 40) for row in range(0, N_ROWS, N_ROWS // 60)]
    events.append(Mark(500, 500, 500, 600, "missing data"))
    labels = np.arange(N_ROWS) > 90_000
    options = {"baseline": (0, 1_000), "labels": labels, "levels": (12.0, 9.0), "title": "pump 7"}
    figure = score_figure(healthy_scores(), 8.0, events=events, **options)
    figure.draw_without_rendering()
    legend = figure.axes[0].get_legend().get_window_extent()
    assert len(bars_of(figure, "alarm")) == len(events) - 1
    (title,) = figure.findobj(lambda artist: isinstance(artist, Text) and artist.get_text() == "pump 7")
    assert legend.y1 <= title.get_window_extent().y0
    assert legend.y0 >= figure.axes[0].get_window_extent().y1
    assert legend.x1 <= figure.bbox.x1
    names = [tick.get_window_extent() for tick in figure.axes[1].get_yticklabels()]
    assert all(below.y1 <= above.y0 for below, above in itertools.pairwise(names))


def test_reasons_are_bars_the_longest_on_top_and_many_are_summed_up():
    parts = {f"m{place}": float(place) for place in range(30)}
    axes = reasons_figure(parts, title="rows", signed=True).axes[0]
    names = [tick.get_text() for tick in axes.get_yticklabels()]
    assert (names[0], names[-1], len(names)) == ("m29", f"{30 - MOST_BARS + 1} others", MOST_BARS)
    assert sum(bar.get_width() for bar in axes.patches) == sum(parts.values())
    assert axes.yaxis_inverted()


def test_names_titles_and_numbers_of_reasons_are_not_cut_off():
    parts = {"$a_very_long_name$" * 5: 0.7, "b": -0.3}
    figure = reasons_figure(parts, title="why " * 200, signed=True)
    figure.draw_without_rendering()
    (axes,) = figure.axes
    for text in [*axes.texts, *axes.get_yticklabels(), figure._suptitle]:
        extent = text.get_window_extent()
        assert extent.x0 >= 0, text.get_text()
        assert extent.x1 <= figure.bbox.x1, text.get_text()


@pytest.mark.parametrize("parts", [{}, {"a": NAN}])
def test_reasons_that_are_none_are_refused(parts):
    with pytest.raises(DataError, match="nothing to draw"):
        reasons_figure(parts, title="rows")
