"""The server of multiprocessing: how it is started, and whether it still runs."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Iterator, Mapping

PARENT = "ARCHBENCH_SERVER_OF"
"""Environment variable by which the server knows the process that started it."""
_LONGEST = 60
"""Bytes of a folder for temporary files; the name of a socket in it may have 107 in all, of which 40 are ours."""
_SETTLING_SECONDS = 0.2
_SHORT = "/tmp"  # noqa: S108 - multiprocessing makes a folder in it that only this user may enter


def start_server(environment: Mapping[str, str]) -> int:
    """Start the server unless it runs, and return the id of its process.

    Args:
        environment: variables that the server and all trials get.

    Raises:
        OSError: it cannot be started.
    """
    from multiprocessing import forkserver, util

    with _environment({**environment, PARENT: str(os.getpid())}):
        with _short_folder():
            util.get_temp_dir()  # made once, and kept for the sockets of this process
        forkserver.ensure_running()
    server: int = vars(forkserver._forkserver)["_forkserver_pid"]
    return server


def is_running(server: int) -> bool:
    """Return whether the server, a child of this process, has not ended; multiprocessing asks for the end itself."""
    try:
        return os.waitid(os.P_PID, server, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
    except ChildProcessError:
        return False


def has_ended(server: int) -> bool:
    """Return whether the server has ended; its pipes are closed some microseconds before that shows."""
    deadline = time.monotonic() + _SETTLING_SECONDS
    while is_running(server):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


@contextlib.contextmanager
def _short_folder() -> Iterator[None]:
    """Meanwhile, let temporary files lie in a folder with a name that is short enough for a socket."""
    before = tempfile.tempdir
    if len(os.fsencode(tempfile.gettempdir())) > _LONGEST:
        tempfile.tempdir = _SHORT
    try:
        yield
    finally:
        tempfile.tempdir = before


@contextlib.contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
