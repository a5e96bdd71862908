"""The page while a run trains: another process builds it again from time to time, with low priority."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from archbench._records import TEMPORARY, Record
from archbench._suite._observer import Observer

EVERY = 60.0
"""Seconds between the start of training, or a page, and the next page."""

_REST = 20
"""How many times as long as a page takes, at least, no other is begun: a large folder costs a twentieth of a core."""


@dataclass(frozen=True, slots=True)
class SamePlugins:
    """The options by which another process loads the plugins of this one.

    Args:
        files: one-file plugins.
        blocked: distributions or entry points that are not imported.
    """

    files: tuple[Path, ...] = ()
    blocked: tuple[str, ...] = ()

    def arguments(self) -> list[str]:
        """Return them as arguments of `archbench._suite.page`."""
        return [msgspec.json.encode([[str(path) for path in self.files], self.blocked]).decode()]


class PageBuilder(Observer):
    """Starts a process that builds the page, every minute in which trials were finished.

    At the end of training that process is ended, and the run writes the page itself.

    Args:
        root: the output folder.
        plugins: those of the run.
        clock: counts seconds.
    """

    def __init__(self, root: Path, plugins: SamePlugins, clock: Callable[[], float] = time.monotonic) -> None:
        self.root, self.plugins, self.clock = root, plugins, clock
        self.built = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._begun, self._due, self._news = 0.0, 0.0, False

    def training_started(self, total: int, kept: int) -> None:
        """Begin to count the time."""
        self._due = self.clock() + EVERY

    def trial_finished(self, record: Record) -> None:
        """Note that the page is old."""
        self._news = True

    def waiting(self) -> None:
        """Start a process, or notice that it has ended."""
        if self._process is not None and self._process.poll() is not None:
            self._process, self.built = None, self.built + 1
            self._due = self.clock() + max(EVERY, _REST * (self.clock() - self._begun))
        if self._process is None and self._news and self.clock() >= self._due:
            self._begun, self._news = self.clock(), False
            command = [sys.executable, "-m", "archbench._suite.page", str(self.root), *self.plugins.arguments()]
            with contextlib.suppress(OSError):  # no memory for a process costs a page, not the run
                self._process = subprocess.Popen(  # noqa: S603 - our own module
                    command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
                )

    def training_ended(self) -> None:
        """End the process, so that the page of the run is the last one."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        for leftover in self.root.glob(f"{TEMPORARY}{self._process.pid}-*"):
            leftover.unlink(missing_ok=True)
        self._process = None
