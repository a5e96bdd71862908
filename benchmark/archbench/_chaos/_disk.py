"""A disk that fails: file calls below one folder are counted, and some of them raise."""

from __future__ import annotations

import builtins
import errno
import io
import mmap
import os
import sys
from pathlib import Path
from typing import Any

_CREATING = {"os.mkdir"}
_OTHER = {"os.rename", "os.remove", "os.rmdir", "os.listdir", "os.scandir"}


class FailingDisk:
    """Counts the calls of this process, and of those that it forks, that touch files below a folder; lets them fail.

    Counted are opening, listing, writing, flushing to the disk, renaming and removing.

    Args:
        root: the folder.
        at: number of the call that fails, counted from 1; 0 for none.
        full: from that call on, nothing more can be written, as on a full disk; otherwise only this call fails.

    Attributes:
        failed: what the calls of this process did that failed.
    """

    def __init__(self, root: Path, at: int, *, full: bool) -> None:
        self.root, self.at, self.full = str(root.absolute()), at, full
        self.failed: list[str] = []
        self._numbers = memoryview(mmap.mmap(-1, 16)).cast("q")  # of all processes: the calls, and which failed first
        self._open, self._fsync = builtins.open, os.fsync

    @property
    def calls(self) -> int:
        """Number of calls so far."""
        return self._numbers[0]

    @property
    def first(self) -> int:
        """Number of the first call that failed; 0 if none did."""
        return self._numbers[1]

    def install(self) -> None:
        """Begin to count, for as long as the process lives."""
        sys.addaudithook(self._hear)
        builtins.open = io.open = self._opened
        os.fsync = self._synced  # type: ignore[assignment]

    def count(self, call: str, *, takes_space: bool, path: Any = None) -> None:
        """Count a call.

        Args:
            call: what it does.
            takes_space: it would fail on a full disk.
            path: named by the error; None for a call that is given an open file.

        Raises:
            OSError: it is one that fails.
        """
        self._numbers[0] += 1
        fails = self.calls >= self.at and takes_space if self.full else self.calls == self.at
        if self.at and fails:
            self.failed.append(call)
            self._numbers[1] = self.first or self.calls
            number = errno.ENOSPC if self.full else errno.EIO
            raise OSError(number, os.strerror(number), path)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and self._is_below(arguments[0]):
            self.count(event, takes_space=bool((arguments[2] or 0) & os.O_CREAT), path=arguments[0])
        elif event in _CREATING | _OTHER and self._is_below(arguments[0]):
            self.count(event, takes_space=event in _CREATING, path=arguments[0])

    def _is_below(self, path: Any) -> bool:
        if not isinstance(path, str | bytes | os.PathLike):
            return False
        absolute = os.path.abspath(os.fsdecode(path))
        return absolute == self.root or absolute.startswith(self.root + os.sep)

    def _opened(self, file: Any, mode: str = "r", *arguments: Any, **named: Any) -> Any:
        binary = "b" in mode and "+" not in mode and set(mode) & set("wxa")
        if binary and self._is_below(file):
            return io.BufferedWriter(_Raw(self, file, mode.replace("b", "")))
        return self._open(file, mode, *arguments, **named)

    def _synced(self, descriptor: int) -> None:
        if self._is_below(os.readlink(f"/proc/self/fd/{descriptor}")):
            self.count("fsync", takes_space=True)
        self._fsync(descriptor)


class _Raw(io.FileIO):
    """A file of a failing disk. A write that fails has written half of its bytes."""

    def __init__(self, disk: FailingDisk, file: Any, mode: str) -> None:
        super().__init__(file, mode)
        self.disk = disk

    def write(self, data: Any) -> Any:
        try:
            self.disk.count("write", takes_space=True)
        except OSError:
            super().write(bytes(data)[: len(data) // 2])
            raise
        return super().write(data)
