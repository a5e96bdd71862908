"""Residual networks in their CIFAR form with all shortcuts, and torchvision's for ImageNet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torchvision.models
from torch import Tensor, nn

from archbench_plugins.shared.images import (
    Frame,
    PreActivatedUnit,
    SubsampleAndPad,
    Sum,
    Unit,
    basic_branch,
    convolution,
    from_torchvision,
    normalised_stem,
    stages,
)

if TYPE_CHECKING:
    from archbench import TaskInfo
    from archbench_plugins.resnet import ResNetOptions


class WeightedSum(nn.Module):
    """The weighted sum y = a h + b F."""

    def __init__(self, a: float, b: float) -> None:
        super().__init__()
        self.a, self.b = a, b

    def forward(self, h: Tensor, F: Tensor) -> Tensor:
        return self.a * h + self.b * F


class GatedSum(nn.Module):
    """The gated sum y = (1 - g) h + g F if exclusive, else (1 - g) h + F.

    g = sigmoid(W_g h + b_g), where W_g is a 1x1 convolution.
    """

    def __init__(self, C: int, *, gate_bias: float, exclusive: bool) -> None:
        super().__init__()
        self.gate, self.exclusive = convolution(C, C, 1, bias=True), exclusive
        assert self.gate.bias is not None
        nn.init.constant_(self.gate.bias, gate_bias)

    def forward(self, h: Tensor, F: Tensor) -> Tensor:
        g = torch.sigmoid(self.gate(h))  # (B, C, H, W)
        return torch.lerp(h, F, g) if self.exclusive else (1 - g) * h + F

    def gates(self, h: Tensor) -> dict[str, Tensor]:
        """Return g."""
        return {"g": torch.sigmoid(self.gate(h))}


class DroppedSum(nn.Module):
    """The sum y = dropout(h) + F, with ratio 0.5."""

    def forward(self, h: Tensor, F: Tensor) -> Tensor:
        return nn.functional.dropout(h, 0.5, self.training) + F


def build(task: TaskInfo, options: ResNetOptions) -> nn.Module:
    """Return the network: images (B, C, H, W) to logits (B, outputs)."""
    channels, outputs = task.input_shape[0], task.outputs
    if options.form == "imagenet":
        function = getattr(torchvision.models, f"resnet{options.depth}")
        return from_torchvision(function, first="conv1", channels=channels, outputs=outputs)
    bottleneck, pre = options.block == "bottleneck", options.order == "pre-activation"
    n = (options.depth - 2) // (9 if bottleneck else 6)
    widths = [width * (4 if bottleneck else 1) for width in (16, 32, 64)]
    stem = convolution(channels, 16, 3) if pre else normalised_stem(channels)
    shapes = list(stages(n, first=16, widths=widths))
    make = _bottleneck if bottleneck else basic_branch
    branches = [make(C, D, stride=stride) for C, D, stride in shapes]
    head = nn.Linear(widths[-1], outputs)
    # Shortcuts come last, so that with any of them the other layers draw equal weights from one seed.
    units = [
        _unit(branch, shape, options, first=branch is branches[0])
        for branch, shape in zip(branches, shapes, strict=True)
    ]
    close = nn.Sequential(nn.BatchNorm2d(widths[-1]), nn.ReLU()) if pre else None
    return Frame(stem, units, close=close, head=head)


def _unit(layers: nn.Sequential, shape: tuple[int, int, int], options: ResNetOptions, *, first: bool) -> nn.Module:
    C, D, stride = shape
    shortcut, join = _shortcut(C, D, stride, options), _join(C, D, options)
    if options.order == "pre-activation":
        branch = layers[:-1]  # the last batch norm becomes the next unit's first
        return PreActivatedUnit(C, branch, shortcut, join, first=first)
    return Unit(layers, shortcut, join)


def _bottleneck(C: int, D: int, *, stride: int) -> nn.Sequential:
    """Return F: 1x1 down to D/4 channels, 3x3, 1x1 up to D, with batch norm behind each and ReLU between them."""
    M = D // 4
    return nn.Sequential(
        *(convolution(C, M, 1, stride=stride), nn.BatchNorm2d(M), nn.ReLU()),  # (B, M, H/stride, W/stride)
        *(convolution(M, M, 3), nn.BatchNorm2d(M), nn.ReLU()),
        *(convolution(M, D, 1), nn.BatchNorm2d(D)),  # (B, D, H/stride, W/stride)
    )


def _shortcut(C: int, D: int, stride: int, options: ResNetOptions) -> nn.Module | None:
    if options.shortcut == "none":
        return None
    changes = C != D or stride != 1
    if options.shortcut == "C" or (options.shortcut == "B" and changes):
        projection = convolution(C, D, 1, stride=stride)
        return projection if options.order == "pre-activation" else nn.Sequential(projection, nn.BatchNorm2d(D))
    return SubsampleAndPad(C, D, stride=stride) if changes else nn.Identity()


def _join(C: int, D: int, options: ResNetOptions) -> nn.Module:
    if C != D:  # where the shape changes, h is option A and the sum stays plain
        return Sum()
    match options.shortcut:
        case "scaled":
            return WeightedSum(0.5, 1.0)
        case "averaged":
            return WeightedSum(0.5, 0.5)
        case "exclusive-gate" | "shortcut-gate":
            exclusive = options.shortcut == "exclusive-gate"
            return GatedSum(C, gate_bias=options.gate_bias, exclusive=exclusive)
        case "dropout":
            return DroppedSum()
    return Sum()
