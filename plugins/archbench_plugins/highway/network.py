"""Highway networks: fully connected, convolutional for MNIST, and convolutional for CIFAR."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from archbench import Block

if TYPE_CHECKING:
    from archbench import TaskInfo
    from archbench_plugins.highway import HighwayOptions


class HighwayLayer(nn.Module):
    """A highway layer y = H(x) T(x) + x (1 - T(x)).

    H(x) = tanh(W_H x + b_H), or relu, and T(x) = sigmoid(W_T x + b_T).

    Args:
        affine: a linear layer or a convolution from w to 2w units that keeps all other sizes. It holds W_H above W_T:
            one product in place of two takes 10 to 37 % off a training step on 8x8 images (one CPU thread), but adds
            up to a quarter to the convolutional form on 28x28.
        activation: `tanh` or `relu`.
        gate_bias: b_T at the start.
    """

    def __init__(self, affine: nn.Linear | nn.Conv2d, *, activation: str, gate_bias: float) -> None:
        super().__init__()
        self.affine = affine
        self.activation = torch.relu if activation == "relu" else torch.tanh
        W_H, W_T = affine.weight.detach().chunk(2)
        assert affine.bias is not None
        b_H, b_T = affine.bias.detach().chunk(2)
        _start(W_H, b_H, activation)
        nn.init.xavier_uniform_(W_T)
        nn.init.constant_(b_T, gate_bias)

    def forward(self, x: Tensor) -> Tensor:
        H, T = self.affine(x).chunk(2, dim=1)  # twice (B, w) or (B, w, height, width)
        return torch.lerp(x, self.activation(H), torch.sigmoid(T))  # x + T (H - x), in one kernel

    def gates(self, x: Tensor) -> dict[str, Tensor]:
        """Return T."""
        return {"T": torch.sigmoid(self.affine(x).chunk(2, dim=1)[1])}

    def as_block(self, name: str) -> Block:
        """Return the layer as a block; it is skipped as if T were 0, as in section 3.2 of arXiv:1507.06228."""
        return Block(name, self, line=torch.clone, strength=lambda x: 1 - self.gates(x)["T"], gates=self.gates)


class Highway(nn.Sequential):
    """A network whose blocks are its highway layers."""

    def archbench_blocks(self) -> list[Block]:
        """Return the highway layers."""
        layers = (layer for layer in self if isinstance(layer, HighwayLayer))
        return [layer.as_block(str(number)) for number, layer in enumerate(layers, 1)]


def build(task: TaskInfo, options: HighwayOptions) -> nn.Module:
    """Return the network: images (B, C, height, width) to logits (B, outputs)."""
    if options.form == "cifar":
        return _cifar(task, options)
    return (_convolutional if options.form == "convolutional" else _fully_connected)(task, options)


def _fully_connected(task: TaskInfo, options: HighwayOptions) -> nn.Module:
    w = options.width
    return Highway(
        nn.Flatten(),  # (B, C*height*width)
        *_plain(nn.Linear(math.prod(task.input_shape), w), options),
        *(_highway(nn.Linear(w, 2 * w), options) for _ in range(options.depth - 1)),
        nn.Linear(w, task.outputs),
    )


def _convolutional(task: TaskInfo, options: HighwayOptions) -> nn.Module:
    w = options.width
    channels, height, width = task.input_shape
    layers = [nn.Dropout(0.2), *_plain(nn.Conv2d(channels, w, 5), options)]  # (B, w, height - 4, width - 4)
    height, width = height - 4, width - 4
    for stage, (kernel, dropout) in enumerate(((3, 0.3), (3, 0.4), (2, 0.5))):
        for _ in range((options.depth - 1 + stage) // 3):  # 2, 3, 3 at the published depth
            layers.append(_highway(nn.Conv2d(w, 2 * w, 3, padding=1), options))
        layers += [nn.MaxPool2d(kernel, stride=2, ceil_mode=True), nn.Dropout(dropout)]  # Caffe's pools round up
        height, width = _pooled(height, kernel), _pooled(width, kernel)
    layers += [nn.Flatten(), nn.Linear(w * height * width, task.outputs)]  # (B, outputs)
    # Convolutions run about a tenth faster on channels-last weights, and the activations follow them.
    return Highway(*layers).to(memory_format=torch.channels_last)


def _cifar(task: TaskInfo, options: HighwayOptions) -> nn.Module:
    w, K = options.width, task.outputs
    C = task.input_shape[0]
    layers: list[nn.Module] = [nn.Dropout(0.2)]
    for stage, D in enumerate((w, w * 5 // 2, 4 * w)):  # 32, 80, 128
        layers += _plain(nn.Conv2d(C, D, 3, padding=1), options)  # (B, D, height, width)
        for _ in range((options.depth - 4 + stage) // 3):  # 4, 5, 5 at the published depth
            layers.append(_highway(nn.Conv2d(D, 2 * D, 3, padding=1), options))
        if stage < 2:
            layers += [nn.MaxPool2d(2, ceil_mode=True), nn.Dropout(0.2)]  # (B, D, height/2, width/2)
        C = D
    layers += _plain(nn.Conv2d(C, w * 25 // 8, 1), options)  # (B, 100, height/4, width/4)
    layers += [nn.AdaptiveAvgPool2d(1), nn.Dropout(0.2), nn.Flatten(), nn.Linear(w * 25 // 8, K)]  # (B, K)
    return Highway(*layers).to(memory_format=torch.channels_last)


def _pooled(size: int, kernel: int) -> int:
    """Return a side after a pool of stride 2 that rounds up.

    The three pools give 24 -> 12 -> 6 -> 3 on 28x28 images, 4 -> 2 -> 1 -> 1 on 8x8.
    """
    return math.ceil((size - kernel) / 2) + 1


def _highway(affine: nn.Linear | nn.Conv2d, options: HighwayOptions) -> HighwayLayer:
    return HighwayLayer(affine, activation=options.activation, gate_bias=options.gate_bias)


def _plain(affine: nn.Linear | nn.Conv2d, options: HighwayOptions) -> list[nn.Module]:
    assert affine.bias is not None
    _start(affine.weight, affine.bias, options.activation)
    return [affine, nn.ReLU() if options.activation == "relu" else nn.Tanh()]


def _start(weight: Tensor, bias: Tensor, activation: str) -> None:
    if activation == "relu":
        nn.init.kaiming_normal_(weight, nonlinearity="relu")
    else:
        nn.init.xavier_uniform_(weight)
    nn.init.zeros_(bias)
