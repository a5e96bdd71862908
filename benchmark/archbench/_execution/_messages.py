"""Messages between a run, the process that speaks to a cluster, and the supervisors on its nodes; never pickles."""

from __future__ import annotations

import msgspec

from archbench._execution._fitness import Expected
from archbench._planning import Device, Job


class NodeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How a node trains.

    Args:
        root: the output folder on the machine of the run.
        device: `auto`, `cpu` or `cuda`.
        workers: trials at a time on this node; None for one per GPU, or else per core.
        timeout: seconds after which a trial is ended; None for the limit of its protocol.
        libraries: modules to load before the first trial.
        per_trial: devices that train one trial together.
        sharded: each of these keeps its part of the weights only.
        per_device: trials at a time on each GPU of a node, or on its CPU in all; None where `workers` says how many.
        environment: variables that trials get.
        cores: cores that the node may use; None for all.
        token: name of a file in the output folder, by which a node sees that it shares it; empty where it must.
    """

    root: str
    device: str
    workers: int | None
    timeout: float | None
    libraries: list[str]
    environment: dict[str, str]
    per_trial: int = 1
    sharded: bool = False
    per_device: int | None = None
    cores: int | None = None
    token: str = ""


class Connect(msgspec.Struct, frozen=True, kw_only=True):
    """The first line that the process for the cluster gets.

    Args:
        address: of the cluster; None to start one on this machine.
        cores: of this machine, for a cluster that is started.
        expected: what every node must have.
        node: how nodes train.
    """

    address: str | None
    cores: int
    expected: Expected
    node: NodeSettings


class Give(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A trial for a node that has a free device."""

    node: str
    job: Job


class Joined(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A node is ready, and has these devices.

    Args:
        node: the supervisor there; one that takes the place of a lost one has another name.
        host: name of the machine, for people.
        devices: one for each trial at a time.
        warning: why trials start slowly there; empty if they do not.
    """

    node: str
    host: str
    devices: list[Device]
    warning: str = ""


class Refused(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A node cannot take part, and why."""

    host: str
    reasons: list[str]


class Opened(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Every node that was there at the start has joined or was refused."""


class Lost(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A node that had joined is gone, with the trials that ran there."""

    node: str
    reason: str


class Finished(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A trial has its record.

    Args:
        node: where it ran.
        record: the record, as it is encoded on disk.
    """

    node: str
    record: str


class Note(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A line for people."""

    text: str


class Failed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The cluster cannot be reached, or not any more."""

    reason: str


Event = Joined | Refused | Opened | Lost | Finished | Note | Failed


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """The record of a trial, and the files that it left on its node.

    Args:
        record: as it is encoded on disk.
        log: what it printed; empty where the node shares the output folder, or if it ended ok.
        networks: the files of a network that is kept, by name; none where the node shares the output folder.
    """

    record: bytes
    log: bytes = b""
    networks: dict[str, bytes] = {}
