"""The cell of minLSTM and the network of its layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from archbench_plugins.min_lstm.by_hand import StepByStep, takes_loops
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
    from archbench_plugins.min_lstm import MinLSTMOptions


class MinLSTM(nn.Module):
    """One layer: (I, T, B) to (H, T, B).

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
        form = StepByStep.apply if takes_loops(x) else in_parallel
        h: Tensor = form(x, self.affine.weight, self.affine.bias)
        return h

    def gates(self, x: Tensor) -> dict[str, Tensor]:
        """Return f and i at all steps, normalised to the sum 1 as h_t has them: (H, T, B) each."""
        f, i, _ = torch.sigmoid(project(self.affine.weight, self.affine.bias, x)).chunk(3)
        return {"f": f / (f + i), "i": i / (f + i)}


def in_parallel(x: Tensor, W: Tensor, b: Tensor) -> Tensor:
    """Return h (H, T, B), all steps computed at once, given x (I, T, B) and W and b of f, i and h'."""
    f, i, candidate = Affine.apply(x, W, b).chunk(3)  # three times (H, T, B)
    f, i = torch.sigmoid(f), torch.sigmoid(i)
    f = f / (f + i)
    return linear_scan(f, (1 - f) * candidate)


def build(task: TaskInfo, options: MinLSTMOptions) -> nn.Module:
    """Return the network: a stack of minLSTM layers, and a linear layer that reads it."""
    D = options.units(task)
    H = D * options.expansion
    cells: list[nn.Module] = [MinLSTM(D, H, forget_bias=options.forget_bias) for _ in range(options.layers)]
    front = Front(task, image=options.image)
    core = Stack(front.features, D, cells, H=H, per_step=task.per_step)
    return Readout(front, core, width=D, task=task, pooled=not task.per_step)
