"""The log of a trial: bounded in size, with the middle cut out, since the beginning and the end say most."""

from __future__ import annotations

import contextlib
from pathlib import Path

from archbench._records import printable

MOST_BYTES = 1 << 20
"""Size to which a log is cut; while the trial runs it may reach twice this size before it is."""

CUT = "\n... the middle of this log is cut out here ...\n"

TAIL_BYTES = 20_000
TAIL_LINES = 20


def cut(log: Path, most: int = MOST_BYTES) -> None:
    """Cut the middle out of a log that is larger than `most` bytes; the process that appends to it may still run."""
    with contextlib.suppress(OSError), open(log, "r+b") as file:
        size = file.seek(0, 2)
        if size <= most:
            return
        file.seek(size - most // 2)
        end = file.read()
        file.seek(most // 2)
        file.write(CUT.encode() + end)
        file.truncate()


def cut_if_large(log: Path) -> None:
    """Cut the log of a running trial when it has reached twice its size."""
    with contextlib.suppress(OSError):
        if log.stat().st_size > 2 * MOST_BYTES:
            cut(log)


def tail(log: Path) -> str:
    """Return the last lines of a log, as they may be shown; empty if there is none."""
    try:
        with open(log, "rb") as file:
            file.seek(max(0, log.stat().st_size - TAIL_BYTES))
            return "\n".join(printable(file.read().decode(errors="replace")).splitlines()[-TAIL_LINES:])
    except OSError:
        return ""


def drop_if_empty(log: Path) -> None:
    """Remove a log in which nothing stands."""
    with contextlib.suppress(OSError):
        if log.stat().st_size == 0:
            log.unlink()
