"""Signals that stop a command, Ctrl-C among them: each raises one exception, so that every verb ends in its own way."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import NoReturn

from archbench._plugins import Stopped as Stopped

_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_AGAIN_SECONDS = 0.05
"""When a signal is sent again after its exception was dropped: the code that dropped it has ended by then."""


@contextlib.contextmanager
def stop_signals() -> Iterator[None]:
    """Raise `Stopped` on the first SIGINT, SIGTERM or SIGHUP; ignore later ones, so that the ending is not stopped.

    Python drops what is raised in a finalizer, in a callback of a weak reference, which each import has, or in what
    libraries do around a fork. The signal is then sent again. See `raise_if_stopped` for code that drops it in silence.
    """
    # Signals that are ignored already stay so: nohup ignores SIGHUP, a shell ignores SIGINT for background jobs.
    numbers = [number for number in _STOPPING if signal.getsignal(number) is not signal.SIG_IGN]

    def stop(number: int, frame: object) -> NoReturn:
        for other in numbers:
            signal.signal(other, signal.SIG_IGN)
        Stopped.asked = number
        raise Stopped(number)

    before = [signal.signal(number, stop) for number in numbers]
    try:
        with _dropped_ones_sent_again(numbers, stop):
            yield
    finally:
        Stopped.asked = 0
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


@contextlib.contextmanager
def _dropped_ones_sent_again(numbers: Sequence[int], stop: Callable[[int, object], NoReturn]) -> Iterator[None]:
    def send_again(dropped: sys.UnraisableHookArgs) -> None:
        if not isinstance(dropped.exc_value, Stopped):
            report(dropped)
            return
        for number in numbers:
            signal.signal(number, stop)
        threading.Timer(_AGAIN_SECONDS, os.kill, (os.getpid(), dropped.exc_value.number)).start()

    report, sys.unraisablehook = sys.unraisablehook, send_again
    try:
        yield
    finally:
        sys.unraisablehook = report


def leave(number: int, message: str) -> NoReturn:
    """Print a message and end this process at once, with the exit code that shells use for this signal."""
    sys.stdout.flush()
    if message:
        print(message, file=sys.stderr, flush=True)
    if server := sys.modules.get("archbench._execution._fork_server"):
        server.remove_folder()  # no code of an exit does it
    # Not sys.exit: multiprocessing would then wait for the workers that were just killed. The lock on the output
    # folder needs no release: the kernel frees it with the process.
    os._exit(128 + number)
