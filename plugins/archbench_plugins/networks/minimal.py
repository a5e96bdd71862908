"""The nets of `archbench_plugins.min_gru` and `archbench_plugins.min_lstm`: gates that do not see the state."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from archbench_plugins.networks._scan import linear_scan
from archbench_plugins.networks._sequence import Front, Reader

if TYPE_CHECKING:
    from archbench import TaskInfo
    from archbench_plugins.min_gru import MinGRUOptions
    from archbench_plugins.min_lstm import MinLSTMOptions


class MinGRU(nn.Module):
    """z_t = sigmoid(W_z x_t + b_z), h'_t = W_h x_t + b_h, h_t = (1 - z_t) h_{t-1} + z_t h'_t: (B, T, I) to (B, T, H).

    Args:
        features, H: inputs I and units.
        gate_bias: b_z at the start.
    """

    def __init__(self, features: int, H: int, *, gate_bias: float) -> None:
        super().__init__()
        self.affine = _affine(features, H, (gate_bias, 0.0))

    def forward(self, x: Tensor) -> Tensor:
        z, candidate = self.affine(x).chunk(2, 2)  # twice (B, T, H)
        z = torch.sigmoid(z)
        return linear_scan(1 - z, z * candidate)


class MinLSTM(nn.Module):
    """f_t, i_t = sigmoid(W x_t + b), h'_t = W_h x_t + b_h, h_t = (f_t h_{t-1} + i_t h'_t) / (f_t + i_t).

    (B, T, I) to (B, T, H).

    Args:
        features, H: inputs I and units.
        forget_bias: b_f at the start.
    """

    def __init__(self, features: int, H: int, *, forget_bias: float) -> None:
        super().__init__()
        self.affine = _affine(features, H, (forget_bias, 0.0, 0.0))

    def forward(self, x: Tensor) -> Tensor:
        f, i, candidate = self.affine(x).chunk(3, 2)  # three times (B, T, H)
        f, i = torch.sigmoid(f), torch.sigmoid(i)
        f = f / (f + i)
        return linear_scan(f, (1 - f) * candidate)


class Stack(nn.Module):
    """x + V cell(LayerNorm(x)) for each cell, between an affine layer and a LayerNorm: (B, T, I) to (B, T, D).

    Args:
        features, D: inputs I and width.
        cells: they map (B, T, D) to (B, T, H).
        H: units of each cell.
    """

    def __init__(self, features: int, D: int, cells: list[nn.Module], *, H: int) -> None:
        super().__init__()
        self.enter = nn.Linear(features, D)
        self.norms = nn.ModuleList(nn.LayerNorm(D) for _ in cells)
        self.cells = nn.ModuleList(cells)
        self.down = nn.ModuleList(nn.Linear(H, D) for _ in cells)
        self.leave = nn.LayerNorm(D)

    def forward(self, x: Tensor) -> Tensor:
        x = self.enter(x)  # (B, T, D)
        for norm, cell, down in zip(self.norms, self.cells, self.down, strict=True):
            x = x + down(cell(norm(x)))
        left: Tensor = self.leave(x)
        return left


def build_gru(task: TaskInfo, options: MinGRUOptions) -> nn.Module:
    """A stack of minGRU layers."""
    D, H = options.width, options.width * options.expansion
    return _build(task, options, [MinGRU(D, H, gate_bias=options.gate_bias) for _ in range(options.layers)])


def build_lstm(task: TaskInfo, options: MinLSTMOptions) -> nn.Module:
    """A stack of minLSTM layers."""
    D, H = options.width, options.width * options.expansion
    return _build(task, options, [MinLSTM(D, H, forget_bias=options.forget_bias) for _ in range(options.layers)])


def _build(task: TaskInfo, options: MinGRUOptions | MinLSTMOptions, cells: list[nn.Module]) -> nn.Module:
    front = Front(task, image=options.image)
    core = Stack(front.features, options.width, cells, H=options.width * options.expansion)
    return Reader(front, core, width=options.width, task=task)


def _affine(features: int, H: int, biases: tuple[float, ...]) -> nn.Linear:
    """Each of the parts of W from Glorot's initialisation, and its bias at the given value."""
    affine = nn.Linear(features, H * len(biases))
    for W, b, start in zip(torch.split(affine.weight, H), torch.split(affine.bias, H), biases, strict=True):
        nn.init.xavier_uniform_(W.detach())
        nn.init.constant_(b.detach(), start)
    return affine
