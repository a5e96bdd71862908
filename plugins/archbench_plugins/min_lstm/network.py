"""The cell of minLSTM and the network of its layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from archbench_plugins.shared.sequences import Front, Readout, Stack, affine_gates, linear_scan

if TYPE_CHECKING:
    from archbench import TaskInfo
    from archbench_plugins.min_lstm import MinLSTMOptions


class MinLSTM(nn.Module):
    """One layer, computed for all steps at once: (B, T, I) to (B, T, H).

        f_t = sigmoid(W_f x_t + b_f)     i_t = sigmoid(W_i x_t + b_i)     h'_t = W_h x_t + b_h
        h_t = (f_t h_{t-1} + i_t h'_t) / (f_t + i_t)

    Args:
        features, H: inputs I and units.
        forget_bias: b_f at the start.
    """

    def __init__(self, features: int, H: int, *, forget_bias: float) -> None:
        super().__init__()
        self.affine = affine_gates(features, H, (forget_bias, 0.0, 0.0))

    def forward(self, x: Tensor) -> Tensor:
        f, i, candidate = self.affine(x).chunk(3, 2)  # three times (B, T, H)
        f, i = torch.sigmoid(f), torch.sigmoid(i)
        f = f / (f + i)
        return linear_scan(f, (1 - f) * candidate)


def build(task: TaskInfo, options: MinLSTMOptions) -> nn.Module:
    """Return the network: a stack of minLSTM layers, and a linear layer that reads it."""
    D, H = options.width, options.width * options.expansion
    cells: list[nn.Module] = [MinLSTM(D, H, forget_bias=options.forget_bias) for _ in range(options.layers)]
    front = Front(task, image=options.image)
    return Readout(front, Stack(front.features, D, cells, H=H), width=D, task=task)
