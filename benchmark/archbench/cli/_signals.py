"""Signals that stop a command, Ctrl-C among them: each raises one exception, so that every verb ends in its own way."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from typing import NoReturn

from archbench._plugins import Stopped as Stopped


@contextlib.contextmanager
def stop_signals() -> Iterator[None]:
    """Raise `Stopped` on the first SIGINT, SIGTERM or SIGHUP; ignore later ones, so that the ending is not stopped."""
    # Signals that are ignored already stay so: nohup ignores SIGHUP, a shell ignores SIGINT for background jobs.
    numbers = [
        number
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        if signal.getsignal(number) is not signal.SIG_IGN
    ]

    def stop(number: int, frame: object) -> NoReturn:
        for other in numbers:
            signal.signal(other, signal.SIG_IGN)
        Stopped.asked = number
        raise Stopped(number)

    before = [signal.signal(number, stop) for number in numbers]
    try:
        yield
    finally:
        Stopped.asked = 0
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def leave(number: int, message: str) -> NoReturn:
    """Print a message and end this process at once, with the exit code that shells use for this signal."""
    sys.stdout.flush()
    if message:
        print(message, file=sys.stderr, flush=True)
    # Not sys.exit: multiprocessing would then wait for the workers that were just killed. The lock on the output
    # folder needs no release: the kernel frees it with the process.
    os._exit(128 + number)
