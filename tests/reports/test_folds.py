"""What is open and what is folded: the first screens of a phone hold the answer, and paper holds all."""

from __future__ import annotations

import re

import numpy as np
import pytest

import fastdrift as fd
from fastdrift.alarms.judging import found_text, judge
from fastdrift.reports import cards, page

from .chromium import UNFOLD, find
from .pages import Page


@pytest.fixture(scope="module")
def made(model, many, tmp_path_factory):
    """Return the events of a table with hundreds of them, and where the page about them is."""
    path = tmp_path_factory.mktemp("many") / "report.html"
    return fd.report(model, many, path), path


def folds(text):
    """Return of every card, the first first, whether it is open."""
    return [bool(is_open) for is_open in re.findall(r"<article[^>]*>\s*<details( open)?>", text)]


def top_of(text):
    return Page(text[text.index('<section id="answer"') : text.index("</section>") + len("</section>")]).text


def test_of_many_events_the_first_card_is_open_and_the_table_is_folded(made):
    _, path = made
    text = path.read_text(encoding="utf-8")
    assert folds(text) == [True] + [False] * (cards.MOST_CARDS - 1)
    assert '<details class="all">' in text
    assert f"All events in order of time: {page.MOST_ROWS} of {len(made[0]):,}" in Page(text).text


def test_alarms_that_are_on_are_open_but_no_more_than_a_few(model, rows, tmp_path, monkeypatch):
    both = rows.copy()
    both.iloc[-400:, 0] += 5 * rows.iloc[:, 0].std()
    both.iloc[-300:, 1] = np.nan  # drift, until data went missing, which still is
    found = fd.report(model, both, tmp_path / "page.html")
    chosen = cards.choose(found)
    on = {number for number in chosen if found[number].is_alarm and found[number].still_on}
    opened = {number for number, is_open in zip(chosen, folds((tmp_path / "page.html").read_text()), strict=True)
              if is_open}  # fmt: skip
    assert on
    assert opened == on | {chosen[0]}
    assert '<details class="all" open>' in (tmp_path / "page.html").read_text()
    everything_on = fd.Events(
        tuple(event._replace(still_on=True) for event in found), found.n_rows, found.n_scored, found.n_flagged, 0, (),
        found.window, found.promise,
    )  # fmt: skip
    assert len(cards._opened(everything_on, [*range(len(found))])) == cards.MOST_OPEN


def test_if_the_answer_is_not_about_the_strongest_that_is_told_too(model, made, rows, tmp_path):
    found, path = made
    strongest = found[cards.choose(found)[0]]
    assert found.told is found.alarms[-1]
    assert strongest is not found.told
    text = top_of(path.read_text(encoding="utf-8"))
    assert f"The strongest: event {list(found).index(strongest)}, " in text
    assert strongest.why.split(" ")[0] in text
    assert "How sure: such a peak comes less than once in" in text
    alone = fd.report(model, rows[:1_000], tmp_path / "page.html")
    assert alone.told is alone.alarms[-1]
    text = top_of((tmp_path / "page.html").read_text())
    assert "The strongest" not in text
    assert "How sure" in text


def test_the_answer_is_about_what_is_on_then_alarms_then_notices(made):
    found, _ = made
    assert found.told is found.alarms[-1]
    on = [event._replace(still_on=event is found.alarms[0]) for event in found]
    assert _events(found, on).told.onset == found.alarms[0].onset
    assert _events(found, found.notices).told is found.notices[-1]
    assert _events(found, ()).told is None


def _events(found, events):
    return fd.Events(tuple(events), found.n_rows, found.n_scored, found.n_flagged, 0, (), found.window, found.promise)


def test_a_picture_tells_spreads_which_are_all_that_a_stuck_column_changes(model, healthy, tmp_path):
    stuck = healthy[12_000:].copy()
    stuck.iloc[1_000:1_600, 1] = stuck.iloc[:, 1].mean()
    fd.report(model, stuck, tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    before, within = re.search(r"Before the onset [\d.]+ ± ([\d.]+); in the event [\d.]+ ± ([\d.]+);", text).groups()
    assert float(within) < 0.5 * float(before)  # the event lasts a little longer than what it is about


def test_of_columns_that_part_ways_it_is_said_that_their_pictures_look_healthy(tmp_path):
    rng = np.random.default_rng(4)
    base = rng.normal(size=14_000)
    rows = np.column_stack([base + 0.1 * rng.normal(size=base.size), base, rng.normal(size=base.size)])
    later = rows[10_000:].copy()
    later[1_500:, 1] = rng.normal(size=2_500)
    fd.report(fd.fit(rows[:10_000]), later, tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Draw one against the other: each alone is about as ever" in text
    later = rows[10_000:].copy()
    later[1_500:, 1] += 5
    fd.report(fd.fit(rows[:10_000]), later, tmp_path / "page.html")
    assert "Draw one against the other" not in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_incidents_that_began_in_an_alarm_are_not_told_as_more_than_there_are(made):
    found, _ = made
    event = max(found.alarms, key=lambda event: event.stop - event.alarm_row)
    labels = np.zeros(found.n_rows, bool)
    labels[event.alarm_row + 5 : event.alarm_row + 10] = True
    text = found_text(judge(_events(found, [event]), labels))
    assert text == "0 of 1 labelled incident found. 1 began while an alarm was on already."
    labels[event.alarm_row] = True
    labels[event.alarm_row + 1 : event.alarm_row + 10] = False
    assert found_text(judge(_events(found, [event]), labels)) == "1 of 1 labelled incident found, at once."


@pytest.mark.browser
@pytest.mark.skipif(find() is None, reason="there is no Chromium (Debian: apt-get install chromium)")
class TestInABrowser:
    """What a browser makes of what is folded."""

    def test_a_phone_shows_the_answer_first_and_not_too_much_after_it(self, browser, made):
        browser.open(made[1], width=390)
        assert browser.run("document.getElementById('answer').getBoundingClientRect().bottom") < 900
        assert browser.run("document.documentElement.scrollHeight") < 10_000
        browser.run(UNFOLD)
        assert browser.run("document.documentElement.scrollHeight") > 50_000  # what it would be

    def test_a_link_to_a_folded_card_opens_it_and_shows_its_heading(self, browser, made):
        number = cards.choose(made[0])[5]
        for width in (390, 1280):
            browser.open(made[1], width=width)
            inside = f"document.getElementById('event-{number}')"
            assert not browser.run(f"{inside}.closest('details').open")
            browser.run(f"document.querySelector('a[href=\"#event-{number}\"]').click()")
            browser.run("new Promise(done => requestAnimationFrame(() => setTimeout(done, 50)))")
            assert browser.run(f"{inside}.closest('details').open")
            top = browser.run(f"document.getElementById('event-{number}-name').getBoundingClientRect().top")
            assert 0 <= top < 450

    def test_what_is_folded_is_printed(self, browser, made):
        shown = "[...document.querySelectorAll('figure, .events tr')].filter(one => one.checkVisibility()).length"
        there = "document.querySelectorAll('figure, .events tr').length"
        browser.open(made[1], width=1280)
        assert browser.run(shown) < 10
        browser.open(made[1], width=1280, media="print")
        assert browser.run(shown) == browser.run(there) > page.MOST_ROWS

    def test_pictures_of_a_card_are_as_wide_whatever_the_numbers_beside_them(self, browser, made):
        browser.open(made[1], width=390)
        browser.run(UNFOLD)
        widths = browser.run("[...document.querySelectorAll('.sketch svg')].map(one => one.clientWidth)")
        assert len(widths) > 20
        assert len(set(widths)) == 1
        assert widths[0] > 240
