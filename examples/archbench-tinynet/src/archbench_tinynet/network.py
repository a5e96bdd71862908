"""The network of `tinynet`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from archbench import TaskInfo
    from archbench_tinynet import TinyNetOptions


class Block(nn.Module):
    """A block y = x + F(x), F a 3x3 convolution of each channel, then 1x1 across channels, both normalised."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(width, width, 3, padding=1, groups=width, bias=False)
        self.norm1 = nn.BatchNorm2d(width)
        self.pointwise = nn.Conv2d(width, width, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        """Return y for x, both (B, C, H, W)."""
        h = torch.relu(self.norm1(self.depthwise(x)))
        out: Tensor = x + self.norm2(self.pointwise(h))
        return out


class TinyNet(nn.Module):
    """The whole network: a convolution, blocks, the mean over the image, a linear classifier."""

    def __init__(self, channels: int, outputs: int, *, width: int, blocks: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(channels, width, 3, padding=1)
        self.blocks = nn.Sequential(*(Block(width) for _ in range(blocks)))
        self.head = nn.Linear(width, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (B, outputs) for images (B, C, H, W)."""
        h = self.blocks(torch.relu(self.stem(x)))  # (B, width, H, W)
        logits: Tensor = self.head(torch.relu(h).mean((2, 3)))
        return logits


def build(task: TaskInfo, options: TinyNetOptions) -> nn.Module:
    """Return the network: its sizes come from the task, its settings from the options."""
    return TinyNet(task.input_shape[0], task.outputs, width=options.width, blocks=options.blocks)
