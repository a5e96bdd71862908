"""The sweep over every file call, as it is started from a campaign: in a process of its own, which loads torch once."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from archbench._chaos._processes import MARKER, end_marked
from archbench._chaos._subject import Subject
from archbench._errors import StoreError


def sweep(subject: Subject, folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield for each file call of a run of three trials how it failed, and what that cost.

    Args:
        subject: names the architectures and the task.
        folder: for the output folders; made here.

    Raises:
        StoreError: the sweep ends before its last call.
    """
    mark = secrets.token_hex(8)
    folder.mkdir(parents=True)
    command = [sys.executable, "-m", "archbench._chaos.every_call", str(folder), subject.task, *subject.architectures]
    one_thread = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", MARKER: mark}
    with subprocess.Popen(command, env={**os.environ, **one_thread}, stdout=subprocess.PIPE) as process:  # noqa: S603
        assert process.stdout is not None
        try:
            for line in process.stdout:
                detail, lost = msgspec.json.decode(line, type=tuple[str, list[str]])
                yield detail, lost
        finally:
            process.kill()
            end_marked(mark)
    if process.returncode:
        raise StoreError(f"the sweep over file calls ended early, with exit code {process.returncode}")
