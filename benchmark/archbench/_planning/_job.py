"""A job: a trial together with all that a worker process needs to run it. Plain data, free of torch."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from archbench._declarations import OwnData
from archbench._planning._rank import Rank
from archbench._plugins import PluginSource
from archbench._records import ArchitectureFacts, Origin, Record, Status, TaskFacts, Trial, Weights

LoggerName = Literal["tensorboard", "csv", "mlflow", "wandb"]
"""Loggers of Lightning that can follow a trial."""


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """Where a trial runs.

    Args:
        kind: `cpu`, `cuda`, or `mps` for the GPU of a Mac.
        index: which GPU, or the first of several in a row; 0 on a CPU.
        threads: CPU threads for this trial, or for each of its ranks.
        count: number of devices that train this trial together, each in a process of its own.
        sharded: each of these devices keeps its part of the weights only (FSDP), and not all of them.
        sharing: how many trials may run on this GPU at a time; 1 on a CPU, where each has cores of its own.
        cores: the cores to which the process of the trial is bound; none where it may use all.
    """

    kind: str
    index: int = 0
    threads: int = 1
    count: int = 1
    sharded: bool = False
    sharing: int = 1
    cores: tuple[int, ...] = ()


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One trial, the plugins that provide it, and the device it gets.

    Args:
        trial: what to run.
        architecture_source, task_source: how to load the two plugins, and only these, in the worker.
        architecture_origin, task_origin: what the planning process saw; the worker refuses another version.
        task_facts, architecture_facts: copied into the record.
        device: where to run.
        own_data: the files that the task is made from; None for a declared task.
        manifests: copied into the record.
        keep: which weights to keep; None for none. No part of what decides a result.
        logger: which logger follows the training; None for none. No part of what decides a result.
        rank: which of the processes of the trial gets this job; None if there is only one.
        extend: whether the trial goes on from one with a smaller budget, and keeps what a longer one needs.
        beside: trials of other seeds of the cell to train together with it, in the same process.
        handed_over: reading of the monotonic clock when the job was given to a process; 0 if not measured.
    """

    trial: Trial
    architecture_source: PluginSource
    task_source: PluginSource
    architecture_origin: Origin
    task_origin: Origin
    task_facts: TaskFacts
    architecture_facts: ArchitectureFacts
    device: Device
    own_data: OwnData | None = None
    manifests: dict[str, str] = {}
    keep: Weights | None = None
    logger: LoggerName | None = None
    rank: Rank | None = None
    extend: bool = False
    beside: list[Trial] = []
    handed_over: float = 0.0

    def of_rank(self, rank: Rank) -> Job:
        """Return the job of one rank, with its device; rank 0 keeps the network and is followed by the logger.

        Of sharded weights no rank has all, so the others must know what is kept, too.
        """
        index = self.device.index + (rank.local_number if self.device.kind == "cuda" else 0)
        device = msgspec.structs.replace(self.device, index=index, count=rank.total)
        mine = {} if rank.leads else {"keep": self.keep if device.sharded else None, "logger": None}
        return msgspec.structs.replace(self, rank=rank, device=device, **mine)

    def record(self, status: Status, message: str = "", **reached: Any) -> Record:
        """The record of this job.

        Args:
            status: how it ended.
            message: one line for people; empty for `ok`.
            reached: further fields of the record: scores, curves, and whatever else there is.
        """
        return Record(
            id=self.trial.id,
            trial=self.trial,
            status=status,
            message=message,
            architecture_origin=self.architecture_origin,
            task_origin=self.task_origin,
            architecture_facts=self.architecture_facts,
            manifests=self.manifests,
            **{"task_facts": self.task_facts, **reached},
        )
