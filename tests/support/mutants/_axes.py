"""Mutants that mix examples, batches or axes: B104, B108 and B112."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from archbench import TaskInfo
from support.mutants._base import Net, mutant

SEQUENCE = {"inputs": ("sequence",)}


class Steps(nn.Module):
    """A sound LSTM. Mutants replace its core and its methods."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__()
        self.task = task
        self.core: nn.Module = nn.LSTM(task.input_shape[1], 32, batch_first=True)
        self.head = nn.Linear(32, task.outputs)

    def states(self, x: Tensor) -> Tensor:
        """Map sequences to the states of all steps (B, T, 32)."""
        return self.core(x)[0]

    def forward(self, x: Tensor) -> Tensor:
        h = self.states(x)
        return self.head(h if self.task.per_step else h[:, -1])


def recurrent(name: str, make: Callable[[int], nn.RNNBase]) -> None:
    """Register a recurrent network that takes the batch for time."""

    def build(task: TaskInfo) -> nn.Module:
        network = Steps(task)
        network.core = make(task.input_shape[1])
        return network

    build.__name__ = name
    mutant("B104", "moves the logits", **SEQUENCE)(build)


recurrent("lstm_over_the_batch", lambda features: nn.LSTM(features, 32))
recurrent("gru_over_the_batch", lambda features: nn.GRU(features, 32))
recurrent("rnn_over_the_batch", lambda features: nn.RNN(features, 32))
recurrent("two_layers_over_the_batch", lambda features: nn.LSTM(features, 32, num_layers=2))


@mutant("B104", "moves the logits", **SEQUENCE)
class LooksBackOverTheBatch(Steps):
    """A running sum over the batch, so that examples reach only those after them."""

    def states(self, x: Tensor) -> Tensor:
        return super().states(x).cumsum(0)


@mutant("B104", "moves the logits", **SEQUENCE)
class LooksAheadInTheBatch(Steps):
    """Each example gets part of the next one, so that examples reach only those before them."""

    def states(self, x: Tensor) -> Tensor:
        h = super().states(x)
        return h + 0.1 * torch.cat([h[1:], h[:1] * 0])


@mutant("B104", "moves the logits")
class PairsExamples(Net):
    """Features that are averaged over neighbouring examples, the first with the second and so on."""

    def features(self, x: Tensor) -> Tensor:
        h = super().features(x)
        left = torch.arange(len(h), device=h.device) // 2 * 2
        return h + 0.5 * h[left]


@mutant("B104", "place in the batch")
class KnowsItsPlace(Net):
    """Features that are scaled by the place of the example in the batch."""

    def features(self, x: Tensor) -> Tensor:
        h = super().features(x)
        return h * torch.linspace(1, 2, len(h), device=h.device, dtype=h.dtype)[:, None]


@mutant("B104", "without its batch")
class DividesByTheBatch(Net):
    """Features that are divided by the number of examples."""

    def features(self, x: Tensor) -> Tensor:
        return super().features(x) / len(x)


@mutant("B104", "moves the logits", **SEQUENCE)
class EncodesOverTheBatch(nn.Module):
    """A Transformer layer without batch_first=True."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__()
        self.embed = nn.Linear(task.input_shape[1], 32)
        self.layer = nn.TransformerEncoderLayer(32, 2, 64, dropout=0.0)
        self.head = nn.Linear(32, task.outputs)
        self.per_step = task.per_step

    def forward(self, x: Tensor) -> Tensor:
        h = self.layer(self.embed(x))
        return self.head(h if self.per_step else h.mean(1))


@mutant("B104", "moves the logits", **SEQUENCE)
class NormalisesOverTheBatch(Steps):
    """A softmax over the batch axis."""

    def states(self, x: Tensor) -> Tensor:
        h = super().states(x)
        return h * h.softmax(0)


@mutant("B104", "moves the logits", **SEQUENCE)
class ReadsTheWrongAxisOfTheState(Steps):
    """The final states of two layers, (layers, batch, width), reshaped where their axes should be exchanged."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__(task)
        self.core = nn.LSTM(task.input_shape[1], 32, num_layers=2, batch_first=True)
        self.mix = nn.Linear(64, 32)

    def forward(self, x: Tensor) -> Tensor:
        h, (last, _) = self.core(x)
        mixed = self.mix(last.reshape(len(x), 64))
        return self.head(h + mixed[:, None]) if self.task.per_step else self.head(mixed)


class Keeps(Steps):
    """A network that starts training batches from the state that the batch before left. Mutants say how."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__(task)
        self.kept: Any = None

    def states(self, x: Tensor) -> Tensor:
        if not self.training:
            return self.core(x)[0]
        start = self.kept if self.kept is not None and self.kept[0].shape[1] == len(x) else None
        h, (state, cell) = self.core(x, start)
        self.kept = state.detach(), cell.detach()
        return h


@mutant("B108", "another batch before it", **SEQUENCE)
class KeepsItsState(Keeps):
    """An LSTM that goes on from the last state in training."""


@mutant("B108", "another batch before it")
class KeepsAMeanOfFeatures(Net):
    """Features that are centred by the mean of the batch before, kept in a buffer."""

    centre: Tensor

    def __init__(self, task: TaskInfo) -> None:
        super().__init__(task)
        self.register_buffer("centre", torch.zeros(32))

    def features(self, x: Tensor) -> Tensor:
        h = super().features(x)
        if not self.training:
            return h
        centred = h - self.centre
        self.centre = h.detach().mean(0)
        return centred


@mutant("B108", "another batch before it")
class RemembersTheLastBatch(Net):
    """Features to which those of the batch before are added in training."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__(task)
        self.memory: Any = None

    def features(self, x: Tensor) -> Tensor:
        h = super().features(x)
        if not self.training:
            return h
        before, self.memory = self.memory, h.detach()
        return h if before is None or before.shape != h.shape else h + 0.5 * before


@mutant("B108", "another batch before it", **SEQUENCE)
class AttendsToOldBatches(Steps):
    """A cache of keys that grows over training batches."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__(task)
        self.cache: list[Tensor] = []

    def states(self, x: Tensor) -> Tensor:
        h = super().states(x)
        if not self.training:
            return h
        self.cache = [*self.cache[-2:], h.detach().mean((0, 1))]
        return h + torch.stack(self.cache).mean(0)


class Convolves(nn.Module):
    """A sound convolution over time. Mutants exchange its axes in wrong ways."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__()
        self.task = task
        self.embed = nn.Linear(task.input_shape[1], 32)
        self.core = nn.Conv1d(32, 32, 3, padding=1)
        self.head = nn.Linear(32, task.outputs)

    def exchange(self, h: Tensor) -> Tensor:
        """Map (B, T, 32) to (B, 32, T)."""
        return h.transpose(1, 2)

    def forward(self, x: Tensor) -> Tensor:
        h = torch.relu(self.core(self.exchange(self.embed(x)))).transpose(1, 2)
        return self.head(h if self.task.per_step else h.mean(1))


@mutant("B112", "mixes its axes", **SEQUENCE)
class ReshapesForTranspose(Convolves):
    """reshape() where transpose() was meant."""

    def exchange(self, h: Tensor) -> Tensor:
        return h.reshape(len(h), 32, -1)


@mutant("B112", "mixes its axes", **SEQUENCE)
class FlattensForTranspose(Convolves):
    """flatten() and unflatten() where transpose() was meant."""

    def exchange(self, h: Tensor) -> Tensor:
        return h.flatten(1).unflatten(1, (32, -1))


@mutant("B112", "mixes its axes", **SEQUENCE)
class ViewsForTranspose(Convolves):
    """view() where transpose() was meant."""

    def exchange(self, h: Tensor) -> Tensor:
        return h.view(h.shape[0], h.shape[2], h.shape[1])


@mutant("B112", "mixes its axes", **SEQUENCE)
class ReshapesItsInput(nn.Module):
    """Steps and features of the input exchanged by torch.reshape."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__()
        self.task = task
        self.core = nn.Conv1d(task.input_shape[1], 32, 5, padding=2)
        self.mix = nn.Conv1d(32, 32, task.input_shape[0] * 2 - 1, padding=task.input_shape[0] - 1)
        self.head = nn.Linear(32, task.outputs)

    def forward(self, x: Tensor) -> Tensor:
        h = torch.relu(self.core(torch.reshape(x, (len(x), x.shape[2], x.shape[1]))))
        h = (h + torch.relu(self.mix(h))).transpose(1, 2)
        return self.head(h if self.task.per_step else h.mean(1))


@mutant("B112", "mixes its axes", inputs=("tokens",))
class SplitsHeadsByReshape(nn.Module):
    """Attention heads that are split off by reshape(B, heads, T, width)."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__()
        self.task = task
        self.embed = nn.Embedding(task.vocabulary, 32)
        self.project = nn.Linear(32, 96)
        self.head = nn.Linear(32, task.outputs)

    def forward(self, x: Tensor) -> Tensor:
        h = self.embed(x)
        batch, steps, _ = h.shape
        q, k, v = (part.reshape(batch, 4, steps, 8) for part in self.project(h).chunk(3, -1))
        mixed = ((q @ k.transpose(2, 3)).softmax(-1) @ v).transpose(1, 2).flatten(2)
        return self.head(h + mixed if self.task.per_step else (h + mixed).mean(1))


@mutant("B112", "mixes its axes", inputs=("tokens",))
class JoinsHeadsByReshape(nn.Module):
    """Attention heads (B, heads, T, width) that are joined without moving them behind the steps."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__()
        self.task = task
        self.embed = nn.Embedding(task.vocabulary, 32)
        self.project = nn.Linear(32, 96)
        self.head = nn.Linear(32, task.outputs)

    def forward(self, x: Tensor) -> Tensor:
        h = self.embed(x)
        batch, steps, _ = h.shape
        q, k, v = (part.unflatten(-1, (4, 8)).transpose(1, 2) for part in self.project(h).chunk(3, -1))
        mixed = ((q @ k.transpose(2, 3)).softmax(-1) @ v).reshape(batch, steps, 32)
        return self.head(h + mixed if self.task.per_step else (h + mixed).mean(1))


@mutant("B112", "mixes its axes")
class ReshapesPatches(nn.Module):
    """Patches (B, width, rows, columns) that are reshaped to (B, patches, width)."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__()
        self.patches = nn.Conv2d(task.input_shape[0], 32, 4, stride=4)
        self.mix = nn.Sequential(nn.LayerNorm(32), nn.Linear(32, 64), nn.GELU(), nn.Linear(64, 32))
        self.head = nn.Linear(32, task.outputs)

    def forward(self, x: Tensor) -> Tensor:
        h = self.patches(x)
        h = h.reshape(len(x), -1, 32)
        return self.head((h + self.mix(h)).mean(1))
