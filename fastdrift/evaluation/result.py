"""What an evaluation has found, and how it is told."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

from fastdrift.evaluation.event_metrics import EventMetrics
from fastdrift.evaluation.lines import decimal, line, percent


class Comparison(NamedTuple):
    """A metric of a score beside those that cost nothing: of flagging all rows, and of a random score."""

    name: str
    score: float | None
    flag_all: float | None
    random: float | None


@dataclass(frozen=True, repr=False)
class Evaluation:
    """Hold the metrics of one evaluation; every one is over the monitored rows.

    A metric is None without the labels it needs, and where it is undefined, which `notes` explains. Rows
    without a score count in `rows`, `labelled_rows` and the two `unscored` metrics, nowhere else.

    Attributes
    ----------
    threshold : float
        The score above which, strictly, a row is flagged.
    false_alarm_rate : float or None
        The nominal share of healthy rows flagged, if the caller gave one.
    rows, scored_rows, unscored_rows, flagged_rows : int
        Monitored rows, those with and without a score, those flagged.
    flagged_ratio : float or None
        Flagged rows as a share of the scored rows.
    labelled_rows, labelled_unscored_rows : int or None
        Rows labelled as drift, and how many of them have no score.
    healthy_flagged_ratio : float or None
        Flagged share of the scored healthy rows: what `false_alarm_rate` promised.
    precision, recall, f1, roc_auc, average_precision : float or None
        Row by row; the first three at the threshold, the last two over all thresholds.
    prevalence, flag_all_f1 : float or None
        The trivial lines: precision (the labelled share, also the expected average precision of a random
        score) and F1 of flagging everything.
    notes : tuple of str
        Why a metric is missing.
    event : EventMetrics or None
        The metrics by events, if they were asked for and a row has a score.
    """

    threshold: float
    false_alarm_rate: float | None
    rows: int
    scored_rows: int
    unscored_rows: int
    flagged_rows: int
    flagged_ratio: float | None
    labelled_rows: int | None = None
    labelled_unscored_rows: int | None = None
    healthy_flagged_ratio: float | None = None
    precision: float | None = None
    recall: float | None = None
    f1: float | None = None
    roc_auc: float | None = None
    average_precision: float | None = None
    prevalence: float | None = None
    flag_all_f1: float | None = None
    notes: tuple[str, ...] = ()
    event: EventMetrics | None = None

    def lines(self) -> list[tuple[str, str]]:
        """Return the counts in short, and the notes: pairs of a name and a text."""
        labelled = [
            ("flagged when healthy", percent(self.healthy_flagged_ratio)),
            ("labelled as drift", f"{self.labelled_rows or 0:,}"),
        ]
        return [
            ("rows", f"{self.rows:,}"),
            ("without a score", f"{self.unscored_rows:,}"),
            ("flagged", f"{self.flagged_rows:,}, {percent(self.flagged_ratio)} of those with a score"),
            ("nominal false alarms", percent(self.false_alarm_rate)),
            *([] if self.labelled_rows is None else labelled),
            *(("note", note) for note in self.notes),
        ]

    def comparison(self) -> list[Comparison]:
        """Return the metrics that need labels, row by row, beside those that cost nothing."""
        share, flagged = self.prevalence, self.flagged_ratio
        random_f1 = None
        if share is not None and flagged is not None and share + flagged:
            random_f1 = 2 * share * flagged / (share + flagged)
        return [
            Comparison("precision", self.precision, share, share),
            Comparison("recall", self.recall, 1.0, flagged),
            Comparison("F1", self.f1, self.flag_all_f1, random_f1),
            Comparison("ROC AUC", self.roc_auc, 0.5, 0.5),
            Comparison("average precision", self.average_precision, share, share),
        ]

    def summary(self) -> str:
        """Return the metrics as lines of text, those from labels beside what flagging everything gets."""
        label_lines = [] if self.labelled_rows is None else self._label_lines()
        event_lines = [] if self.event is None else [self.event.summary()]
        notes = [f"note: {note}" for note in self.notes]
        return "\n".join([*self._count_lines(), *label_lines, *event_lines, *notes])

    def to_dict(self) -> dict[str, Any]:
        """Return the metrics by name, ready for `json.dumps`: what JSON cannot hold (NaN, inf) is None."""
        return {field.name: _json_safe(getattr(self, field.name)) for field in fields(self)}

    def _count_lines(self) -> list[str]:
        return [
            line("rows", f"{self.rows:,}"),
            line("without a score", f"{self.unscored_rows:,}"),
            line("flagged", f"{self.flagged_rows:,}", f"  (score > {self.threshold:.6g})"),
            line("flagged ratio", percent(self.flagged_ratio, "-")),
            line("nominal false alarms", percent(self.false_alarm_rate, "-")),
        ]

    def _label_lines(self) -> list[str]:
        return [
            line("flagged when healthy", percent(self.healthy_flagged_ratio, "-")),
            line("labelled", f"{self.labelled_rows:,}"),
            line("  without a score", f"{self.labelled_unscored_rows:,}"),
            line("", "this score", "flag all"),
            *(line(row.name, decimal(row.score, "-"), decimal(row.flag_all, "-")) for row in self.comparison()),
        ]

    __repr__ = summary  # nineteen fields in a row help nobody


def _json_safe(value: object) -> object:
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, EventMetrics):
        return value.to_dict()
    return None if isinstance(value, float) and not math.isfinite(value) else value
