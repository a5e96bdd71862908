"""DenseNets in their CIFAR form, and torchvision's for ImageNet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torchvision.models
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from archbench import Block
from archbench_plugins.shared.images import Frame, Part, convolution, from_torchvision

if TYPE_CHECKING:
    from archbench import TaskInfo
    from archbench_plugins.densenet import DenseNetOptions


class Layer(Part):
    """A layer that adds k channels to its input: [x, H(x)].

    H is BN-ReLU-conv3x3 to k channels; in a bottleneck, BN-ReLU-conv1x1 to 4k channels comes before it.

    Args:
        C: channels of x: all that the layers before have made.
        k: channels that it adds.
        before: layers of its dense block before it, which made the last k * before of those channels.
        bottleneck: the layer of DenseNet-B.
        dropout: ratio behind each convolution.
        checkpointed: keep only x for the backward pass and compute H again there: memory then grows linearly and not
            quadratically with the layers of a block.
    """

    def __init__(self, C: int, k: int, *, before: int, bottleneck: bool, dropout: float, checkpointed: bool) -> None:
        super().__init__()
        self.widths = [C - k * before, *[k] * before]
        squeeze = _norm_relu_conv(C, 4 * k, 1, dropout) if bottleneck else []
        self.H = nn.Sequential(*squeeze, *_norm_relu_conv(4 * k if bottleneck else C, k, 3, dropout))
        self.checkpointed = checkpointed

    def forward(self, x: Tensor) -> Tensor:
        if self.checkpointed and self.training and torch.is_grad_enabled():
            new = checkpoint(self.H, x, use_reentrant=False)
        else:
            new = self.H(x)
        return torch.cat([x, new], 1)  # (B, C + k, H, W)

    def as_block(self, name: str) -> Block:
        """Return the layer as a block; without its branch, the k new channels are 0.

        It reads the layers of its dense block, whose numbers precede its own, and `input`, what came into that block.
        """
        number, before = int(name), len(self.widths) - 1
        sources = ["input", *map(str, range(number - before, number))]
        first = next(module for module in self.H if isinstance(module, nn.Conv2d))

        def reads() -> dict[str, Tensor]:
            return dict(zip(sources, torch.split(first.weight, self.widths, 1), strict=True))

        return Block(name, self, branches=(self.H,), reads=reads)


def build(task: TaskInfo, options: DenseNetOptions) -> nn.Module:
    """Return the network: images (B, C, H, W) to logits (B, outputs)."""
    channels, outputs, k = task.input_shape[0], task.outputs, options.k
    if options.form == "imagenet":
        function = getattr(torchvision.models, f"densenet{options.depth}")
        return from_torchvision(function, first="features.conv0", channels=channels, outputs=outputs)
    N = (options.depth - 4) // (6 if options.bottleneck else 3)
    C = 2 * k if options.bottleneck and options.compression < 1 else 16
    stem = convolution(channels, C, 3)  # (B, C, H, W)
    modules: list[nn.Module] = []
    for block in range(3):
        for before in range(N):
            modules.append(_layer(C, before, options))
            C += k
        if block < 2:
            new = int(options.compression * C)
            modules += [*_norm_relu_conv(C, new, 1, options.dropout), nn.AvgPool2d(2)]  # (B, new, H/2, W/2)
            C = new
    return Frame(stem, modules, close=nn.Sequential(nn.BatchNorm2d(C), nn.ReLU()), head=nn.Linear(C, outputs))


def _layer(C: int, before: int, options: DenseNetOptions) -> Layer:
    return Layer(
        C,
        options.k,
        before=before,
        bottleneck=options.bottleneck,
        dropout=options.dropout,
        checkpointed=options.checkpointed,
    )


def _norm_relu_conv(C: int, D: int, kernel: int, dropout: float) -> list[nn.Module]:
    layers = [nn.BatchNorm2d(C), nn.ReLU(), convolution(C, D, kernel)]
    return [*layers, nn.Dropout(dropout)] if dropout else layers
