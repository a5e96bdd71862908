"""Work on many items, done in two processes where this one can be forked safely."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import NoReturn, TypeVar

_Item = TypeVar("_Item")

_BYTES = 2
_MOST_ITEMS = 4096 // _BYTES
"""The numbers of all items wait in a pipe, and the smallest that Linux makes holds so many."""


def share(work: Callable[[_Item], None], items: Sequence[_Item]) -> None:
    """Do this to each item; both processes take the next item whenever they are done with one.

    Where only one process is possible, and where either fails, this one does it to all items in their order. So an
    error is the one that a single process meets, and doing it twice must be as good as once.
    """
    if not (_can_share(len(items)) and _done_by_two(work, items)):
        for item in items:
            work(item)


def _can_share(number: int) -> bool:
    """Return whether a second process is of use and safe: a fork has the locks of all threads and only one of them.

    Python does not know the threads of libraries. Linux tells their number, and on macOS no fork is safe anyway.
    """
    if sys.platform != "linux" or not 1 < number <= _MOST_ITEMS or len(os.sched_getaffinity(0)) < 2:
        return False
    try:
        return len(os.listdir("/proc/self/task")) == 1
    except OSError:
        return False


def _done_by_two(work: Callable[[_Item], None], items: Sequence[_Item]) -> bool:
    """Return whether two processes have done it to all items; if not, any of them may lack it."""
    numbers, writer = os.pipe()
    os.write(writer, b"".join(number.to_bytes(_BYTES, "big") for number in range(len(items))))
    os.close(writer)
    try:
        other = os.fork()
    except OSError:  # no memory, or too many processes
        os.close(numbers)
        return False
    if other == 0:
        _end_with(work, items, numbers)
    ended = False
    try:
        for item in _taken(items, numbers):
            work(item)
        status, ended = os.waitpid(other, 0)[1], True
        return status == 0
    except Exception:
        return False
    finally:
        if not ended:
            os.kill(other, signal.SIGTERM)  # our handler of it, which a fork keeps, ends it without half a file
            os.waitpid(other, 0)
        os.close(numbers)


def _end_with(work: Callable[[_Item], None], items: Sequence[_Item], numbers: int) -> NoReturn:
    """Do it to some of the items and end this process, with exit code 0 if nothing failed; print nothing."""
    code = 1
    try:
        for item in _taken(items, numbers):
            work(item)
        code = 0
    finally:
        os._exit(code)


def _taken(items: Sequence[_Item], numbers: int) -> Iterator[_Item]:
    """Yield items that the other process has not taken, until none is left."""
    while number := os.read(numbers, _BYTES):
        yield items[int.from_bytes(number, "big")]
