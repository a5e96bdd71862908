"""ReZero: residual networks whose branches have a learned factor that starts at 0."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from archbench_plugins.shared.images import (
    Frame,
    SubsampleAndPad,
    Unit,
    basic_branch,
    convolution,
    normalised_stem,
    stages,
)

if TYPE_CHECKING:
    from archbench import TaskInfo
    from archbench_plugins.rezero import ReZeroOptions


class ReZeroSum(nn.Module):
    """The sum y = x + alpha F, where alpha starts at 0 (eq. 1)."""

    def __init__(self) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor, F: Tensor) -> Tensor:
        return x + self.alpha * F


def build(task: TaskInfo, options: ReZeroOptions) -> nn.Module:
    """Return the network: images (B, C, H, W) to logits (B, outputs)."""
    channels, n = task.input_shape[0], (options.depth - 2) // 6
    if options.normalise:
        stem = normalised_stem(channels)
    else:
        stem = nn.Sequential(convolution(channels, 16, 3, bias=True), nn.ReLU())
    units = [
        Unit(
            basic_branch(C, D, stride=stride, normalise=options.normalise),
            nn.Identity() if stride == 1 else SubsampleAndPad(C, D, stride=stride),
            ReZeroSum(),
        )
        for C, D, stride in stages(n, first=16, widths=(16, 32, 64))
    ]
    return Frame(stem, units, head=nn.Linear(64, task.outputs))
