"""Containment: code of plugins that runs in this process leaves its folder, its signals and its exit as they were."""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from typing import ClassVar, NoReturn

_SIGNALS = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]


class Stopped(BaseException):
    """Raised by Ctrl-C, by a request to terminate, or when the terminal is gone.

    It is no `Exception`, so that code which catches those lets it through; and no `KeyboardInterrupt`, which click
    would turn into exit code 1, and which a plugin may raise itself.

    Args:
        number: number of the signal.
    """

    def __init__(self, number: int) -> None:
        self.number = number


class _Interrupt(KeyboardInterrupt):
    """A Ctrl-C of the user, which a KeyboardInterrupt that a plugin raises is not."""


class _Left:
    """The exit handlers and the threads that code of plugins has left in this process."""

    handlers = False
    threads: ClassVar[set[threading.Thread]] = set()


def is_stop(error: BaseException) -> bool:
    """Return whether an exception comes from the user, who wants to stop, and not from code of a plugin."""
    return isinstance(error, Stopped | _Interrupt)


def left_behind() -> bool:
    """Return whether code of plugins could delay or change the end of this process, by an exit handler or a thread."""
    return _Left.handlers or any(thread.is_alive() and not thread.daemon for thread in _Left.threads)


def threads_left() -> set[threading.Thread]:
    """Return the threads that code of plugins has started."""
    return _Left.threads


@contextlib.contextmanager
def contained() -> Iterator[None]:
    """Put back the working folder, the handlers of signals and the standard streams; note what is left for the exit."""
    folder, streams, threads = _working_folder(), (sys.stdout, sys.stderr), set(threading.enumerate())
    callbacks = _count_exit_handlers()
    try:
        with _signals_kept():
            yield
    finally:
        sys.stdout, sys.stderr = streams
        if folder and folder != _working_folder():
            with contextlib.suppress(OSError):
                os.chdir(folder)
        _Left.handlers = _Left.handlers or _count_exit_handlers() > callbacks
        _Left.threads |= set(threading.enumerate()) - threads


@contextlib.contextmanager
def _signals_kept() -> Iterator[None]:
    """Put back handlers and blocked signals; meanwhile tell a Ctrl-C of the user from what a plugin raises."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "pthread_sigmask"):
        yield
        return
    handlers, blocked = {number: signal.getsignal(number) for number in _SIGNALS}, signal.pthread_sigmask(0, [])
    if handlers[signal.SIGINT] is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)
    try:
        yield
    finally:
        for number, handler in handlers.items():
            if handler is not None and signal.getsignal(number) is not handler:  # None: set by C code, out of reach
                signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def _interrupt(number: int, frame: object) -> NoReturn:
    raise _Interrupt


def _working_folder() -> str:
    try:
        return os.getcwd()
    except OSError:
        return ""  # it was deleted


def _count_exit_handlers() -> int:
    count = getattr(atexit, "_ncallbacks", None)  # CPython has it, for its own tests
    return count() if count else 0
