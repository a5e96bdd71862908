"""The server that trials are forked from: how it and they are started, and whether it still runs.

It is a server of multiprocessing, and not the one that multiprocessing itself starts processes from. That one belongs
to the program that calls us, which may have processes there that are none of our business.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from multiprocessing import context, forkserver, popen_forkserver, process, reduction, resource_tracker, spawn, util
from typing import Any, ClassVar

PARENT = "ARCHBENCH_SERVER_OF"
"""Environment variable by which the server knows the process that started it."""
_LONGEST = 60
"""Bytes of a folder for temporary files; the name of a socket in it may have 107 in all, of which 40 are ours."""
_SETTLING_SECONDS = 0.2
_SHORT = "/tmp"  # noqa: S108 - multiprocessing makes a folder in it that only this user may enter
_MAIN = ("init_main_from_name", "init_main_from_path")
"""What tells a process to run the main file of the program again, for functions that are defined there."""


class _Own:
    """The server of this process, and the folder for its sockets if it was made here."""

    server: ClassVar[Any] = forkserver.ForkServer()
    folder: ClassVar[str | None] = None


def start_server(environment: Mapping[str, str], modules: Sequence[str]) -> int:
    """Start the server unless it runs, and return the id of its process.

    Args:
        environment: variables that the server and all trials get.
        modules: those that it imports; of a server that runs, they are those that it was started with.

    Raises:
        OSError: it cannot be started.
    """
    _Own.server.set_forkserver_preload([*modules])
    with _environment({**environment, PARENT: str(os.getpid())}):
        _make_folder()
        resource_tracker.ensure_running()  # its start ends with SIGINT unblocked
        with _interrupts_blocked():
            _Own.server.ensure_running()
    process_id: int = vars(_Own.server)["_forkserver_pid"]
    return process_id


class ForkedProcess(context.ForkServerProcess):
    """A process that is forked from our server, in which the main file of the program does not run again.

    Our functions are not defined there, and a script without a `__main__` guard would start the whole suite again.
    """

    @staticmethod
    def _Popen(process: Any) -> Any:  # noqa: N802 - as multiprocessing calls it
        return _Popen(process)


class _Popen(popen_forkserver.Popen):
    """The start of such a process: what multiprocessing does, with our server."""

    _fds: list[int]

    def _launch(self, process: Any) -> None:
        about = spawn.get_preparation_data(process._name)
        buffer = io.BytesIO()
        context.set_spawning_popen(self)
        try:
            reduction.dump({key: value for key, value in about.items() if key not in _MAIN}, buffer)
            reduction.dump(process, buffer)
        finally:
            context.set_spawning_popen(None)
        self.sentinel, writer = _Own.server.connect_to_new_process(self._fds)
        kept = os.dup(writer)  # by its end, the new process knows that this one has ended
        self.finalizer = util.Finalize(self, _close, (kept, self.sentinel))
        with open(writer, "wb") as file:
            file.write(buffer.getbuffer())
        self.pid = forkserver.read_signed(self.sentinel)


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


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


def _make_folder() -> None:
    """Make the folder for the sockets of this process as multiprocessing does, with a name short enough for them."""
    settings = vars(process.current_process())["_config"]
    if settings.get("tempdir") is None:
        usual = tempfile.gettempdir()
        folder = tempfile.mkdtemp(prefix="pymp-", dir=_SHORT if len(os.fsencode(usual)) > _LONGEST else usual)
        _Own.folder = settings["tempdir"] = folder
        util.Finalize(None, remove_folder, exitpriority=-100)


def remove_folder() -> None:
    """Remove the folder of the server's socket, for a process that is about to end without the code at its exit."""
    if _Own.folder is not None:
        vars(process.current_process())["_config"]["tempdir"] = None
        shutil.rmtree(_Own.folder, ignore_errors=True)
        _Own.folder, _Own.server = None, forkserver.ForkServer()  # nobody can reach the old one any more


def remove_folder_if_ended() -> None:
    """Remove the folder of the server's socket if the server has ended, as it does with the thread that started it."""
    server = vars(_Own.server)["_forkserver_pid"]
    if server is not None and has_ended(server):
        remove_folder()


@contextlib.contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Meanwhile, let Ctrl-C wait; a process that is started now lets it wait until the module `_server` is imported."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


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
