"""Calibration: rows flagged and events on fresh healthy rows, beside what was asked for and promised.

    python -m benchmarks.calibration                # all of it, some minutes; with FASTDRIFT_DATA real rows too
    python -m benchmarks.calibration --quick        # a few cases, few seeds: a trial of the command

Healthy columns are mixtures of AR(1) noise. One thing at a time is varied from a centre (8 columns, φ 0.5, window 50,
20,000 rows to learn from), then come corners. Each number is a mean over seeds of realised / nominal, in brackets the
least and most of a seed; events are pooled. Real rows are the last 30 % of healthy files after a fit on the first 70 %:
there it is the median over a set's files, as one whose level moves would be all there is to a mean. `worth` is separate
windows a feature: rows to learn from over the window or the integrated autocorrelation time of fresh scores, whichever
is longer, over twice the columns.

What leaves 1/1.5 … 1.5 is in the last column: fewer or more, with a question mark where that is within two standard
errors, and in brackets which way the warnings of `fit` say that rows err: "fewer", "more", "unsure" or nothing. Of
events only more is a break: at most so many are promised, alarms aim at half of that and notices at three quarters.
"""

import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

import fastdrift as fd
from benchmarks.command import Parser, describe_machine, line, table
from benchmarks.detection import entities

Floats = npt.NDArray[np.float64]

RATES = (0.05, 0.01, 0.001)
FRESH, SEEDS, BURN_IN, DAY = 200_000, 8, 2_000, 1_440
# realised over nominal within which a rate is kept, and separate windows a feature from which it is to be
BOUND, ENOUGH = 1.5, 8.0
REAL = ("smd", "asd", "jumpstarter")
# words of a warning, and which way it says that the share of flagged rows errs
SAYINGS = {"more rows are flagged": "more", "fewer rows are flagged": "fewer", "rests on too few": "unsure"}


class Case(NamedTuple):
    """Healthy telemetry, and how it is learnt."""

    phi: float = 0.5
    window: int = 50
    columns: int = 8
    baseline: int = 20_000
    tails: str = "normal"
    season: float = 0.0  # amplitude of a day of 1,440 rows, in spreads of the noise

    def __str__(self) -> str:
        parts = [f"{name} {value:,}" if name == "baseline" else f"{name} {value}" for name, value in self.changed()]
        return ", ".join(parts) or "centre"

    def changed(self) -> list[tuple[str, Any]]:
        """Return what differs from the centre."""
        return [(name, value) for name, value in self._asdict().items() if value != self._field_defaults[name]]


VARIED: dict[str, tuple[Any, ...]] = {
    "phi": (0.0, 0.9, 0.97, 0.99),
    "window": (10, 20, 100, 200, 500),
    "columns": (2, 16, 32, 64),
    "baseline": (500, 1_000, 2_000, 5_000, 100_000),
    "tails": ("t of 3",),
    "season": (1.0,),
}
CORNERS = (
    Case(phi=0.99, baseline=500),
    Case(phi=0.99, baseline=1_000),
    Case(phi=0.99, baseline=5_000),
    Case(phi=0.99, baseline=100_000),
    Case(phi=0.99, window=10),
    Case(phi=0.99, window=500, baseline=100_000),
    Case(phi=0.99, columns=2, baseline=1_000),
    Case(phi=0.99, columns=32),
    Case(phi=0.9, baseline=1_000),
    Case(window=10, baseline=500),
    Case(window=10, columns=64),
    Case(window=500, columns=2, baseline=100_000),
    Case(columns=64, baseline=100_000),
    Case(tails="t of 3", baseline=1_000),
    Case(tails="t of 3", window=10),
    Case(tails="t of 3", window=10, baseline=100_000),
    Case(tails="t of 3", columns=64, baseline=100_000),
    Case(season=1.0, baseline=1_000),
    Case(season=1.0, window=10),
    Case(season=1.0, columns=2, baseline=5_000),
)
CENTRE = Case()
QUICK = (CENTRE, Case(baseline=500), Case(phi=0.99, baseline=1_000))


def cases() -> list[Case]:
    """Return the centre, what differs from it in one thing, and the corners."""
    single = [CENTRE._replace(**{name: value}) for name, values in VARIED.items() for value in values]
    return [CENTRE, *single, *CORNERS]


def healthy_rows(case: Case, n_rows: int, seed: int) -> Floats:
    """Return correlated AR(1) noise of unit spread, each column with a day of its own phase if there is a season."""
    from scipy.signal import lfilter

    rng = np.random.default_rng(seed)
    shape = (BURN_IN + n_rows, case.columns)
    shocks = rng.normal(size=shape) if case.tails == "normal" else rng.standard_t(3, size=shape) / np.sqrt(3)
    noise = lfilter([np.sqrt(1 - case.phi**2)], [1.0, -case.phi], shocks, axis=0)[BURN_IN:]
    mixing = np.eye(case.columns) + rng.normal(size=(case.columns, case.columns)) / np.sqrt(case.columns)
    rows: Floats = noise @ (mixing / np.linalg.norm(mixing, axis=0))
    if case.season:
        hours = 2 * np.pi * (np.arange(n_rows)[:, None] / DAY + rng.random(case.columns))
        rows += case.season * np.sin(hours)
    return rows


def time_of(scores: Floats) -> float:
    """Return the integrated autocorrelation time of scores, in rows, cut where it is five times what is added up."""
    centred = scores - scores.mean()
    spectrum = np.abs(np.fft.rfft(centred, 2 * centred.size)) ** 2
    correlations = np.fft.irfft(spectrum)[: centred.size]
    times = 2 * np.cumsum(correlations / correlations[0]) - 1
    return float(times[np.argmax(np.arange(times.size) >= 5 * times)])


def said(model: fd.Model) -> set[str]:
    """Return which ways a model's warnings say that its share of flagged rows errs."""
    return {way for words, way in SAYINGS.items() if any(words in note for note in model.warnings)}


class Trial(NamedTuple):
    """What one seed, or one real entity, has shown; events as realised and promised."""

    separate: float  # windows, by the autocorrelation of fresh scores
    features: int
    shares: dict[float, float]  # by rate, realised / nominal
    said: dict[float, set[str]]
    events: dict[str, tuple[int, float]]


def try_out(learn: Any, fresh: Any, window: int) -> Trial:
    """Fit on healthy rows at each rate, and look at fresh ones; at events with the first rate."""
    shares, ways = {}, {}
    for rate in RATES[::-1]:
        model = fd.fit(learn, window=window, false_alarm_rate=rate)
        scores = fd.score(model, fresh)
        shares[rate], ways[rate] = float(np.nanmean(scores > model.threshold)) / rate, said(model)
    found, promise = fd.detect(model, fresh), model.promise
    realised = {"notices": (len(found), promise.notice_rate), "alarms": (len(found.alarms), promise.rate)}
    events = {what: (number, rate * found.n_scored) for what, (number, rate) in realised.items()}
    time = max(float(window), time_of(scores[np.isfinite(scores)]))
    return Trial(len(learn) / time, 2 * len(model.columns), shares, ways, events)


def generated(case: Case, seeds: int) -> list[Trial]:
    trials = []
    for seed in range(seeds):
        rows = healthy_rows(case, case.baseline + FRESH, seed)
        trials.append(try_out(rows[: case.baseline], rows[case.baseline :], case.window))
    return trials


def real(root: Path, group: str) -> list[Trial]:
    """Hold the last 30 % of each train file against the first 70 %."""
    trials = []
    for _, train, _ in entities(root, group):
        cut = len(train) * 7 // 10
        trials.append(try_out(train[:cut], train[cut:].reset_index(drop=True), CENTRE.window))
    return trials


class Finding(NamedTuple):
    """What leaves its bounds."""

    what: str  # a rate or a kind of event
    way: str  # "fewer" or "more"
    is_clear: bool  # by more than two standard errors
    said: str  # which way at least half of the fits said
    is_enough: bool  # whether there were as many separate windows as it takes

    def __str__(self) -> str:
        return f"{self.what} {self.way}{'' if self.is_clear else '?'} ({self.said or '–'})"


class Verdict(NamedTuple):
    """A line of the table, and what is off."""

    name: str
    cells: list[str]
    off: list[Finding]


def verdict_of(name: str, trials: Sequence[Trial], middle: Callable[[Floats], Any] = np.mean) -> Verdict:
    """Return what trials of one case say together, in their mean or another middle."""
    separate, features = float(np.median([trial.separate for trial in trials])), trials[0].features
    cells, off = [name, f"{separate / features:.1f}"], []
    for rate in RATES:
        shares = np.array([trial.shares[rate] for trial in trials])
        cells.append(f"{middle(shares):.2f} ({shares.min():.2f} … {shares.max():.2f})")
        is_enough = separate >= max(ENOUGH * features, 1 / rate)
        error = shares.std(ddof=1) / np.sqrt(shares.size)
        off += look(percent(rate), float(middle(shares)), error, said_by(trials, rate), is_enough=is_enough)
    for what in trials[0].events:
        ratio, error = event_ratio([trial.events[what] for trial in trials])
        cells.append(f"{ratio:.2f}")
        found = look(what, ratio, error, said_by(trials, RATES[0]), is_enough=separate >= ENOUGH * features)
        off += [one for one in found if one.way == "more"]
    cells.append(said_by(trials, RATES[0]) or "–")
    return Verdict(name, [*cells, "; ".join(map(str, off)) or "–"], off)


def percent(rate: float) -> str:
    return f"{100 * rate:g} %"


def said_by(trials: Sequence[Trial], rate: float) -> str:
    """Return what at least half of the fits at a rate said of it."""
    ways = [way for way in SAYINGS.values() if 2 * sum(way in trial.said[rate] for trial in trials) >= len(trials)]
    return ", ".join(ways)


def look(what: str, ratio: float, error: float, ways: str, *, is_enough: bool) -> list[Finding]:
    """Return the finding that realised / nominal is out of its bounds, if it is."""
    if 1 / BOUND <= ratio <= BOUND:
        return []
    beyond = ratio - BOUND if ratio > BOUND else 1 / BOUND - ratio
    return [Finding(what, "more" if ratio > BOUND else "fewer", beyond > 2 * error, ways, is_enough)]


def event_ratio(pairs: Sequence[tuple[int, float]]) -> tuple[float, float]:
    """Return events over those promised, pooled, and the standard error of that by seeds."""
    realised, promised = np.array(pairs, np.float64).T
    ratio = realised.sum() / promised.sum()
    spread = np.sqrt(np.sum((realised - ratio * promised) ** 2) * len(pairs) / (len(pairs) - 1))
    return float(ratio), float(spread / promised.sum())


def verdicts_of(chosen: Sequence[Case], seeds: int, root: str | None) -> Iterator[Verdict]:
    for case in chosen:
        yield verdict_of(str(case), generated(case, seeds))
    for group in REAL if root else ():
        yield verdict_of(f"real: {group}", real(Path(str(root)), group), np.median)


def told(verdicts: Sequence[Verdict], wanted: Callable[[Finding], bool]) -> str:
    """Return where something is off that is wanted."""
    some = {one.name: [str(found) for found in one.off if wanted(found)] for one in verdicts}
    return "\n".join(f"- {name}: {'; '.join(found)}" for name, found in some.items() if found) or "- none"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table, and where something is off that should not be or that no warning says."""
    parser = Parser("benchmarks.calibration", __doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS, help="at least 2")
    parser.add_argument("--quick", action="store_true", help="a few cases, and at most three seeds")
    asked = parser.parse_args(arguments)
    if asked.seeds < 2:
        parser.error(f"argument --seeds: {asked.seeds} is too few to tell an error: give at least 2")
    warnings.simplefilter("ignore", fd.DriftWarning)
    chosen, seeds = (QUICK, min(3, asked.seeds)) if asked.quick else (cases(), asked.seeds)
    print(table(["case", "worth", *map(percent, RATES), "notices", "alarms", "said", "off (said)"]))
    verdicts = []
    for verdict in verdicts_of(chosen, seeds, os.environ.get("FASTDRIFT_DATA")):
        verdicts.append(verdict)
        print(line(verdict.cells), flush=True)
    print(f"\noff though worth {ENOUGH:g} separate windows a feature, and as many as one over the rate:")
    print(told(verdicts, lambda found: found.is_enough))
    print("\noff, and no warning says which way:")
    print(told(verdicts, lambda found: found.way not in found.said))
    print(f"\n{describe_machine()}, {seeds} seeds of {FRESH:,} fresh rows")
    broken = told(verdicts, lambda found: found.is_enough and found.is_clear and found.way not in found.said)
    if broken != "- none":
        sys.exit(f"clearly off without a word, though the baseline is worth it:\n{broken}")


if __name__ == "__main__":
    main()
