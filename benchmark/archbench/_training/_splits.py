"""The splits of a trial: tensors that live on the device, so that a batch is an index operation, or streamed inputs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from archbench._declarations import TaskInfo
from archbench._training._streaming import PaddedInFront, StreamedSplit

EVALUATION_BATCH = 512
EVALUATION_NUMBERS = 1 << 24
"""Numbers in one evaluation batch, 64 MB: batches of large pictures and vocabularies have fewer examples."""


@dataclass(frozen=True, slots=True)
class ResidentSplit:
    """One split on the device: inputs (N, ...), targets (N, ...), and lengths (N,) of a task of variable length."""

    inputs: Tensor
    targets: Tensor
    lengths: Tensor | None = None

    def __len__(self) -> int:
        return len(self.targets)

    def arguments(self, index: Tensor | slice) -> tuple[Tensor, ...]:
        """Return what the network is called with for these examples."""
        return (self.inputs[index],) if self.lengths is None else (self.inputs[index], self.lengths[index])

    def batches(self, chunk: Iterable[Tensor]) -> Iterator[tuple[tuple[Tensor, ...], Tensor]]:
        """Yield what the network is called with in each step, and the targets; `chunk` yields indices (batch,)."""
        for index in chunk:
            yield self.arguments(index), self.targets[index]

    def scan(self, start: int, end: int) -> tuple[tuple[Tensor, ...], Tensor]:
        """Return what the network is called with, and the targets, for the examples from `start` to `end`: a view."""
        return self.arguments(slice(start, end)), self.targets[start:end]

    def read(self, pieces: Iterable[Any]) -> Iterator[Tensor]:
        """Return pieces of the inputs, each given by a slice or an index array."""
        return (self.inputs[piece] for piece in pieces)

    def tensors(self) -> tuple[Tensor, ...]:
        """Return all tensors that there are."""
        return (self.inputs, self.targets) if self.lengths is None else (self.inputs, self.targets, self.lengths)

    def to(self, device: torch.device) -> ResidentSplit:
        """Return the split on a device."""
        return ResidentSplit(*(tensor.to(device) for tensor in self.tensors()))


Split = ResidentSplit | StreamedSplit


def pad_in_front(split: Split, info: TaskInfo) -> Split:
    """Return a split with the padding before the steps, for networks that are not told the lengths.

    Labels of steps move with their steps.
    """
    if split.lengths is None:
        return split
    targets = _turn(split.targets, split.lengths) if info.per_step else split.targets
    if isinstance(split, StreamedSplit):
        return StreamedSplit(PaddedInFront(split.inputs, split.lengths.numpy()), targets)
    return ResidentSplit(_turn(split.inputs, split.lengths), targets)


def _turn(tensor: Tensor, lengths: Tensor) -> Tensor:
    """Return (N, T, ...) with each row rolled so that its first `lengths` steps come last."""
    steps = tensor.shape[1]
    source = (torch.arange(steps) + lengths[:, None]) % steps  # (N, T)
    return tensor[torch.arange(len(tensor))[:, None], source]


class EvaluationBatches:
    """Yields (name of the split, start, end) of each evaluation batch; contiguous, so that a batch is a view.

    A class of its own, because Lightning takes a list for several data loaders.
    """

    def __init__(self, split: Split, name: str, info: TaskInfo) -> None:
        answers = info.outputs * (info.input_shape[0] if info.per_step else 1)
        largest = max(math.prod(split.inputs.shape[1:]), answers)
        size = min(EVALUATION_BATCH, max(1, EVALUATION_NUMBERS // largest))
        self.batches = [(name, start, min(start + size, len(split))) for start in range(0, len(split), size)]

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[tuple[str, int, int]]:
        return iter(self.batches)
