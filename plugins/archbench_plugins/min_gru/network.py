"""The cell of minGRU and the network of its layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from archbench_plugins.min_gru.by_hand import StepByStep, takes_loops
from archbench_plugins.shared.sequences import (
    Affine,
    Front,
    Readout,
    Stack,
    affine_gates,
    linear_scan,
    project,
)

if TYPE_CHECKING:
    from archbench import TaskInfo
    from archbench_plugins.min_gru import MinGRUOptions


class MinGRU(nn.Module):
    """One layer: (I, T, B) to (H, T, B).

        z_t = sigmoid(W_z x_t + b_z)     h'_t = W_h x_t + b_h     h_t = (1 - z_t) h_{t-1} + z_t h'_t

    Args:
        features, H: inputs I and units.
        gate_bias: b_z at the start.
    """

    def __init__(self, features: int, H: int, *, gate_bias: float) -> None:
        super().__init__()
        self.affine = affine_gates(features, H, (gate_bias, 0.0))

    def forward(self, x: Tensor) -> Tensor:
        form = StepByStep.apply if takes_loops(x) else in_parallel
        h: Tensor = form(x, self.affine.weight, self.affine.bias)
        return h

    def gates(self, x: Tensor) -> dict[str, Tensor]:
        """Return z at all steps, (H, T, B)."""
        z, _ = project(self.affine.weight, self.affine.bias, x).chunk(2)
        return {"z": torch.sigmoid(z)}


def in_parallel(x: Tensor, W: Tensor, b: Tensor) -> Tensor:
    """Return h (H, T, B), all steps computed at once, given x (I, T, B) and W and b of z and h'."""
    z, candidate = Affine.apply(x, W, b).chunk(2)  # twice (H, T, B)
    z = torch.sigmoid(z)
    return linear_scan(1 - z, z * candidate)


def build(task: TaskInfo, options: MinGRUOptions) -> nn.Module:
    """Return the network: a stack of minGRU layers, and a linear layer that reads it."""
    D = options.units(task)
    H = D * options.expansion
    cells: list[nn.Module] = [MinGRU(D, H, gate_bias=options.gate_bias) for _ in range(options.layers)]
    front = Front(task, image=options.image)
    core = Stack(front.features, D, cells, H=H, per_step=task.per_step)
    return Readout(front, core, width=D, task=task, pooled=not task.per_step)
