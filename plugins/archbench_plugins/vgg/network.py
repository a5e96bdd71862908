"""VGG nets with one linear layer for small images, or three for ImageNet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from archbench_plugins.shared.images import Chain, convolution

if TYPE_CHECKING:
    from archbench import TaskInfo
    from archbench_plugins.vgg import VGGOptions

# Table 1: kernels of the convolutions in each of the five stages.
KERNELS = {
    "11": ((3,), (3,), (3, 3), (3, 3), (3, 3)),  # A
    "13": ((3, 3),) * 5,  # B
    "16-C": ((3, 3), (3, 3), (3, 3, 1), (3, 3, 1), (3, 3, 1)),  # C
    "16": ((3, 3), (3, 3), (3, 3, 3), (3, 3, 3), (3, 3, 3)),  # D
    "19": ((3, 3), (3, 3), (3, 3, 3, 3), (3, 3, 3, 3), (3, 3, 3, 3)),  # E
}


def build(task: TaskInfo, options: VGGOptions) -> nn.Module:
    """Return the network: images (B, C, H, W) to logits (B, outputs)."""
    C, w = task.input_shape[0], options.width
    layers: list[nn.Module] = []
    for kernels, D in zip(KERNELS[options.depth], (w, 2 * w, 4 * w, 8 * w, 8 * w), strict=True):
        for kernel in kernels:
            conv = convolution(C, D, kernel, bias=True)
            layers += [conv, nn.BatchNorm2d(D), nn.ReLU()] if options.normalise else [conv, nn.ReLU()]
            C = D
        layers.append(nn.MaxPool2d(2, ceil_mode=True))  # (B, D, H/2, W/2); a single pixel stays
    if options.form == "cifar":
        head: list[nn.Module] = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(C, task.outputs)]  # (B, K)
    else:
        head = [
            nn.AdaptiveAvgPool2d(7),  # (B, 512, 7, 7), which 224x224 images have anyway
            nn.Flatten(),
            *(_linear(C * 49, 4096), nn.ReLU(), nn.Dropout(0.5)),
            *(_linear(4096, 4096), nn.ReLU(), nn.Dropout(0.5)),
            nn.Linear(4096, task.outputs),
        ]
    return Chain(*layers, *head).to(memory_format=torch.channels_last)


def _linear(fan_in: int, fan_out: int) -> nn.Linear:
    linear = nn.Linear(fan_in, fan_out)
    nn.init.kaiming_normal_(linear.weight, nonlinearity="relu")
    nn.init.zeros_(linear.bias)
    return linear
