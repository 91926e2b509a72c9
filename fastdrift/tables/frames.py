"""pandas frames as tables."""

from __future__ import annotations

import sys
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
import numpy.typing as npt

from fastdrift.arrays import Floats, Rows, Times
from fastdrift.tables.columns import Column, Converted, readable
from fastdrift.tables.reader import Reader, Sample, nanoseconds

if TYPE_CHECKING:
    import pandas as pd


def is_frame(data: object) -> TypeGuard[pd.DataFrame]:
    """Return whether `data` is a pandas DataFrame, without importing pandas."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(data, pandas.DataFrame)


def is_series(data: object) -> TypeGuard[pd.Series[Any]]:
    """Return whether `data` is a pandas Series, without importing pandas."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(data, pandas.Series)


class PandasReader(Reader):
    """A pandas DataFrame, or a Series as a frame of one column."""

    remedy = "pandas.to_numeric"

    def __init__(self, data: pd.DataFrame | pd.Series[Any]) -> None:
        self.data = data
        self.frame: pd.DataFrame = data.to_frame() if is_series(data) else data  # type: ignore[assignment]
        super().__init__(list(self.frame.columns), len(self.frame))

    def column(self, name: Hashable) -> Column | None:
        """Return a column's numbers, None if it holds something else."""
        series = self.frame[name]
        dtype = series.dtype
        if isinstance(dtype, np.dtype):
            return Column(series.to_numpy()) if dtype.kind in "fiub" else None
        if getattr(dtype, "_is_numeric", False) or getattr(dtype, "_is_boolean", False):
            values = series.array
            return Column(Converted(len(values), lambda start, stop: _numbers(values[start:stop])))
        return None

    def whole(self, numbers: Sequence[Column]) -> Rows | None:
        """Return the frame's values if they lie in one block, which costs no copy."""
        head = self.frame.iloc[:2].to_numpy() if self.n_rows else np.empty(0)
        parts = [column.parts[0] for column in numbers]
        if not all(isinstance(part, np.ndarray) and np.shares_memory(head, part[:2]) for part in parts):
            return None
        values = self.frame.to_numpy()
        return values if readable(values) else None

    def sample(self, name: Hashable) -> Sample:
        """Return the first text of a column, or its first value."""
        series = self.frame[name]
        row = next((row for row, value in enumerate(series) if isinstance(value, str)), 0)
        return Sample(series.dtype, row, series.iloc[row] if len(series) else None)

    def is_time(self, name: Hashable) -> bool:
        """Return whether a column holds dates with times of day."""
        return getattr(self.frame[name].dtype, "kind", "") == "M"

    def index_times(self) -> Times | None:
        """Return the times of a DatetimeIndex, None if the index is another."""
        import pandas as pd  # it is loaded already: the frame is of it

        index = self.frame.index
        return _utc(index, "index") if isinstance(index, pd.DatetimeIndex) else None

    def column_times(self, name: Hashable) -> Times:
        """Return the times of a column."""
        import pandas as pd  # it is loaded already: the frame is of it

        return _utc(pd.DatetimeIndex(self.frame[name]), name)

    def zone(self, time: Hashable | None) -> Any:
        """Return the time zone of the index, or of a column."""
        import pandas as pd  # it is loaded already: the frame is of it

        return getattr(self.frame.index if time is None else pd.DatetimeIndex(self.frame[time].iloc[:0]), "tz", None)

    def scores(self, values: Floats, time: Hashable | None, name: str = "score") -> Any:
        """Return a Series with the frame's index, or with column `time` for one."""
        import pandas as pd  # it is loaded already: the frame is of it

        return pd.Series(values, index=self._index(time), name=name, copy=False)

    def like(self, values: Floats, time: Hashable | None) -> Any:
        """Return a Series or frame with the index, or column `time` for one, and the names of the original."""
        import pandas as pd  # it is loaded already: the frame is of it

        if is_series(self.data):
            return pd.Series(values[:, 0], index=self.data.index, name=self.data.name, copy=False)
        columns = self.frame.columns if time is None else self.frame.columns.drop([time])
        return pd.DataFrame(values, index=self._index(time), columns=columns, copy=False)

    def _index(self, time: Hashable | None) -> pd.Index[Any]:
        import pandas as pd  # it is loaded already: the frame is of it

        return self.frame.index if time is None else pd.Index(self.frame[time], name=time)


def _numbers(values: Any) -> npt.NDArray[Any]:
    """Return a stretch of a nullable, sparse or Arrow-backed column."""
    return np.asarray(values.to_numpy(dtype=np.float64, na_value=np.nan))


def _utc(index: pd.DatetimeIndex, name: Hashable) -> Times:
    return nanoseconds((index if index.tz is None else index.tz_convert(None)).to_numpy(), name)


def with_named_index(table: pd.DataFrame) -> pd.DataFrame:
    """Return a frame whose index has a name, "row" if it had none."""
    return table if table.index.name is not None else table.rename_axis(index="row")
