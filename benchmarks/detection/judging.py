"""Figures of one detector on one entity, and of a set."""

import time
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd

import fastdrift as fd
from benchmarks.detection.fitted import RATE, Detector
from benchmarks.detection.sets import ROWS_A_DAY, Booleans, Entity, Shown
from benchmarks.detection.volume import Floats, vus_pr
from fastdrift.evaluation.events import Runs, runs

# rows after an incident in which an event is due to it, those of a window of 50 for all; and rows of a baseline below
# which its later part is not held against its earlier one
TOLERANCE, LEAST_EARLY = 49, 1_000
COUNTS = ("incidents", "found", "already", "false_events")
RANKS = ("trivial", "auc_pr", "auc_roc", "vus_pr", "healthy_flagged", "later_flagged", "f1")


def judge(entity: Entity, detector: Detector) -> dict[str, Any]:
    """Return every figure of a detector on an entity; those that there cannot be are None."""
    start = time.perf_counter()
    fitted = detector.fit(entity.train)
    middle = time.perf_counter()
    scores = fitted.score(entity.test)
    seconds = {"fit_seconds": middle - start, "score_seconds": time.perf_counter() - middle}
    figures = {**ranks(scores, fitted.threshold, entity.labels), "later_flagged": later_flagged(entity, detector)}
    levels = {"runs": fd.events(scores, fitted.threshold)}
    if fitted.model is not None:
        found = fd.detect(fitted.model, entity.test)
        levels |= {"notices": found.as_runs(), "alarms": found.as_runs("alarm")}
        figures |= onset_and_reasons(found, entity.labels, entity.shown)
    events = {level: event_figures(found, entity.labels, scores) for level, found in levels.items()}
    return figures | seconds | {"events": events}


def ranks(scores: Floats, threshold: float, labels: Booleans) -> dict[str, float | None]:
    """Return how scores rank rows; nothing where most of the labelled rows have no score, which are missing data."""
    found = fd.evaluate(scores, threshold, labels=labels, false_alarm_rate=RATE)
    figures = {"trivial": found.prevalence, "healthy_flagged": found.healthy_flagged_ratio}
    if not labels.any() or np.isnan(scores[labels]).mean() > 0.5:
        return figures | {"auc_pr": None, "auc_roc": None, "vus_pr": None, "f1": None}
    figures |= {"auc_pr": found.average_precision, "auc_roc": found.roc_auc, "f1": found.f1}
    return figures | {"vus_pr": vus_pr(scores, labels)}


def later_flagged(entity: Entity, detector: Detector) -> float | None:
    """Return the flagged share of the last 30 % of healthy rows, by a detector of the first 70 %."""
    cut = len(entity.train) * 7 // 10
    if cut < LEAST_EARLY:
        return None
    fitted = detector.fit(entity.train[:cut])
    scores = fitted.score(entity.train[cut:])
    return float((scores > fitted.threshold).sum() / np.isfinite(scores).sum())


def event_figures(found: Runs, labels: Booleans, scores: Floats) -> dict[str, Any]:
    metrics = fd.event_metrics(found, labels, tolerance=TOLERANCE)
    figures = {name: getattr(metrics, name) for name in COUNTS}
    delays = [delay for delay in metrics.delays if delay is not None]
    return figures | {"delays": delays, "healthy": int(np.sum(np.isfinite(scores) & ~labels))}


def onsets_off(events: fd.Events, labels: Booleans) -> list[int]:
    """Return how many rows each event's onset is off the start of the incident that the event is due to."""
    starts, stops = runs(labels)
    offs = []
    for event in events:
        place = np.searchsorted(starts, event.start, side="right") - 1
        if place >= 0 and event.start < stops[place] + TOLERANCE:
            offs.append(abs(event.onset - int(starts[place])))
    return offs


def onset_and_reasons(events: fd.Events, labels: Booleans, shown: Sequence[Shown]) -> dict[str, Any]:
    """Return rows off, and of incidents with known columns in which an event peaks, whether its first column is one.

    An event's reason is that of its peak, and an event may go on over several incidents.
    """
    named = []
    for start, stop, columns in shown:
        inside = [event for event in events if start <= place_of(event) < stop + TOLERANCE and event.columns]
        if inside:
            named.append(max(inside, key=lambda event: event.peak_score).columns[0] in columns)
    return {"onsets_off": onsets_off(events, labels), "named_first": named}


def place_of(event: fd.Event) -> int:
    """Return the row of an event's peak, or of its start where data are missing and nothing peaks."""
    return event.start if event.peak_row < 0 else event.peak_row


def set_figures(records: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return the figures of a set by one detector: means over entities, counts and delays over all of them."""
    table = pd.DataFrame(list(records))
    figures: dict[str, Any] = {name: mean(table[name]) for name in RANKS}
    # a service whose level moves within its train file would be all there is to a mean
    later = table["later_flagged"].dropna().astype(float)
    figures["later_flagged"] = float(later.median()) if len(later) else None
    figures |= {name: float(table[name].sum()) for name in ("fit_seconds", "score_seconds")}
    figures["events"] = {
        level: pooled([one[level] for one in table["events"]], table["set"].iloc[0])
        for level in table["events"].iloc[0]
    }
    if "onsets_off" in table and table["onsets_off"].notna().any():
        figures["onset_off"] = middle([*chain(*table["onsets_off"])])
        figures["named_first"] = mean(pd.Series([*chain(*table["named_first"])], dtype=float))
    return figures


def pooled(events: Sequence[dict[str, Any]], group: str) -> dict[str, float | None]:
    total = {name: sum(one[name] for one in events) for name in (*COUNTS, "healthy")}
    false = total["false_events"] / total["healthy"]
    incidents = total["incidents"]
    return {
        **total,
        "found_share": total["found"] / incidents if incidents else None,
        "with_already": (total["found"] + total["already"]) / incidents if incidents else None,
        "false_in_10k": 1e4 * false,
        "false_a_day": false * ROWS_A_DAY[group],
        "delay": middle([*chain(*(one["delays"] for one in events))]),
    }


def mean(values: pd.Series) -> float | None:
    known = values.dropna().astype(float)
    return float(known.mean()) if len(known) else None


def middle(values: Sequence[int]) -> float | None:
    return float(np.median(values)) if values else None
