"""Ctrl-C and its kin: one exception from any of them, at any moment of any verb, so that each ends in its own way."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from typing import NoReturn


class Stopped(BaseException):
    """Ctrl-C, a request to terminate, or a terminal that went away.

    Not an Exception, so that a plugin's observer does not swallow it; not a KeyboardInterrupt, which click would turn
    into exit code 1.

    Args:
        number: of the signal.
    """

    def __init__(self, number: int) -> None:
        self.number = number


@contextlib.contextmanager
def stop_signals() -> Iterator[None]:
    """Raise `Stopped` on SIGINT, SIGTERM and SIGHUP; only on the first, so that the ending is not interrupted."""
    # What is ignored already stays so: nohup ignores the hang-up, a shell the Ctrl-C of its background jobs.
    numbers = [
        number
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        if signal.getsignal(number) is not signal.SIG_IGN
    ]

    def stop(number: int, frame: object) -> NoReturn:
        for other in numbers:
            signal.signal(other, signal.SIG_IGN)
        raise Stopped(number)

    before = [signal.signal(number, stop) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def leave(number: int, message: str) -> NoReturn:
    """Say why, and end this process at once with the shell's code for the signal."""
    sys.stdout.flush()
    print(message, file=sys.stderr, flush=True)
    # Not sys.exit: multiprocessing would wait for the processes that were just killed. The kernel frees the lock.
    os._exit(128 + number)
