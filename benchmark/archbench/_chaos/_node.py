"""The loss of a node: a run trains on a Ray cluster of two nodes on this machine, and one of them is killed."""

from __future__ import annotations

import contextlib
import os
import random
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import NamedTuple

from archbench._chaos._processes import MARKER
from archbench._chaos._round import Round
from archbench._errors import ClusterError

ENDING_SECONDS = 60.0
"""Seconds that the cluster may take to end."""


class _Cluster(NamedTuple):
    process: subprocess.Popen[str]
    address: str
    environment: dict[str, str]

    def kill_node(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("kill\n")
        self.process.stdin.flush()
        self.process.stdout.readline()


def lose_node(round_: Round, draw: random.Random) -> str | None:
    """Kill a node of two after the first record; return when, or None if the run ended before."""
    span = round_.undisturbed.last - round_.undisturbed.first
    with _cluster(round_) as cluster:
        start, more = time.monotonic(), ("--executor", "ray", "--address", cluster.address)
        run = round_.start(*more, environment=cluster.environment)
        while run.poll() is None and not any(round_.out.glob("records/*/*.json")):
            time.sleep(0.05)
        with contextlib.suppress(subprocess.TimeoutExpired):
            run.wait(draw.uniform(0, span))
        if run.poll() is not None:
            return None
        round_.note()
        cluster.kill_node()
        moment = f"after {time.monotonic() - start:.1f} s"
        if code := round_.wait(run):  # the other node has to train all that is left
            round_.complain(f"the run ended with exit code {code}: {round_.last_words}")
        return f"{moment}; exit code {code}"


@contextlib.contextmanager
def _cluster(round_: Round) -> Iterator[_Cluster]:
    """Start a cluster whose processes carry the mark of the round; end it, and remove what killed nodes left.

    Raises:
        ClusterError: it does not start.
    """
    folder = tempfile.mkdtemp(prefix="ray-", dir="/tmp")  # the paths of Ray's sockets must be short
    ray = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    ray["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # else it replaces 127.0.0.1 by an address of the network
    command = [sys.executable, "-m", "archbench._chaos.cluster"]
    process = subprocess.Popen(  # noqa: S603 - our own module
        command,
        env={**os.environ, **ray, MARKER: round_.mark, "TMPDIR": folder},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        if not (address := process.stdout.readline().strip()):
            raise ClusterError("no Ray cluster starts on this machine; see what `benchmark doctor` says")
        yield _Cluster(process, address, ray)
    finally:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=ENDING_SECONDS)
        process.kill()
        shutil.rmtree(folder, ignore_errors=True)
