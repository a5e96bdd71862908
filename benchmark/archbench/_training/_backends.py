"""The differences between the backends of torch that a trial may run on: waiting, random states, and doubles."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torchmetrics import Metric

NO_DOUBLES = ("mps",)
"""Devices without float64, in which metrics add up."""


def wait_for(device: torch.device) -> None:
    """Return when a device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def random_state(device: torch.device) -> dict[str, Tensor]:
    """Return the random state of a GPU by the kind of device; empty for the CPU."""
    if device.type == "cuda":
        return {"cuda": torch.cuda.get_rng_state(device)}
    return {"mps": torch.mps.get_rng_state()} if device.type == "mps" else {}


def set_random_state(device: torch.device, state: Tensor) -> None:
    """Put back the random state of a GPU."""
    if device.type == "cuda":
        torch.cuda.set_rng_state(state, device)
    else:
        torch.mps.set_rng_state(state)


def stays(child: nn.Module, function: Callable[[Tensor], Tensor]) -> bool:
    """Return whether a part stays where it is when `function` moves a training: metrics, which need doubles."""
    moved = function(torch.empty(0)).device.type in NO_DOUBLES
    return moved and any(isinstance(module, Metric) for module in child.modules())
