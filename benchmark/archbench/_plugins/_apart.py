"""A forked copy of this process, in which code of plugins is tried before it runs here, or runs instead of here.

Nothing else withstands `os._exit`, a crash or an endless loop. The copy dies with this process. Where a process cannot
be forked safely, because it has threads, a fresh interpreter takes the place of the copy, which takes longer. Where the
system has neither, code of plugins runs here only.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import io
import os
import select
import signal
import struct
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from archbench._plugins._containment import leave_handlers_to_parent, threads_left
from archbench._plugins._ending import end_with_parent, name_of_signal

LIMIT = "ARCHBENCH_PLUGIN_SECONDS"
"""Environment variable for the seconds that one call of a plugin may take."""
DEFAULT_SECONDS = 30.0  # importing torch from a slow disk takes half of it
_ENDING_SECONDS = 5.0
_HEADER = struct.Struct("!Q")


LATE = "was not done after"
"""How the text of `Gone` begins where the copy did not answer in time."""


class Gone(Exception):  # noqa: N818 - an event, which its receiver turns into a problem
    """Raised when the copy ended, or did not answer in time; its text says which, after the name of a function."""


class Unsent(Exception):  # noqa: N818 - an event, too
    """Raised when a function cannot be called in another process, which is no fault of it; its text says why."""


def can_fork() -> bool:
    """Return whether a copy of this process would work; locks that other threads hold stay locked in a copy.

    Threads that plugins have left do not count: else one plugin could take the guard from the others.
    """
    others = set(threading.enumerate()) - threads_left() - {threading.main_thread()}
    return hasattr(os, "fork") and not others and threading.current_thread() is threading.main_thread()


def seconds() -> float:
    """Return the seconds that one call of a plugin may take."""
    try:
        return max(0.1, float(os.environ[LIMIT]))
    except (KeyError, ValueError):
        return DEFAULT_SECONDS


def rehearse(steps: Sequence[Callable[[], object]]) -> list[str]:
    """Call functions in a copy of this process, and return for each how it ended the copy; empty if it did not.

    Exceptions are no concern of a rehearsal: they can be caught here.
    """
    start, ask = _rehearsal(steps)
    ends: list[str] = []
    copy = None
    try:
        for number in range(len(steps)):
            try:
                copy = copy or start()
                ask(copy, number)
                ends.append("")
            except Unsent:
                ends.append("")
            except Gone as gone:
                ends.append(str(gone))
                copy = None
    finally:
        if copy is not None:
            copy.kill()
    return ends


def _rehearsal(steps: Sequence[Callable[[], object]]) -> tuple[Callable[[], Any], Callable[[Any, int], bytes]]:
    """Return how a process is started that tries steps, and how it is asked to try the step of a number."""
    if can_fork():
        start = functools.partial(Apart, lambda question: _try(steps[int(question)]), quiet=True)
        return start, lambda copy, number: copy.ask(str(number).encode())
    from archbench._plugins._spawned import Spawned  # which loads plugins, and so needs this module

    return functools.partial(Spawned, quiet=True), lambda new, number: new.call(functools.partial(_try, steps[number]))


def _try(step: Callable[[], object]) -> bytes:
    with contextlib.suppress(BaseException):
        step()
    return b""


class Apart:
    """A copy of this process that answers questions.

    Args:
        answer: makes an answer from a question; called in the copy.
        quiet: what the copy prints is dropped; else its standard output goes to standard error.
        closes: the copy will be closed, and not only killed.
    """

    def __init__(self, answer: Callable[[bytes], bytes], *, quiet: bool = False, closes: bool = False) -> None:
        files = _open_files() if closes else []
        # Else the copy would print it again, or write it into files again at its end.
        for stream in filter(None, (sys.stdout, sys.stderr, *files)):
            with contextlib.suppress(Exception):
                stream.flush()
        question, self._questions = os.pipe()
        self._answers, reply = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            leave_handlers_to_parent()
            serve(answer, question, reply, quiet=quiet, files=files)
        os.close(question)
        os.close(reply)

    def ask(self, question: bytes) -> bytes:
        """Return the answer of the copy.

        Raises:
            Gone: it has ended, or takes too long and was killed.
        """
        with contextlib.suppress(OSError):  # it has ended, which shows at once
            _send(self._questions, question)
        return self._wait(seconds())

    def _wait(self, limit: float) -> bytes:
        """Return the next answer; raise `Gone` without one."""
        try:
            return self._receive(time.monotonic() + limit)
        except (OSError, EOFError):
            raise Gone(self._describe_end()) from None
        except _Late:
            self.kill()
            raise Gone(f"{LATE} {limit:g} s, which {LIMIT} can raise") from None

    def close(self) -> None:
        """Let the copy run exit handlers, and end it."""
        with contextlib.suppress(OSError, EOFError, _Late):
            _send(self._questions, b"")
            self._receive(time.monotonic() + _ENDING_SECONDS)
        self.kill()

    def kill(self) -> None:
        """End the copy, and what it started, at once."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(self._pid, signal.SIGKILL)
            os.killpg(self._pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self._pid, 0)
        self._forget()

    def _forget(self) -> None:
        for descriptor in (self._questions, self._answers):
            with contextlib.suppress(OSError):
                os.close(descriptor)

    def _receive(self, deadline: float) -> bytes:
        (size,) = _HEADER.unpack(self._read(_HEADER.size, deadline))
        return self._read(size, deadline)

    def _read(self, size: int, deadline: float) -> bytes:
        data, poll = b"", select.poll()
        poll.register(self._answers, select.POLLIN)
        while len(data) < size:
            if time.monotonic() > deadline:
                raise _Late
            if poll.poll(100):
                part = os.read(self._answers, size - len(data))
                if not part:
                    raise EOFError
                data += part
            elif self._has_ended():  # a process that it started may still hold the pipe
                raise EOFError
        return data

    def _has_ended(self) -> bool:
        return os.waitid(os.P_PID, self._pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def _describe_end(self) -> str:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if not self._wait_shortly():
                os.kill(self._pid, signal.SIGKILL)  # it closed the pipe and went on
            os.killpg(self._pid, signal.SIGKILL)
        _, status = os.waitpid(self._pid, 0)
        self._forget()
        code = os.waitstatus_to_exitcode(status)
        return f"ended the process with exit code {code}" if code >= 0 else f"crashed with {name_of_signal(-code)}"

    def _wait_shortly(self) -> bool:
        deadline = time.monotonic() + 1
        while not (ended := self._has_ended()) and time.monotonic() < deadline:
            time.sleep(0.01)
        return ended


class _Late(Exception):  # noqa: N818 - private
    """The copy takes too long; no TimeoutError, which is an OSError."""


def serve(
    answer: Callable[[bytes], bytes],
    question: int,
    reply: int,
    *,
    quiet: bool,
    ready: bool = False,
    files: Sequence[Any] = (),
) -> NoReturn:
    """Answer questions until an empty one comes, and end this process.

    Args:
        answer: makes an answer from a question.
        question, reply: descriptors of the pipes.
        quiet: see `Apart`.
        ready: send an empty answer first, since the other side waits for it.
        files: files with buffers that were open before; those that are opened later are found at the end.
    """
    code = 1
    try:
        _settle(quiet)
        gc.freeze()  # whoever visits all objects in a copy, such as a search for garbage, makes a copy of all memory
        if ready:
            _send(reply, b"")
        while data := _take(question):
            _send(reply, answer(data))
        _run_exit_handlers(files)
        _send(reply, b"")
        code = 0
    finally:
        os._exit(code)


def _settle(quiet: bool) -> None:
    """Make this copy a process of its own, which dies with its parent."""
    os.setsid()  # Ctrl-C reaches the parent alone, and what is started here can be ended together
    end_with_parent()
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing if quiet else 2, 1)
    if quiet:
        os.dup2(nothing, 2)


def _run_exit_handlers(files: Sequence[Any]) -> None:
    """Do what the end of a Python process would, such as writing what observers have in the buffers of files."""
    files = [*files, *_open_files()]  # before an exit handler hides them with gc.freeze
    with contextlib.suppress(BaseException):
        atexit._run_exitfuncs()
    for file in files:
        with contextlib.suppress(Exception):
            file.flush()


def _open_files() -> list[Any]:
    """Return the files of this process that have buffers, but for those that `gc.freeze` hides."""
    # By their types: libraries have objects that do something when they are asked for their class.
    objects = gc.get_objects()
    kinds = {kind for kind in set(map(type, objects)) if issubclass(kind, io.TextIOWrapper | io.BufferedWriter)}
    return [found for found in objects if type(found) in kinds]


def _send(descriptor: int, data: bytes) -> None:
    data = _HEADER.pack(len(data)) + data
    while data:
        data = data[os.write(descriptor, data) :]


def _take(descriptor: int) -> bytes:
    """Return the next question; empty at the end."""
    with open(descriptor, "rb", buffering=0, closefd=False) as file:
        header = file.read(_HEADER.size)
        size = _HEADER.unpack(header)[0] if header else 0
        data = b""
        while len(data) < size:
            data += file.read(size - len(data)) or b""
        return data
