"""The link to a Ray cluster: a process of its own speaks to Ray, and this one exchanges lines of JSON with it.

So Ray's threads, signal handlers and memory stay out of the process of the run, and Ray, which ends a process that has
lost its cluster, cannot end the run.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from multiprocessing.connection import wait
from pathlib import Path

import msgspec

from archbench._errors import ClusterError
from archbench._execution._messages import Connect, Event, Failed, Give
from archbench._planning import Job
from archbench._records import TEMPORARY

ENDING_SECONDS = 30.0
_TAIL_BYTES = 2000


def require_ray() -> None:
    """Raise if Ray is not installed.

    Raises:
        ClusterError: it says how to install it.
    """
    if importlib.util.find_spec("ray") is None:
        raise ClusterError("--executor ray needs Ray, which is not installed; run pip install 'archbench[ray]'")


class RayLink:
    """Starts the process that speaks to Ray, and ends it.

    Args:
        connect: what that process needs to know.
        command: of the process; for tests.
    """

    def __init__(self, connect: Connect, command: tuple[str, ...] = ("-m", "archbench._execution.ray_bridge")) -> None:
        self._token = Path(connect.node.root) / f"{TEMPORARY}{secrets.token_hex(8)}"
        self._token.touch(mode=0o600)
        connect = msgspec.structs.replace(connect, node=msgspec.structs.replace(connect.node, token=self._token.name))
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - open for as long as the process runs
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-P", *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            env=environment,
            cwd="/",  # Ray puts it on the module search path of every node
            start_new_session=True,  # Ctrl-C reaches the run alone, which then ends everything in order
        )
        self._rest = b""
        self._send(connect)

    def give(self, node: str, job: Job) -> None:
        """Start a trial on a node."""
        self._send(Give(node=node, job=job))

    def events(self, seconds: float) -> list[Event]:
        """Return what happened; wait for the first at most so long."""
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        if not wait([descriptor], seconds):
            return []
        read = os.read(descriptor, 1 << 20)
        if not read:
            return [Failed(reason=f"the connection to Ray was lost{self._tail()}; the same command goes on")]
        *lines, self._rest = (self._rest + read).split(b"\n")
        return [msgspec.json.decode(line, type=Event) for line in lines]

    def close(self) -> None:
        """Let the process end all trials and leave the cluster; then end it, whatever it does."""
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(ENDING_SECONDS)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        self._said.close()
        self._token.unlink(missing_ok=True)

    def _send(self, message: Connect | Give) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # `events` says that the process has ended
            self._process.stdin.write(msgspec.json.encode(message) + b"\n")
            self._process.stdin.flush()

    def _tail(self) -> str:
        """Return the last line that the process printed, in brackets."""
        self._said.seek(max(0, self._said.seek(0, 2) - _TAIL_BYTES))
        *_, last = self._said.read().decode(errors="replace").strip().splitlines() or [""]
        return f" ({last})" if last else ""
