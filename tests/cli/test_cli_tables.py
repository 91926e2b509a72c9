"""Results on the terminal are what the results say of themselves, laid out as tables."""

from __future__ import annotations

import io

import numpy as np
import pytest
from rich.console import Console

import fastdrift as fd
from fastdrift.cli.tables import MAX_CHANGES, changes_table, evaluation_tables
from fastdrift.prepare.report import Change, Report

NAN = np.nan


def shown(*tables):
    """Return the lines of tables on a terminal, without rules and with one space for many."""
    console = Console(width=200, file=io.StringIO())
    for table in tables:
        console.print(table)
    lines = (" ".join(line.split()) for line in console.file.getvalue().splitlines())
    return [line for line in lines if line.strip("─")]


@pytest.fixture
def evaluation():
    scores, labels = [NAN, 1.0, 2.0, 6.0, 1.5, 7.0, 9.0, 8.0], [0, 0, 0, 0, 0, 1, 1, 1]
    return fd.evaluate(scores, 5.0, labels=labels, false_alarm_rate=0.05, events=True)


def test_an_evaluation_is_told_in_its_own_lines_beside_what_costs_nothing(evaluation):
    assert shown(*evaluation_tables(evaluation)) == [
        "Monitored rows",
        *(f"{name} {text}" for name, text in evaluation.lines()),
        "Against the labels, row by row",
        "this score flag everything random score",
        "precision 0.750 0.429 0.429",
        "recall 1.000 1.000 0.571",
        "F1 0.857 0.600 0.490",
        "ROC AUC 1.000 0.500 0.500",
        "average precision 1.000 0.429 0.429",
        "Against the labels, by runs of flagged rows",
        *(f"{name} {text}" for name, text in evaluation.event.lines()),
    ]


def test_the_lines_of_an_evaluation_are_short_and_have_its_notes(evaluation):
    assert evaluation.lines() == [
        ("rows", "8"),
        ("without a score", "1"),
        ("flagged", "4, 57.14 % of those with a score"),
        ("nominal false alarms", "5.00 %"),
        ("flagged when healthy", "25.00 %"),
        ("labelled as drift", "3"),
    ]
    assert evaluation.event.lines() == [
        ("incidents found", "1 of 1"),
        ("delay, rows", "0 (median), 0 (most)"),
        ("false events", "1 of 2"),
        ("per 10,000 rows", "2500"),
        ("per day", "–"),
        ("healthy rows in events", "25.00 %"),
    ]
    name, text = fd.evaluate([1.0, 2.0], 5.0, labels=[0, 1]).lines()[-1]
    assert (name, text) == ("note", "no row is flagged, so precision is undefined")


def test_a_random_score_that_flags_as_many_rows_is_judged_as_chance_has_it(evaluation):
    f1 = {row.name: row.random for row in evaluation.comparison()}["F1"]
    precision, recall = 3 / 7, 4 / 7
    assert f1 == pytest.approx(2 * precision * recall / (precision + recall))


def test_without_labels_there_are_counts_alone():
    assert shown(*evaluation_tables(fd.evaluate([1.0, 9.0], 5.0))) == [
        "Monitored rows",
        "rows 2",
        "without a score 0",
        "flagged 1, 50.00 % of those with a score",
        "nominal false alarms –",
    ]


def test_where_no_row_has_a_score_no_metric_is_made_up():
    told = shown(*evaluation_tables(fd.evaluate([NAN, NAN], 5.0, labels=[0, 1])))
    assert "precision – – –" in told
    assert "recall – 1.000 –" in told
    assert "F1 – – –" in told


def test_a_long_report_of_changes_is_cut():
    changes = tuple(Change(f"c{number}", "sentinel", 1_000, 5, -999.0) for number in range(MAX_CHANGES + 3))
    told = shown(changes_table(Report(2_000, 1_999, changes)))
    assert told[0] == "2,000 rows in, 1,999 rows out"
    assert "c7 sentinel 1,000 5 -999.0" in told
    assert told[-1] == "and 3 more"
    assert shown(changes_table(Report(2, 2, ())))[-1] == "nothing was changed"
