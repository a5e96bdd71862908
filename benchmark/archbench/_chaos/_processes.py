"""The processes of a run, found by a variable in their environment, which all that they start inherits."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Container
from pathlib import Path

MARKER = "ARCHBENCH_CHAOS"
"""Environment variable whose value names the runs of one round."""

FORKED_SERVER = "trial-server"
"""Name of the process of a server of trials that was forked from its run, and has no command line of its own."""

ORPHAN_SECONDS = 2.0
"""Seconds after which a process that outlives its run counts as an orphan."""


def marked(mark: str) -> list[int]:
    """Return the ids of all living processes that carry a mark."""
    wanted, found = f"{MARKER}={mark}".encode(), []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has just ended, or is somebody else's
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return found


def orphans(mark: str, spared: Container[int] = ()) -> list[str]:
    """Return the command lines of the processes that still live two seconds after their run, and end them.

    Args:
        mark: that they carry.
        spared: ids of processes that may live on.
    """
    deadline = time.monotonic() + ORPHAN_SECONDS
    while left := [process for process in marked(mark) if process not in spared]:
        if time.monotonic() > deadline:
            named = [f"{process} ({_command_of(process)})" for process in left]
            end_marked(mark, spared)
            return named
        time.sleep(0.05)
    return []


def end_marked(mark: str, spared: Container[int] = ()) -> None:
    """Kill all processes that carry a mark."""
    while left := [process for process in marked(mark) if process not in spared]:
        for process in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        time.sleep(0.02)


def server_of(driver: int, mark: str) -> list[int]:
    """Return the process that the trials of a run are forked from; empty if there is none."""
    return [process for process in marked(mark) if _parent_of(process) == driver and _is_server(process)]


def workers_of(driver: int, mark: str) -> list[int]:
    """Return the processes of the trials of a run."""
    servers = server_of(driver, mark)
    return [process for process in marked(mark) if _parent_of(process) in servers]


def ranks_of(driver: int, mark: str) -> list[int]:
    """Return the processes of a trial on several devices, in a run with one worker; empty while there are not two."""
    found = workers_of(driver, mark)
    return found if len(found) > 1 else []


def _is_server(process: int) -> bool:
    return "multiprocessing.forkserver" in _command_of(process) or _name_of(process) == FORKED_SERVER


def _name_of(process: int) -> str:
    try:
        return Path(f"/proc/{process}/comm").read_text().strip()
    except OSError:
        return "ended"


def _parent_of(process: int) -> int:
    try:
        # The name of the program stands in brackets, and may itself hold brackets and spaces.
        return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError):
        return 0


def _command_of(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return "ended"
