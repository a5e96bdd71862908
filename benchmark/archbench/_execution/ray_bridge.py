"""`python -m archbench._execution.ray_bridge`: speak to a Ray cluster for a run, which is the parent of this process.

The first line of standard input is a `Connect`, each further one a `Give`; when it closes, everything is ended. Events
go to standard output, a line each. On every node lives one actor, which starts trials as a local run does: a Ray task
for each trial would import torch for each. An actor takes all cores and GPUs of its node, and is never restarted by
Ray, which does not know which trials were running.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import shutil
import socket
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

import msgspec

from archbench._errors import ArchbenchError
from archbench._execution._messages import (
    Connect,
    Event,
    Failed,
    Finished,
    Give,
    Joined,
    Left,
    Lost,
    Note,
    Opened,
    Refused,
)
from archbench._execution._node import NodeSupervisor
from archbench._records import Store, decode_record, write_atomically

POLL_SECONDS = 0.5
SCAN_SECONDS = 5.0
PATIENCE_SECONDS = 20.0
"""Seconds after which it is said that a node does not answer, since others use its cores."""
MOST_ACTORS = 2
"""How often a supervisor is started on one node at most."""
STOP_SECONDS = 10.0
CONNECT_SECONDS = 10.0
STORE_BYTES = 200_000_000
"""Shared memory of a cluster that is started here; records and networks pass through it, and larger ones spill."""


class Supervised(NamedTuple):
    """A node with its actor.

    Args:
        name: of the actor, for the run.
        host: its address, for people, until the node says its name.
        actor: the handle.
        settings: the `NodeSettings` of this node.
    """

    name: str
    host: str
    actor: Any
    settings: bytes


class Bridge:
    """Starts a supervisor on every node, and passes on what they have to say.

    Args:
        wanted: by the run.
        out: takes the events.
    """

    def __init__(self, wanted: Connect, out: IO[bytes]) -> None:
        import ray

        self.ray: Any = ray  # not all of it has types
        self.wanted, self.out = wanted, out
        self.store = Store(Path(wanted.node.root))
        self.stopping = threading.Event()
        self.actors: dict[str, Supervised] = {}
        self.started: Counter[str] = Counter()
        self.pending: dict[Any, tuple[Supervised, str]] = {}
        self.numbers = itertools.count(1)

    def run(self) -> None:
        """Work until the run closes the input."""
        self._adopt()
        opened, scan, patience = False, time.monotonic() + SCAN_SECONDS, time.monotonic() + PATIENCE_SECONDS
        while not self.stopping.is_set():
            if self.pending:
                ready, _ = self.ray.wait(list(self.pending), timeout=POLL_SECONDS)
            else:
                ready = []
                time.sleep(POLL_SECONDS)
            for reference in ready:
                self._advance(reference)
            getting_ready = [node.host for node, stage in self.pending.values() if stage != "poll"]
            if not opened and not getting_ready:
                opened = True
                self.send(Opened())
            if getting_ready and time.monotonic() > patience:
                patience = time.monotonic() + 10 * PATIENCE_SECONDS
                self.send(Note(text=f"waiting for {', '.join(getting_ready)}, which may be busy; see `ray status`"))
            if time.monotonic() > scan:
                scan = time.monotonic() + SCAN_SECONDS
                self._adopt()

    def send(self, event: Event) -> None:
        """Tell the run."""
        with contextlib.suppress(BrokenPipeError):  # the input is closed as well then
            self.out.write(msgspec.json.encode(event) + b"\n")
            self.out.flush()

    def read(self, lines: IO[bytes]) -> None:
        """Hand trials to nodes as they come, in a thread of its own; at the end of the input, stop."""
        for line in lines:
            given = msgspec.json.decode(line, type=Give)
            with contextlib.suppress(KeyError):  # the node was lost meanwhile, which the run is told
                self.actors[given.node].actor.give.remote(msgspec.json.encode(given.job))
        self.stopping.set()
        time.sleep(2 * STOP_SECONDS)
        os._exit(1)  # Ray does not answer any more

    def close(self) -> None:
        """End all trials, and the actors."""
        actors = [node.actor for node in self.actors.values()]
        stopped = [actor.stop.remote() for actor in actors]
        if stopped:
            self.ray.wait(stopped, num_returns=len(stopped), timeout=STOP_SECONDS)
        for actor in actors:
            self.ray.kill(actor)

    def _adopt(self) -> None:
        """Start a supervisor on every node that has none."""
        served = {node.name.partition("-")[0] for node in self.actors.values()}
        for found in self.ray.nodes():
            name, resources = found["NodeID"], found["Resources"]
            enough = found["Alive"] and resources.get("CPU", 0) >= 1
            if enough and name not in served and self.started[name] < MOST_ACTORS:
                self.started[name] += 1
                self._start(name, found["NodeManagerAddress"], int(resources["CPU"]), int(resources.get("GPU", 0)))

    def _start(self, node: str, address: str, cores: int, gpus: int) -> None:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        there = NodeAffinitySchedulingStrategy(node, soft=False)
        options = self.ray.remote(NodeSupervisor).options(
            num_cpus=cores, num_gpus=gpus, max_restarts=0, max_concurrency=4, scheduling_strategy=there
        )
        settings = msgspec.structs.replace(self.wanted.node, cores=cores)
        name = f"{node}-{next(self.numbers)}"
        supervised = Supervised(name, address, options.remote(), msgspec.json.encode(settings))
        self.actors[name] = supervised
        self.pending[supervised.actor.check.remote(msgspec.json.encode(self.wanted.expected))] = supervised, "check"

    def _advance(self, reference: Any) -> None:
        """Take an answer of a node and ask it the next thing."""
        node, stage = self.pending.pop(reference)
        try:
            answer = self.ray.get(reference)
        except self.ray.exceptions.RayError as error:
            self._drop(node, stage, error)
            return
        if stage == "check":
            self._admit(node, answer)
        elif stage == "open":
            joined = msgspec.structs.replace(msgspec.json.decode(answer, type=Joined), node=node.name)
            self.send(joined)
            self._poll(node)
        else:
            for left in answer:
                self._pass_on(node, msgspec.msgpack.decode(left, type=Left))
            self._poll(node)

    def _admit(self, node: Supervised, answer: bytes) -> None:
        host, complaints = msgspec.json.decode(answer, type=tuple[str, list[str]])
        if complaints:
            self._never_again(node)
            self._forget(node)
            self.send(Refused(host=f"{host} ({node.host})", reasons=complaints))
        else:
            self.pending[node.actor.open.remote(node.settings)] = node, "open"

    def _poll(self, node: Supervised) -> None:
        self.pending[node.actor.poll.remote(POLL_SECONDS)] = node, "poll"

    def _drop(self, node: Supervised, stage: str, error: Exception) -> None:
        """Tell of a node that does not answer any more, or cannot begin."""
        reason = _describe(error)
        if stage != "poll":
            self._never_again(node)
        self._forget(node)
        self.send(Lost(node=node.name, reason=reason) if stage == "poll" else Refused(host=node.host, reasons=[reason]))

    def _never_again(self, node: Supervised) -> None:
        self.started[node.name.partition("-")[0]] = MOST_ACTORS

    def _forget(self, node: Supervised) -> None:
        del self.actors[node.name]
        self.ray.kill(node.actor)

    def _pass_on(self, node: Supervised, left: Left) -> None:
        """Write what a trial left beside its record, and tell the run of the record, which the run writes."""
        trial_id = decode_record(left.record).id
        if left.log:
            write_atomically(self.store.log(trial_id), left.log)
        for name in sorted(left.networks, reverse=True):  # the weights come before their sidecar
            write_atomically(self.store.networks / Path(name).name, left.networks[name])
        self.send(Finished(node=node.name, record=left.record.decode()))


def _describe(error: Exception) -> str:
    """Return the reason in one line: that of our own code, or the last line of Ray's text, below a traceback."""
    cause = getattr(error, "cause", None)
    if isinstance(cause, ArchbenchError):
        return str(cause)
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    found = next((line for line in lines if "ModuleNotFoundError" in line), lines[-1] if lines else repr(error))
    return f"{found}; install archbench there" if "'archbench" in found else found


@contextlib.contextmanager
def connected(wanted: Connect) -> Iterator[None]:
    """Connect to the cluster, or start one that nobody outside this machine can reach; leave it at the end."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR", "include_dashboard": None}
    folder = None
    if wanted.address and wanted.address != "auto":  # Ray itself would try for minutes
        host, _, port = wanted.address.rpartition(":")
        socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_SECONDS).close()
    if wanted.address is None:
        # Without this switch, which is named after other systems, Ray replaces 127.0.0.1 by an address of the network.
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
        os.environ["RAY_AUTH_MODE"], os.environ["RAY_AUTH_TOKEN"] = "token", secrets.token_hex(32)
        folder = tempfile.mkdtemp(prefix="ray-", dir="/tmp")
        quiet |= {
            "include_dashboard": False,
            "num_cpus": wanted.cores,
            "object_store_memory": STORE_BYTES,
            "_temp_dir": folder,
            "_node_ip_address": "127.0.0.1",
        }
    import ray

    try:
        ray.init(address=wanted.address or "local", **quiet)
        yield
    finally:
        ray.shutdown()
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    """Serve one run."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what Ray prints
    wanted = msgspec.json.decode(sys.stdin.buffer.readline(), type=Connect)
    try:
        with connected(wanted):
            bridge = Bridge(wanted, out)
            threading.Thread(target=bridge.read, args=(sys.stdin.buffer,), daemon=True).start()
            try:
                bridge.run()
            finally:
                bridge.close()
    except Exception as error:
        where = f"at {wanted.address}" if wanted.address else "on this machine"
        with contextlib.suppress(BrokenPipeError):
            out.write(msgspec.json.encode(Failed(reason=f"no Ray cluster {where}: {_describe(error)}")) + b"\n")
            out.flush()
        raise
    os._exit(0)  # the thread waits for the input


if __name__ == "__main__":
    main()
