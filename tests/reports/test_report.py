"""The report says what was found, on one page that needs nothing beside it and believes no name."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

import fastdrift as fd
from fastdrift.reports import cards
from fastdrift.reports.page import MOST_ROWS
from fastdrift.reports.words import MOST_SENTENCE

from .conftest import EVIL, N_HEALTHY
from .pages import Page

pytestmark = pytest.mark.filterwarnings("ignore::fastdrift.DriftWarning")


@pytest.fixture
def make(tmp_path):
    """Return a function that writes a report and returns it taken apart, and as text."""

    def make_page(model, data, **options):
        path = tmp_path / "report.html"
        fd.report(model, data, path, **options)
        text = path.read_text(encoding="utf-8")
        return Page(text), text

    return make_page


def test_the_answer_comes_first_then_the_timeline_the_events_and_the_rest(make, model, rows):
    page, _ = make(model, rows, title="today")
    found = fd.detect(model, rows)
    assert found.answer()[:60] in page.text
    assert [text for level, text in page.headings if level < 3] == [
        "Drift report: today",
        "Timeline",
        "Events",
        "Model and promise",
        "Data quality",
        "Versions",
    ]
    assert model.promise.text() in page.text
    assert fd.__version__ in page.text


def test_headings_go_down_a_level_at_a_time_and_landmarks_are_there(make, model, rows, labels):
    page, _ = make(model, rows, labels=labels)
    levels = [level for level, _ in page.headings]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert {"header", "nav", "main", "footer"} <= set(page.tags)
    assert page.having("html") == [{"lang": "en"}]
    assert len(page.ids) == len(set(page.ids))
    targets = {known["href"][1:] for known in page.having("a")}
    assert targets <= set(page.ids)


def test_every_picture_says_what_it_shows_or_is_hidden(make, model, rows):
    page, _ = make(model, rows)
    pictures = page.having("svg")
    assert len(pictures) > 8
    for known in pictures:
        assert known.get("aria-hidden") == "true" or (known["role"] == "img" and len(known["aria-label"]) > 10)
    assert "img" not in page.tags


def test_names_are_escaped_wherever_they_stand(make, model, rows):
    page, text = make(model, rows, title=EVIL, created=EVIL)
    assert "script" not in page.tags
    assert "<script" not in text
    assert EVIL in page.text
    assert any(EVIL in known.get("aria-label", "") for known in page.having("svg"))


def test_a_quote_in_a_name_does_not_end_an_attribute(make, healthy, rows):
    name = "\" onload=\"alert(1)' x='"
    renamed = [frame.rename(columns={EVIL: name}) for frame in (healthy[:N_HEALTHY], rows)]
    page, _ = make(fd.fit(renamed[0]), renamed[1])
    assert not any(known.keys() & {"onload", "x'"} for _, known in page.attributes)
    assert any(name in known.get("aria-label", "") for known in page.having("svg"))


def test_nothing_is_asked_of_any_network_and_nothing_can_run(make, model, rows, labels):
    page, text = make(model, rows, labels=labels)
    assert not re.search(r"https?:|url\(|@import|src=|<iframe|<object|javascript:", text)
    assert [known["href"] for known in page.having("link")] == ["data:,"]
    assert all(known["href"].startswith("#") for known in page.having("a"))
    assert any("default-src 'none'" in known.get("content", "") for known in page.having("meta"))


def test_the_same_input_gives_the_same_bytes(tmp_path, model, rows, labels):
    for name, threads in (("a.html", 1), ("b.html", 2)):
        fd.report(model, rows, tmp_path / name, labels=labels, threads=threads)
    fd.report(model, rows, tmp_path / "c.html", labels=labels, events=fd.detect(model, rows))
    first = (tmp_path / "a.html").read_bytes()
    assert first == (tmp_path / "b.html").read_bytes() == (tmp_path / "c.html").read_bytes()
    fd.report(model, rows, tmp_path / "d.html", labels=labels, created="2024-03-01")
    assert b"Made 2024-03-01 by" in (tmp_path / "d.html").read_bytes()


def test_a_card_tells_when_why_how_rare_and_what_to_do(make, model, rows):
    _page, text = make(model, rows)
    found = fd.detect(model, rows)
    number = next(place for place, event in enumerate(found) if event.onset in range(590, 610))
    card = Page(re.search(rf'<article[^>]* id="event-{number}".*?</article>', text, flags=re.DOTALL)[0])
    event = found[number]
    assert event.is_alarm
    assert card.headings[0][1].startswith(f"Alarm of drift, event {number}: {EVIL} up by")
    for words in ("Most likely began", f"row {event.onset:,}", "How rare", "healthy", "What to do next", "--ignore"):
        assert words in card.text
    assert card.tags.count("svg") == len(event.columns)
    assert f"fastdrift explain MODEL DATA --rows {event.start}:{event.stop}" in card.text


def test_missing_data_and_holes_in_the_times_have_cards_and_a_lane(make, model, rows):
    page, text = make(model, rows)
    missing = str(rows.columns[1])
    assert f"{missing} is missing" in page.text
    assert f"Find out why {missing} stopped coming" in page.text
    assert "no rows for" in page.text
    assert "Find out why no rows came" in page.text
    assert "200 values missing" in page.text
    assert 'class="bar missing"' in text


def test_left_out_rows_are_shown_and_counted(make, model, rows):
    _, text = make(model, rows)
    assert 'class="bar aside"' not in text
    page, text = make(model, rows, since=100, ignore=[(600, 700)])
    assert 'class="bar aside"' in text
    assert "the first 100 rows, as asked" in page.text
    assert "100 rows, as asked" in page.text


def test_with_labels_it_says_how_right_it_was(make, model, rows, labels):
    page, text = make(model, rows, labels=labels)
    assert "2 of 2 labelled incidents found (1 of them as missing data)" in page.text
    assert 'class="bar labelled"' in text
    assert "Against the labels" in page.text
    assert "Against the labels" not in make(model, rows)[0].text


def test_where_nothing_is_wrong_it_says_so(make, model, quiet):
    page, _text = make(model, quiet)
    assert "No drift Nothing was above the level of a notice. What to do: nothing." in page.text
    assert "There is none: nothing was above the level of a notice, and no data is missing." in page.text
    assert "No column lacks a value" in page.text
    assert not {"article", "table"} & set(page.tags)


def test_a_model_from_before_there_were_promises_is_a_clear_error(tmp_path, model, rows):
    with pytest.raises(fd.ModelError, match="fit it anew"):
        fd.report(replace(model, promise=None, rows=None), rows, tmp_path / "report.html")
    assert list(tmp_path.iterdir()) == []


def test_without_jinja2_it_says_what_to_install(tmp_path, run_python):
    code = """
import sys; sys.modules["jinja2"] = None
import numpy as np, fastdrift as fd
try:
    fd.report(None, None, "report.html")
except ImportError as error:
    print(error)
"""
    assert run_python(code).strip() == "reports need Jinja2: pip install 'fastdrift[report]'"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"labels": [0, 1]}, "labels"),
        ({"since": 9_999}, "since"),
        ({"ignore": [(5, 1)]}, "no stretch of the rows"),
    ],
)
def test_what_cannot_be_reported_is_an_error_and_writes_nothing(tmp_path, model, rows, options, message):
    with pytest.raises(fd.DataError, match=message):
        fd.report(model, rows, tmp_path / "report.html", **options)
    assert list(tmp_path.iterdir()) == []


def test_events_of_other_rows_or_asked_twice_are_an_error(tmp_path, model, rows, quiet):
    found = fd.detect(model, quiet)
    with pytest.raises(fd.DataError, match=r"the events are of 2,500 rows, and the table has 2,700"):
        fd.report(model, rows, tmp_path / "report.html", events=found)
    with pytest.raises(fd.DataError, match="leave events out"):
        fd.report(model, quiet, tmp_path / "report.html", events=found, since=10)
    with pytest.raises(fd.DataError, match="call report"):
        fd.report(rows, model, tmp_path / "report.html")


def test_of_many_events_the_most_important_have_cards_and_the_rest_are_counted(make, model, many):
    found = fd.detect(model, many)
    assert len(found) > MOST_ROWS + 50
    page, text = make(model, many, events=found)
    assert len(text.encode()) < 1_000_000
    assert page.tags.count("article") == cards.MOST_CARDS
    assert page.tags.count("tr") == MOST_ROWS + 1
    assert f"And {len(found) - MOST_ROWS:,} more" in page.text
    numbers = [int(one["id"].removeprefix("event-")) for one in page.having("article")]
    assert numbers == cards.choose(found)
    drifts = [event.peak_score for event in found.alarms if event.kind != "missing data"]
    shown = [found[number].peak_score for number in numbers if found[number].is_alarm]
    assert sorted(shown) == sorted(drifts)[-len(shown) :]


def test_long_names_and_many_columns_stay_within_two_megabytes(make):
    rng = np.random.default_rng(0)
    names = [f"{'n' * 5_000}{place}" for place in range(200)]
    frame = pd.DataFrame(rng.normal(size=(6_000, 200)), columns=names)
    model = fd.fit(frame[:4_000], window=5)
    frame.iloc[4_500:4_700, :100] += 9
    frame.iloc[5_000:5_500, 100:] = np.nan
    _, text = make(model, frame)
    assert len(text.encode()) < 300_000
    assert "n" * (MOST_SENTENCE + 1) not in text
    assert f"{'n' * 29}…{'n' * 27}100" in text


@pytest.mark.parametrize("kind", ["array", "polars", "arrow"])
def test_any_kind_of_table_is_reported(make, healthy, rows, kind):
    if kind == "array":
        page, _ = make(fd.fit(healthy[:N_HEALTHY].to_numpy()), rows.to_numpy(), title="rows")
    else:
        library = pytest.importorskip({"polars": "polars", "arrow": "pyarrow"}[kind])
        convert = library.from_pandas if kind == "polars" else library.Table.from_pandas
        page, _ = make(fd.fit(healthy[:N_HEALTHY]), convert(rows.reset_index(drop=True)))
    assert re.search(r"Most likely began row (59|60)\d", page.text)
    assert "Zone" not in page.text


def test_times_are_told_in_the_zone_of_the_frame(make, model, rows):
    page, _ = make(model, rows.tz_localize("UTC").tz_convert("Asia/Tokyo"))
    assert "Asia/Tokyo" in page.text
    assert f"{rows.index[0] + pd.Timedelta('9h'):%Y-%m-%d %H:%M}" in page.text


def test_other_detectors_without_reasons_show_the_columns_that_lie_furthest_off(make, healthy, rows):
    model = fd.fit(healthy[:N_HEALTHY], detector="isolation-forest")
    page, _ = make(model, rows)
    assert "furthest from the usual one" in page.text
    assert "fastdrift explain" not in page.text


def test_a_column_that_was_constant_or_is_stuck_is_told(make, healthy, rows):
    base = healthy[:N_HEALTHY].assign(fixed=1.0)
    now = rows.assign(fixed=1.0)
    now.iloc[900:960, -1] = 2.0
    now[rows.columns[2]] = 7.0
    page, _ = make(fd.fit(base), now)
    assert "one value in the baseline, another in 60 rows here" in page.text
    assert "one value all through, 7, though it moved in the baseline" in page.text
    assert "always 1" in page.text


def test_rows_too_broken_to_score_are_told(make, model, rows):
    page, _ = make(model, rows.assign(**{rows.columns[1]: math.nan}))
    assert "Data missing now" in page.text
    none, _ = make(model, rows[:60].assign(**{rows.columns[1]: [math.nan, *rows.iloc[1:60, 1]]}), since=59)
    assert "Scores over time" in str([known.get("aria-label") for known in none.having("svg")])


class Negative:
    """A detector whose scores are about -10 on healthy rows."""

    def fit(self, features):
        self.centre = features.mean(axis=0)
        return self

    def score_samples(self, features):
        return 10 - np.abs(features - self.centre).max(axis=1)


def test_a_detector_whose_scores_lie_below_zero_is_reported(make, rng_rows):
    page, text = make(fd.fit(rng_rows[:4_000], detector=Negative(), window=10), rng_rows)
    assert "nan" not in "".join(re.findall(r' d="([^"]*)"', text))
    assert "Scores over time" in str(page.having("svg"))


@pytest.fixture
def rng_rows():
    return np.random.default_rng(0).normal(size=(6_000, 2))


def test_of_missing_data_some_has_a_card_however_many_drifts_there_are(model, many):
    frame = many.iloc[:30_000].copy()
    frame.iloc[20_000:20_100, 1] = np.nan
    found = fd.detect(model, frame)
    assert len(found.alarms) > cards.MOST_CARDS
    chosen = cards.choose(found)
    assert len(chosen) == cards.MOST_CARDS
    assert any(found[number].kind == "missing data" for number in chosen)
