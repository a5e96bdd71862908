"""Sharded tensors (DTensors of torch): the part of this rank, and the way back. Other tensors pass as they are."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


def is_shard(value: object) -> bool:
    """Return whether a value is a tensor of which each rank has a part."""
    return isinstance(value, Tensor) and hasattr(value, "to_local")  # importing DTensor takes as long as a small trial


def is_sharded(network: nn.Module) -> bool:
    """Return whether the weights of a network are sharded; if one is, all are."""
    return is_shard(next(network.parameters(), None))


@torch.no_grad()
def local(tensor: Tensor) -> Tensor:
    """Return the part of this rank of a sharded tensor, which shares its memory; else the tensor itself."""
    if not is_shard(tensor):
        return tensor
    sharded: Any = tensor.detach()
    part: Tensor = sharded.to_local()
    return part


def as_shard(part: Tensor, like: Tensor) -> Tensor:
    """Return the sharded tensor of which this rank has a part, cut as another one; the part itself if that is whole."""
    if not is_shard(like) or is_shard(part):
        return part
    from torch.distributed.tensor import DTensor

    whole: Any = like
    return DTensor.from_local(
        part, whole.device_mesh, whole.placements, run_check=False, shape=like.shape, stride=like.stride()
    )
