"""Processor seconds and peak memory of a command.

python tests/support/speed/spent.py COMMAND...     prints the two
"""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple


class Spent(NamedTuple):
    """Processor seconds, so that other work on the machine counts little, and the peak memory in MB."""

    seconds: float
    peak: float


def spent(command: Sequence[str]) -> Spent:
    """Return what a command spends. Its modules are compiled once, as those of an installed package are.

    A small process starts it: Linux counts the memory of whoever starts a program as a peak of the program.
    """
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": _bytecode()}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    starter = [sys.executable, "-S", __file__, *command]
    found = subprocess.run(starter, capture_output=True, check=True, env=environment)
    seconds, peak = map(float, found.stdout.split())
    return Spent(seconds, peak)


@cache
def _bytecode() -> str:
    folder = tempfile.mkdtemp(prefix="archbench-bytecode-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def spend(command: Sequence[str]) -> None:
    """Run a command, print its processor seconds and its peak memory in MB, and exit as it does."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    print(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
    sys.exit(process.returncode)


if __name__ == "__main__":
    spend(sys.argv[1:])
