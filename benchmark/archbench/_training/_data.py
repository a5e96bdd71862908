"""Datasets that live on the device as tensors: a batch is an index operation, not a worker process."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from archbench._declarations import IGNORED, Examples, Splits, Task, TaskInfo
from archbench._errors import DeclarationError

EVALUATION_BATCH = 512
HASHED_BATCHES = 4


@dataclass(frozen=True, slots=True)
class Part:
    """One split on the device: inputs (N, ...), targets (N, ...), and lengths (N,) of a task of variable length."""

    inputs: Tensor
    targets: Tensor
    lengths: Tensor | None = None

    def __len__(self) -> int:
        return len(self.targets)

    def arguments(self, index: Tensor | slice) -> tuple[Tensor, ...]:
        """What the network is called with for these examples."""
        return (self.inputs[index],) if self.lengths is None else (self.inputs[index], self.lengths[index])

    def tensors(self) -> tuple[Tensor, ...]:
        """All that there is."""
        return (self.inputs, self.targets) if self.lengths is None else (self.inputs, self.targets, self.lengths)

    def to(self, device: torch.device) -> Part:
        """The same on a device."""
        return Part(*(tensor.to(device) for tensor in self.tensors()))


class BatchOrder:
    """Which examples each step sees, in chunks of steps.

    Iterating yields int64 index tensors (steps in the chunk, batch). The order is a stream of shuffled epochs cut
    into batches, so that every batch is full and every example is used once before any is used twice.

    Args:
        examples: size of the training split.
        batch: examples per step.
        steps: optimiser steps in all.
        chunks: number of chunks; the steps are spread evenly over them.
        seed: of the shuffles.
    """

    def __init__(self, examples: int, batch: int, *, steps: int, chunks: int, seed: int) -> None:
        self.examples, self.batch, self.seed = examples, batch, seed
        count = min(chunks, steps)
        ends = [steps * (i + 1) // count for i in range(count)]
        self.sizes = [end - start for start, end in zip([0, *ends], ends, strict=False)]

    def __len__(self) -> int:
        return len(self.sizes)

    def __iter__(self) -> Iterator[Tensor]:
        generator = torch.Generator().manual_seed(self.seed)
        waiting = torch.empty(0, dtype=torch.int64)
        for size in self.sizes:
            need = size * self.batch
            epochs = [waiting]
            have = len(waiting)
            while have < need:
                epochs.append(torch.randperm(self.examples, generator=generator))
                have += self.examples
            order = torch.cat(epochs)
            waiting = order[need:]
            yield order[:need].view(size, self.batch)


def checked_tensors(splits: Splits, task: Task, info: TaskInfo) -> dict[str, Part]:
    """The splits as CPU tensors.

    Raises:
        DeclarationError: a split does not fit the `TaskInfo` or the loss.
    """
    parts = {}
    for name in ("train", "validation", "test"):
        examples: Examples = getattr(splits, name)
        _check(examples, f"task {task.name!r}, {name} split", task, info)
        parts[name] = Part(
            torch.from_numpy(examples.inputs), torch.from_numpy(examples.targets), _lengths(examples, info)
        )
    return parts


def _lengths(examples: Examples, info: TaskInfo) -> Tensor | None:
    if not info.variable_length:
        return None
    if examples.lengths is None:
        return torch.full((len(examples.targets),), info.input_shape[0])
    return torch.from_numpy(examples.lengths)


def pad_in_front(part: Part, info: TaskInfo) -> Part:
    """The same examples with the padding before them, for networks that are not told the lengths.

    Labels of steps move with their steps.
    """
    if part.lengths is None:
        return part
    return Part(_turn(part.inputs, part.lengths), _turn(part.targets, part.lengths) if info.per_step else part.targets)


def _turn(tensor: Tensor, lengths: Tensor) -> Tensor:
    """Each row of (N, T, ...) rolled so that its first `lengths` steps come last."""
    steps = tensor.shape[1]
    source = (torch.arange(steps) + lengths[:, None]) % steps  # (N, T)
    return tensor[torch.arange(len(tensor))[:, None], source]


def _check(examples: Examples, where: str, task: Task, info: TaskInfo) -> None:
    inputs, targets = examples.inputs, examples.targets
    if not isinstance(inputs, np.ndarray) or not isinstance(targets, np.ndarray):
        raise DeclarationError(f"{where}: inputs and targets must be numpy arrays")
    if len(inputs) == 0 or len(inputs) != len(targets):
        raise DeclarationError(
            f"{where}: {len(inputs)} inputs and {len(targets)} targets; need equally many, at least 1"
        )
    kind = np.int64 if info.kind == "tokens" else np.float32
    if inputs.shape[1:] != info.input_shape or inputs.dtype != kind:
        raise DeclarationError(
            f"{where}: inputs are {inputs.dtype}{inputs.shape[1:]}, TaskInfo says {np.dtype(kind)}{info.input_shape}"
        )
    per_step = info.input_shape[:1] if info.per_step else ()
    classes = task.loss == "cross_entropy"
    shape, dtype = (per_step, np.int64) if classes else ((*per_step, info.outputs), np.float32)
    if targets.shape[1:] != shape or targets.dtype != dtype:
        raise DeclarationError(
            f"{where}: targets are {targets.dtype}{targets.shape[1:]}, need {np.dtype(dtype)}{shape}"
        )
    if examples.lengths is not None:
        _check_lengths(examples.lengths, targets, where, info)
    if classes:
        _check_labels(targets[targets != IGNORED], where, info)


def _check_lengths(lengths: np.ndarray[Any, Any], targets: np.ndarray[Any, Any], where: str, info: TaskInfo) -> None:
    if not info.variable_length:
        raise DeclarationError(
            f"{where}: there are lengths, and TaskInfo.variable_length is False; set it, or drop them"
        )
    if not isinstance(lengths, np.ndarray) or lengths.dtype != np.int64 or lengths.shape != targets.shape[:1]:
        raise DeclarationError(f"{where}: lengths must be an int64 array ({len(targets)},)")
    steps = info.input_shape[0]
    if lengths.min() < 1 or lengths.max() > steps:
        raise DeclarationError(f"{where}: lengths run from {lengths.min()} to {lengths.max()}, not within 1 to {steps}")
    if info.per_step and (targets[np.arange(steps) >= lengths[:, None]] != IGNORED).any():
        raise DeclarationError(f"{where}: a label beyond the length of its example is not IGNORED")


def _check_labels(labels: np.ndarray[Any, Any], where: str, info: TaskInfo) -> None:
    if len(labels) == 0:
        raise DeclarationError(f"{where}: every label is IGNORED; at least one must be asked for")
    if labels.min() < 0 or labels.max() >= info.outputs:
        raise DeclarationError(
            f"{where}: labels run from {labels.min()} to {labels.max()}, not 0 to {info.outputs - 1}"
        )


class Slices:
    """(split, start, end) of each evaluation batch of a split; contiguous, so that a batch is a view.

    A class of its own, because Lightning takes a list for several data loaders.
    """

    def __init__(self, part: Part, split: str) -> None:
        starts = range(0, len(part), EVALUATION_BATCH)
        self.slices = [(split, start, min(start + EVALUATION_BATCH, len(part))) for start in starts]

    def __len__(self) -> int:
        return len(self.slices)

    def __iter__(self) -> Iterator[tuple[str, int, int]]:
        return iter(self.slices)


def hash_splits(parts: dict[str, Part]) -> str:
    """Hash of every example of every split, in order."""
    digest = hashlib.sha256()
    for name in ("train", "validation", "test"):
        for tensor in parts[name].tensors():
            digest.update(f"{name}{tuple(tensor.shape)}".encode())
            digest.update(tensor.contiguous().numpy().data)
    return digest.hexdigest()[:16]


def hash_first_batches(train: Part, order: BatchOrder) -> str:
    """Hash of the content of the first few training batches, in order."""
    digest = hashlib.sha256()
    first = next(iter(order))[:HASHED_BATCHES]
    for index in first:
        for tensor in train.tensors():
            digest.update(tensor[index].numpy().data)
    return digest.hexdigest()[:16]
