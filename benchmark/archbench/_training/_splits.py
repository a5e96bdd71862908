"""The splits of a trial: tensors on the device, where a batch is an index operation, or streamed inputs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from archbench._declarations import TaskInfo
from archbench._training._streaming import Batch, PaddedInFront, StreamedSplit

EVALUATION_BATCH = 512
EVALUATION_NUMBERS = 1 << 24
"""Numbers in one evaluation batch, 64 MB: batches of large pictures and vocabularies have fewer examples."""


@dataclass(frozen=True, slots=True)
class ResidentSplit:
    """A split on the device.

    Args:
        inputs: (N, ...).
        targets: (N, ...).
        lengths: (N,), of a task of variable length.
    """

    inputs: Tensor
    targets: Tensor
    lengths: Tensor | None = None

    def __len__(self) -> int:
        return len(self.targets)

    def arguments(self, index: Tensor | slice) -> tuple[Tensor, ...]:
        """Return the arguments of the network for these examples: the inputs, and the lengths if there are any."""
        return (self.inputs[index],) if self.lengths is None else (self.inputs[index], self.lengths[index])

    def batches(self, chunk: Iterable[Tensor]) -> Iterator[Batch]:
        """Yield the batch of each step; `chunk` yields the indices of its examples, (batch,)."""
        for index in chunk:
            yield self.arguments(index), self.targets[index]

    def scan(self, start: int, end: int) -> Batch:
        """Return a view of the examples from `start` to `end`."""
        return self.arguments(slice(start, end)), self.targets[start:end]

    def read(self, indices: Iterable[Any]) -> Iterator[Tensor]:
        """Return an iterator over batches of inputs, each given by a slice or an index array."""
        return (self.inputs[index] for index in indices)

    def tensors(self) -> tuple[Tensor, ...]:
        """Return inputs, targets, and the lengths if there are any."""
        return (self.inputs, self.targets) if self.lengths is None else (self.inputs, self.targets, self.lengths)

    def to(self, device: torch.device) -> ResidentSplit:
        """Return a copy of the split on a device."""
        return ResidentSplit(*(tensor.to(device) for tensor in self.tensors()))


Split = ResidentSplit | StreamedSplit


def pad_in_front(split: Split, info: TaskInfo) -> Split:
    """Return the split with the padding in front of each sequence, for networks that do not take lengths.

    Labels of steps move with their steps.
    """
    if split.lengths is None:
        return split
    targets = _roll(split.targets, split.lengths) if info.per_step else split.targets
    if isinstance(split, StreamedSplit):
        return StreamedSplit(PaddedInFront(split.inputs, split.lengths.numpy()), targets)
    return ResidentSplit(_roll(split.inputs, split.lengths), targets)


def _roll(tensor: Tensor, lengths: Tensor) -> Tensor:
    """Return (N, T, ...) with each row rolled so that its first `lengths` steps come last."""
    steps = tensor.shape[1]
    source = (torch.arange(steps) + lengths[:, None]) % steps  # (N, T)
    return tensor[torch.arange(len(tensor))[:, None], source]


def evaluation_size(split: Split, info: TaskInfo) -> int:
    """Return the number of examples in one evaluation batch."""
    answers = info.outputs * (info.input_shape[0] if info.per_step else 1)
    largest = max(math.prod(split.inputs.shape[1:]), answers)
    return min(EVALUATION_BATCH, max(1, EVALUATION_NUMBERS // largest))


class EvaluationBatches:
    """The batches of an evaluation, each as (name of the split, start, end).

    They are contiguous, so that a batch is a view. This is a class because Lightning would take a list for several
    data loaders.
    """

    def __init__(self, split: Split, name: str, info: TaskInfo) -> None:
        size = evaluation_size(split, info)
        self.batches = [(name, start, min(start + size, len(split))) for start in range(0, len(split), size)]

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[tuple[str, int, int]]:
        return iter(self.batches)
