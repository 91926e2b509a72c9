"""Rolling windows over a table: rolling_mean and rolling_std, and the sweeps that fit and score are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from fastdrift import engine
from fastdrift.errors import DataError
from fastdrift.frames import Rows, Table, as_array, as_table, is_frame, is_series

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
Span = tuple[int, int, int, int]
ArrayOrFrame = TypeVar("ArrayOrFrame", "npt.NDArray[Any]", "pd.Series[Any]", "pd.DataFrame")


def freeze(array: Floats) -> Floats:
    """Make an array read-only and return it."""
    array.setflags(write=False)
    return array


class Measure(Protocol):
    """What windows are measured with, in the form a kernel wants it."""

    @property
    def adds_squares(self) -> bool:
        """Whether a score is a root, and what is added to it is added under the root."""

    def measure(
        self, sweep: Sweep, span: Span, rows: Rows, first: int, out: Floats, out_row: int, squared: bool, /
    ) -> None:
        """Write the scores of a span's windows, or their squares, to `out`, whose first row is row `out_row`."""


class Operand(NamedTuple):
    """A centre and a Cholesky factor in the form the solve wants them."""

    scales: Floats
    factor: Floats

    @property
    def adds_squares(self) -> bool:
        """Whether what a column that never moved adds is added under the root: it is."""
        return True

    def measure(
        self, sweep: Sweep, span: Span, rows: Rows, first: int, out: Floats, out_row: int, squared: bool, /
    ) -> None:
        """Write the distances of a span's windows, or their squares, to `out`, whose first row is row `out_row`."""
        sweep.call("score_range", span, self.scales, 1, rows, first, self.factor, squared, out, out_row)


def check_window(window: object) -> int:
    """Return `window` as an int, or raise DataError if it is not a whole number of at least 2."""
    whole = isinstance(window, (int, np.integer)) and not isinstance(window, bool)
    if not whole or int(window) < 2:  # type: ignore[call-overload]
        raise DataError(f"window is {window!r}: give a whole number of rows, at least 2")
    return int(window)  # type: ignore[call-overload,no-any-return]


def check_length(n_rows: int, window: int) -> None:
    """Raise DataError if `n_rows` rows hold no window."""
    if n_rows < window:
        raise DataError(f"{n_rows} rows hold no window of {window}: give at least {window} rows, or a shorter window")


def feature_scales(window: int, centre: Floats, gain: Floats) -> Floats:
    """Return centres and gains of the features, means then stds, in the order and units the kernels use.

    The kernels make the square root of the sum of squares; the divisor window - 1 is in the numbers here.
    """
    n_columns = centre.size // 2
    ddof = np.sqrt(window - 1.0)
    columns = (centre[:n_columns], gain[:n_columns], centre[n_columns:] * ddof, gain[n_columns:] / ddof)
    return np.ascontiguousarray(np.stack(columns, 1).ravel())


def pack_factor(cholesky: Floats) -> Floats:
    """Pack a lower Cholesky factor for the kernels' solve.

    Rows are divided by their diagonal and negated, so that the solve only adds; they are cut into panels of four, each
    stored column by column and followed by the six entries of its triangle. Padding to a multiple of four is zeros.
    """
    size = cholesky.shape[0]
    padded = np.zeros((-(-size // 4) * 4,) * 2)
    padded[:size, :size] = -cholesky / np.diag(cholesky)[:, None]
    pieces = []
    for row in range(0, len(padded), 4):
        panel = padded[row : row + 4]
        triangle = panel[:, row : row + 4]
        pieces.append(panel[:, :row].T.ravel())
        pieces.append(triangle[[1, 2, 3, 2, 3, 3], [0, 0, 0, 1, 1, 2]])
    return np.concatenate(pieces)


def make_operand(window: int, centre: Floats, scale: Floats, cholesky: Floats) -> Operand:
    """Return the operand of windows' distances from `centre`, features told in units of `scale`."""
    scales = feature_scales(window, centre, 1 / (scale * np.diag(cholesky)))
    return Operand(freeze(scales), freeze(pack_factor(cholesky)))


class Sweep:
    """Windows over some columns of a table, swept span by span."""

    def __init__(self, table: Table, places: Places, window: int) -> None:
        self.table, self.places, self.window = table, places, window

    def spans(self, row: int = 0, end_row: int | None = None, n_ranges: int = engine.MIN_RANGES) -> list[Span]:
        """Return the spans of the windows that end in rows `row` … `end_row` - 1, if many at least `n_ranges`."""
        end_row = self.table.n_rows if end_row is None else end_row
        return list(engine.spans(end_row, self.window, self.table.n_columns, row, n_ranges))

    def rows(self, span: Span) -> tuple[Rows, int]:
        """Return the rows a span needs and the absolute row of the first."""
        first = max(0, (span[0] - 1) * self.window)
        return self.table.rows(first, min(self.table.n_rows, span[1] * self.window)), first

    def call(self, name: str, span: Span, scales: Floats, width: int, rows: Rows, first: int, *rest: Any) -> None:
        """Run one of the sweeping kernels over a span."""
        layout, slots = engine.layout_of(rows, self.places)
        n_slots = rows.shape[1] if layout == 0 else self.places.size
        plan = engine.make_plan(self.window, self.places.size, n_slots, width)
        scratch = engine.scratch(plan.scratch_size)
        work = (self.window, plan.tile, plan.held, plan.tables, scales, scratch, plan.sizes)
        engine.kernel(name, self.table.dtype)(rows, first, self.places, slots, layout, *work, *span, *rest)

    def score(
        self, span: Span, operand: Measure, rows: Rows, first: int, out: Floats, out_row: int, *, squared: bool = False
    ) -> None:
        """Write the scores of a span's windows, or their squares, to `out`, whose first row is row `out_row`."""
        operand.measure(self, span, rows, first, out, out_row, squared)


def rolling_mean(x: ArrayOrFrame, window: int, *, threads: int | None = None) -> ArrayOrFrame:
    """Return the mean of every window of `window` rows, in the row that ends it.

    Parameters
    ----------
    x : array of shape (n_rows,) or (n_rows, n_columns), Series or DataFrame
        Numbers in any layout.
    window : int
        Rows in a window, at least 2.
    threads : int, optional
        Threads to use; by default what the machine and the container allow.

    Returns
    -------
    array, Series or DataFrame
        Float64, of the kind and shape of `x`, in its units; NaN in the first `window` - 1 rows and where a window holds
        a NaN or inf.

    Raises
    ------
    DataError
        If `x` holds no numbers or too few rows, or `window` is not a whole number of at least 2.

    Notes
    -----
    No value is ever subtracted again once it is in a sum: every window is a suffix of one block and a prefix of the
    next, found by Welford's recurrence from a value inside them (Welford 1962) and merged (Chan, Golub and
    LeVeque 1983).

    Examples
    --------
    >>> import fastdrift as fd, numpy as np
    >>> fd.rolling_mean(np.array([1.0, 2.0, 3.0, 6.0]), 2)
    array([nan, 1.5, 2.5, 4.5])
    """
    result: ArrayOrFrame = _rolling(x, window, threads, (0, 1))
    return result


def rolling_std(x: ArrayOrFrame, window: int, *, threads: int | None = None) -> ArrayOrFrame:
    """Return the sample standard deviation (ddof=1) of every window of `window` rows, in the row that ends it.

    Parameters
    ----------
    x : array of shape (n_rows,) or (n_rows, n_columns), Series or DataFrame
        Numbers in any layout.
    window : int
        Rows in a window, at least 2.
    threads : int, optional
        Threads to use; by default what the machine and the container allow.

    Returns
    -------
    array, Series or DataFrame
        Float64, of the kind and shape of `x`, in its units; NaN in the first `window` - 1 rows and where a window holds
        a NaN or inf. A constant window has exactly 0.

    Raises
    ------
    DataError
        If `x` holds no numbers or too few rows, or `window` is not a whole number of at least 2.

    Notes
    -----
    The method is that of `rolling_mean`.

    Examples
    --------
    >>> import fastdrift as fd, numpy as np
    >>> fd.rolling_std(np.array([1.0, 3.0, 3.0]), 2)
    array([       nan, 1.41421356, 0.        ])
    """
    result: ArrayOrFrame = _rolling(x, window, threads, (1, 2))
    return result


def _rolling(x: Any, window: int, threads: int | None, kinds: tuple[int, int]) -> Any:
    window = check_window(window)
    column = x.to_frame() if is_series(x) else x
    if not is_frame(column):
        column = as_array(column)
        column = column[:, None] if column.ndim == 1 else column
    table = as_table(column)
    check_length(table.n_rows, window)
    out = _features(table, window, engine.check_threads(threads), kinds)
    if is_series(x):
        return _like(x, out[:, 0])
    if is_frame(x):
        return _like(x, out)
    return out.reshape(np.shape(x))


def _like(original: Any, values: Floats) -> Any:
    import pandas as pd  # it is loaded already: `original` is of it

    if is_series(original):
        return pd.Series(values, index=original.index, name=original.name, copy=False)
    return pd.DataFrame(values, index=original.index, columns=original.columns, copy=False)


def _features(table: Table, window: int, threads: int, kinds: tuple[int, int]) -> Floats:
    n_columns = table.n_columns
    first, last = kinds[0] * n_columns, kinds[1] * n_columns
    # aligned: else every vector written lies across two cache lines, 5 % of the time of 32 columns
    out = engine.empty(table.n_rows * (last - first)).reshape(table.n_rows, last - first)
    out[: window - 1] = np.nan
    scales = feature_scales(window, np.zeros(2 * n_columns), np.ones(2 * n_columns))
    sweep = Sweep(table, np.arange(n_columns), window)

    def task(span: Span) -> None:
        rows, start = sweep.rows(span)
        sweep.call("feature_range", span, scales, last - first, rows, start, (first, last), out.reshape(-1), 0)

    engine.run_spans(task, sweep.spans(), table.n_rows * n_columns, threads)
    return out
