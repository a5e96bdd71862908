"""Fixup: residual units without normalisation, with scalar biases and multipliers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from archbench import Block
from archbench_plugins.shared.images import Frame, Part, SubsampleAndPad, convolution, stages

if TYPE_CHECKING:
    from archbench import TaskInfo
    from archbench_plugins.fixup import FixupOptions


class Bias(nn.Module):
    """A scalar bias: x + b, where b starts at 0."""

    def __init__(self) -> None:
        super().__init__()
        self.b = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.b


class FixupUnit(Part):
    """A residual unit with scalars a and b in place of normalisation (Figure 1).

        y = relu(h(x) + a conv3x3(relu(conv3x3(x + b1) + b2) + b3) + b4)

    Args:
        C: channels of x.
        D: channels of y.
        stride: of the first convolution.
        L: units in the net. The first convolution starts L^(-1/2) times as large as He's, which for the m = 2
            convolutions of a branch is L^(-1/(2m-2)); the second starts at 0.
    """

    def __init__(self, C: int, D: int, *, stride: int, L: int) -> None:
        super().__init__()
        self.b1, self.b2, self.b3, self.b4 = Bias(), Bias(), Bias(), Bias()
        self.conv1, self.conv2 = convolution(C, D, 3, stride=stride), convolution(D, D, 3)
        self.a = nn.Parameter(torch.ones(()))
        self.shortcut = SubsampleAndPad(C, D, stride=stride) if stride != 1 else None
        with torch.no_grad():
            self.conv1.weight *= L**-0.5
            self.conv2.weight.zero_()

    def forward(self, x: Tensor) -> Tensor:
        shifted = self.b1(x)  # (B, C, H, W)
        F = self.b2(self.conv1(shifted))  # (B, D, H/stride, W/stride)
        F = self.b4(self.a * self.conv2(self.b3(torch.relu(F))))
        h = x if self.shortcut is None else self.shortcut(shifted)  # the shortcut reads x + b1, as in the authors' code
        return torch.relu(h + F)

    def as_block(self, name: str) -> Block:
        """Return the unit as a block; its branch ends with b4."""
        return Block(name, self, branches=(self.b4,))


def build(task: TaskInfo, options: FixupOptions) -> nn.Module:
    """Return the network: images (B, C, H, W) to logits (B, outputs)."""
    n = (options.depth - 2) // 6
    stem = nn.Sequential(convolution(task.input_shape[0], 16, 3), Bias(), nn.ReLU())
    units = [FixupUnit(C, D, stride=stride, L=3 * n) for C, D, stride in stages(n, first=16, widths=(16, 32, 64))]
    head = nn.Linear(64, task.outputs)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    return Frame(stem, units, close=Bias(), head=head)  # a bias before the mean is a bias after it
