"""Evaluation in a plain loop; Lightning's loop takes 1.5 ms before its first batch, and a trial evaluates often."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from archbench._training._shards import as_shard, is_shard, is_sharded, local


@contextlib.contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Put a network into evaluation mode, without gradients; afterwards each module gets its own mode back."""
    before = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        # Not in inference mode: it saves no time, a network could take no gradient of its own in it, and sharded
        # weights are gathered into memory that training uses, too.
        with torch.no_grad():
            yield
    finally:
        for module, training in before:
            module.training = training


def copy_of_state(network: nn.Module) -> dict[str, Any]:
    """Return a copy of all weights and other state, for `put_state`; of sharded weights, that of the part of this rank.

    `deepcopy` takes some thirty times as long for a small network.
    """
    state = network.state_dict()
    for name, value in state.items():
        part = local(value) if is_shard(value) else value
        state[name] = part.clone() if type(part) is Tensor else copy.deepcopy(part)
    return state


def put_state(network: nn.Module, state: Mapping[str, Any]) -> None:
    """Give a network the state of which `copy_of_state` returned a copy.

    It is written in place, so that tied weights stay tied and references that the network keeps stay valid.
    """
    if is_sharded(network):
        current = network.state_dict()
        state = {name: as_shard(part, current[name]) for name, part in state.items()}
    network.load_state_dict(state)
