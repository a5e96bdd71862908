"""Two ways to start the process of a trial: fork a server that has torch loaded, or start a fresh interpreter."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import subprocess
import sys
import types
from collections.abc import Iterator, Mapping, Sequence
from multiprocessing.connection import Connection, wait
from typing import Any, Protocol

from archbench._execution._channel import Channel
from archbench._execution._child import run_job

PRELOAD = (
    "archbench._execution._server",
    "torch",
    "torch._dynamo",
    "lightning.pytorch",
    "torchmetrics",
    "archbench._training",
    "archbench._training._warm_up",
)
"""Modules that the server loads once, before any trial. Libraries and our own code only: a plugin that runs a parallel
operation when it is imported would leave threads in the server, and every child of it would hang."""


NO_THREADS = {
    "OPENBLAS_NUM_THREADS": "1",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",  # scikit-learn imports pandas, and pandas pyarrow, if installed
}
"""Environment variables that keep libraries from starting threads at import; threads do not survive the fork."""


class Child(Protocol):
    """The process of a running trial."""

    pid: int

    @property
    def sentinel(self) -> Any:
        """An object for `multiprocessing.connection.wait`; ready when the process has ended."""

    def exit_code(self) -> int | None:
        """Return None while the process runs; the negative signal number if a signal ended it."""

    def close(self) -> None:
        """Free the resources of an ended process."""


class Launcher(Protocol):
    """A way to start one process per trial."""

    def start(self, job: bytes, root: str, channel: Channel) -> Child:
        """Start a process that runs the job and delivers its record through the channel; its log is below `root`."""


class ForkserverLauncher:
    """Forks a server process that has imported torch and Lightning: tens of milliseconds per trial, not seconds.

    Args:
        libraries: further modules to import in the server, as tasks declare them.
    """

    def __init__(self, libraries: Sequence[str]) -> None:
        self.context = multiprocessing.get_context("forkserver")
        self.context.set_forkserver_preload([*PRELOAD, *libraries])
        with _environment(NO_THREADS):
            from multiprocessing.forkserver import ensure_running

            ensure_running()

    def start(self, job: bytes, root: str, channel: Channel) -> Child:
        # multiprocessing passes descriptors to a forked child only as connections.
        with Connection(os.dup(channel.fileno()), readable=False) as copy:
            process = self.context.Process(target=_forked, args=(job, root, channel.token, copy))
            with _no_main_module():
                process.start()
        return _ForkedChild(process)

    def probe(self, timeout: float) -> bytes | None:
        """Return the capacity that a child sees, as JSON; None if it or the server dies, or does not answer in time."""
        receiver, sender = self.context.Pipe(duplex=False)
        process = self.context.Process(target=_answer_probe, args=(sender,))
        try:
            with _no_main_module():
                process.start()
        except (EOFError, OSError):
            return None  # the server died while it loaded the libraries
        sender.close()
        try:
            return receiver.recv_bytes() if wait([receiver], timeout) else None
        except EOFError:
            return None
        finally:
            process.kill()
            process.join()


class _ForkedChild:
    def __init__(self, process: Any) -> None:
        self.process = process
        self.pid: int = process.pid

    @property
    def sentinel(self) -> Any:
        return self.process.sentinel

    def exit_code(self) -> int | None:
        code: int | None = self.process.exitcode
        return code

    def close(self) -> None:
        self.process.join()
        self.process.close()


class SubprocessLauncher:
    """Starts a fresh interpreter for each trial: slow to start, but safe everywhere."""

    def start(self, job: bytes, root: str, channel: Channel) -> Child:
        descriptor = channel.fileno()
        command = [sys.executable, "-m", "archbench._execution.worker", root, str(descriptor)]
        process = subprocess.Popen(  # noqa: S603 - our own module
            command, stdin=subprocess.PIPE, start_new_session=True, pass_fds=(descriptor,)
        )
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # the process died at once, which its exit code will tell
            process.stdin.write(job + b"\n" + channel.token.encode() + b"\n")
            process.stdin.flush()
        return _SpawnedChild(process)


class _SpawnedChild:
    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.pid = process.pid
        self.sentinel = os.pidfd_open(process.pid) if hasattr(os, "pidfd_open") else process.stdin

    def exit_code(self) -> int | None:
        return self.process.poll()

    def close(self) -> None:
        self.process.wait()
        if self.process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.close()
        if isinstance(self.sentinel, int):
            os.close(self.sentinel)


def _forked(job: bytes, root: str, token: str, channel: Connection) -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    run_job(job, root, token, channel.fileno(), lambda: wait([parent.sentinel]))


def _answer_probe(sender: Connection) -> None:
    from archbench._execution._capacity import describe_process

    with contextlib.suppress(BrokenPipeError):  # the run was stopped while the server was still loading libraries
        sender.send_bytes(describe_process(os.getppid()))


@contextlib.contextmanager
def _no_main_module() -> Iterator[None]:
    """Keep multiprocessing from running the program's main file again in the child.

    multiprocessing does so to find functions that are defined there. Ours are not, and a user's script without a
    `__main__` guard would start the whole suite again in every trial.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


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
