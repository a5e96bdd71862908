"""Two ways to start the process of a trial: fork a server that has torch loaded, or start a fresh interpreter."""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Collection, Sequence
from multiprocessing.connection import Connection, wait
from typing import Any, Protocol

from archbench._execution._channel import Channel
from archbench._execution._child import run_job
from archbench._execution._descendants import end_below
from archbench._execution._fork_server import ForkedProcess, has_ended, is_running, start_server

PRELOAD = (
    "archbench._execution._server",
    "torch",
    "torch._dynamo",
    "lightning.pytorch",
    "torchmetrics",
    "archbench._training",
)
"""Modules that the server loads once, before any trial. Libraries and our own code only: a plugin that runs a parallel
operation when it is imported would leave threads in the server, and every child of it would hang."""

WARM_UP = "archbench._training._warm_up"
"""What the server loads last: Python answers anew whether an object is of an abstract class, such as that of metrics,
once a library has registered classes of its own."""

PROBE_SECONDS = 120.0  # long enough to import torch from a slow disk; only a process that hangs needs longer
_UNKNOWN = 255
"""The exit code by which multiprocessing says that the server has gone."""

NO_THREADS = {
    "OPENBLAS_NUM_THREADS": "1",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",  # scikit-learn imports pandas, and pandas pyarrow, if installed
}
"""Environment variables that keep libraries from starting threads at import; threads do not survive the fork."""


_starting = threading.Lock()
"""Held while a process is forked, and while others are ended: a program may have several runs in threads of its own."""

_alive: set[int] = set()
"""The processes that were forked for all runs of this program, which share one server."""


class Child(Protocol):
    """The process of a running trial."""

    pid: int

    @property
    def sentinel(self) -> Any:
        """An object for `multiprocessing.connection.wait`; ready when the process has ended."""

    def exit_code(self) -> int | None:
        """Return None while the process runs; the negative signal number if a signal ended it."""

    @property
    def lost(self) -> bool:
        """True if nobody knows how the process ended, since the server that it came from had ended before."""

    def close(self, seconds: float | None = None) -> None:
        """Free the resources of the process when it has ended; wait for that at most so long, None for ever."""


class Launcher(Protocol):
    """A way to start one process per trial."""

    def start(self, job: bytes, root: str, channel: Channel) -> Child:
        """Start a process that runs the job and delivers its record through the channel; its log is below `root`."""

    def clear(self, running: Collection[int]) -> None:
        """End what ended trials have left; `running` has the ids of the processes of the others."""

    def ask_memory(self, index: int, timeout: float) -> bytes | None:
        """Return the memory of a GPU as a process of its own sees it, as JSON; None if it dies or does not answer."""


class ForkserverLauncher:
    """Forks a server process that has imported torch and Lightning: tens of milliseconds per trial, not seconds.

    A server that was killed is started again; if trials cannot be forked from the new one, each gets a fresh process.

    Args:
        libraries: further modules to import in the server, as tasks and architectures declare them.

    Raises:
        OSError: the server cannot be started, as where no folder for its socket can be written.
    """

    def __init__(self, libraries: Sequence[str]) -> None:
        self._modules = [*PRELOAD, *libraries, WARM_UP]
        self._fallback: SubprocessLauncher | None = None
        self._mine: set[int] = set()
        self.server = start_server(NO_THREADS, self._modules)

    def start(self, job: bytes, root: str, channel: Channel) -> Child:
        if not is_running(self.server):
            self._start_server_again()
        if self._fallback is not None:
            return self._fallback.start(job, root, channel)
        try:
            return self._fork(job, root, channel)
        except (EOFError, OSError):
            if not has_ended(self.server):
                raise
        return self.start(job, root, channel)  # the server was killed in this very moment

    def _fork(self, job: bytes, root: str, channel: Channel) -> Child:
        # multiprocessing passes descriptors to a forked child only as connections.
        with Connection(os.dup(channel.fileno()), readable=False) as copy:
            process = ForkedProcess(target=_forked, args=(job, root, channel.token, copy))
            self._start(process)
        return _ForkedChild(process, self.server, self._forget)

    def _start(self, process: ForkedProcess) -> None:
        with _starting:
            process.start()
            assert process.pid is not None
            _alive.add(process.pid)
            self._mine.add(process.pid)

    def _forget(self, process_id: int) -> None:
        with _starting:
            _alive.discard(process_id)
            self._mine.discard(process_id)

    def clear(self, running: Collection[int]) -> None:
        with _starting:
            if is_running(self.server):
                end_below(self.server, {*running, *(_alive - self._mine)})

    def _start_server_again(self) -> None:
        self.server = start_server(NO_THREADS, self._modules)
        if self.probe(PROBE_SECONDS) is None:
            self._fallback = SubprocessLauncher()

    def probe(self, timeout: float) -> bytes | None:
        """Return the capacity that a child sees, as JSON; None if it or the server dies, or does not answer in time."""
        return self._ask(_answer_probe, (), timeout)

    def ask_memory(self, index: int, timeout: float) -> bytes | None:
        return self._ask(_answer_memory, (index,), timeout)

    def _ask(self, answer: Callable[..., None], about: tuple[int, ...], timeout: float) -> bytes | None:
        """Return what a child sends as its answer; None if it or the server dies, or does not answer in time."""
        receiver, sender = multiprocessing.Pipe(duplex=False)
        process = ForkedProcess(target=answer, args=(sender, *about))
        try:
            self._start(process)
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
            self._forget(process.pid or 0)


class _ForkedChild:
    def __init__(self, process: Any, server: int, forget: Callable[[int], None]) -> None:
        self.process, self.server, self._forget = process, server, forget
        self.pid: int = process.pid
        self._lost: bool | None = None

    @property
    def sentinel(self) -> Any:
        return self.process.sentinel

    def exit_code(self) -> int | None:
        code: int | None = self.process.exitcode
        return code

    @property
    def lost(self) -> bool:
        if self.exit_code() != _UNKNOWN:
            return False
        if self._lost is None:  # a network can end with this code, too
            self._lost = has_ended(self.server)
        return self._lost

    def close(self, seconds: float | None = None) -> None:
        self.process.join(seconds)
        if self.exit_code() is not None:
            self.process.close()
            self._forget(self.pid)


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

    def clear(self, running: Collection[int]) -> None:
        pass  # a process of its own ends what it started, and else nobody knows of it

    def ask_memory(self, index: int, timeout: float) -> bytes | None:
        code = f"from archbench._execution._capacity import describe_memory as d; print(d({index}).decode())"
        with contextlib.suppress(subprocess.SubprocessError):
            command = [sys.executable, "-c", code]
            return subprocess.run(command, capture_output=True, check=True, timeout=timeout).stdout  # noqa: S603
        return None


class _SpawnedChild:
    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.pid = process.pid
        self.sentinel = os.pidfd_open(process.pid) if hasattr(os, "pidfd_open") else process.stdin

    def exit_code(self) -> int | None:
        return self.process.poll()

    @property
    def lost(self) -> bool:
        return False

    def close(self, seconds: float | None = None) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)
        if self.process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.close()
        if isinstance(self.sentinel, int):
            os.close(self.sentinel)


def _forked(job: bytes, root: str, token: str, channel: Connection) -> None:
    gc.freeze()  # what the server has loaded is no garbage
    gc.enable()
    parent = multiprocessing.parent_process()
    assert parent is not None
    run_job(job, root, token, channel.fileno(), lambda: wait([parent.sentinel]))


def _answer_probe(sender: Connection) -> None:
    from archbench._execution._capacity import describe_process

    with contextlib.suppress(BrokenPipeError):  # the run was stopped while the server was still loading libraries
        sender.send_bytes(describe_process(os.getppid()))


def _answer_memory(sender: Connection, index: int) -> None:
    from archbench._execution._capacity import describe_memory

    sender.send_bytes(describe_memory(index))
