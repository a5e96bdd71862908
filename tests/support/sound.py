"""Ordinary sound networks. Each must pass every check of the kit, except for the failures that it declares."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

import archbench
from archbench import Architecture, TaskInfo


class CNN(nn.Module):
    """A network with convolution, batch normalisation and dropout."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(task.input_shape[0], 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(),
            nn.Conv2d(16, 32, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU(), nn.Dropout(0.1),
        )  # fmt: skip
        self.head = nn.Linear(32, task.outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x).mean((2, 3)))


class Transformer(nn.Module):
    """torch's Transformer encoder over tokens or over real vectors."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__()
        self.embed = nn.Embedding(task.vocabulary, 32) if task.vocabulary else nn.Linear(task.input_shape[1], 32)
        self.position = nn.Parameter(0.1 * torch.randn(1, task.input_shape[0], 32))
        layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(32, task.outputs)
        self.per_step = task.per_step

    def forward(self, x: Tensor) -> Tensor:
        h = self.encoder(self.embed(x) + self.position)
        return self.head(h if self.per_step else h.mean(1))


class Recurrent(nn.Module):
    """An LSTM or GRU with dropout between its layers, whose last real step gives the answer."""

    def __init__(self, kind: type[nn.RNNBase], task: TaskInfo) -> None:
        super().__init__()
        self.core = kind(task.input_shape[1], 32, 2, dropout=0.1, batch_first=True)
        self.head = nn.Linear(32, task.outputs)
        self.per_step = task.per_step

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        h = self.core(x)[0]
        if self.per_step:
            return self.head(h)
        return self.head(h[:, -1] if lengths is None else h[torch.arange(len(h)), lengths - 1])


class Patches(nn.Module):
    """A convolution that turns images into patches (B, patches, width)."""

    def __init__(self, task: TaskInfo, width: int) -> None:
        super().__init__()
        channels, height, columns = task.input_shape
        self.count = (height // 4) * (columns // 4)
        self.project = nn.Conv2d(channels, width, 4, stride=4)

    def forward(self, x: Tensor) -> Tensor:
        return self.project(x).flatten(2).transpose(1, 2)


class ViT(nn.Module):
    """A vision transformer with a class token and an auxiliary classifier."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__()
        self.patches = Patches(task, 32)
        self.token = nn.Parameter(torch.zeros(1, 1, 32))
        self.position = nn.Parameter(0.1 * torch.randn(1, self.patches.count + 1, 32))
        self.blocks = nn.ModuleList(nn.TransformerEncoderLayer(32, 4, 64, batch_first=True) for _ in range(2))
        self.auxiliary, self.head = nn.Linear(32, task.outputs), nn.Linear(32, task.outputs)

    def forward(self, x: Tensor) -> archbench.Outputs:
        h = torch.cat([self.token.expand(len(x), -1, -1), self.patches(x)], 1) + self.position
        first = self.blocks[0](h)
        last = self.blocks[1](first)
        return archbench.Outputs(self.head(last[:, 0]), {"middle": (self.auxiliary(first[:, 0]), 0.3)})


class MixerBlock(nn.Module):
    """A block that mixes the patches, then the channels."""

    def __init__(self, count: int, width: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.tokens = nn.Sequential(nn.Linear(count, 32), nn.GELU(), nn.Linear(32, count))
        self.channels = nn.Sequential(nn.Linear(width, 64), nn.GELU(), nn.Linear(64, width))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.tokens(self.norm1(x).transpose(1, 2)).transpose(1, 2)
        return x + self.channels(self.norm2(x))


class Mixer(nn.Module):
    """An MLP-Mixer."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__()
        self.patches = Patches(task, 32)
        self.blocks = nn.Sequential(*(MixerBlock(self.patches.count, 32) for _ in range(2)))
        self.head = nn.Linear(32, task.outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.blocks(self.patches(x)).mean(1))


class ZeroInitResidual(CNN):
    """A residual branch that starts at zero, so that at first no layer before its last gets a gradient."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__(task)
        self.inner, self.last = nn.Linear(32, 32), nn.Linear(32, 32)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, x: Tensor) -> Tensor:
        h = self.body(x).mean((2, 3))
        return self.head(h + self.last(torch.relu(self.inner(h))))


class Experts(nn.Module):
    """A mixture of eight experts, one for each example, so that a batch of six leaves some of them idle."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__()
        features = math.prod(task.input_shape)
        self.gate = nn.Linear(features, 8)
        self.experts = nn.ModuleList(nn.Linear(features, task.outputs) for _ in range(8))

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(1)
        weight, chosen = self.gate(x).softmax(-1).max(-1)
        logits = x.new_zeros(len(x), self.experts[0].out_features)
        for index, expert in enumerate(self.experts):
            mine = (chosen == index).nonzero()[:, 0]
            if len(mine):
                logits = logits.index_add(0, mine, expert(x[mine]).to(logits.dtype))
        return logits * weight[:, None]


class MLP(nn.Module):
    """Two layers on flattened inputs of any kind."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Flatten(), nn.Linear(math.prod(task.input_shape), 64), nn.ReLU(), nn.Linear(64, task.outputs)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


def build_lstm(task: TaskInfo, options: None) -> nn.Module:
    """Return an LSTM."""
    return Recurrent(nn.LSTM, task)


def build_gru(task: TaskInfo, options: None) -> nn.Module:
    """Return a GRU."""
    return Recurrent(nn.GRU, task)


def no_steps(task: TaskInfo, options: None) -> str | None:
    """Return why a network that answers once does not take a task, or None if it does."""
    return "answers once, not at every step" if task.per_step else None


def declare(name: str, network: Callable[[TaskInfo], nn.Module], *inputs: str, **more: object) -> Architecture:
    """Return an architecture without options."""
    return Architecture(
        name=name, build=lambda task, options: network(task), inputs=inputs, summary=f"A sound {name}", **more
    )


SOUND = [
    declare("cnn", CNN, "image", parameters={"cnn": (TaskInfo(kind="image", input_shape=(1, 8, 8), outputs=10), 5178)}),
    declare("transformer", Transformer, "sequence", "tokens"),
    Architecture(name="lstm", build=build_lstm, inputs=("sequence",), summary="LSTM"),
    Architecture(name="gru", build=build_gru, inputs=("sequence",), summary="GRU", takes_lengths=True),
    declare("vit", ViT, "image"),
    declare("mixer", Mixer, "image"),
    declare("mlp", MLP, "image", "sequence", incompatible=no_steps),
    declare("zero-init", ZeroInitResidual, "image"),
    declare(
        "experts",
        Experts,
        "image",
        unused_parameters=("experts.*",),
        expected_failures={"B403": "which experts run depends on the data"},
    ),
]
