"""The fully connected residual net: layers that add to what they carry."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from archbench import Block

if TYPE_CHECKING:
    from archbench import TaskInfo
    from archbench_plugins.residual_mlp import ResidualMLPOptions


class ResidualLayer(nn.Module):
    """A residual layer y = s h + F(h), with F(h) = tanh(W h + b) or relu(W h + b).

    Args:
        width: of h and y, both (B, width).
        activation: `tanh` or `relu`.
        line: s.
    """

    def __init__(self, width: int, *, activation: str, line: float) -> None:
        super().__init__()
        self.branch = _layer(width, width, activation)
        self.line = line

    def forward(self, h: Tensor) -> Tensor:
        return torch.add(self.branch(h), h, alpha=self.line)

    def as_block(self, name: str) -> Block:
        """Return the layer as a block; skipped, it leaves s h."""
        return Block(name, self, branches=(self.branch,))


class ResidualMLP(nn.Sequential):
    """A network whose blocks are its residual layers."""

    def archbench_blocks(self) -> list[Block]:
        """Return the residual layers."""
        layers = (layer for layer in self if isinstance(layer, ResidualLayer))
        return [layer.as_block(str(number)) for number, layer in enumerate(layers, 1)]


def build(task: TaskInfo, options: ResidualMLPOptions) -> nn.Module:
    """Return the network: images (B, C, height, width) to logits (B, outputs)."""
    w = options.width
    return ResidualMLP(
        nn.Flatten(),  # (B, C*height*width)
        _layer(math.prod(task.input_shape), w, options.activation),
        *(ResidualLayer(w, activation=options.activation, line=options.line) for _ in range(options.depth - 1)),
        nn.Linear(w, task.outputs),
    )


def _layer(fan_in: int, fan_out: int, activation: str) -> nn.Sequential:
    linear = nn.Linear(fan_in, fan_out)
    nn.init.zeros_(linear.bias)
    if activation == "relu":
        nn.init.kaiming_normal_(linear.weight, nonlinearity="relu")
        return nn.Sequential(linear, nn.ReLU())
    nn.init.xavier_uniform_(linear.weight)
    return nn.Sequential(linear, nn.Tanh())
