"""What is half written: files and folders beside their target, locked for as long as their writer lives.

A writer that is killed leaves them behind. The next one to write there can tell them from those of others who still
write, as the system lets go of a dead process's locks; a number of a process would be taken for another's in a
container, or once it is used again.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

if sys.platform != "win32":
    import fcntl

# of the 255 bytes of a name, so many are the target's
LONGEST_NAME = 200
_TOKEN_BYTES = 8


def scratch_file(target: Path) -> contextlib.AbstractContextManager[Path]:
    """Yield a new file beside `target`, removed at the end if it is still there, like what killed writers left."""
    return _scratch(target.parent, f".{_short(target.name)}.", ".partial", lambda path: path.touch(exist_ok=False))


def scratch_folder(folder: Path) -> contextlib.AbstractContextManager[Path]:
    """Yield a new folder in `folder`, removed at the end with what is in it, like those that killed writers left."""
    return _scratch(folder, ".fastdrift-", "", lambda path: path.mkdir(mode=0o700))


@contextlib.contextmanager
def _scratch(folder: Path, prefix: str, suffix: str, make: Callable[[Path], None]) -> Iterator[Path]:
    _sweep(folder, prefix, suffix)
    path, lock = _make(folder, prefix, suffix, make)
    try:
        yield path
    finally:
        _remove(path)
        if lock is not None:
            os.close(lock)


def _make(folder: Path, prefix: str, suffix: str, make: Callable[[Path], None]) -> tuple[Path, int | None]:
    """Return something new and its lock, or None on a disk that has no locks: there nothing is swept either."""
    while True:
        path = folder / f"{prefix}{secrets.token_hex(_TOKEN_BYTES)}{suffix}"
        make(path)
        try:
            lock = _lock(path)
        except OSError:
            return path, None
        if lock is not None:  # else another has swept it away before it was locked
            return path, lock


def _sweep(folder: Path, prefix: str, suffix: str) -> None:
    """Remove what writers left that live no more."""
    is_ours = re.compile(f"{re.escape(prefix)}[0-9a-f]{{{2 * _TOKEN_BYTES}}}{re.escape(suffix)}").fullmatch
    left: list[Path] = []
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        left = [folder / entry.name for entry in entries if is_ours(entry.name)]
    for path in left:
        with contextlib.suppress(OSError):
            lock = _lock(path)
            if lock is not None:
                _remove(path)
                os.close(lock)


def _lock(path: Path) -> int | None:
    """Return a descriptor that locks what is at a path, or None if another locks it or nothing is there any more."""
    if sys.platform == "win32":
        raise OSError("there are no such locks")
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(descriptor), path.stat()):
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    except OSError:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _short(name: str) -> str:
    content = os.fsencode(name)
    return name if len(content) <= LONGEST_NAME else hashlib.sha256(content).hexdigest()
