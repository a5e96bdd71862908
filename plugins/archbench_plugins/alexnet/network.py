"""AlexNet for small images, and torchvision's for ImageNet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torchvision.models
from torch import nn

from archbench_plugins.shared.images import Chain, convolution, from_torchvision

if TYPE_CHECKING:
    from archbench import TaskInfo
    from archbench_plugins.alexnet import AlexNetOptions


def build(task: TaskInfo, options: AlexNetOptions) -> nn.Module:
    """Return the network: images (B, C, H, W) to logits (B, outputs)."""
    channels, w = task.input_shape[0], options.width
    if options.form == "imagenet":
        alexnet = torchvision.models.alexnet
        return from_torchvision(alexnet, first="features.0", channels=channels, outputs=task.outputs)
    network = Chain(
        *(*_conv(channels, w, 11, stride=options.stride), _pool()),  # (B, 64, 4, 4) from 32x32 and stride 4
        *(*_conv(w, 3 * w, 5), _pool()),  # (B, 192, 2, 2)
        *_conv(3 * w, 6 * w, 3),
        *_conv(6 * w, 4 * w, 3),
        *(*_conv(4 * w, 4 * w, 3), _pool()),  # (B, 256, 1, 1)
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten()),  # (B, 256)
        nn.Linear(4 * w, task.outputs),
    )
    return network.to(memory_format=torch.channels_last)


def _conv(C: int, D: int, kernel: int, *, stride: int = 1) -> list[nn.Module]:
    return [convolution(C, D, kernel, stride=stride, bias=True), nn.ReLU()]


def _pool() -> nn.MaxPool2d:
    return nn.MaxPool2d(2, ceil_mode=True)  # a single pixel stays
