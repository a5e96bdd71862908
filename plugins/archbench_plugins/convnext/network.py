"""ConvNeXt: torchvision's network, with a stem and sizes of our own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torchvision.models.convnext import CNBlock, CNBlockConfig, ConvNeXt

from archbench import Block

if TYPE_CHECKING:
    from archbench import TaskInfo
    from archbench_plugins.convnext import ConvNeXtOptions


class ProbedConvNeXt(ConvNeXt):  # type: ignore[misc]
    """torchvision's network, which names its blocks."""

    def archbench_blocks(self) -> list[Block]:
        """Return the blocks; each adds the output of its stochastic depth to its input."""
        blocks = (module for module in self.modules() if isinstance(module, CNBlock))
        return [Block(str(number), block, branches=(block.stochastic_depth,)) for number, block in enumerate(blocks, 1)]


def build(task: TaskInfo, options: ConvNeXtOptions) -> nn.Module:
    """Return the network: images (B, C, H, W) to logits (B, outputs)."""
    C, p, depths = options.width, options.patch, options.depths
    widths = [C * 2**stage for stage in range(len(depths))]
    stages = [
        CNBlockConfig(width, following, depth)  # `following`: behind the stage, a 2x2 convolution with stride 2
        for width, following, depth in zip(widths, [*widths[1:], None], depths, strict=True)
    ]
    network: nn.Module = ProbedConvNeXt(stages, stochastic_depth_prob=options.drop, num_classes=task.outputs)
    stem = nn.Conv2d(task.input_shape[0], C, p, stride=p)  # (B, C, H/p, W/p)
    nn.init.trunc_normal_(stem.weight, std=0.02)
    assert stem.bias is not None
    nn.init.zeros_(stem.bias)
    network.get_submodule("features.0").register_module("0", stem)
    if options.start == "he":
        start_at_scale(network)
    return network


@torch.no_grad()
def start_at_scale(network: nn.Module) -> None:
    """Draw all weights from He's initialisation, whose scale follows the width, and set every g to 1."""
    for name, parameter in network.named_parameters():
        if name.endswith("layer_scale"):
            nn.init.ones_(parameter)
        elif parameter.dim() > 1:  # of a convolution or a linear layer
            nn.init.kaiming_normal_(parameter, nonlinearity="relu")
