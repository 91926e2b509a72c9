"""Make telemetry that is healthy at first and then drifts in known ways: `generate`."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fastdrift.errors import DataError

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    Floats = npt.NDArray[np.float64]

# Name, usual value and standard deviation of each column, in the unit that the name tells.
_SENSORS = (
    ("cpu_percent", 42.0, 4.0),
    ("latency_ms", 120.0, 9.0),
    ("requests_per_s", 2_400.0, 150.0),
    ("network_bytes_per_s", 3.2e7, 2e6),
    ("memory_bytes", 1.6e10, 1e9),
    ("queue_length", 900.0, 60.0),
    ("error_ratio", 0.2, 0.01),
    ("disk_bytes_per_s", 8e7, 5e6),
    ("temperature_celsius", 61.0, 1.5),
    ("power_watt", 310.0, 12.0),
    ("fan_rpm", 4_200.0, 110.0),
    ("supply_volt", 12.0, 0.02),
)

# Kind of drift: the smallest and largest size drawn, and whether a size may be negative.
_SIZES = {
    "mean-shift": (1.0, 3.0, True),
    "slow-ramp": (2.0, 4.0, True),
    "variance-inflation": (1.8, 3.0, False),
    "correlation-break": (0.8, 1.0, False),
    "stuck-sensor": (1.0, 1.0, False),
    "missing": (1.0, 1.0, False),
}

_ROWS_A_DAY = 24 * 60
_ROWS_A_ROUND = 60_000  # "mixed" goes through its kinds once in so many monitored rows, 42 days
_LEAST_SLOT = 20  # rows for a drift and the healthy stretches beside it

_MEMORY = 0.5  # lag-1 autocorrelation: neighbours are alike, yet a window of 50 is worth 17 independent rows
_TAPS = 32  # where the AR(1) response is cut: 2e-10 of a shock is left
_TAIL_DEGREES = 6  # of Student's t, whose excess kurtosis is then 3
_FACTORS = 3
_STRONG, _WEAK = 0.9, 0.3  # loadings: the columns of a pair correlate at 0.9, and so do their window means
_SEASON = 0.15  # amplitude of the day, in standard deviations of a factor


@dataclass(frozen=True)
class Drift:
    """Say what drifts, where and by how much.

    Attributes
    ----------
    kind : str
        "mean-shift", "slow-ramp", "variance-inflation", "correlation-break", "stuck-sensor" or "missing".
    start, stop : int
        First drifted row, and the first row after.
    columns : tuple of str
        The columns that drift.
    size : float
        Of a "mean-shift", and of a "slow-ramp" at its last row: the shift in healthy standard deviations of the
        column. Of a "variance-inflation": the factor on the standard deviation. Of a "correlation-break": the share
        of common shocks that arrive with the other sign; 0.5 cuts the columns loose from the others, 1 turns the
        sign of their correlation. Of the other kinds: 1, and without effect.
    """

    kind: str
    start: int
    stop: int
    columns: tuple[str, ...]
    size: float = 1.0


@dataclass(frozen=True, eq=False, repr=False)
class Telemetry:
    """Hold generated telemetry and the truth about it.

    Attributes
    ----------
    frame : pandas.DataFrame, (n_rows, n_columns)
        float64 columns, named with their unit; a DatetimeIndex "timestamp" with a row a minute.
    labels : numpy.ndarray of bool, (n_rows,)
        True where a drift is active.
    drifts : tuple of Drift
        The drifts in order of time.
    """

    frame: pd.DataFrame
    labels: npt.NDArray[np.bool_]
    drifts: tuple[Drift, ...]

    def __repr__(self) -> str:
        """Return the shape, the share of drifted rows and the kinds of drift on one line."""
        rows, columns = self.frame.shape
        found = {drift.kind for drift in self.drifts}
        kinds = ", ".join(kind for kind in _SIZES if kind in found) or "healthy"
        return f"Telemetry({rows:,} rows x {columns} columns, {self.labels.mean():.1%} drifted: {kinds})"


def generate(
    n: int, *, columns: int = 8, seed: int = 0, drifts: str | Sequence[str] | Sequence[Drift] = "mixed"
) -> Telemetry:
    """Generate telemetry that is healthy for the first 30 % of its rows and drifts after that.

    Healthy columns are correlated (three common factors), autocorrelated (AR(1), 0.5 from a row to the next),
    heavy-tailed (Student's t shocks with 6 degrees of freedom), follow the time of day a little and have units of
    their own. The healthy values depend on `n`, `columns` and `seed` alone: with other `drifts` only the drifted
    columns change, in the drifted rows (and up to 31 rows later, where a correlation break fades).

    Parameters
    ----------
    n : int
        Number of rows, one a minute.
    columns : int
        Number of columns; a correlation break needs two.
    seed : int
        Seed, 0 or more. The same seed gives the same bytes (with the same NumPy).
    drifts : str, sequence of str, or sequence of Drift
        "mixed" for every kind in random order, over and over on long series; a kind, or several in the order wanted,
        for one drift each; "none" or () for healthy rows only; or `Drift` objects to choose everything. Drifts
        never overlap; those that are drawn cover about a third of the last 70 % of the rows.

    Returns
    -------
    Telemetry
        `frame` (n_rows, n_columns), `labels` (n_rows,) and `drifts`.

    Raises
    ------
    DataError
        If an argument is out of range, a kind is unknown, `n` is too small for the drifts asked for, or a `Drift`
        lies in the first 30 %, overlaps another, names an unknown column or has an impossible size.

    Notes
    -----
    The correlation break moves no column's own distribution, by construction. It changes the sign of common
    *shocks* on their way into some columns. Shocks are independent in time and symmetric, so with any signs chosen
    without looking at them they keep their law; a column is a fixed filter of them plus noise of its own, so it
    keeps its law *as a process*: values, autocorrelation, and no jump at the boundaries. Only the joint law moves.

    Examples
    --------
    >>> data = generate(10_000, seed=42, drifts=["mean-shift", "missing"])
    >>> data
    Telemetry(10,000 rows x 8 columns, 21.9% drifted: mean-shift, missing)
    >>> bool(data.labels[:3_000].any())
    False
    >>> generate(10_000, seed=42, drifts=data.drifts).frame.equals(data.frame)
    True
    """
    n, columns = _whole("n", n, least=1), _whole("columns", columns, least=1)
    healthy_seed, plan_seed, drift_seed = np.random.SeedSequence(_whole("seed", seed, least=0)).spawn(3)
    names = _column_names(columns)
    planned = _plan(drifts, n, names, _rng(plan_seed))
    healthy = _healthy(n, columns, _rng(healthy_seed))
    labels = np.zeros(n, dtype=np.bool_)
    drift_rng = _rng(drift_seed)
    for drift in planned:
        _inject(healthy, drift, [names.index(column) for column in drift.columns], drift_rng)
        labels[drift.start : drift.stop] = True
    return Telemetry(_to_frame(healthy.rows, names), labels, planned)


def _rng(seed: np.random.SeedSequence) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))  # by name: default_rng may change its generator


def _whole(name: str, value: int, *, least: int) -> int:
    try:
        whole = operator.index(value)
    except TypeError:
        raise DataError(f"{name} must be a whole number, not {value!r}") from None
    if whole < least:
        raise DataError(f"{name} must be {least} or more, not {whole}")
    return whole


def _column_names(columns: int) -> list[str]:
    laps = [divmod(j, len(_SENSORS)) for j in range(columns)]
    return [_SENSORS[sensor][0] + (f"_{lap + 1}" if lap else "") for lap, sensor in laps]


def _plan(
    drifts: str | Sequence[str] | Sequence[Drift], n: int, names: list[str], rng: np.random.Generator
) -> tuple[Drift, ...]:
    first = -(-3 * n // 10)
    if drifts == "none":
        return ()
    if drifts == "mixed":
        rounds = max(1, (n - first) // _ROWS_A_ROUND)
        kinds = [str(kind) for _ in range(rounds) for kind in rng.permutation(list(_SIZES))]
        return _place(kinds, first, n, names, rng)
    asked = [drifts] if isinstance(drifts, str) or not isinstance(drifts, Sequence) else list(drifts)
    given = [drift for drift in asked if isinstance(drift, Drift)]
    if len(given) == len(asked):
        return _checked(given, first, n, names)
    return _place([_known(kind) for kind in asked], first, n, names, rng)


def _known(kind: object) -> str:
    if isinstance(kind, str) and kind in _SIZES:
        return kind
    raise DataError(
        f"unknown drift {kind!r}: ask for 'mixed', 'none', one or several of {', '.join(_SIZES)}, or for Drift objects"
    )


def _place(kinds: list[str], first: int, n: int, names: list[str], rng: np.random.Generator) -> tuple[Drift, ...]:
    """Give each kind an equal slot, drifted for 27 to 40 % of it, with a healthy stretch on both sides."""
    slot = (n - first) / len(kinds)
    if slot < _LEAST_SLOT:
        enough = math.ceil(len(kinds) * _LEAST_SLOT / 0.7)
        raise DataError(f"n={n} is too short for {len(kinds)} drifts: ask for {enough} rows or for fewer drifts")
    placed = []
    for i, kind in enumerate(kinds):
        start = first + int((i + rng.uniform(0.3, 0.5)) * slot)
        stop = start + int(rng.uniform(0.27, 0.4) * slot)
        placed.append(Drift(kind, start, stop, _draw_columns(kind, names, rng), _draw_size(kind, rng)))
    return tuple(placed)


def _draw_columns(kind: str, names: list[str], rng: np.random.Generator) -> tuple[str, ...]:
    if kind == "correlation-break":
        pairs = len(names) // 2
        if pairs == 0:
            raise DataError("a correlation break needs 2 columns: ask for more columns or for other drifts")
        broken = rng.choice(pairs, size=rng.integers((pairs + 1) // 2, pairs + 1), replace=False)
        chosen = 2 * broken + rng.integers(2, size=broken.size)  # one column of each broken pair
    else:
        most = 1 if kind == "stuck-sensor" else max(1, len(names) // 2)
        chosen = rng.choice(len(names), size=rng.integers(1, most + 1), replace=False)
    return tuple(names[j] for j in sorted(chosen))


def _draw_size(kind: str, rng: np.random.Generator) -> float:
    low, high, signed = _SIZES[kind]
    sign = rng.choice([-1.0, 1.0]) if signed else 1.0
    return round(float(sign * rng.uniform(low, high)), 2)


def _checked(drifts: list[Drift], first: int, n: int, names: list[str]) -> tuple[Drift, ...]:
    ordered = tuple(sorted(drifts, key=lambda drift: drift.start))
    free = first
    for drift in ordered:
        if not free <= _whole("start", drift.start, least=0) < _whole("stop", drift.stop, least=0) <= n:
            raise DataError(f"{drift} is out of place: rows {free} to {n} are free (30 % stay healthy), none twice")
        _check(drift, names)
        free = drift.stop
    return ordered


def _check(drift: Drift, names: list[str]) -> None:
    signed = _SIZES[_known(drift.kind)][2]
    columns = set(drift.columns)
    if not columns or not columns <= set(names) or len(columns) < len(drift.columns):
        raise DataError(f"{drift} must name one column or more, each once, of {', '.join(names)}")
    if not math.isfinite(drift.size) or drift.size == 0 or (drift.size < 0 and not signed):
        raise DataError(f"{drift} must have a finite size {'other than' if signed else 'above'} 0")
    if drift.kind == "correlation-break" and (len(columns) == len(names) or drift.size > 1):
        raise DataError(f"{drift} must leave a column as it was, and its size, a share, be 1 at most")


class _Healthy(NamedTuple):
    rows: Floats  # (n_columns, n_rows), in standard deviations from the usual value
    shocks: Floats  # (factors, n_rows + _TAPS - 1): the last one that row t feels is at t + _TAPS - 1
    loadings: Floats  # (n_columns, factors)


def _healthy(n: int, columns: int, rng: np.random.Generator) -> _Healthy:
    shocks = np.stack([_shocks(n, rng) for _ in range(_FACTORS)])
    factors = [_autoregressive(shocks[k]) + _season(n, k) for k in range(_FACTORS)]
    loadings = _loadings(columns)
    own = np.sqrt(1.0 - (loadings**2).sum(axis=1))
    rows = np.empty((columns, n))
    for j in range(columns):
        np.multiply(_autoregressive(_shocks(n, rng)), own[j], out=rows[j])
        for k in np.flatnonzero(loadings[j]):
            rows[j] += loadings[j, k] * factors[k]
    return _Healthy(rows, shocks, loadings)


def _loadings(columns: int) -> Floats:
    """Let the columns of a pair share a strong factor, and each pair a weak one with the next pair."""
    column = np.arange(columns)
    loadings = np.zeros((columns, _FACTORS))
    loadings[column, column // 2 % _FACTORS] = _STRONG
    loadings[column, (column // 2 + 1) % _FACTORS] = _WEAK
    return loadings


def _shocks(n: int, rng: np.random.Generator) -> Floats:
    shocks = rng.standard_t(_TAIL_DEGREES, n + _TAPS - 1)
    shocks *= math.sqrt((_TAIL_DEGREES - 2) / _TAIL_DEGREES)
    return shocks


def _autoregressive(shocks: Floats) -> Floats:
    """Filter unit shocks into an AR(1) series of unit variance, `_TAPS - 1` rows shorter.

    The 32 terms take 5 vectorised passes, as 1 + x + ... + x³¹ = (1 + x)(1 + x²)(1 + x⁴)(1 + x⁸)(1 + x¹⁶).
    """
    series = shocks * math.sqrt(1.0 - _MEMORY**2)
    lag, weight = 1, _MEMORY
    while lag < _TAPS:
        series[lag:] += weight * series[:-lag]
        lag, weight = 2 * lag, weight * weight
    return series[_TAPS - 1 :]


def _season(n: int, factor: int) -> Floats:
    """Repeat a day; each factor peaks two hours after the one before.

    The day moves the factors, not single columns: there healthy windows vary most anyway, so it raises no alarms.
    """
    hours = np.arange(_ROWS_A_DAY) / 60.0 - 2.0 * factor
    return np.resize(_SEASON * np.sin(2.0 * math.pi * hours / 24.0), n)


def _inject(healthy: _Healthy, drift: Drift, columns: list[int], rng: np.random.Generator) -> None:
    if drift.kind == "correlation-break":
        _break_correlation(healthy, drift, columns, rng)
        return
    for j in columns:
        _distort(healthy.rows[j, drift.start : drift.stop], drift.kind, drift.size)


def _distort(stretch: Floats, kind: str, size: float) -> None:
    match kind:
        case "mean-shift":
            stretch += size
        case "slow-ramp":
            stretch += np.linspace(0.0, size, stretch.size + 1)[1:]
        case "variance-inflation":
            stretch *= size
        case "stuck-sensor":
            stretch[:] = stretch[0]
        case "missing":
            stretch[:] = np.nan


def _break_correlation(healthy: _Healthy, drift: Drift, columns: list[int], rng: np.random.Generator) -> None:
    """Turn the sign of common shocks on their way into these columns; see the notes of `generate`.

    Blending into independent factors instead would be lighter-tailed while it blends, and half as visible.
    """
    lead = _TAPS - 1
    turned = rng.random(drift.stop - drift.start) < drift.size
    stretch = healthy.rows[:, drift.start : drift.stop + lead]
    for k in range(_FACTORS):
        shocks = healthy.shocks[k, drift.start + lead : drift.stop + lead]
        change = _autoregressive(np.pad(np.where(turned, -2.0 * shocks, 0.0), lead))
        for j in columns:
            stretch[j] += healthy.loadings[j, k] * change[: stretch.shape[1]]


def _to_frame(rows: Floats, names: list[str]) -> pd.DataFrame:
    """Put the rows into their units, in place, and make the frame a view of them: nothing is held twice."""
    import pandas as pd

    for j in range(len(names)):
        _, usual, std = _SENSORS[j % len(_SENSORS)]
        rows[j] *= std
        rows[j] += usual
    minutes = pd.date_range("2024-01-01", periods=rows.shape[1], freq="min", name="timestamp")
    return pd.DataFrame(rows.T, index=minutes, columns=names, copy=False)
