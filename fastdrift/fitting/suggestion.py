"""Suggestion: what a baseline is good for, in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastdrift.detectors.model import Model
from fastdrift.detectors.promise import Promise
from fastdrift.evaluation.lines import UNDEFINED, number, percent
from fastdrift.fitting.advice import THIN, is_slow, rows_of
from fastdrift.fitting.backtest import Backtest
from fastdrift.fitting.findings import Finding
from fastdrift.fitting.shifts import Shift
from fastdrift.tables.table import listed

# shifts that a repr shows, and columns that never moved that are named
SHOWN, NAMED = 8, 3
# what the tables' columns are
PART_NAMES = ("rows", "flagged", "asked for", "alarms", "at most", "first alarm")
SHIFT_NAMES = ("smallest shift of", "amount", "spreads", "alarm within rows", "of twice it")
# row rates for which the rows that would be enough are told
RATES = (0.01, 0.001)
CHANGED = (
    "later parts were not like the rows before them: leave out what was no healthy state (fit takes several stretches) "
    "or take a longer baseline, in which all that is healthy comes back"
)
# findings that the answer points to
GRAVE = ("growing", "jump", "trend")


@dataclass(frozen=True, eq=False, repr=False)
class Suggestion:
    """What a baseline is good for.

    Attributes
    ----------
    model : Model
        What `fit` makes of the baseline as suggested.
    window : int or tuple of int
        What is suggested to `fit`.
    reasons : tuple of str
        Why, and which others there are.
    rows : int
        Rows of the baseline.
    memory : float
        Rows for which its windows stay alike; 0 if for no longer than rows that they share.
    findings : tuple of Finding
        What stands out in its columns.
    shifts : tuple of Shift
        The smallest shift of each column that raises an alarm, and how soon.
    backtest : Backtest
        The promise held against the baseline's own later parts.
    """

    model: Model
    window: int | tuple[int, ...]
    reasons: tuple[str, ...]
    rows: int
    memory: float
    findings: tuple[Finding, ...]
    shifts: tuple[Shift, ...]
    backtest: Backtest

    @property
    def promise(self) -> Promise | None:
        """How often alarms may come falsely, as the baseline can support it."""
        return self.model.promise

    @property
    def worth(self) -> float:
        """Separate windows that the baseline is worth, by how long its windows stay alike."""
        return self.model.windows_used / max(self.memory, self.model.middle_window)

    @property
    def least_rate(self) -> float:
        """The least share of rows that the threshold can be for: one separate window, or one by worth if it is slow."""
        return 1 / (self.worth if self.is_slow else self.model.effective_windows)

    @property
    def is_slow(self) -> bool:
        """Whether its columns change so slowly that it shows but part of what they do."""
        return is_slow(self.model.windows_used, self.memory)

    @property
    def is_thin(self) -> bool:
        """Whether it holds few separate windows for its features."""
        return self.model.effective_windows < THIN * self.model.n_features

    def doubts(self) -> list[str]:
        """Return what speaks against the baseline as it is, the gravest first."""
        doubts = []
        if self.backtest.keeps_rows is False or self.backtest.keeps_alarms is False:
            doubts.append("its promise did not hold on its own later parts")
        if self.is_slow:
            doubts.append("its columns change slowly")
        elif self.is_thin:
            doubts.append("it is thin")
        kinds = [finding.kind for finding in self.findings]
        told = {"growing": "some columns only ever grow", "jump": "some jump", "trend": "some go one way all through"}
        doubts += [told[kind] for kind in GRAVE if kind in kinds]
        return doubts

    def answer(self) -> str:
        """Return in sentences what to do and how well the promise held."""
        doubts = self.doubts()
        lead = f"Fit it with window={self.window}"
        lead = f"{lead}." if not doubts else f"{lead}, but look first: {', '.join(doubts)}."
        if not self.backtest.parts:
            return f"{lead} Too few rows to hold the promise against its own later parts."
        told = f"{lead} Held against its own later parts: {self.backtest.text()}."
        if worst := self.backtest.worst:
            why = f": {worst.why}" if worst.why else ""
            told += f" Most of them in rows {worst.start:,} … {worst.stop - 1:,}{why}."
        return told

    def lines(self) -> list[tuple[str, str]]:
        """Return what the baseline can support, and why: pairs of a name and a text."""
        model = self.model
        lines = [
            ("rows", f"{self.rows:,} of {len(model.columns)} columns, {len(model.varying_columns)} of which move"),
            *zip(["window", *[""] * (len(self.reasons) - 1)], self.reasons, strict=True),
            ("memory", self._memory_text()),
            ("row rate", self._rate_text()),
        ]
        if self.promise is not None:
            lines.append(("promise", self.promise.text()))
            if short := self.promise.shortfall():
                lines.append(("", short))
        if self.backtest.keeps_rows is False or self.backtest.keeps_alarms is False:
            lines.append(("what to do", CHANGED))
        return lines

    def _memory_text(self) -> str:
        if self.memory <= self.model.middle_window and not self.is_slow:
            return "windows that share no row are as good as independent"
        text = f"windows stay alike for about {self.memory:,.0f} rows: worth {self.worth:,.0f} independent ones"
        if self.is_slow:
            return f"{text}, too few to show all that the columns do; more rows may be flagged than asked for"
        return text

    def _rate_text(self) -> str:
        """Return down to which rate the threshold rests on whole windows, and what others would take."""
        window, rate, least = self.model.middle_window, self.model.false_alarm_rate, self.least_rate
        asked = f"{percent(rate)} of healthy rows flagged, as asked for"
        if rate < least:
            asked += ", which is less than one separate window: more are flagged, if anything"
        others = [f"{percent(other)} takes {rows_of(1 / other, window):,} rows" for other in RATES if other < least]
        return "; ".join([asked, f"{percent(least)} is the least that can be told", *others])

    def part_rows(self) -> list[Sequence[str]]:
        """Return a table's rows of the later parts: which rows, flagged, asked for, alarms, promised, why."""
        return [
            (
                f"{part.start:,} … {part.stop - 1:,}",
                percent(part.flagged / part.scored if part.scored else None),
                percent(self.backtest.asked),
                f"{part.alarms}",
                f"{part.promised:.2g}",
                part.why,
            )
            for part in self.backtest.parts
        ]

    def shift_rows(self) -> list[Sequence[str]]:
        """Return a table's rows of the shifts: column, amount, spreads, rows until the alarm, and those of twice it.

        Columns that never moved are one row.
        """
        constant = [shift for shift in self.shifts if not shift.amount]
        rows: list[Sequence[str]] = []
        if constant:
            names = listed([shift.column for shift in constant], NAMED)
            rows.append((names, "any", UNDEFINED, f"{constant[0].rows:,}", UNDEFINED))
        for shift in self.shifts[len(constant) :]:
            own = (number(shift.amount), f"{shift.spreads:.2g}", f"{shift.rows:,}", f"{shift.rows_of_twice:,}")
            rows.append((str(shift.column), *own))
        return rows

    def to_dict(self) -> dict[str, Any]:
        """Return everything ready for JSON."""
        model = self.model
        return {
            "answer": self.answer(),
            "window": list(self.window) if isinstance(self.window, tuple) else self.window,
            "reasons": list(self.reasons),
            "doubts": self.doubts(),
            "rows": self.rows,
            "columns": len(model.columns),
            "varying_columns": len(model.varying_columns),
            "separate_windows": model.effective_windows,
            "separate_windows_a_feature": model.effective_windows / model.n_features,
            "memory_rows": self.memory,
            "worth_windows": self.worth,
            "false_alarm_rate": model.false_alarm_rate,
            "least_false_alarm_rate": self.least_rate,
            "promise": None if self.promise is None else self.promise.to_dict(),
            "findings": [finding.to_dict() for finding in self.findings],
            "smallest_shifts": [shift.to_dict() for shift in self.shifts],
            "backtest": self.backtest.to_dict(),
        }

    def __repr__(self) -> str:
        """Return the answer, the reasons, what stands out, the later parts and the smallest shifts."""
        lines = [self.answer(), "", *(f"{name:<12} {text}" for name, text in self.lines())]
        lines += ["", *(f"{finding.kind:<12} {finding.text}" for finding in self.findings)] if self.findings else []
        shifts = self.shift_rows()
        lines += ["", *_laid_out(PART_NAMES, self.part_rows())] if self.backtest.parts else []
        lines += ["", *_laid_out(SHIFT_NAMES, shifts[:SHOWN])] if shifts else []
        return "\n".join([*lines, f"… and {len(shifts) - SHOWN} more"] if len(shifts) > SHOWN else lines)


def _laid_out(names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return a table as lines."""
    cells = [names, *rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in cells]
