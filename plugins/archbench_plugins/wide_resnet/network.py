"""Wide residual networks in their CIFAR form, and torchvision's for ImageNet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torchvision.models
from torch import nn

from archbench_plugins.shared.images import Frame, PreActivatedUnit, convolution, from_torchvision, stages

if TYPE_CHECKING:
    from archbench import TaskInfo
    from archbench_plugins.wide_resnet import WideResNetOptions


def build(task: TaskInfo, options: WideResNetOptions) -> nn.Module:
    """Return the network: images (B, C, H, W) to logits (B, outputs)."""
    channels, outputs, k = task.input_shape[0], task.outputs, options.k
    if options.form == "imagenet":
        return from_torchvision(torchvision.models.wide_resnet50_2, first="conv1", channels=channels, outputs=outputs)
    n = (options.depth - 4) // 6
    units = [
        PreActivatedUnit(C, _branch(C, D, stride, options.dropout), _shortcut(C, D, stride))
        for C, D, stride in stages(n, first=16, widths=(16 * k, 32 * k, 64 * k))
    ]
    close = nn.Sequential(nn.BatchNorm2d(64 * k), nn.ReLU())
    return Frame(convolution(channels, 16, 3), units, close=close, head=nn.Linear(64 * k, outputs))


def _branch(C: int, D: int, stride: int, dropout: float) -> nn.Sequential:
    """Return B(3,3): conv3x3, batch norm, ReLU, dropout, conv3x3. The unit has the norm and the ReLU before it."""
    return nn.Sequential(
        convolution(C, D, 3, stride=stride),  # (B, D, H/stride, W/stride)
        nn.BatchNorm2d(D),
        nn.ReLU(),
        nn.Dropout(dropout),
        convolution(D, D, 3),
    )


def _shortcut(C: int, D: int, stride: int) -> nn.Module:
    return nn.Identity() if C == D and stride == 1 else convolution(C, D, 1, stride=stride)
