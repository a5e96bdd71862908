"""Joining the other ranks of a trial: the process group, and a Trainer that starts no processes."""

from __future__ import annotations

import atexit
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from lightning.pytorch.strategies import DDPStrategy, ModelParallelStrategy, ParallelStrategy
from torch import distributed

from archbench._planning import Device, Job, Rank
from archbench._training._trainer import make_trainer

BACKENDS = {"cpu": "gloo", "cuda": "nccl"}


def make_trainer_for(job: Job) -> pl.Trainer:
    """Return the Trainer of a job; if it is that of one rank of several, first meet the others."""
    if job.rank is None:
        return make_trainer(job.device)
    _join(job.rank, job.device)
    return _make_trainer_of_rank(job.device, job.rank)


def _join(rank: Rank, device: Device) -> None:
    """Meet the other ranks, before Lightning would do so, because they agree on a state before they train.

    They meet in a file; under `torchrun`, where it says. A store behind MASTER_PORT would listen on every interface of
    the machine, and its port, which has to be chosen before it is opened, may be taken by then.
    """
    named: Any = {"device_id": torch.device("cuda", device.index)} if device.kind == "cuda" else {}
    if rank.meeting:
        store = distributed.FileStore(rank.meeting, rank.total)  # type: ignore[attr-defined]
        named |= {"store": store, "rank": rank.number, "world_size": rank.total}
    else:
        atexit.register(distributed.destroy_process_group)
    distributed.init_process_group(BACKENDS[device.kind], **named)


def exchanged_on() -> str:
    """Return torch's name of the device whose tensors the ranks can send to each other."""
    return "cuda" if distributed.get_backend() == "nccl" else "cpu"


def _make_trainer_of_rank(device: Device, rank: Rank) -> pl.Trainer:
    """Return a Trainer for one rank of several, which averages gradients over all of them (DDP, or FSDP if sharded).

    Args:
        device: that of this rank.
        rank: this one.
    """
    first = device.index - rank.local_number
    environment: ClusterEnvironment = LightningEnvironment() if rank.meeting else TorchElasticEnvironment()
    return make_trainer(
        device,
        devices=list(range(first, first + rank.local_total)) if device.kind == "cuda" else rank.local_total,
        num_nodes=rank.total // rank.local_total,
        strategy=_strategy(device, rank),
        plugins=[environment],
    )


def _strategy(device: Device, rank: Rank) -> ParallelStrategy:
    backend = BACKENDS[device.kind]
    if device.sharded:
        return ModelParallelStrategy(rank.total, tensor_parallel_size=1, process_group_backend=backend)
    # Networks may leave parameters out of a step, as those do that drop whole layers at random.
    return DDPStrategy(process_group_backend=backend, find_unused_parameters=True)
