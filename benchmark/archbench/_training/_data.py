"""Datasets that live on the device as tensors: a batch is an index operation, not a worker process."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from archbench._declarations import IGNORED, Examples, Splits, Task, TaskInfo
from archbench._errors import DeclarationError
from archbench._training._streaming import PaddedInFront, StreamedPart, must_stream

EVALUATION_BATCH = 512
EVALUATION_NUMBERS = (
    1 << 24
)  # in one evaluation batch, 64 MB: large pictures and vocabularies have fewer examples in it
HASHED_BATCHES = 4
HASHED_NUMBERS = 1 << 28  # 1 GB as float32; of more inputs only some are hashed
HASHED_EXAMPLES = 256


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

    def batches(self, chunk: Iterable[Tensor]) -> Iterator[tuple[tuple[Tensor, ...], Tensor]]:
        """What the network is called with in each step, and the targets, for the indices (batch,) of each step."""
        for index in chunk:
            yield self.arguments(index), self.targets[index]

    def scan(self, start: int, end: int) -> tuple[tuple[Tensor, ...], Tensor]:
        """The same for the examples from `start` to `end`: a view."""
        return self.arguments(slice(start, end)), self.targets[start:end]

    def read(self, pieces: Iterable[Any]) -> Iterator[Tensor]:
        """Pieces of the inputs, each given by a slice or an index array."""
        return (self.inputs[piece] for piece in pieces)

    def tensors(self) -> tuple[Tensor, ...]:
        """All that there is."""
        return (self.inputs, self.targets) if self.lengths is None else (self.inputs, self.targets, self.lengths)

    def to(self, device: torch.device) -> Part:
        """The same on a device."""
        return Part(*(tensor.to(device) for tensor in self.tensors()))


Split = Part | StreamedPart


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
        return shuffled_batches(self.examples, self.batch, self.sizes, seed=self.seed)


def shuffled_batches(examples: int, batch: int, sizes: Iterable[int], *, seed: int) -> Iterator[Tensor]:
    """Shuffled epochs, cut into batches, in chunks of so many steps: int64 (steps, batch) each."""
    generator = torch.Generator().manual_seed(seed)
    waiting = torch.empty(0, dtype=torch.int64)
    for size in sizes:
        need = size * batch
        epochs = [waiting]
        have = len(waiting)
        while have < need:
            epochs.append(torch.randperm(examples, generator=generator))
            have += examples
        order = torch.cat(epochs)
        waiting = order[need:]
        yield order[:need].view(size, batch)


def checked_splits(splits: Splits, task: Task, info: TaskInfo, memory: int) -> dict[str, Split]:
    """The splits as CPU tensors, except those whose inputs must be streamed.

    Args:
        splits: what the task loaded.
        task, info: what they must fit.
        memory: bytes of the device that trains.

    Raises:
        DeclarationError: a split does not fit the `TaskInfo` or the loss.
    """
    parts: dict[str, Split] = {}
    for name, examples, where in _named(splits, task):
        _check(examples, where, task, info)
        if must_stream(examples.inputs, memory):
            parts[name] = StreamedPart(examples.inputs, torch.from_numpy(examples.targets), _lengths(examples, info))
        else:
            parts[name] = _in_memory(examples, where, info)
    return parts


def checked_tensors(splits: Splits, task: Task, info: TaskInfo) -> dict[str, Part]:
    """The splits as CPU tensors, whatever their size.

    Raises:
        DeclarationError: a split does not fit the `TaskInfo` or the loss.
    """
    for _, examples, where in _named(splits, task):
        _check(examples, where, task, info)
    return {name: _in_memory(examples, where, info) for name, examples, where in _named(splits, task)}


def _named(splits: Splits, task: Task) -> list[tuple[str, Examples, str]]:
    names = ("train", "validation", "test")
    return [(name, getattr(splits, name), f"task {task.name!r}, {name} split") for name in names]


def _in_memory(examples: Examples, where: str, info: TaskInfo) -> Part:
    inputs = examples.inputs
    if not isinstance(inputs, np.ndarray):
        raise DeclarationError(f"{where}: inputs that are read on demand cannot be used here; give a numpy array")
    if isinstance(inputs, np.memmap):
        inputs = np.array(inputs)  # read once and whole, not batch by batch
    return Part(torch.from_numpy(inputs), torch.from_numpy(examples.targets), _lengths(examples, info))


def _lengths(examples: Examples, info: TaskInfo) -> Tensor | None:
    if not info.variable_length:
        return None
    if examples.lengths is None:
        return torch.full((len(examples.targets),), info.input_shape[0])
    return torch.from_numpy(examples.lengths)


def pad_in_front(part: Split, info: TaskInfo) -> Split:
    """The same examples with the padding before them, for networks that are not told the lengths.

    Labels of steps move with their steps.
    """
    if part.lengths is None:
        return part
    targets = _turn(part.targets, part.lengths) if info.per_step else part.targets
    if isinstance(part, StreamedPart):
        return StreamedPart(PaddedInFront(part.inputs, part.lengths.numpy()), targets)
    return Part(_turn(part.inputs, part.lengths), targets)


def _turn(tensor: Tensor, lengths: Tensor) -> Tensor:
    """Each row of (N, T, ...) rolled so that its first `lengths` steps come last."""
    steps = tensor.shape[1]
    source = (torch.arange(steps) + lengths[:, None]) % steps  # (N, T)
    return tensor[torch.arange(len(tensor))[:, None], source]


def _check(examples: Examples, where: str, task: Task, info: TaskInfo) -> None:
    inputs, targets = examples.inputs, examples.targets
    lazy = all(hasattr(inputs, name) for name in ("shape", "dtype", "__len__", "__getitem__"))
    if not lazy or not isinstance(targets, np.ndarray):
        raise DeclarationError(f"{where}: inputs and targets must be numpy arrays; inputs may be an object like one")
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

    def __init__(self, part: Split, split: str, info: TaskInfo) -> None:
        answers = info.outputs * (info.input_shape[0] if info.per_step else 1)
        largest = max(math.prod(part.inputs.shape[1:]), answers)
        size = min(EVALUATION_BATCH, max(1, EVALUATION_NUMBERS // largest))
        self.slices = [(split, start, min(start + size, len(part))) for start in range(0, len(part), size)]

    def __len__(self) -> int:
        return len(self.slices)

    def __iter__(self) -> Iterator[tuple[str, int, int]]:
        return iter(self.slices)


def hash_splits(parts: Mapping[str, Split]) -> str:
    """Hash of every example of every split, in order, whether they are streamed or not.

    Of a split with more than `HASHED_NUMBERS` numbers in its inputs: all targets, and the inputs of `HASHED_EXAMPLES`
    examples, evenly spaced.
    """
    digest = hashlib.sha256()
    for name in ("train", "validation", "test"):
        part = parts[name]
        digest.update(f"{name}{tuple(part.inputs.shape)}".encode())
        for piece in part.read(_hashed_pieces(part)):
            digest.update(piece.contiguous().numpy().data)
        for tensor in (part.targets, part.lengths):
            if tensor is not None:
                digest.update(f"{name}{tuple(tensor.shape)}".encode())
                digest.update(tensor.contiguous().numpy().data)
    return digest.hexdigest()[:16]


def _hashed_pieces(part: Split) -> list[Any]:
    if math.prod(part.inputs.shape) > HASHED_NUMBERS:
        return [np.linspace(0, len(part) - 1, HASHED_EXAMPLES).astype(np.int64)]
    return [slice(start, start + EVALUATION_BATCH) for start in range(0, len(part), EVALUATION_BATCH)]


def hash_first_batches(train: Split, order: BatchOrder) -> str:
    """Hash of the content of the first few training batches, in order."""
    digest = hashlib.sha256()
    for (inputs, *lengths), targets in train.batches(next(iter(order))[:HASHED_BATCHES]):
        for tensor in (inputs, targets, *lengths):
            digest.update(tensor.numpy().data)
    return digest.hexdigest()[:16]
