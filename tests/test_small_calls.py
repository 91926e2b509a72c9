"""A call on a few rows does nothing that only a large one needs."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import fastdrift as fd
from fastdrift.engine import threads


@pytest.fixture
def quotas_read(monkeypatch):
    """Count how often the container's quota is read."""
    times = []

    def read():
        times.append(1)
        return 2.0

    monkeypatch.setattr(threads, "_cgroup_quota", read)
    monkeypatch.delenv("FASTDRIFT_THREADS", raising=False)
    return times


def test_a_small_score_does_not_ask_the_system_how_many_threads_there_may_be(model, rows, quotas_read):
    small = fd.score(model, rows[:100])
    assert not quotas_read
    whole = fd.score(model, rows)
    assert quotas_read
    assert small.tobytes() == whole[:100].tobytes()


@pytest.mark.parametrize("n_rows", [100, 60_000])
def test_a_number_of_threads_that_is_none_is_an_error_for_small_and_large_scores(model, rows, monkeypatch, n_rows):
    monkeypatch.setenv("FASTDRIFT_THREADS", "many")
    with pytest.raises(fd.DataError, match="FASTDRIFT_THREADS is 'many'"):
        fd.score(model, rows[:n_rows])


def test_one_thread_runs_tasks_in_order_and_stops_at_an_error():
    ran = []

    def task(number):
        ran.append((number, threading.get_ident()))
        return 1 // (3 - number)

    with pytest.raises(ZeroDivisionError):
        threads.run_tasks([lambda number=number: task(number) for number in range(6)], 1)
    assert ran == [(number, threading.get_ident()) for number in range(4)]
    assert threads.run_tasks([lambda: "only"], 8) == ["only"]
    assert threads.run_tasks([], 8) == []


def test_a_few_rows_of_a_stream_have_the_bytes_of_the_whole(model, rows):
    whole = fd.score(model, rows[:300])
    again = fd.score(model, rows[100:300], first_row=100)
    assert again[model.window - 1 :].tobytes() == whole[100 + model.window - 1 :].tobytes()
    assert np.isnan(again[: model.window - 1]).all()
