"""Tables of what was measured, in Markdown: a detector a line, a set a column."""

from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.command import table
from benchmarks.detection.judging import set_figures

Records = Sequence[dict[str, Any]]
# the figures of a detector on a set: by set, then by the detector's title
Figures = dict[str, dict[str, dict[str, Any]]]


def summarise(records: Records) -> Figures:
    """Return the figures of each set and detector, in the order of the records."""
    cells: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for record in records:
        cells.setdefault((record["set"], record["title"]), []).append(record)
    figures: Figures = {}
    for (group, title), some in cells.items():
        figures.setdefault(group, {})[title] = set_figures(some)
    return figures


def number(value: float | None, shape: str = ".2f") -> str:
    return "–" if value is None else format(value, shape)


def share(value: float | None) -> str:
    return number(value, ".1%").replace("%", " %")


def found(events: dict[str, Any]) -> str:
    """Return the share of incidents in which an event began, and that with those that began inside of one."""
    return f"{number(events['found_share'])} ({number(events['with_already'])})"


def runs(figures: dict[str, Any]) -> str:
    events = figures["events"]["runs"]
    return f"{found(events)}, {number(events['false_in_10k'], '.1f')}, {number(events['delay'], 'g')}"


CELLS: dict[str, Callable[[dict[str, Any]], str]] = {
    "AUC-PR, VUS-PR, AUC-ROC": lambda one: ", ".join(number(one[name]) for name in ("auc_pr", "vus_pr", "auc_roc")),
    "healthy test rows flagged, later rows": lambda one: (
        f"{share(one['healthy_flagged'])}, {share(one['later_flagged'])}"
    ),
    "runs of flagged rows: found (or in one already), false in 10,000 healthy rows, delay in rows": runs,
    "seconds to fit, to score": lambda one: f"{one['fit_seconds']:.1f}, {one['score_seconds']:.1f}",
}


def rank_tables(figures: Figures) -> list[str]:
    """Return a table for each kind of figure."""
    titles = list(dict.fromkeys(title for group in figures.values() for title in group))
    return [
        table(
            [what, *figures],
            (
                [title, *(cell(group[title]) if title in group else "–" for group in figures.values())]
                for title in titles
            ),
        )
        for what, cell in CELLS.items()
    ]


def event_table(figures: Figures) -> str:
    """Return what ours say of events: at the level of notices and of alarms."""
    heads = ["set", "", "events", "found (or in one already)", "false in 10,000 healthy rows", "a day", "delay, rows"]
    lines = [
        [f"{group}, {one['events'][level]['incidents']} incidents", title, level, *event_cells(one, level)]
        for group, detectors in figures.items()
        for title, one in detectors.items()
        for level in ("notices", "alarms")
        if level in one["events"]
    ]
    return table([*heads, "onset, rows off", "column named first is right"], lines)


def event_cells(figures: dict[str, Any], level: str) -> list[str]:
    events = figures["events"][level]
    cells = [found(events), number(events["false_in_10k"], ".1f"), number(events["false_a_day"])]
    known = (number(figures["onset_off"], "g"), number(figures["named_first"])) if level == "notices" else ("", "")
    return [*cells, number(events["delay"], "g"), *known]
