"""The order of training: a stream of shuffled epochs, cut into batches, in chunks of steps."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from archbench._training._schedule import TrainingClock

BLOCK = 64
"""Number of steps whose batches are drawn together where the number of steps is not known ahead."""


class BatchOrder:
    """The indices of the examples of each step, in chunks of steps.

    Iterating yields int64 index tensors (steps in the chunk, batch). The order is a stream of shuffled epochs cut
    into batches, so that every batch is full and every example is used once before any is used twice.

    Args:
        examples: size of the training split.
        batch: examples per step.
        steps: number of optimiser steps.
        chunks: number of chunks; the steps are spread evenly over them.
        seed: seed of the shuffles.
    """

    def __init__(self, examples: int, batch: int, *, steps: int, chunks: int, seed: int) -> None:
        self.examples, self.batch, self.seed = examples, batch, seed
        count = min(chunks, steps)
        ends = [steps * (i + 1) // count for i in range(count)]
        self.sizes = [end - start for start, end in zip([0, *ends], ends, strict=False)]
        self.done = 0

    def after(self, chunks: int, steps: int) -> BatchOrder:
        """Return the order without what is done.

        Args:
            chunks: number of chunks that are done.
            steps: number of steps in them.
        """
        rest = copy.copy(self)
        rest.done = chunks
        return rest

    def __len__(self) -> int:
        return len(self.sizes) - self.done

    def __iter__(self) -> Iterator[Tensor]:
        chunks = shuffled_batches(self.examples, self.batch, self.sizes, seed=self.seed)
        return itertools.islice(chunks, self.done, None)


class TimedOrder:
    """The stream of batches of a `BatchOrder`, in chunks that end by the clock.

    Iterating yields chunks; a chunk yields int64 index tensors (batch,), at least one, until its share of the budget
    is used up. Where batches are read ahead of the steps, training ends late by the number of batches read ahead.

    Args:
        examples: size of the training split.
        batch: examples per step.
        chunks: number of chunks; the seconds are spread evenly over them.
        clock: the clock of the training.
        seed: seed of the shuffles.
    """

    def __init__(self, examples: int, batch: int, *, chunks: int, clock: TrainingClock, seed: int) -> None:
        self.examples, self.batch, self.chunks, self.clock, self.seed = examples, batch, chunks, clock, seed
        self.done = (0, 0)

    def after(self, chunks: int, steps: int) -> TimedOrder:
        """Return the order without what is done, as `BatchOrder.after` does."""
        rest = copy.copy(self)
        rest.done = (chunks, steps)
        return rest

    def __len__(self) -> int:
        return self.chunks - self.done[0]

    def __iter__(self) -> Iterator[Iterator[Tensor]]:
        chunks, steps = self.done
        blocks = shuffled_batches(self.examples, self.batch, itertools.repeat(BLOCK), seed=self.seed)
        stream = itertools.islice(itertools.chain.from_iterable(blocks), steps, None)
        for chunk in range(chunks, self.chunks):
            yield self._chunk(stream, (chunk + 1) / self.chunks)

    def _chunk(self, stream: Iterator[Tensor], end: float) -> Iterator[Tensor]:
        yield next(stream)
        while self.clock.share() < end:
            yield next(stream)


def shuffled_batches(examples: int, batch: int, sizes: Iterable[int], *, seed: int) -> Iterator[Tensor]:
    """Yield shuffled epochs cut into batches, in int64 index tensors (steps, batch).

    Every batch is full, and the examples of an epoch that are left over begin the next tensor.

    Args:
        examples: size of the training split.
        batch: examples per step.
        sizes: number of steps of each tensor.
        seed: seed of the shuffles.
    """
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
