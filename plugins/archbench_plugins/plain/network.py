"""Plain convolutional networks: those of `resnet` without the shortcuts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from archbench_plugins.shared.images import Frame, convolution, stages

if TYPE_CHECKING:
    from archbench import TaskInfo
    from archbench_plugins.plain import PlainOptions


def build(task: TaskInfo, options: PlainOptions) -> nn.Module:
    """Return the network: images (B, C, H, W) to logits (B, outputs)."""
    n = (options.depth - 2) // 6
    stem = nn.Sequential(*_layer(task.input_shape[0], 16, 1, options))  # (B, 16, H, W)
    pairs = [
        nn.Sequential(*_layer(C, D, stride, options), *_layer(D, D, 1, options))  # (B, D, H/stride, W/stride)
        for C, D, stride in stages(n, first=16, widths=(16, 32, 64))
    ]
    return Frame(stem, pairs, head=nn.Linear(64, task.outputs))


def _layer(C: int, D: int, stride: int, options: PlainOptions) -> list[nn.Module]:
    conv = convolution(C, D, 3, stride=stride, bias=not options.normalise)
    if options.start == "delta-orthogonal":
        delta_orthogonal_(conv.weight, gain=2**0.5 if options.activation == "relu" else 1.0)
    norm = [nn.BatchNorm2d(D)] if options.normalise else []
    return [conv, *norm, nn.ReLU() if options.activation == "relu" else nn.Tanh()]


@torch.no_grad()
def delta_orthogonal_(weight: Tensor, *, gain: float) -> None:
    """Fill a kernel with zeros and an orthogonal matrix in its middle (arXiv:1806.05393).

    Where C > D the rows are orthonormal and not the columns, so the matrix projects.

    Args:
        weight: (D, C, k, k) with k odd.
        gain: factor of the matrix; 1 keeps the length of every pixel's vector, sqrt(2) makes up for ReLU.
    """
    nn.init.zeros_(weight)
    middle = torch.empty(weight.shape[:2], device=weight.device)
    nn.init.orthogonal_(middle, gain)
    weight[:, :, weight.shape[2] // 2, weight.shape[3] // 2] = middle
