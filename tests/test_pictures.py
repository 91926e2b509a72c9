"""Pictures of columns, curves and histograms: they hold what was asked for, at any size, and refuse the rest."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text
from sklearn import metrics

from fastdrift.errors import DataError
from fastdrift.plots.axes import PIXEL_COLUMNS, to_bytes
from fastdrift.plots.columns import columns_figure
from fastdrift.plots.curves import CURVE_COLUMNS, curves_figure
from fastdrift.plots.histogram import BARS, histogram_figure
from fastdrift.plots.scores import score_figure

NAN, INF = np.nan, np.inf


@pytest.fixture
def table():
    """Return 500 rows of 15 named columns, a minute apart."""
    index = pd.date_range("2025-01-01", periods=500, freq="min")
    values = np.random.default_rng(3).normal(size=(500, 15))
    return pd.DataFrame(values, index, columns=[f"m{place}" for place in range(15)])


@pytest.fixture
def flags():
    is_flagged = np.zeros(500, bool)
    is_flagged[[100, 101, 102, 300]] = True
    return is_flagged


@pytest.fixture
def ranked():
    """Return scores with ties and labels that they rank fairly well."""
    rng = np.random.default_rng(4)
    labels = rng.random(2_000) < 0.1
    return (rng.normal(size=2_000) + 1.5 * labels).round(1), labels


def names_of(figure):
    return [axes.get_title(loc="left") for axes in figure.axes[:-1]]


def shaded(axes, *labels):
    """Return the extents (left, right) of what is shaded under these names."""
    found = [shade for shade in axes.collections if shade.get_label() in labels]
    return [(path.vertices[:, 0].min(), path.vertices[:, 0].max()) for s in found for path in s.get_paths()]


def legend_of(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def values_of(axes):
    return next(line.get_ydata() for line in axes.lines if line.get_label() == "value")


def test_the_first_twelve_columns_are_drawn_and_the_title_counts_those_left_out(table, flags):
    figure = columns_figure(table, flags)
    assert names_of(figure) == [f"m{place}" for place in range(12)]
    assert figure.get_suptitle() == "Telemetry: 4 of 500 rows flagged (0.8 %); 12 of 15 columns, 3 left out"
    assert columns_figure(table.iloc[:, :2], flags).get_suptitle() == "Telemetry: 4 of 500 rows flagged (0.8 %)"


def test_columns_asked_for_are_drawn_in_their_order(table, flags):
    assert names_of(columns_figure(table, flags, columns=["m14", "m3"])) == ["m14", "m3"]
    figure = columns_figure(table.to_numpy(), flags, columns=[14, 3])
    assert names_of(figure) == ["14", "3"]
    np.testing.assert_array_equal(values_of(figure.axes[0])[::3], table["m14"])


def test_flagged_stretches_and_the_baseline_are_shaded_in_every_panel(table, flags):
    figure = columns_figure(table.reset_index(drop=True), flags, baseline=(0, 50), columns=["m0", "m1"])
    for axes in figure.axes[:2]:
        assert shaded(axes, "baseline") == [(-0.5, 49.5)]
        assert shaded(axes, "flagged") == [(99.5, 102.5), (299.5, 300.5)]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["baseline", "flagged"]


def test_among_many_rows_a_few_flags_leave_the_panels_clear_and_show_in_the_strip():
    flags = np.zeros(160_000, bool)
    flags[::200] = True  # 1 % of the rows, somewhere in most pixel columns
    flags[80_000:96_000] = True
    figure = columns_figure(np.random.default_rng(5).normal(size=(160_000, 1)), flags)
    ((left, right),) = set(shaded(figure.axes[0], "flagged", "_flagged"))
    assert (left, right) == pytest.approx((80_000, 96_000), abs=200)
    assert len(figure.axes[-1].collections[0].get_segments()) > PIXEL_COLUMNS / 3


def test_a_lone_spike_among_many_rows_survives_in_its_panel():
    rows = np.random.default_rng(6).normal(size=(200_000, 2)).astype(np.float32)
    rows[123_456, 1] = 77.0
    figure = columns_figure(rows, np.zeros(200_000, bool))
    assert values_of(figure.axes[1]).max() == 77.0
    assert len(values_of(figure.axes[1])) <= 3 * PIXEL_COLUMNS


def test_labels_add_a_strip(table, flags):
    figure = columns_figure(table, flags, labels=flags, columns=["m0"])
    assert [tick.get_text() for tick in figure.axes[-1].get_yticklabels()] == ["flagged", "labelled"]


def test_odd_columns_make_a_picture_all_the_same(flags):
    numbers = np.arange(500.0)
    odd = {
        "a $name$ " + 90 * "x": numbers,
        "constant": 5.0,
        "missing": NAN,
        "infinite": np.where(numbers == 7, INF, numbers),
        "huge": 7e305 * (numbers - 250),
        "counts": pd.array([None, *range(499)], dtype="Int64"),
        "switch": numbers > 250,
    }
    figure = columns_figure(pd.DataFrame(odd), flags)
    assert names_of(figure)[0] == "a $name$ " + 50 * "x" + "…"
    (title,) = figure.findobj(lambda artist: isinstance(artist, Text) and artist.get_text() == names_of(figure)[0])
    assert not title.get_parse_math()
    assert names_of(figure)[2] == "missing: no finite value"
    assert figure.axes[3].get_ylim()[1] < 600
    assert to_bytes(figure, "png").startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("flags", "options", "message"),
    [
        ([0, 1], {}, r"flags have shape \(2,\), but there are 500 rows"),
        (np.full(500, NAN), {}, "flags must be 0 or 1, but row 0 holds nan"),
        (np.zeros(500), {"labels": [1]}, r"labels have shape \(1,\), but there are 500 rows"),
        (np.zeros(500), {"baseline": (10, 501)}, r"baseline \(10, 501\) is not a stretch"),
        (np.zeros(500), {"columns": ["m99"]}, "'m99' is missing"),
        (np.zeros(500), {"columns": []}, "no column to draw"),
    ],
)
def test_columns_that_cannot_be_drawn_are_refused(table, flags, options, message):
    with pytest.raises(DataError, match=message):
        columns_figure(table, flags, **options)


def test_text_columns_no_rows_and_unsorted_times_are_refused(table, flags):
    with pytest.raises(DataError, match="'host' holds"):
        columns_figure(table.assign(host="a")[["m0", "host"]], flags)
    with pytest.raises(DataError, match="no row to draw"):
        columns_figure(table.iloc[:0], [])
    with pytest.raises(DataError, match="times decrease"):
        columns_figure(table[::-1], flags)


def test_legends_give_the_figures_of_scikit_learn_beside_the_trivial_ones(ranked):
    scores, labels = ranked
    roc_axes, precision_axes = curves_figure({"good": scores, "blind": np.zeros(2_000)}, labels).axes
    roc_auc = metrics.roc_auc_score(labels, scores)
    average_precision, share = metrics.average_precision_score(labels, scores), labels.mean()
    assert legend_of(roc_axes) == [f"good  (AUC {roc_auc:.3f})", "blind  (AUC 0.500)", "random score  (AUC 0.500)"]
    trivial = f"random score, flag everything  (AP {share:.3f})"
    assert legend_of(precision_axes) == [f"good  (AP {average_precision:.3f})", f"blind  (AP {share:.3f})", trivial]


def test_curves_go_through_the_points_of_scikit_learn(ranked):
    scores, labels = ranked
    roc_axes, precision_axes = curves_figure({"good": scores}, labels).axes
    false_rate, recall, _ = metrics.roc_curve(labels, scores, drop_intermediate=False)
    drawn = set(zip(*roc_axes.lines[0].get_data(), strict=True))
    assert drawn <= set(zip(false_rate, recall, strict=True))
    assert {(0.0, 0.0), (1.0, 1.0)} <= drawn
    precision, recall, _ = metrics.precision_recall_curve(labels, scores)
    drawn = {point for point in zip(*precision_axes.lines[0].get_data(), strict=True) if point[0] > 0}
    assert drawn <= set(zip(recall, precision, strict=True))
    assert (1.0, labels.mean()) in drawn


def test_a_precision_curve_begins_with_the_first_hit():
    precision_axes = curves_figure({"late": [1.0, 2.0, 3.0, 4.0]}, [0, 0, 1, 0]).axes[1]
    assert precision_axes.lines[0].get_xydata()[0].tolist() == [0.0, 0.5]
    assert min(precision_axes.lines[0].get_ydata()) == 0.25


def test_curves_of_many_rows_are_reduced_and_keep_their_area():
    rng = np.random.default_rng(8)
    labels = rng.random(200_000) < 0.2
    scores = rng.normal(size=200_000) + labels
    figure = curves_figure({"good": scores}, labels)
    for axes, area in zip(
        figure.axes,
        (metrics.roc_auc_score(labels, scores), metrics.average_precision_score(labels, scores)),
        strict=True,
    ):
        x, y = axes.lines[0].get_data()
        assert len(x) <= 4 * (CURVE_COLUMNS + 1) + 2
        assert np.trapezoid(y, x) == pytest.approx(area, abs=1e-3)


def test_detectors_are_judged_on_the_rows_that_all_have_scored(ranked):
    scores, labels = ranked
    late = scores.copy()
    late[:700] = NAN
    figure = curves_figure({"whole": scores, "late": late}, labels)
    assert figure.get_suptitle().startswith("1,300 rows with a score")
    first, second = legend_of(figure.axes[0])[:2]
    assert first.removeprefix("whole") == second.removeprefix("late")


def test_no_two_detectors_are_drawn_alike(ranked):
    scores, labels = ranked
    figure = curves_figure({f"d{place}": scores for place in range(20)}, labels)
    lines = figure.axes[0].lines
    assert len({(line.get_color(), line.get_linestyle()) for line in lines}) == 21


@pytest.mark.parametrize(
    ("detectors", "labels", "message"),
    [
        ({}, [0, 1], "name at least one detector"),
        ([1.0, 2.0], [0, 1], "name at least one detector"),
        ({"a": [1.0, 2.0, 3.0]}, [0, 1], "labels have 2 rows, but there are 3 scores of 'a'"),
        ({"a": [1.0, 2.0], "b": [NAN, NAN]}, [0, 1], "all 2 scores of 'b' are NaN"),
        ({"a": [1.0, NAN], "b": [NAN, 1.0]}, [0, 1], "no row is scored by every detector"),
        ({"a": [1.0, 2.0]}, [0, 0], "every scored row is healthy"),
        ({"a": [1.0, 2.0]}, [1, 1], "every scored row is labelled"),
        ({"a": [1.0, 2.0]}, [0, 2], "row 1 holds 2"),
    ],
)
def test_curves_that_cannot_be_drawn_are_refused(detectors, labels, message):
    with pytest.raises(DataError, match=message):
        curves_figure(detectors, labels)


def bars_of(figure):
    """Return (shares, edges) of the baseline and of the monitored scores."""
    return [patch.get_data()[:2] for patch in figure.axes[0].patches]


def test_bars_are_shares_of_their_own_kind_and_one_edge_is_the_threshold():
    rng = np.random.default_rng(9)
    scores = np.concatenate([rng.chisquare(16, 3_000), 3 * rng.chisquare(16, 1_000)]) ** 0.5
    scores[:49] = NAN
    figure = histogram_figure(scores, 5.1, baseline=(0, 3_000))
    for (shares, edges), part in zip(bars_of(figure), (scores[49:3_000], scores[3_000:]), strict=True):
        assert shares.sum() == pytest.approx(1)
        at = np.argmin(abs(edges - 5.1))
        assert edges[at] == pytest.approx(5.1, rel=1e-12)
        assert shares[at:].sum() == pytest.approx(np.mean(part > 5.1))
        np.testing.assert_allclose(np.diff(np.log(edges)), np.log(edges[1] / edges[0]))
        assert 10 <= len(shares) <= BARS + 2
    assert figure.axes[0].get_xscale() == "log"


def test_a_score_at_the_threshold_lies_left_of_it():
    (shares, edges), _ = bars_of(histogram_figure([5.0, 5.0, 4.0, 9.0], 5.0, baseline=(0, 3)))
    assert shares[edges[:-1] >= 5.0 - 1e-9].sum() == 0


def test_zero_and_infinite_scores_are_counted_at_the_edges():
    (baseline, _), (monitored, _) = bars_of(histogram_figure([0.0, 4.0, 4.5, INF, 6.0], 5.0, baseline=(0, 3)))
    assert baseline[0] == pytest.approx(1 / 3)
    assert monitored[-1] == pytest.approx(1 / 2)


def test_the_legend_tells_the_flagged_share_of_each_kind():
    figure = histogram_figure([NAN, 2.0, 3.0, 9.0, 2.0, 9.0, 8.0], 5.0, baseline=(0, 4))
    expected = ["baseline: 33.3 % of 3 scores flagged", "monitored: 66.7 % of 3 scores flagged", "threshold 5"]
    assert legend_of(figure.axes[0]) == expected


@pytest.mark.parametrize("scores", [[3.0, 3.0], [0.0, 0.0], [INF, 1.0], [1e300, 1e-300], [-1.0, NAN], [NAN, 2.0]])
@pytest.mark.parametrize("threshold", [8.0, 0.0, -2.0, INF])
def test_unusual_scores_make_a_histogram_all_the_same(scores, threshold):
    assert to_bytes(histogram_figure(scores, threshold, baseline=(0, 1)), "png").startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("scores", "threshold", "baseline", "message"),
    [
        ([NAN, NAN], 5.0, (0, 1), "none of the 2 rows has a score"),
        ([1.0, 2.0], NAN, (0, 1), "threshold is NaN"),
        ([1.0, 2.0], 5.0, (1, 1), r"baseline \(1, 1\) is not a stretch"),
        ([], 5.0, (0, 1), "no row to draw"),
    ],
)
def test_histograms_that_cannot_be_drawn_are_refused(scores, threshold, baseline, message):
    with pytest.raises(DataError, match=message):
        histogram_figure(scores, threshold, baseline=baseline)


def test_a_figure_made_twice_has_the_same_bytes_as_svg_and_as_png(table, flags, ranked):
    scores, labels = ranked
    makers = (
        lambda: columns_figure(table, flags, baseline=(0, 50), columns=["m0"]),
        lambda: curves_figure({"good": scores}, labels),
        lambda: histogram_figure(np.exp(scores), 2.0, baseline=(0, 900)),
        lambda: score_figure(np.exp(scores), 2.0, labels=labels),
    )
    for make in makers:
        for kind in ("svg", "png"):
            assert to_bytes(make(), kind) == to_bytes(make(), kind)
    assert b"<svg" in to_bytes(makers[0](), "svg")


def test_an_svg_tells_neither_the_hour_nor_anything_random(run_python):
    code = """
import hashlib
from fastdrift.plots.scores import score_figure
from fastdrift.plots.axes import to_bytes
print(hashlib.sha256(to_bytes(score_figure([1.0, 9.0, 3.0], 5.0, baseline=(0, 1)), "svg")).hexdigest())
"""
    assert run_python(code) == run_python(code)


def test_another_kind_of_picture_is_refused():
    with pytest.raises(DataError, match="'png' or 'svg', not 'pdf'"):
        to_bytes(score_figure([1.0, 9.0], 5.0), "pdf")


def test_pictures_ask_for_no_display_and_leave_pyplot_alone(monkeypatch, table, flags, ranked):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    scores, labels = ranked
    for figure in (
        columns_figure(table, flags),
        curves_figure({"good": scores}, labels),
        histogram_figure(np.exp(scores), 2.0, baseline=(0, 900)),
    ):
        assert len(to_bytes(figure, "png")) > 5_000


def test_missing_packages_are_named_with_the_remedy(monkeypatch, table, flags, ranked):
    scores, labels = ranked
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(ImportError, match=r"scikit-learn: pip install 'fastdrift\[cli\]'"):
        curves_figure({"good": scores}, labels)
    for name in [name for name in sys.modules if name.startswith("matplotlib")]:
        monkeypatch.setitem(sys.modules, name, None)
    for draw in (
        lambda: columns_figure(table, flags),
        lambda: curves_figure({"good": scores}, labels),
        lambda: histogram_figure(np.exp(scores), 2.0, baseline=(0, 900)),
    ):
        with pytest.raises(ImportError, match=r"matplotlib: pip install 'fastdrift\[cli\]'"):
            draw()
