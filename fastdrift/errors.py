"""The errors and warnings fastdrift raises of its own."""

from __future__ import annotations


class DataError(ValueError):
    """Raised when a table cannot be used; says which column and row, and what to do."""


class ModelError(ValueError):
    """Raised when a model does not fit the data, or a model file is not one."""


class FileError(RuntimeError):
    """Raised when a file cannot be read or written."""


class EngineError(RuntimeError):
    """Raised when this process cannot run compiled kernels; says why, and what to do."""


class DriftWarning(UserWarning):
    """Warns that a result is right but rests on less than it should, and on how much."""
