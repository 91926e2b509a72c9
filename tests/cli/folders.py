"""What a command leaves in a folder."""

from __future__ import annotations

from pathlib import Path


def written(directory):
    return sorted(str(path.relative_to(directory)) for path in Path(directory).rglob("*") if path.is_file())
