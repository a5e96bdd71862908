"""GoogLeNet: inception modules, with auxiliary classifiers in training."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from archbench import Block, Outputs
from archbench_plugins.shared.images import convolution

if TYPE_CHECKING:
    from archbench import TaskInfo
    from archbench_plugins.googlenet import GoogLeNetOptions

# Table 1: 1x1, 3x3 reduce, 3x3, 5x5 reduce, 5x5, pool projection.
TABLE = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}


class Inception(nn.Module):
    """An inception module: 1x1; 1x1, 3x3; 1x1, 5x5; and max-pool 3x3, 1x1, side by side (Figure 2b).

    The three 1x1 convolutions that read the input are computed as one, whose channels are then split.

    Args:
        C: channels of the input.
        widths: a row of the table; the output has as many channels as the 1st, 3rd, 5th and 6th number together.
        normalise: batch normalisation behind each convolution.
    """

    def __init__(self, C: int, widths: tuple[int, ...], *, normalise: bool) -> None:
        super().__init__()
        one, reduce3, three, reduce5, five, pool = widths
        self.parts = (one, reduce3, reduce5)
        self.from_input = nn.Sequential(*_conv(C, sum(self.parts), 1, normalise))
        self.three = nn.Sequential(*_conv(reduce3, three, 3, normalise))
        self.five = nn.Sequential(*_conv(reduce5, five, 5, normalise))
        self.pool = nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), *_conv(C, pool, 1, normalise))

    def forward(self, x: Tensor) -> Tensor:
        one, reduced3, reduced5 = self.from_input(x).split(self.parts, 1)  # (B, one, H, W), (B, reduce3, H, W), ...
        branches = [one, self.three(reduced3), self.five(reduced5), self.pool(x)]
        return torch.cat(branches, 1)  # (B, one + three + five + pool, H, W)


class GoogLeNet(nn.Module):
    """Stem, nine modules, global average pooling, dropout, linear classifier; in training two more classifiers.

    Args:
        stem: maps images to (B, stem_channels, H, W).
        stem_channels: channels of its output.
        size: H, W of its output.
        outputs: K.
        options: width, normalisation and the weight of the auxiliary classifiers.
    """

    def __init__(
        self, stem: nn.Module, stem_channels: int, size: tuple[int, int], *, outputs: int, options: GoogLeNetOptions
    ) -> None:
        super().__init__()
        self.stem, self.weight = stem, options.aux_weight
        self.stages = nn.ModuleDict()
        C = stem_channels
        classified: dict[str, tuple[int, tuple[int, int]]] = {}  # stage -> channels and size of its output
        for name, row in TABLE.items():
            widths = tuple(_scaled(width, options) for width in row)
            pool: list[nn.Module] = []
            if name in ("4a", "5a"):
                pool, size = [nn.MaxPool2d(3, stride=2, ceil_mode=True)], _halved(size)  # (B, C, H/2, W/2)
            self.stages[name] = nn.Sequential(*pool, Inception(C, widths, normalise=options.normalise))
            C = widths[0] + widths[2] + widths[4] + widths[5]
            if name in _heads(options):
                classified[name] = C, size
        self.dropout, self.head = nn.Dropout(0.4), nn.Linear(C, outputs)
        # Last, so that with and without them the other layers draw equal weights from one seed.
        self.auxiliary = nn.ModuleDict({name: _classifier(*at, outputs, options) for name, at in classified.items()})
        self.to(memory_format=torch.channels_last)

    def forward(self, x: Tensor) -> Tensor | Outputs:
        auxiliary = {}
        x = self.stem(x)
        for name, stage in self.stages.items():
            x = stage(x)
            if self.training and name in self.auxiliary:
                auxiliary[name] = (self.auxiliary[name](x), self.weight)  # (B, K)
        logits: Tensor = self.head(self.dropout(x.mean((2, 3))))  # (B, K)
        return Outputs(logits, auxiliary) if auxiliary else logits

    def archbench_blocks(self) -> list[Block]:
        """Return the inception modules; they have no straight path."""
        return [Block(name, stage[-1]) for name, stage in self.stages.items() if isinstance(stage, nn.Sequential)]


def build(task: TaskInfo, options: GoogLeNetOptions) -> nn.Module:
    """Return the network: images (B, C, H, W) to logits (B, outputs), or in training to `Outputs`."""
    channels, *size = task.input_shape
    H, W = size
    C, D = _scaled(64, options), _scaled(192, options)
    if options.form == "small":
        stem: list[nn.Module] = _conv(channels, D, 3, options.normalise)  # (B, D, H, W)
    else:
        stem = [
            *_conv(channels, C, 7, options.normalise, stride=2),  # (B, C, H/2, W/2)
            nn.MaxPool2d(3, stride=2, ceil_mode=True),  # (B, C, H/4, W/4)
            nn.LocalResponseNorm(5),
            *_conv(C, C, 1, options.normalise),
            *_conv(C, D, 3, options.normalise),  # (B, D, H/4, W/4)
            nn.LocalResponseNorm(5),
            nn.MaxPool2d(3, stride=2, ceil_mode=True),  # (B, D, H/8, W/8)
        ]
        H, W = _halved(_halved((math.ceil(H / 2), math.ceil(W / 2))))
    return GoogLeNet(nn.Sequential(*stem), D, (H, W), outputs=task.outputs, options=options)


def _heads(options: GoogLeNetOptions) -> tuple[str, ...]:
    """Return the modules that auxiliary classifiers read."""
    if options.aux_weight == 0:
        return ()
    return ("4a", "4d") if options.only_head is None else (options.only_head,)


def _classifier(C: int, size: tuple[int, int], outputs: int, options: GoogLeNetOptions) -> nn.Sequential:
    """Return an auxiliary classifier (section 5).

    Average pooling 5x5 with stride 3, 1x1 convolution to 128, linear to 1024, dropout 0.7, linear.
    """
    reduced, hidden = _scaled(128, options), _scaled(1024, options)
    window = [min(5, side) for side in size]  # smaller maps are averaged whole
    pooled = math.prod((side - span) // 3 + 1 for side, span in zip(size, window, strict=True))
    layers = [
        nn.AvgPool2d((window[0], window[1]), stride=3),  # (B, C, 4, 4) on 14x14 maps
        *_conv(C, reduced, 1, options.normalise),
        nn.Flatten(),
        nn.Linear(reduced * pooled, hidden),
        nn.ReLU(),
        nn.Dropout(0.7),
        nn.Linear(hidden, outputs),
    ]
    return nn.Sequential(*layers)


def _conv(C: int, D: int, kernel: int, normalise: bool, *, stride: int = 1) -> list[nn.Module]:
    conv = convolution(C, D, kernel, stride=stride, bias=not normalise)
    return [conv, nn.BatchNorm2d(D), nn.ReLU()] if normalise else [conv, nn.ReLU()]


def _scaled(width: int, options: GoogLeNetOptions) -> int:
    """Return the width scaled to a multiple of 8, as all widths of Table 1 are: kernels are slower on others."""
    return max(8, 8 * round(width * options.width / 8))


def _halved(size: tuple[int, int]) -> tuple[int, int]:
    """Return the sides after max-pooling 3x3 with stride 2 that rounds up."""
    H, W = (math.ceil((side - 3) / 2) + 1 for side in size)
    return H, W
