"""The cell of minGRU and the network of its layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from archbench_plugins.shared.sequences import Front, Readout, Stack, affine_gates, linear_scan

if TYPE_CHECKING:
    from archbench import TaskInfo
    from archbench_plugins.min_gru import MinGRUOptions


class MinGRU(nn.Module):
    """One layer, computed for all steps at once: (B, T, I) to (B, T, H).

        z_t = sigmoid(W_z x_t + b_z)     h'_t = W_h x_t + b_h     h_t = (1 - z_t) h_{t-1} + z_t h'_t

    Args:
        features, H: inputs I and units.
        gate_bias: b_z at the start.
    """

    def __init__(self, features: int, H: int, *, gate_bias: float) -> None:
        super().__init__()
        self.affine = affine_gates(features, H, (gate_bias, 0.0))

    def forward(self, x: Tensor) -> Tensor:
        z, candidate = self.affine(x).chunk(2, 2)  # twice (B, T, H)
        z = torch.sigmoid(z)
        return linear_scan(1 - z, z * candidate)


def build(task: TaskInfo, options: MinGRUOptions) -> nn.Module:
    """Return the network: a stack of minGRU layers, and a linear layer that reads it."""
    D, H = options.width, options.width * options.expansion
    cells: list[nn.Module] = [MinGRU(D, H, gate_bias=options.gate_bias) for _ in range(options.layers)]
    front = Front(task, image=options.image)
    return Readout(front, Stack(front.features, D, cells, H=H), width=D, task=task)
