"""A process that has loaded torch, from which a campaign lets runs be forked."""

from __future__ import annotations

import contextlib
import os
import secrets
import select
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec

from archbench._chaos._processes import MARKER, end_marked
from archbench._errors import StoreError
from archbench._execution._launchers import NO_THREADS


class Started(Protocol):
    """A run that was started, as far as a campaign needs `subprocess.Popen`."""

    pid: int

    def poll(self) -> int | None:
        """Return None while it runs; the negative signal number if a signal ended it."""

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end, at most so many seconds, and return its exit code."""


class Preloaded:
    """Starts runs by a fork of a process that has loaded torch; see `archbench._chaos.preloaded`.

    Args:
        libraries: further ones to load, which the task of the runs declares.

    Attributes:
        mark: the mark that it, all runs and all their processes carry.
    """

    def __init__(self, libraries: Sequence[str]) -> None:
        self.mark = secrets.token_hex(8)
        environment = {**os.environ, **NO_THREADS, MARKER: self.mark}
        command = [sys.executable, "-m", "archbench._chaos.preloaded", *libraries]
        self._process: subprocess.Popen[bytes] = subprocess.Popen(  # noqa: S603 - our own module
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )
        self.pid = self._read()

    def start(self, arguments: Sequence[str], output: Path, messages: Path) -> Started:
        """Start a run in a session of its own.

        Args:
            arguments: of `benchmark`.
            output, messages: the files for its standard streams.
        """
        return _Run(self, self.ask(arguments=arguments, output=str(output), messages=str(messages)))

    def ask(self, **request: Any) -> int:
        """Send a request, and return the answer.

        Raises:
            StoreError: the process has ended.
        """
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # reading says it better
            self._process.stdin.write(msgspec.json.encode(request) + b"\n")
            self._process.stdin.flush()
        return self._read()

    def close(self) -> None:
        """End the process, and all that it started."""
        self._process.kill()
        end_marked(self.mark)
        self._process.communicate()

    def _read(self) -> int:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise StoreError("the process from which runs are forked ended; see what `benchmark doctor` says")
        return int(line)


class _Run:
    def __init__(self, preloaded: Preloaded, pid: int) -> None:
        self._preloaded, self.pid = preloaded, pid
        self._end = os.pidfd_open(pid)
        self._code: int | None = None

    def poll(self) -> int | None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def wait(self, timeout: float | None = None) -> int:
        if self._code is None:
            if not select.select([self._end], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("benchmark", timeout or 0)
            os.close(self._end)
            self._code = self._preloaded.ask(ended=self.pid)
        return self._code
