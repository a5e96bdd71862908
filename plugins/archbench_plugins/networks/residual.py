"""What the residual family shares: shortcuts across a change of shape, one unit, and the frame around.

`plain`, `resnet`, `wide-resnet` and `rezero` are this unit with another branch, shortcut or sum. `stochastic-depth` and
`fixup` bring units of their own and share the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from archbench_plugins.networks.convolution import convolution


def stages(n: int, *, first: int, widths: Iterable[int]) -> Iterator[tuple[int, int, int]]:
    """(C, D, stride) of each of n units a stage: the first unit of all stages but the first has stride 2."""
    per_unit = [first] + [width for width in widths for _ in range(n)]
    for index, (C, D) in enumerate(pairwise(per_unit)):
        yield C, D, 2 if index and index % n == 0 else 1


class SubsampleAndPad(nn.Module):
    """Option A: every stride-th row and column of x, then zero channels. No parameter."""

    def __init__(self, C: int, D: int, *, stride: int) -> None:
        super().__init__()
        self.stride, self.new_channels = stride, D - C

    def forward(self, x: Tensor) -> Tensor:
        x = x[:, :, :: self.stride, :: self.stride]  # (B, C, H/stride, W/stride)
        return pad(x, (0, 0, 0, 0, 0, self.new_channels))  # (B, D, H/stride, W/stride)


class Sum(nn.Module):
    """y = h + F."""

    def forward(self, h: Tensor, F: Tensor) -> Tensor:
        return h + F


class Unit(nn.Module):
    """y = relu(h(x) + F(x)), or y = relu(F(x)) with the shortcut cut.

    Args:
        branch: F, from (B, C, H, W) to (B, D, H/stride, W/stride).
        shortcut: h, the same shapes; None cuts it.
        join: how h and F become one.
    """

    def __init__(self, branch: nn.Module, shortcut: nn.Module | None, join: nn.Module | None = None) -> None:
        super().__init__()
        self.branch, self.shortcut, self.join = branch, shortcut, join or Sum()

    def forward(self, x: Tensor) -> Tensor:
        F = self.branch(x)  # (B, D, H/stride, W/stride)
        return torch.relu(F if self.shortcut is None else self.join(self.shortcut(x), F))


class PreActivatedUnit(nn.Module):
    """y = h(x) + F(relu(norm(x))): nothing stands on the path from unit to unit (arXiv:1603.05027, Figure 1b).

    Args:
        C: channels of x.
        branch: F, which starts with a convolution.
        shortcut: h; None cuts it. A projection reads relu(norm(x)), which it shares with F, as in the authors' code.
        join: how h and F become one.
        first: h reads relu(norm(x)) whatever it is. So the appendix of the paper has it in the first unit of a net,
            whose x comes from a convolution without norm and ReLU.
    """

    def __init__(
        self,
        C: int,
        branch: nn.Module,
        shortcut: nn.Module | None,
        join: nn.Module | None = None,
        *,
        first: bool = False,
    ) -> None:
        super().__init__()
        self.norm, self.branch, self.shortcut, self.join = nn.BatchNorm2d(C), branch, shortcut, join or Sum()
        self.shared = first or isinstance(shortcut, nn.Conv2d)

    def forward(self, x: Tensor) -> Tensor:
        activated = torch.relu(self.norm(x))  # (B, C, H, W)
        F: Tensor = self.branch(activated)  # (B, D, H/stride, W/stride)
        if self.shortcut is None:
            return F
        y: Tensor = self.join(self.shortcut(activated if self.shared else x), F)
        return y


def basic_branch(C: int, D: int, *, stride: int, normalise: bool = True) -> nn.Sequential:
    """F is conv3x3, batch norm, ReLU, conv3x3, batch norm; a convolution without a norm behind it has a bias."""
    layers = [*_conv_norm(C, D, stride, normalise), nn.ReLU(), *_conv_norm(D, D, 1, normalise)]
    return nn.Sequential(*layers)  # (B, D, H/stride, W/stride)


def _conv_norm(C: int, D: int, stride: int, normalise: bool) -> list[nn.Module]:
    conv = convolution(C, D, 3, stride=stride, bias=not normalise)
    return [conv, nn.BatchNorm2d(D)] if normalise else [conv]


class Frame(nn.Module):
    """Stem, units, global average pooling, linear classifier.

    Args:
        stem: images (B, channels, H, W) to (B, C, H, W).
        units: in order.
        close: what follows the last unit.
        head: linear.
    """

    def __init__(
        self, stem: nn.Module, units: Iterable[nn.Module], *, head: nn.Linear, close: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.stem, self.units, self.close, self.head = stem, nn.Sequential(*units), close or nn.Identity(), head
        # Activations follow the layout of the weights. Measured with resnet-20, batch 64, one CPU thread: a training
        # step takes 11 % less time on 8x8 images and 25 % less on 32x32.
        self.to(memory_format=torch.channels_last)

    def forward(self, x: Tensor) -> Tensor:
        x = self.close(self.units(self.stem(x)))  # (B, D, H/4, W/4)
        x = x.mean((2, 3))  # (B, D)
        logits: Tensor = self.head(x)  # (B, K)
        return logits


def normalised_stem(channels: int, C: int = 16) -> nn.Sequential:
    """conv3x3, batch norm, ReLU."""
    return nn.Sequential(convolution(channels, C, 3), nn.BatchNorm2d(C), nn.ReLU())
