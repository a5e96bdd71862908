"""The multi-layer perceptron: fully connected layers in a row."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

from torch import nn

from archbench_plugins.shared.images import Chain

if TYPE_CHECKING:
    from archbench import TaskInfo
    from archbench_plugins.mlp import MLPOptions


def build(task: TaskInfo, options: MLPOptions) -> nn.Module:
    """Return the network: images (B, C, H, W) to logits (B, outputs)."""
    widths = [math.prod(task.input_shape)] + [options.width] * options.depth
    layers: list[nn.Module] = [nn.Flatten()]  # (B, C*H*W)
    for fan_in, fan_out in pairwise(widths):
        layers += [
            _linear(fan_in, fan_out, options.activation),
            nn.ReLU() if options.activation == "relu" else nn.Tanh(),
        ]
    return Chain(*layers, nn.Linear(options.width, task.outputs))


def _linear(fan_in: int, fan_out: int, activation: str) -> nn.Linear:
    layer = nn.Linear(fan_in, fan_out)
    if activation == "relu":
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    else:
        nn.init.xavier_uniform_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
