"""A profile made in a process of its own, so that a network that crashes or hangs takes nothing else with it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec

from archbench._planning._profile import Profile, ProfileFailure, ProfileRequest
from archbench._plugins import name_of_signal


def run_profiler(request: ProfileRequest, *, timeout: float) -> Profile | ProfileFailure:
    """Return the profile that a new process makes, or why there is none.

    Args:
        request: what to profile.
        timeout: seconds after which the process is ended.
    """
    with tempfile.TemporaryDirectory(prefix="archbench-") as name:
        folder = Path(name)
        code = _run(request, folder, timeout)
        try:
            return msgspec.json.decode((folder / "answer").read_bytes(), type=Profile | ProfileFailure)
        except (FileNotFoundError, msgspec.DecodeError):
            log = (folder / "log").read_text(errors="replace")
            return ProfileFailure(message=_describe_end(code, timeout), detail=log[-4000:])


def _run(request: ProfileRequest, folder: Path, timeout: float) -> int | None:
    """Run the process until it ends by itself, and return its exit code; None if it had to be ended."""
    command = [sys.executable, "-P", "-u", "-m", "archbench._execution.profiler", str(folder / "answer")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own module
            command, stdin=subprocess.PIPE, stdout=log, stderr=log, env=environment, start_new_session=True
        )
    assert process.stdin is not None
    try:
        with contextlib.suppress(BrokenPipeError):  # it died at once, which its exit code tells
            process.stdin.write(msgspec.json.encode(request) + b"\n")
            process.stdin.flush()
        return process.wait(timeout)
    except subprocess.TimeoutExpired:
        return None
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)  # also what it started and left behind
        process.wait()
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()


def _describe_end(code: int | None, timeout: float) -> str:
    if code is None:
        return f"not finished after {timeout:g} s; raise the limit with --timeout"
    if code < 0:
        return f"the process was ended by {name_of_signal(-code)}"
    return f"the process ended with exit code {code} and left no answer"
