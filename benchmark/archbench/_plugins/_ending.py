"""The end of processes: a child that dies with its parent, a parent that inherits descendants, names of signals."""

from __future__ import annotations

import signal
import sys

_SET_DEATH_SIGNAL = 1
_SET_CHILD_SUBREAPER = 36


def end_with_parent() -> None:
    """Let the kernel kill this process when the thread that started it dies; only Linux can do so."""
    _control(_SET_DEATH_SIGNAL, signal.SIGKILL)


def adopt_descendants() -> bool:
    """Become the parent of every descendant whose own parent dies, and return whether that worked; only Linux can."""
    return _control(_SET_CHILD_SUBREAPER, 1)


def name_of_signal(number: int) -> str:
    """Return `SIGKILL` and the like; `signal 40` for one without a name, as most real-time signals are."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _control(option: int, value: int) -> bool:
    if not sys.platform.startswith("linux"):
        return False
    import ctypes  # takes milliseconds, and only new processes need it

    try:
        return bool(ctypes.CDLL(None).prctl(option, value, 0, 0, 0) == 0)
    except (OSError, AttributeError):
        return False
