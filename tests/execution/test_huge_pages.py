"""Tests of the huge pages in which the server of trials gathers its memory after many forks."""

from __future__ import annotations

import ctypes
import errno
import json
import mmap
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from archbench._execution import _huge_pages, open_pool
from archbench._execution._huge_pages import FORKS_BEFORE, Gathering
from archbench._execution._sharing import Memory

MEGABYTE = 1 << 20

FORKING = """
import json, mmap, os, re, sys
from archbench._execution._huge_pages import FORKS_BEFORE, gather_after_forks

def huge():
    return sum(map(int, re.findall("AnonHugePages: *([0-9]+)", open("/proc/self/smaps").read())))

private = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
memory = mmap.mmap(-1, 64 << 20, flags=private)
between = mmap.mmap(-1, 1 << 20, flags=private, prot=mmap.PROT_READ)  # so that they stay two areas
sparse = mmap.mmap(-1, 64 << 20, flags=private)
memory.write(bytes(range(256)) * (64 << 12))
sparse.write(b"x")
gather_after_forks()
found = {"before": huge()}
for number in range(FORKS_BEFORE + 20):
    if (child := os.fork()) == 0:
        last = number == FORKS_BEFORE + 19
        os._exit(0 if not last or memory[:] == bytes(range(256)) * (64 << 12) else 1)
    assert os.waitpid(child, 0)[1] == 0
    if number == FORKS_BEFORE - 1:
        found["patient"] = huge()
print(json.dumps({**found, "after": huge(), "same": memory[:] == bytes(range(256)) * (64 << 12)}))
"""


def _can_gather() -> bool:
    """Return whether this system gives huge pages to a process that asks for them, tried on some memory."""
    settings = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    if not settings.exists() or "[never]" in settings.read_text():
        return False
    memory = mmap.mmap(-1, 8 * MEGABYTE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory.write(b"x" * 8 * MEGABYTE)
    start = -(-ctypes.addressof(ctypes.c_char.from_buffer(memory)) // (2 * MEGABYTE)) * 2 * MEGABYTE
    return ctypes.CDLL(None).madvise(ctypes.c_void_p(start), ctypes.c_size_t(2 * MEGABYTE), 25) == 0


needs_huge_pages = pytest.mark.skipif(not _can_gather(), reason="this system gives no huge pages on request")
"""Linux gives them since 6.1."""


@needs_huge_pages
def test_memory_is_gathered_after_many_forks_and_stays_what_it_was() -> None:
    """Memory that is full lies in huge pages after many forks, with the same bytes in parent and children."""
    done = subprocess.run([sys.executable, "-c", FORKING], capture_output=True, check=True)
    found = json.loads(done.stdout)
    assert found["before"] == found["patient"] == 0
    # In KiB. Linux passes over a page that a child is giving back just then, so how many of the 64 MiB are gathered
    # varies; the area of which one page is in use does not count among them.
    assert 16 * 1024 <= found["after"] < 120 * 1024
    assert found["same"]


@needs_huge_pages
def test_the_server_of_trials_gathers_what_its_libraries_fill() -> None:
    """The server of a run gathers some of what it has loaded, at most five parts of 16 MiB here."""
    launcher: Any = open_pool(device="cpu", workers=1).launcher
    for _ in range(FORKS_BEFORE + 5):
        assert launcher.probe(timeout=60) is not None
    smaps = Path(f"/proc/{launcher.server}/smaps_rollup").read_text()
    assert int(re.findall("AnonHugePages: *([0-9]+)", smaps)[0]) >= 8 * 1024


class _System:
    """Stands in for the C library: refuses to gather, for a reason, and notes what it was asked for."""

    def __init__(self, reason: int) -> None:
        self.reason, self.asked = reason, 0

    def madvise(self, start: ctypes.c_void_p, length: ctypes.c_size_t, advice: int) -> int:
        self.asked += 1
        ctypes.set_errno(self.reason)
        return -1 if self.reason else 0


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Let the memory of this process have five parts."""
    found = [(2 * MEGABYTE * at, 2 * MEGABYTE) for at in range(5)]
    monkeypatch.setattr(_huge_pages, "_parts", lambda: found)
    monkeypatch.setattr(_huge_pages, "_is_worthwhile", lambda: True)
    return found


@pytest.mark.parametrize(("reason", "asked"), [(0, 5), (errno.EINVAL, 5), (errno.ENOMEM, 1), (errno.EBUSY, 1)])
def test_one_part_is_gathered_after_each_fork_until_there_is_no_memory(
    reason: int, asked: int, parts: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each part is asked for once; a system without memory is not asked again."""
    system, gathering = _System(reason), Gathering()
    monkeypatch.setattr(ctypes, "CDLL", lambda name, use_errno: system)
    for _ in range(FORKS_BEFORE + 1):
        gathering()
    assert system.asked == 1
    for _ in range(10):
        gathering()
    assert system.asked == asked


def test_nothing_more_is_gathered_where_it_takes_long(
    parts: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part that takes more than half a second is the last one: the run waits for it."""
    system, gathering = _System(0), Gathering()
    times = iter([0.0, 0.4, 1.0, 1.6])
    monkeypatch.setattr(ctypes, "CDLL", lambda name, use_errno: system)
    monkeypatch.setattr(_huge_pages, "time", SimpleNamespace(monotonic=lambda: next(times)))
    for _ in range(FORKS_BEFORE + 5):
        gathering()
    assert system.asked == 2


def test_a_trial_that_forks_gathers_nothing(parts: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch) -> None:
    """A trial inherits the object from the server, but its forks are not those of the server."""
    system, gathering = _System(0), Gathering()
    monkeypatch.setattr(ctypes, "CDLL", lambda name, use_errno: system)
    monkeypatch.setattr(os, "getpid", lambda: -1)
    for _ in range(FORKS_BEFORE + 5):
        gathering()
    assert not system.asked


@pytest.mark.parametrize(
    ("enabled", "size", "free", "expected"),
    [
        ("always [madvise] never", 2 << 20, 4 << 30, True),
        ("[always] madvise never", 2 << 20, 4 << 30, True),
        ("always madvise [never]", 2 << 20, 4 << 30, False),
        ("always [madvise] never", 512 << 20, 4 << 30, False),  # as with pages of 64 KiB on ARM
        ("always [madvise] never", 2 << 20, 1 << 30, False),
        (None, 2 << 20, 4 << 30, False),
    ],
)
def test_it_is_worthwhile_only_where_the_system_allows_it_and_has_memory(
    enabled: str | None, size: int, free: int, expected: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is gathered where the system says never, has larger pages only, lacks memory, or tells nothing."""
    if enabled is not None:
        (tmp_path / "enabled").write_text(enabled)
    (tmp_path / "hpage_pmd_size").write_text(f"{size}\n")
    monkeypatch.setattr(_huge_pages, "_SETTINGS", tmp_path)
    monkeypatch.setattr(_huge_pages, "memory_of_this_machine", lambda: Memory(used=8 << 30, total=(8 << 30) + free))
    assert _huge_pages._is_worthwhile() is expected
