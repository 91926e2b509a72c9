"""What the tests of alarms share: the window, and healthy rows that are spoiled."""

from __future__ import annotations

import pytest

WINDOW = 20
quiet = pytest.mark.filterwarnings("ignore::fastdrift.errors.DriftWarning")


def spoil(frame, start, stop, **changes):
    frame = frame.copy()
    for name, change in changes.items():
        frame.loc[frame.index[start:stop], name] = change(frame[name].iloc[start:stop])
    return frame


def up(by):
    return lambda values: values + by * values.std()
