"""Huge pages for the memory of the server of trials, which make each fork of it cheaper.

Linux copies the tables of all pages of a process when it forks, and takes them down again when the copy ends. The
libraries in the server fill half a gigabyte, or more than 100,000 pages of 4 KiB, which costs a trial 20 ms or more. To
gather them in pages of 2 MiB takes a second or less in all, so it begins only in runs of many trials, and is done a
little after each fork, while the new process starts.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from archbench._execution._capacity import memory_of_this_machine

FORKS_BEFORE = 20
"""Forks before the first pages are gathered: about as many as it takes to earn their cost."""
PAGES_AT_A_TIME = 8
MOST_SECONDS = 0.5
"""Seconds for these pages, usually 0.04, after which no more are gathered: memory in pieces is put in order first."""
_PAGE = 2 << 20
_FREE = 2 << 30
"""Bytes of free memory without which nothing is gathered: trials that run keep the small pages as long as they run."""
_MADV_COLLAPSE = 25  # since Linux 6.1; not in Python's mmap
_SETTINGS = Path("/sys/kernel/mm/transparent_hugepage")


class Gathering:
    """Gathers the memory of this process in huge pages, some after each of its forks; call it after each."""

    def __init__(self) -> None:
        self._process = os.getpid()
        self._forks = 0
        self._parts: Iterator[tuple[int, int]] | None = None

    def __call__(self) -> None:
        self._forks += 1
        if self._forks <= FORKS_BEFORE or os.getpid() != self._process:  # trials inherit this object
            return
        if self._parts is None:
            self._parts = iter(_parts() if _is_worthwhile() else ())
        if (part := next(self._parts, None)) is None:
            return
        start = time.monotonic()
        if not _gather(*part) or time.monotonic() - start > MOST_SECONDS:
            self._parts = iter(())


def gather_after_forks() -> None:
    """Let this process gather its memory in huge pages once it has forked many times; only on Linux."""
    if sys.platform == "linux":
        os.register_at_fork(after_in_parent=Gathering())


def _is_worthwhile() -> bool:
    """Return whether this system has huge pages of 2 MiB, allows them, and has memory to spare."""
    with contextlib.suppress(OSError, ValueError):
        allowed = "[never]" not in (_SETTINGS / "enabled").read_text()
        memory = memory_of_this_machine()
        fits = int((_SETTINGS / "hpage_pmd_size").read_text()) == _PAGE
        return allowed and fits and memory is not None and memory.total - memory.used >= _FREE
    return False


def _parts() -> list[tuple[int, int]]:
    """Return start and length of parts of the memory that is written and in no file, as multiples of a huge page.

    Areas of which less than half is in use, such as the stack of a thread, would only grow.
    """
    found = []
    with contextlib.suppress(OSError, ValueError):
        start, end = 0, 0
        for line in Path("/proc/self/smaps").read_text().splitlines():
            name, *rest = line.split()
            if "-" in name:
                ours = rest[0] == "rw-p" and (len(rest) == 4 or rest[4] == "[heap]")
                start, end = (int(at, 16) for at in name.split("-")) if ours else (0, 0)
            elif name == "Anonymous:" and 2048 * int(rest[0]) >= end - start:
                first, last = -(-start // _PAGE) * _PAGE, end // _PAGE * _PAGE
                step = PAGES_AT_A_TIME * _PAGE
                found += [(at, min(step, last - at)) for at in range(first, last, step)]
    return found


def _gather(start: int, length: int) -> bool:
    """Gather part of the memory in huge pages, as far as this system can; return False if it has no memory for them."""
    system = ctypes.CDLL(None, use_errno=True)
    done = system.madvise(ctypes.c_void_p(start), ctypes.c_size_t(length), _MADV_COLLAPSE)
    return done == 0 or ctypes.get_errno() not in (errno.ENOMEM, errno.EBUSY)
