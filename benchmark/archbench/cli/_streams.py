"""Standard streams that cannot hurt: one that is closed, full or gone costs one clear line, or nothing."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
from typing import Any, NoReturn, TextIO

from archbench._errors import StoreError
from archbench._plugins import Stopped, left_behind


class _Output(io.FileIO):
    """Standard output. A reader that has gone, such as `head`, stops the command; a full disk is an error."""

    def write(self, data: Any) -> Any:
        """Write bytes, and return how many were written."""
        try:
            return super().write(data)
        except OSError as error:
            with open(os.devnull, "wb") as nothing:
                os.dup2(nothing.fileno(), self.fileno())  # what is still in the buffer would fail again at the exit
            if isinstance(error, BrokenPipeError):
                raise Stopped(signal.SIGPIPE) from None
            raise StoreError(f"cannot write to standard output: {error.strerror}; what was printed is cut") from None


class _Messages(io.FileIO):
    """Standard error. A message that cannot be written is lost, and the command goes on."""

    def write(self, data: Any) -> Any:
        """Write bytes, and return how many there were."""
        try:
            return super().write(data)
        except OSError:
            return len(data)


def prepare_streams() -> None:
    """Make standard output and standard error streams that cannot hurt.

    Raises:
        StoreError: standard output is closed.
    """
    closed = [descriptor for descriptor in range(3) if not _is_open(descriptor)]
    for _ in closed:
        os.open(os.devnull, os.O_RDWR)  # else the next file that is opened becomes the standard stream
    if goes_to(sys.stderr, 2):
        messages: Any = _Messages(2, "w", closefd=False)
        like = sys.stderr
        sys.stderr = io.TextIOWrapper(messages, encoding=like.encoding, errors=like.errors, write_through=True)
    elif 2 in closed:
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115 - for as long as the process runs
    if 1 in closed:
        raise StoreError("standard output is closed; send it to a file, or with > /dev/null to nowhere")
    if goes_to(sys.stdout, 1):
        sys.stdout.flush()
        sys.stdout = open_output(1, like=sys.stdout)


def open_output(descriptor: int, *, like: TextIO) -> TextIO:
    """Return a stream for standard output under this descriptor; letters that its encoding lacks become `?`."""
    buffer = io.BufferedWriter(_Output(descriptor, "w", closefd=False))
    return io.TextIOWrapper(buffer, encoding=like.encoding, errors="replace", line_buffering=like.isatty())


def goes_to(stream: TextIO | None, descriptor: int) -> bool:
    """Return whether a stream writes to this descriptor, which tests may have replaced."""
    try:
        return stream is not None and stream.fileno() == descriptor
    except (OSError, ValueError):
        return False


def end(code: int) -> NoReturn:
    """End this process with a code, whatever code of plugins has left to do at the exit."""
    if sys.stdout is not None:
        sys.stdout.flush()
    if not left_behind():
        sys.exit(code)
    if multiprocessing := sys.modules.get("multiprocessing.util"):
        multiprocessing._exit_function()
    with contextlib.suppress(OSError):
        sys.stderr.flush()
    os._exit(code)


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True
