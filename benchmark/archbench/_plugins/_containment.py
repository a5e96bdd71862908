"""Containment: code of plugins that runs in this process leaves its folder, its signals and its exit as they were."""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import signal
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, NoReturn

_SHARED = ("concurrent", "logging", "multiprocessing", "weakref")
"""Modules whose exit handlers look after objects of the whole program, whoever was the first to need them."""

WHOLE_PROCESS = threading.RLock()
"""Held while streams, folder or signals of the process are changed: two threads would put back what the other set."""

_SIGNALS = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]


class Stopped(BaseException):
    """Raised by Ctrl-C, by a request to terminate, or when the terminal is gone.

    It is no `Exception`, so that code which catches those lets it through; and no `KeyboardInterrupt`, which click
    would turn into exit code 1, and which a plugin may raise itself.

    Args:
        number: number of the signal.
    """

    asked: ClassVar[int] = 0
    """The signal that has asked this process to stop, also if the exception was dropped; 0 for none."""

    def __init__(self, number: int) -> None:
        self.number = number


def raise_if_stopped() -> None:
    """Raise `Stopped` once more if it was raised and this process works on, since somebody has dropped it in silence.

    A plugin that catches everything does so, and code in C, such as numpy's while it is imported.
    """
    if Stopped.asked:
        raise Stopped(Stopped.asked)


class _Interrupt(KeyboardInterrupt):
    """A Ctrl-C of the user, which a KeyboardInterrupt that a plugin raises is not."""


class _Left:
    """The exit handlers and the threads that code of plugins has left in this process."""

    handlers: ClassVar[list[Callable[[], object]]] = []
    threads: ClassVar[set[threading.Thread]] = set()


def is_stop(error: BaseException) -> bool:
    """Return whether an exception comes from the user, who wants to stop, and not from code of a plugin."""
    return isinstance(error, Stopped | _Interrupt)


def left_behind() -> bool:
    """Return whether code of plugins could delay or change the end of this process, by an exit handler or a thread."""
    return bool(_Left.handlers) or any(thread.is_alive() and not thread.daemon for thread in _Left.threads)


def leave_handlers_to_parent() -> None:
    """Forget, in a copy of this process, what is for the original to do at its end; keep exit handlers of plugins.

    Else the end of the copy would delete temporary folders of the program that calls us, and end its processes.
    """
    atexit._clear()
    for finalizer in list(vars(weakref.finalize)["_registry"]):
        finalizer.detach()
    weakref.finalize._registered_with_atexit = False  # type: ignore[attr-defined]
    for handler in _Left.handlers:
        atexit.register(handler)


def threads_left() -> set[threading.Thread]:
    """Return the threads that code of plugins has started."""
    return _Left.threads


@contextlib.contextmanager
def contained() -> Iterator[None]:
    """Put back the working folder, the handlers of signals and the standard streams; note what is left for the exit."""
    with WHOLE_PROCESS:
        folder, streams, threads = _working_folder(), (sys.stdout, sys.stderr), set(threading.enumerate())
        try:
            with _signals_kept(), _exit_handlers_noted():
                yield
        finally:
            sys.stdout, sys.stderr = streams
            if folder and folder != _working_folder():
                with contextlib.suppress(OSError):
                    os.chdir(folder)
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


@contextlib.contextmanager
def _exit_handlers_noted() -> Iterator[None]:
    """Meanwhile, note the exit handlers that are registered, other than those of Python's own libraries."""
    register = atexit.register

    def note(function: Callable[..., Any], *arguments: Any, **named: Any) -> Callable[..., Any]:
        if (getattr(function, "__module__", None) or "").partition(".")[0] not in _SHARED:
            _Left.handlers.append(functools.partial(function, *arguments, **named))
        return register(function, *arguments, **named)

    atexit.register = note  # type: ignore[assignment]
    try:
        yield
    finally:
        atexit.register = register
