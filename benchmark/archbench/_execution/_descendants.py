"""The descendants of a process, as Linux lists them, and their end; elsewhere nothing is known of them."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Container

_ROUNDS = 100  # who is killed may have started another in the same moment; more rounds only a flood of processes needs


def end_below(process_id: int, spared: Container[int] = ()) -> None:
    """Kill every descendant of a process, whatever group or session it has put itself into.

    Args:
        process_id: of the process, which goes on.
        spared: children of it that go on, with all their descendants.
    """
    for _ in range(_ROUNDS):
        found = _descendants(process_id, spared)
        if not found:
            return
        for descendant in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(descendant, signal.SIGKILL)
        time.sleep(0.002)  # until the kernel has handed on what they leave


def _descendants(process_id: int, spared: Container[int]) -> list[int]:
    found, waiting = [], [child for child in _children(process_id) if child not in spared]
    while waiting:
        process = waiting.pop()
        if not _has_ended(process):
            found.append(process)
        waiting += _children(process)
    return found


def _children(process_id: int) -> list[int]:
    """Return the children of all threads of a process; none where the kernel does not list them."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{process_id}/task"):
            with open(f"/proc/{process_id}/task/{thread}/children", encoding="ascii") as file:
                found += map(int, file.read().split())
    return found


def _has_ended(process_id: int) -> bool:
    """Return whether a process has ended, also if its parent has not noticed yet."""
    try:
        with open(f"/proc/{process_id}/stat", "rb") as file:
            # The name of the program stands in brackets, and may itself hold brackets and spaces.
            return file.read().rpartition(b")")[2].split()[0] in (b"Z", b"X")
    except (OSError, IndexError):
        return True
