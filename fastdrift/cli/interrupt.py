"""Ctrl-C that is never lost: recorded where it cannot be raised, and too late once files are moved into place.

Python raises KeyboardInterrupt wherever the main thread happens to be, and some of those places swallow it: in 1 of 12
tries an import of numpy.random did, and `run` wrote everything and exited with 0. So an interrupt is recorded too, a
command looks at the record at every step and every piece, and until it ends the interrupt is raised again each second:
numba swallowed one in 8 while it compiled, and no step begins for 50 s then. tests/cli/test_cli_interrupt.py guards it.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

INTERRUPTED = 130
"""The exit code of a command that was interrupted: 128 and the number of SIGINT."""

AGAIN = 1.0
"""Seconds after which an interrupt is raised again if the command is still there."""

Piece = TypeVar("Piece")


@dataclass
class _State:
    """What this process does at Ctrl-C, and whether there was one."""

    raises: bool = False
    ignores: bool = False
    is_recorded: bool = False


_state = _State()


def install() -> None:
    """Take Ctrl-C over for the rest of this process, unless it is another's: a thread's, a program's, ignored."""
    if threading.current_thread() is not threading.main_thread():
        return
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        return
    signal.signal(signal.SIGINT, _on_interrupt)
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, _on_alarm)
    # an import in C that is cut in half prints what cut it, a destructor too
    sys.excepthook = _quiet(sys.excepthook)
    sys.unraisablehook = _quiet(sys.unraisablehook)


def uninstall() -> None:
    """Ignore Ctrl-C from now on, if it was taken over: the process ends."""
    if signal.getsignal(signal.SIGINT) is not _on_interrupt:
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        signal.setitimer(signal.ITIMER_REAL, 0)


def _on_interrupt(*_: object) -> None:
    if _state.ignores:
        return
    _state.is_recorded = True
    if _state.raises:
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, AGAIN, AGAIN)
        raise KeyboardInterrupt


def _on_alarm(*_: object) -> None:
    check()


def _quiet(hook: Callable[..., Any]) -> Callable[..., Any]:
    """Return a hook that says nothing once there was an interrupt."""

    def quiet_hook(*told: Any) -> None:
        if not _state.is_recorded:
            hook(*told)

    return quiet_hook


def is_interrupt(error: BaseException) -> bool:
    """Return whether an error is Ctrl-C, or came of one that cut something in half."""
    return _state.is_recorded or isinstance(error, KeyboardInterrupt)


def check() -> None:
    """Stop the command if there was an interrupt that something has swallowed."""
    if _state.is_recorded and _state.raises:
        raise KeyboardInterrupt


def checked(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Yield pieces, with a look at the record before each."""
    for piece in pieces:
        check()
        yield piece


@contextlib.contextmanager
def raised() -> Iterator[None]:
    """Let Ctrl-C stop what is done inside; outside it is recorded alone."""
    _state.raises, _state.ignores = True, False
    try:
        check()
        yield
    finally:
        _state.raises = False


@contextlib.contextmanager
def deferred() -> Iterator[None]:
    """Let what is done inside be done, such as an import, and stop after it if there was an interrupt."""
    before, _state.raises = _state.raises, False
    try:
        yield
    finally:
        _state.raises = before
    check()


def settle() -> None:
    """Stop if there was an interrupt; any that comes now is too late, as files are moved into place or removed."""
    _state.raises = False
    if _state.is_recorded:
        raise KeyboardInterrupt
    _state.ignores = True
    _state.is_recorded = False
