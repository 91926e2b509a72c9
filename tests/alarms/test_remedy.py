"""A level that moved for good is told with what makes it part of what is healthy."""

from __future__ import annotations

from dataclasses import replace

import pytest

import fastdrift as fd
from fastdrift.alarms.judging import answer_text

from .spoiled import spoil, up

ACCEPT = "fastdrift accept"


@pytest.fixture(scope="module")
def found(telemetry, model):
    """Return the events of rows whose level moves and stays."""
    return fd.detect(model, spoil(telemetry[15_000:20_000], 3_000, 5_000, **{telemetry.columns[0]: up(8)}))


def test_the_text_of_events_names_accept_once_for_a_level_that_moved_for_good(found):
    assert found[len(found) - 1].has_moved
    assert repr(found).count(ACCEPT) == 1
    assert repr(found).splitlines()[1] == found.remedy()


def test_the_command_line_s_answer_names_it_too(found):
    assert answer_text(found, None).count(ACCEPT) == 1


@pytest.mark.parametrize("change", [{"kind": "drift"}, {"still_on": False}, {"kind": "missing data"}])
def test_what_is_over_short_or_missing_has_no_such_remedy(found, change):
    others = replace(found, events=tuple(event._replace(**change) for event in found))
    assert others.remedy() == ""
    assert ACCEPT not in repr(others)
    assert ACCEPT not in answer_text(others, None)
    assert "\n\n" not in repr(others)
