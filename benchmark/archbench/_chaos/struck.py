"""The command line on a machine with a fault: `python -m archbench._chaos.struck FAULT NUMBER FOLDER ARGUMENTS...`.

The fault is `full-disk`, from a call below the folder on, or `clock`, which is set back by a day after some seconds.
"""

from __future__ import annotations

import datetime
import runpy
import sys
import time
from pathlib import Path

from archbench._chaos._disk import FailingDisk

DAY = 86_400.0


def set_clock_back(after: float) -> None:
    """Let the wall clock of this process go back by a day.

    Args:
        after: seconds from now on.
    """
    begun, read, read_ns = time.monotonic(), time.time, time.time_ns

    def shift() -> float:
        return DAY if time.monotonic() - begun > after else 0.0

    class Moment(datetime.datetime):
        """A point in time that is read from the wrong clock."""

        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Moment:
            return cls.fromtimestamp(read() - shift(), tz)

    time.time = lambda: read() - shift()
    time.time_ns = lambda: read_ns() - round(shift() * 1e9)
    datetime.datetime = Moment  # type: ignore[misc]


def main() -> None:
    """Bring about the fault, and run the command line in this process."""
    fault, number, folder, *arguments = sys.argv[1:]
    if fault == "clock":
        set_clock_back(float(number))
    else:
        FailingDisk(Path(folder), int(number), full=True).install()
    sys.argv = ["benchmark", *arguments]
    runpy.run_module("archbench", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
