"""Network in network: convolutions, each followed by 1x1 convolutions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from archbench_plugins.shared.images import Chain, convolution

if TYPE_CHECKING:
    from archbench import TaskInfo
    from archbench_plugins.nin import NINOptions


def build(task: TaskInfo, options: NINOptions) -> nn.Module:
    """Return the network: images (B, C, H, W) to logits (B, outputs)."""
    w, K = options.width, task.outputs
    network = Chain(
        *_mlpconv(task.input_shape[0], 5, (w, round(w * 160 / 192), w // 2)),  # (B, 96, H, W)
        *(nn.MaxPool2d(3, stride=2, ceil_mode=True), nn.Dropout(0.5)),  # (B, 96, H/2, W/2)
        *_mlpconv(w // 2, 5, (w, w, w)),  # (B, 192, H/2, W/2)
        *(nn.AvgPool2d(3, stride=2, ceil_mode=True), nn.Dropout(0.5)),  # (B, 192, H/4, W/4)
        *_mlpconv(w, 3, (w, w)),
        convolution(w, K, 1, bias=True),  # (B, K, H/4, W/4)
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten()),  # (B, K)
    )
    return network.to(memory_format=torch.channels_last)


def _mlpconv(C: int, kernel: int, widths: tuple[int, ...]) -> list[nn.Module]:
    """Return a convolution, then 1x1 convolutions: a perceptron that slides over the image."""
    layers: list[nn.Module] = []
    for D in widths:
        layers += [convolution(C, D, kernel, bias=True), nn.ReLU()]
        C, kernel = D, 1
    return layers
