"""Stochastic depth: residual networks that drop units at random in training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, pad

from archbench import Block
from archbench_plugins.shared.images import Frame, Part, basic_branch, normalised_stem, stages

if TYPE_CHECKING:
    from archbench import TaskInfo
    from archbench_plugins.stochastic_depth import StochasticDepthOptions


class PoolAndPad(nn.Module):
    """Average pooling 2x2, rounded up, then zero channels. It has no parameter."""

    def __init__(self, C: int, D: int) -> None:
        super().__init__()
        self.new_channels = D - C

    def forward(self, x: Tensor) -> Tensor:
        x = avg_pool2d(x, 2, ceil_mode=True)  # (B, C, H/2, W/2)
        return pad(x, (0, 0, 0, 0, 0, self.new_channels))  # (B, D, H/2, W/2)


class DroppableUnit(Part):
    """A residual unit H_l = relu(b_l f_l(H_{l-1}) + h(H_{l-1})) that training drops at random (eq. 2).

    In training b_l is 0 or 1, drawn once for a mini-batch; at test time p_l takes its place.

    A dropped unit (b_l = 0) is the shortcut alone, forward and backward. Its ReLU changes nothing: H_{l-1} is the
    output of a ReLU, and pooling and padding keep it above 0.

    Args:
        branch: f_l.
        shortcut: h.
        p: p_l, the probability to survive.
    """

    def __init__(self, branch: nn.Module, shortcut: nn.Module, *, p: float) -> None:
        super().__init__()
        self.branch, self.shortcut, self.p = branch, shortcut, p

    def forward(self, x: Tensor) -> Tensor:
        h: Tensor = self.shortcut(x)  # (B, D, H/stride, W/stride)
        if not self.training:
            return torch.relu(torch.add(h, self.branch(x), alpha=self.p))
        if torch.rand(()) < self.p:  # drawn on the CPU, so that nothing waits for a GPU
            return torch.relu(self.branch(x) + h)
        return h

    def as_block(self, name: str) -> Block:
        """Return the unit as a block."""
        return Block(name, self, branches=(self.branch,))


def build(task: TaskInfo, options: StochasticDepthOptions) -> nn.Module:
    """Return the network: images (B, C, H, W) to logits (B, outputs)."""
    n = (options.depth - 2) // 6
    L = 3 * n
    stem = normalised_stem(task.input_shape[0])  # first, so that one seed gives it the weights of `resnet`
    units = [
        DroppableUnit(
            basic_branch(C, D, stride=stride),
            PoolAndPad(C, D) if stride == 2 else nn.Identity(),
            p=1 - l / L * (1 - options.survival),  # eq. 4
        )
        for l, (C, D, stride) in enumerate(stages(n, first=16, widths=(16, 32, 64)), start=1)  # noqa: E741
    ]
    return Frame(stem, units, head=nn.Linear(64, task.outputs))
