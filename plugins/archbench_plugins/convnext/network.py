"""ConvNeXt: torchvision's network, with a stem and sizes of our own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn
from torchvision.models.convnext import CNBlockConfig, ConvNeXt

if TYPE_CHECKING:
    from archbench import TaskInfo
    from archbench_plugins.convnext import ConvNeXtOptions


def build(task: TaskInfo, options: ConvNeXtOptions) -> nn.Module:
    """Return the network: images (B, C, H, W) to logits (B, outputs)."""
    C, p, depths = options.width, options.patch, options.depths
    widths = [C * 2**stage for stage in range(len(depths))]
    stages = [
        CNBlockConfig(width, following, depth)  # `following`: behind the stage, a 2x2 convolution with stride 2
        for width, following, depth in zip(widths, [*widths[1:], None], depths, strict=True)
    ]
    network: nn.Module = ConvNeXt(stages, stochastic_depth_prob=options.drop, num_classes=task.outputs)
    stem = nn.Conv2d(task.input_shape[0], C, p, stride=p)  # (B, C, H/p, W/p)
    nn.init.trunc_normal_(stem.weight, std=0.02)
    assert stem.bias is not None
    nn.init.zeros_(stem.bias)
    network.get_submodule("features.0").register_module("0", stem)
    return network
