"""The detection benchmark: VUS-PR against a slow version, who is judged how, and what its command says and holds."""

from __future__ import annotations

import json
from functools import partial

import numpy as np
import pandas as pd
import pytest

import fastdrift as fd
from benchmarks.detection import __main__ as detection
from benchmarks.detection import sets
from benchmarks.detection.fitted import RATE, TRIVIAL, Detector, ours, ours_with
from benchmarks.detection.judging import judge, set_figures
from benchmarks.detection.others import OTHERS
from benchmarks.detection.sets import Entity, generated
from benchmarks.detection.tables import CELLS, summarise
from benchmarks.detection.volume import soften, vus_pr

# what is said of a thin baseline or of rows without a score is for those who look at one entity
quietly = pytest.mark.filterwarnings("ignore::fastdrift.errors.DriftWarning")


def slow_soft(labels, buffer):
    """Fade out a label at a time, by each anomaly's distance."""
    soft = [float(label) for label in labels]
    edges = [place for place in range(len(labels)) if labels[place]]
    first = [place for place in edges if place == 0 or not labels[place - 1]]
    last = [place for place in edges if place == len(labels) - 1 or not labels[place + 1]]
    for place in range(len(labels)):
        for start, stop in zip(first, last, strict=True):
            for distance in (start - place, place - stop):
                if 0 < distance <= buffer / 2:
                    soft[place] += (1 - distance / buffer) ** 0.5
    return [min(1.0, value) for value in soft]


def slow_area(scores, labels, buffer):
    """Go through all thresholds, flag, and count."""
    soft = slow_soft(labels, buffer)
    anomalies, inside = [], False
    for place, value in enumerate(soft):
        if value > 0 and not inside:
            anomalies.append([])
        inside = value > 0
        if inside:
            anomalies[-1].append(place)
    positives = (sum(labels) + sum(soft)) / 2
    area = before = 0.0
    for threshold in sorted(set(scores), reverse=True):
        flagged = [place for place, score in enumerate(scores) if score >= threshold]
        hits = sum(soft[place] for place in flagged)
        found = sum(any(place in flagged for place in anomaly) for anomaly in anomalies) / len(anomalies)
        recall = min(1.0, hits / positives) * found
        area += (recall - before) * hits / len(flagged)
        before = recall
    return area


@pytest.mark.parametrize("seed", range(12))
def test_the_volume_is_that_of_going_through_buffers_and_thresholds_one_by_one(seed):
    rng = np.random.default_rng(seed)
    labels = np.zeros(60, bool)
    for start in rng.choice(60, 3):  # at the very ends, side by side and overlapping too
        labels[start : start + rng.integers(1, 8)] = True
    scores = rng.integers(0, 12, 60) + 3.0 * labels  # many ties
    expected = np.mean([slow_area(scores.tolist(), labels.tolist(), buffer) for buffer in range(17)])
    assert vus_pr(scores, labels, 16) == pytest.approx(expected, rel=1e-12)


def test_labels_fade_out_over_half_a_buffer_and_not_beyond_the_rows():
    labels = np.array([0, 0, 0, 1, 0, 0, 0, 0, 1, 1], bool)
    assert soften(labels, 4) == pytest.approx(
        [0, 0.5**0.5, 0.75**0.5, 1, 0.75**0.5, 0.5**0.5, 0.5**0.5, 0.75**0.5, 1, 1]
    )
    assert soften(labels, 0).tolist() == labels.tolist()


def test_without_a_buffer_the_volume_of_one_anomaly_is_average_precision():
    rng = np.random.default_rng(4)
    labels = np.zeros(400, bool)
    labels[100:160] = True
    scores = rng.normal(size=400) + labels
    # the share of anomalies found is 1 from the first row of it on
    found = fd.evaluate(scores, 0.0, labels=labels).average_precision
    assert vus_pr(scores, labels, 0) == pytest.approx(found, rel=1e-12)


def test_rows_without_a_score_rank_below_all_others_and_one_kind_of_label_has_no_volume():
    labels = np.array([0, 1, 1, 0, 0], bool)
    lowest, missing = [1.0, 3.0, -9.0, 2.0, 0.0], [1.0, 3.0, np.nan, 2.0, 0.0]
    assert vus_pr(missing, labels) == vus_pr(lowest, labels)
    assert vus_pr([np.inf, 1.0, 1.0, 0.0, 0.0], labels) < vus_pr([0.5, 1.0, 1.0, 0.0, 0.0], labels)
    assert vus_pr(lowest, np.zeros(5, bool)) is None
    assert vus_pr(lowest, np.ones(5, bool)) is None


@pytest.fixture(scope="module")
def shifted():
    return next(generated(("mean-shift",), seeds=1, n_rows=8_000))


@pytest.mark.parametrize("name", [name for name, one in OTHERS.items() if one.needs == "sklearn"])
def test_every_detector_of_others_ranks_shifted_rows_above_healthy_ones(shifted, name):
    found = judge(shifted, OTHERS[name])
    assert found["auc_pr"] > 1.3 * found["trivial"]
    assert found["healthy_flagged"] < 0.25


@pytest.mark.parametrize(("name", "package"), [("ecod", "pyod"), ("copod", "pyod"), ("river", "river")])
def test_detectors_of_other_packages_score_every_row_too(shifted, name, package):
    pytest.importorskip(package)
    fitted = OTHERS[name].fit(shifted.train[:1_500])
    assert np.isfinite(fitted.score(shifted.test[:200])).all()


def test_rows_that_lack_a_value_have_no_score_by_others(shifted):
    rows = shifted.test[:200].copy()
    rows.iloc[100, 2] = np.nan
    scores = OTHERS["mahalanobis"].fit(shifted.train).score(rows)
    assert np.flatnonzero(np.isnan(scores)).tolist() == [100]
    scores = OTHERS["k-means"].fit(shifted.train).score(rows)
    assert np.flatnonzero(np.isnan(scores)).tolist() == [*range(49), *range(100, 150)]


def test_no_detector_is_shown_a_label(shifted):
    seen = []

    def spy(train):
        seen.append([*train.columns])
        return TRIVIAL["all"].fit(train)

    judge(shifted, Detector("spy", spy))
    assert seen
    assert all("label" not in columns for columns in seen)


def test_flagging_everything_finds_no_incident_and_ranks_as_the_share_of_drifted_rows(shifted):
    found = judge(shifted, TRIVIAL["all"])
    assert found["events"]["runs"]["found"] == 0
    assert found["events"]["runs"]["already"] == found["events"]["runs"]["incidents"] == 3
    assert found["auc_pr"] == pytest.approx(found["trivial"])
    assert found["healthy_flagged"] == found["later_flagged"] == 1.0


@quietly
def test_ours_has_events_at_both_levels_with_onset_and_the_column_that_is_right(shifted):
    found = judge(shifted, Detector("fastdrift", partial(ours, window=20)))
    assert found["events"].keys() == {"runs", "notices", "alarms"}
    assert found["events"]["notices"]["found"] >= found["events"]["alarms"]["found"] >= 2
    assert np.median(found["onsets_off"]) <= 5
    assert all(found["named_first"])
    assert RATE / 3 < found["later_flagged"] < 3 * RATE


@quietly
def test_missing_data_are_no_rank_but_events():
    entity = next(generated(("missing",), seeds=1, n_rows=8_000))
    found = judge(entity, Detector("fastdrift", partial(ours, window=20)))
    assert found["auc_pr"] is found["vus_pr"] is None
    assert found["events"]["alarms"]["found"] == 3


def made_up(group="asd", **changed):
    """Return a record of what one detector showed on one entity."""
    events = {"incidents": 2, "found": 1, "already": 0, "false_events": 3, "delays": [4], "healthy": 10_000}
    record = {"set": group, "title": "fastdrift, window 50", "fit_seconds": 1.0, "score_seconds": 0.1}
    record |= {"trivial": 0.1, "auc_pr": 0.4, "auc_roc": 0.8, "vus_pr": 0.5, "f1": 0.3, "healthy_flagged": 0.04}
    return record | {"later_flagged": 0.05, "events": {"runs": events, "notices": events}} | changed


def test_a_set_has_means_of_areas_a_median_of_later_rows_and_pooled_events():
    some = [made_up(), made_up(auc_pr=0.6, later_flagged=0.9), made_up(auc_pr=None, later_flagged=0.06)]
    found = set_figures(some)
    assert found["auc_pr"] == pytest.approx(0.5)
    assert found["later_flagged"] == 0.06
    assert found["fit_seconds"] == 3.0
    assert found["events"]["runs"]["incidents"] == 6
    assert found["events"]["runs"]["false_in_10k"] == pytest.approx(3.0)
    assert found["events"]["runs"]["false_a_day"] == pytest.approx(3e-4 * 288)


def test_figures_that_fall_behind_those_of_before_are_named():
    before = summarise([made_up(), made_up("smd")])
    assert detection.worse(summarise([made_up(auc_pr=0.395), made_up("smd", vus_pr=0.9)]), before) == []
    now = summarise([made_up(auc_pr=0.35), made_up("smd", later_flagged=0.08), made_up("tep", vus_pr=0.0)])
    assert detection.worse(now, before) == [
        "asd, fastdrift, window 50: auc_pr is 0.350, was 0.400",
        "smd, fastdrift, window 50: later_flagged is 0.080, was 0.050",
        "tep, fastdrift, window 50: there are no figures of before",
    ]


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(sets, "generated", partial(generated, ("mean-shift", "missing"), 1, 8_000))


@quietly
def test_the_command_shows_the_trivial_lines_and_writes_figures_and_a_picture(small, tmp_path, capsys):
    figures, picture = tmp_path / "found.json", tmp_path / "found.png"
    asked = ["--only", "generated", "--detectors", "fastdrift", "mahalanobis", "--json", str(figures)]
    detection.main([*asked, "--picture", str(picture)])
    printed = capsys.readouterr().out
    for title in ("flag everything", "random score", "Mahalanobis of rows", "fastdrift, window 50"):
        assert printed.count(f"\n| {title} |") == len(CELLS)
    records = json.loads(figures.read_text(encoding="utf-8"))["records"]
    assert len(records) == 2 * 4
    assert picture.read_bytes()[1:4] == b"PNG"
    detection.main(["--from", str(figures)])
    assert capsys.readouterr().out == printed


@quietly
def test_the_command_fails_where_ours_fell_behind(small, tmp_path, capsys):
    now, before = tmp_path / "now.json", tmp_path / "before.json"
    detection.main(["--only", "generated", "--detectors", "fastdrift", "--json", str(now)])
    detection.main(["--from", str(now), "--hold", str(now)])
    stored = json.loads(now.read_text(encoding="utf-8"))
    for record in stored["records"]:
        record["auc_pr"] = record["auc_pr"] and record["auc_pr"] + 0.02
    before.write_text(json.dumps(stored), encoding="utf-8")
    with pytest.raises(SystemExit, match="generated, fastdrift, window 50: auc_pr is"):
        detection.main(["--from", str(now), "--hold", str(before)])


def test_a_detector_whose_package_is_not_installed_is_said_and_passed_over(monkeypatch, capsys):
    monkeypatch.setattr(detection, "find_spec", lambda name: None if name == "river" else name)
    found = detection.picked(["river", "mcd"], (50,))
    assert capsys.readouterr().out == "HalfSpaceTrees (River): not installed (river)\n"
    assert found.keys() == {"mcd", "all", "random"}


def test_no_two_of_ours_have_one_name_in_tables():
    assert ours_with((20,))["fastdrift"].title == "fastdrift, window 20"
    for window in ((50,), (10, 20, 50, 100)):
        titles = [detector.title for detector in ours_with(window).values()]
        assert len({*titles}) == len(titles)
        assert "fastdrift, windows 10, 20, 50, 100" in titles


def test_public_sets_need_the_folder_and_the_command_says_so(monkeypatch, capsys):
    monkeypatch.delenv("FASTDRIFT_DATA", raising=False)
    with pytest.raises(SystemExit) as left:
        detection.main(["--only", "asd"])
    assert left.value.code == 2
    assert "set FASTDRIFT_DATA" in capsys.readouterr().err


def test_a_public_set_is_read_with_its_operators_lists(tmp_path):
    rows = pd.DataFrame({"m1": np.arange(5.0), "m2": 0.0})
    (tmp_path / "smd").mkdir()
    rows.to_parquet(tmp_path / "smd" / "a_train.parquet")
    rows.assign(label=[0, 1, 1, 0, 0]).to_parquet(tmp_path / "smd" / "a_test.parquet")
    (tmp_path / "smd" / "a_reasons.csv").write_text("start,stop,columns\n1,3,m1 m2\n", encoding="utf-8")
    (found,) = sets.chosen(tmp_path, ["smd", "asd"])
    assert isinstance(found, Entity)
    assert [*found.test.columns] == ["m1", "m2"]
    assert found.labels.tolist() == [False, True, True, False, False]
    assert found.shown == ((1, 3, frozenset({"m1", "m2"})),)
