"""The supervisor of one node, called as a cluster calls it; the trials are real."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from archbench._errors import DeviceError
from archbench._execution import execute, open_pool
from archbench._execution._messages import Joined, Left, NodeSettings
from archbench._execution._node import CORES, NodeSupervisor
from archbench._planning import Device, Job, PlannedTrial, make_plan
from archbench._plugins import load_plugins
from archbench._protocols import find_protocol
from archbench._records import Record, Store, decode_record
from archbench._selection import select

KINDS = ("image", "sequence", "tokens")

GIVEN_AT_ONCE = """
import sys, threading
sys.setswitchinterval(1e-6)
from archbench._execution._node import NodeSupervisor
node, job, together = NodeSupervisor(), sys.stdin.buffer.read(), threading.Barrier(8)
def give():
    together.wait()
    node.give(job)
threads = [threading.Thread(target=give) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""
"""A new process in which eight threads, as those of an actor, give a node its first trials at the same moment."""


STOPPED = """
import os, sys
from archbench._execution._node import NodeSupervisor
node = NodeSupervisor()
node.open(sys.stdin.buffer.read())
print(len(os.listdir(os.environ["TMPDIR"])), flush=True)
node.stop()
os._exit(0)
"""
"""The process of a node, which its cluster kills after it was stopped."""


@pytest.fixture
def planned() -> list[PlannedTrial]:
    """Two short trials of the built-in `mlp`."""
    plugins = load_plugins()
    return make_plan(
        select(["mlp"], plugins.architectures, "architecture"),
        select(["digits"], plugins.tasks, "task"),
        protocol=find_protocol("smoke"),
        seeds=2,
    ).trials


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[NodeSupervisor]:
    """A supervisor whose temporary folder is below that of the test."""
    monkeypatch.setenv(CORES, "1")  # it sets the variable, which must not outlive the test
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    node = NodeSupervisor()
    yield node
    node.stop()


def settings(root: Path, **changes: object) -> bytes:
    """How a node trains, as JSON."""
    values = {"device": "cpu", "workers": None, "timeout": 120.0, "libraries": [], "environment": {}, "cores": 2}
    return msgspec.json.encode(NodeSettings(root=str(root), **{**values, **changes}))  # type: ignore[arg-type]


def job(trial: PlannedTrial) -> Job:
    """The job as a run ships it."""
    return msgspec.structs.replace(trial.job(Device(kind="cpu")), keep="last")


def wait_for(node: NodeSupervisor, count: int) -> list[Left]:
    """What so many trials left."""
    found: list[Left] = []
    deadline = time.monotonic() + 100
    while len(found) < count and time.monotonic() < deadline:
        found += [msgspec.msgpack.decode(data, type=Left) for data in node.poll(1.0)]
    return found


def trained(trials: list[PlannedTrial], folder: Path) -> dict[str, Record]:
    """The records of a local run with as many threads for each trial."""
    records = execute(trials, Store(folder), open_pool(device="cpu", workers=os.cpu_count()), timeout=120)
    return {record.id: record for record in records}


def test_a_node_without_the_folder_sends_everything_back(
    node: NodeSupervisor, planned: list[PlannedTrial], tmp_path: Path
) -> None:
    """Records, logs and networks come as bytes, nothing stays on the node, and scores are those of a local run."""
    elsewhere = tmp_path / "elsewhere"
    answer = msgspec.json.decode(node.open(settings(elsewhere)), type=Joined)
    good, bad = job(planned[0]), job(planned[1])
    task = msgspec.structs.replace(bad.trial.task, fingerprint="changed")  # its plugin seems to be edited
    bad = msgspec.structs.replace(bad, trial=msgspec.structs.replace(bad.trial, task=task))
    for shipped in (good, bad):
        node.give(msgspec.json.encode(shipped))
    left = {decode_record(found.record).id: found for found in wait_for(node, 2)}
    record = decode_record(left[good.trial.id].record)

    assert [device.kind for device in answer.devices] == ["cpu", "cpu"]
    assert record.status == "ok", record.detail
    assert record.scores == trained(planned[:1], tmp_path / "local")[record.id].scores
    assert set(left[record.id].networks) == {f"{record.id}.safetensors", f"{record.id}.json"}
    assert decode_record(left[bad.trial.id].record).status == "failed"
    assert b"was changed after this run began" in left[bad.trial.id].log
    assert not elsewhere.exists()
    node.stop()
    assert list((tmp_path / "tmp").glob("archbench-node-*")) == []


@pytest.mark.slow
def test_a_node_with_the_folder_works_in_it(node: NodeSupervisor, planned: list[PlannedTrial], tmp_path: Path) -> None:
    """Networks are written where they belong, so that they need no way, but records never are."""
    root = tmp_path / "out"
    root.mkdir()
    (root / "token").touch()
    node.open(settings(root, token="token"))
    node.give(msgspec.json.encode(job(planned[0])))
    (left,) = wait_for(node, 1)

    assert (left.log, left.networks) == (b"", {})
    assert sorted(path.suffix for path in (root / "networks").iterdir()) == [".json", ".safetensors"]
    assert not (root / "records").exists()
    assert decode_record(left.record).status == "ok"


def test_a_device_that_the_node_lacks(node: NodeSupervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason why a node cannot begin reaches whoever opened it."""
    monkeypatch.setattr("archbench._execution._node.open_pool", _no_pool)
    with pytest.raises(DeviceError, match="toaster"):
        node.open(settings(tmp_path))


def _no_pool(**_: object) -> None:
    raise DeviceError("there is only a toaster")


@pytest.mark.slow
def test_stopping_ends_running_trials(node: NodeSupervisor, planned: list[PlannedTrial], tmp_path: Path) -> None:
    """A node that is not needed any more ends its trials at once and delivers nothing of them."""
    node.open(settings(tmp_path / "elsewhere"))
    long = job(planned[0])
    protocol = msgspec.structs.replace(
        long.trial.protocol, steps=dict.fromkeys(KINDS, 10**7), epochs=None, timeout=600.0
    )
    long = msgspec.structs.replace(long, trial=msgspec.structs.replace(long.trial, protocol=protocol))
    node.give(msgspec.json.encode(long))
    assert node.poll(3.0) == []
    started = time.monotonic()
    node.stop()

    assert time.monotonic() - started < 5
    assert node.poll(0.1) == []


def test_a_stopped_node_leaves_no_temporary_file(tmp_path: Path) -> None:
    """Its folder and that with the socket of its server are gone before the cluster kills its process."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:  # the name of a socket must be short
        environment = {**os.environ, "TMPDIR": folder}
        done = subprocess.run(
            [sys.executable, "-c", STOPPED],
            input=settings(tmp_path), env=environment, stdout=subprocess.PIPE, check=True,
        )  # fmt: skip
        left = {path.name for path in Path(folder).iterdir()}

    assert int(done.stdout) >= 2
    assert {name for name in left if name.startswith(("archbench-node-", "pymp-"))} == set()


def test_first_trials_may_come_at_once(planned: list[PlannedTrial]) -> None:
    """The process of a node survives it; two of three crashed where each thread let msgspec look into a job anew."""
    job = msgspec.json.encode(planned[0].job(Device(kind="cpu")))

    for _ in range(3):
        subprocess.run([sys.executable, "-c", GIVEN_AT_ONCE], input=job, check=True)
