"""A report in a headless Chromium: nothing fetched, nothing complained of, nothing cut off, all of it readable."""

from __future__ import annotations

import pytest

import fastdrift as fd

from .chromium import UNFOLD, find
from .conftest import N_HEALTHY

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(find() is None, reason="there is no Chromium (Debian: apt-get install chromium)"),
    pytest.mark.filterwarnings("ignore::fastdrift.DriftWarning"),
]
WIDTHS = (390, 1280)
# what is wider than its box, or reaches out of the page; what nobody sees, and what is in a picture, are not asked
CUT_OFF = """
[...document.querySelectorAll('body *')].filter(one => {
  const box = one.getBoundingClientRect();
  if (one.closest('svg, .skip, thead') || !box.width || getComputedStyle(one).display === 'inline') return false;
  return one.scrollWidth > one.clientWidth + 1 || box.right > innerWidth + 1 || box.left < -1;
}).map(one => `${one.tagName}.${one.className}: ${one.textContent.trim().slice(0, 60)}`)
"""
# WCAG 2: relative luminance, and contrast of every text with the nearest colour behind it
CONTRASTS = """
(() => {
  const parts = color => color.match(/[\\d.]+/g).map(Number);
  const light = color => parts(color).slice(0, 3).map(value => value / 255)
    .map(value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
    .reduce((sum, value, place) => sum + value * [0.2126, 0.7152, 0.0722][place], 0);
  const behind = one => {
    for (; one; one = one.parentElement) {
      const color = getComputedStyle(one).backgroundColor;
      if (!color.startsWith('rgba(') || parts(color)[3] === 1) return color;
    }
    return 'rgb(255, 255, 255)';
  };
  return [...document.querySelectorAll('body *')]
    .filter(one => [...one.childNodes].some(node => node.nodeType === 3 && node.textContent.trim()))
    .map(one => {
      const [high, low] = [light(getComputedStyle(one).color), light(behind(one))].sort((a, b) => b - a);
      return [(high + 0.05) / (low + 0.05), one.tagName + '.' + one.className];
    });
})()
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory, healthy, rows, labels):
    """Return a report of all there is: alarms, missing data, holes, left out rows, labels, long names."""
    name = "a_metric_of_a_service_with_a_very_long_name_and_no_place_to_break_it_" * 2
    base, now = (frame.rename(columns={frame.columns[2]: name}) for frame in (healthy[:N_HEALTHY], rows))
    now.iloc[900:960, 2] += 6 * now.iloc[:, 2].std()
    path = tmp_path_factory.mktemp("report") / "report.html"
    found = fd.report(fd.fit(base), now, path, labels=labels, since=60, ignore=[(300, 330)], title=name)
    assert len(found.alarms) >= 4
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_fetched_and_nothing_is_complained_of(browser, page, width, scheme):
    browser.open(page, width=width, scheme=scheme)
    assert [event["request"]["url"] for event in browser.told("Network.requestWillBeSent")
            if not event["request"]["url"].startswith("data:")] == [page.absolute().as_uri()]  # fmt: skip
    assert browser.told("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded") == []


@pytest.mark.parametrize("media", ["", "print"])
@pytest.mark.parametrize("width", WIDTHS)
def test_no_text_is_cut_off_and_the_page_scrolls_one_way(browser, page, width, media):
    browser.open(page, width=width, media=media)
    for script in ("0", UNFOLD):
        browser.run(script)
        assert browser.run("innerWidth") == width
        assert browser.run("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        assert browser.run(CUT_OFF) == []


@pytest.mark.parametrize(("scheme", "media"), [("light", ""), ("dark", ""), ("dark", "print")])
def test_every_text_stands_out_from_what_is_behind_it(browser, page, scheme, media):
    browser.open(page, width=1280, scheme=scheme, media=media)
    contrasts = browser.run(CONTRASTS)
    assert len(contrasts) > 100
    assert [(round(ratio, 2), name) for ratio, name in contrasts if ratio < 4.5] == []
    background = browser.run("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(255, 255, 255)") is (scheme == "light" or media == "print")


def test_the_keyboard_reaches_the_answer_first_and_every_link(browser, page):
    browser.open(page, width=1280)
    browser.run(UNFOLD)
    reached = "[...document.querySelectorAll('a, summary')]"
    seen = []
    for _ in range(browser.run(f"{reached}.length")):
        for kind in ("keyDown", "keyUp"):
            browser.call("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
        seen.append(browser.run("document.activeElement.getAttribute('href')"))
    assert seen[0] == "#answer"
    assert None in seen  # what unfolds a card
    assert seen == browser.run(f"{reached}.map(one => one.getAttribute('href'))")


@pytest.mark.parametrize("width", WIDTHS)
def test_a_screen_reader_is_told_headings_pictures_and_the_table(browser, page, width):
    browser.open(page, width=width)
    browser.run(UNFOLD)
    nodes = [node for node in browser.call("Accessibility.getFullAXTree")["nodes"] if not node["ignored"]]
    roles = {}
    for node in nodes:
        roles.setdefault(node["role"]["value"], []).append(node.get("name", {}).get("value", ""))
    assert {"banner", "navigation", "main", "contentinfo", "heading", "table", "row", "cell"} <= roles.keys()
    pictures = [name for role in ("image", "img") for name in roles.get(role, [])]
    assert len(pictures) == browser.run("document.querySelectorAll('svg[role=img]').length")
    assert all(len(name) > 10 for name in pictures)
    assert any("All events" in name for name in roles["table"])


def test_pictures_are_drawn(browser, page):
    browser.open(page, width=390)
    sizes = browser.run("[...document.querySelectorAll('svg')].map(one => [one.clientWidth, one.clientHeight])")
    assert all(width > 15 and height > 5 for width, height in sizes)
    picture = browser.picture()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) > 50_000


def test_what_is_cut_off_pale_or_fetched_would_be_noticed(browser, page, tmp_path):
    bad = tmp_path / "bad.html"
    text = page.read_text(encoding="utf-8")
    wrong = (
        "<p style='width: 2000px; color: #bbb; background: #fff'>wide</p><img src='nowhere.png'><script>alert(</script>"
    )
    bad.write_text(text.replace("<main>", f"<main>{wrong}"), encoding="utf-8")
    browser.open(bad, width=390)
    assert any("wide" in one for one in browser.run(CUT_OFF))
    assert not browser.run("document.documentElement.scrollWidth <= 390")
    assert min(ratio for ratio, _ in browser.run(CONTRASTS)) < 2
    assert len(browser.told("Log.entryAdded")) >= 2  # the policy of the page forbids both
