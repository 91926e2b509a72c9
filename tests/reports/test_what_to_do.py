"""What a reader wants first: what is wrong, since when, and what to do."""

from __future__ import annotations

import re

import numpy as np
import pytest

import fastdrift as fd
from fastdrift.alarms.events import REMEDY

from .pages import Page


@pytest.fixture(scope="module")
def moved(healthy):
    """Return rows of which a column moves for good, while another has a spike for half an hour."""
    frame = healthy[12_000:].copy()
    spread = frame.std()
    frame.iloc[1_000:, 1] += 4 * spread.iloc[1]
    frame.iloc[2_000:2_030, 2] += 40 * spread.iloc[2]
    return frame


def page_of(model, rows, path, **options):
    found = fd.report(model, rows, path, **options)
    text = path.read_text(encoding="utf-8")
    return found, Page(text), text


def test_the_column_that_moved_for_good_comes_before_the_spike_at_the_peak(model, moved, tmp_path):
    found, page, _ = page_of(model, moved, tmp_path / "page.html")
    (event,) = found.alarms
    lasting, spike = moved.columns[1:3]
    assert event.columns[0] == spike  # the reason of the peak
    assert f"mostly {lasting} up by 4" in page.text
    assert f"Look at {lasting} first" in page.text
    drawn = re.findall(r"(\w+) \d+ % of the (scores|peak)", page.text)
    assert drawn[0] == (lasting, "scores")
    assert (spike, "peak") in drawn
    assert found.answer() == fd.detect(model, moved).answer()  # what is returned is what was found


def test_the_answer_is_followed_by_what_to_do_and_where_more_is_told(model, moved, tmp_path):
    found, page, text = page_of(model, moved, tmp_path / "page.html")
    top = text[text.index('id="answer"') : text.index('id="timeline"')]
    assert "Drifting now" in top
    assert top.count("Drifting now") == 1
    assert REMEDY in top
    number = list(found).index(found.alarms[0])
    assert f'href="#event-{number}"' in top
    assert "fastdrift accept MODEL DATA --rows A:B" in page.text
    assert "--ignore" not in page.text


def test_what_is_over_is_not_to_be_accepted(model, moved, healthy, tmp_path):
    over = moved.copy()
    over.iloc[3_000:] = healthy[12_000:].iloc[3_000:].to_numpy()
    found, page, _ = page_of(model, over, tmp_path / "page.html")
    assert found.alarms[0].kind == "persistent drift"
    assert "fastdrift accept" not in page.text
    assert f"--ignore {found.alarms[0].onset}..{found.alarms[0].stop}" in page.text


def test_a_long_event_is_shown_to_its_end_or_it_is_said_that_it_goes_on(model, moved, tmp_path, monkeypatch):
    _, page, _ = page_of(model, moved, tmp_path / "page.html")
    assert "shown are its first" not in page.text
    monkeypatch.setattr("fastdrift.reports.sketches.MOST_AFTER", 20)
    _, page, _ = page_of(model, moved, tmp_path / "page.html")
    assert "shown are its first 1,000 rows" in page.text


def test_columns_that_part_ways_are_not_told_as_one_that_moved(tmp_path, monkeypatch):
    rng = np.random.default_rng(4)
    base = rng.normal(size=14_000)
    rows = np.column_stack([base + 0.1 * rng.normal(size=base.size), base, rng.normal(size=base.size)])
    model = fd.fit(rows[:10_000])
    later = rows[10_000:].copy()
    later[1_500:, 1] = rng.normal(size=2_500)
    found, page, _ = page_of(model, later, tmp_path / "page.html")
    assert found.alarms[-1].kind == "persistent drift"
    assert "no longer move together" in page.text
    assert "mostly" not in page.text
    monkeypatch.setattr("fastdrift.reports.lasting.lasting_columns", lambda *_: [2])  # as ever, and not in the reason
    _, page, _ = page_of(model, later, tmp_path / "page.html")
    assert "mostly" not in page.text


@pytest.mark.filterwarnings("ignore::fastdrift.DriftWarning")
def test_events_of_another_model_are_told_without_what_lasts(model, moved, tmp_path):
    calm = fd.fit(moved, threshold="in-sample", false_alarm_rate=1e-6)  # by which nothing is flagged
    found, page, _ = page_of(calm, moved, tmp_path / "page.html", events=fd.detect(model, moved))
    assert found.alarms[0].kind == "persistent drift"
    assert "Alarm of persistent drift" in page.text
