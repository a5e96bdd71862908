"""Augmentation: training batches are changed at random before the network sees them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor

from archbench._training._splits import Split
from archbench._training._streaming import Batch

Augment = Callable[[Tensor, torch.Generator], Tensor]


class Augmented:
    """A training split that augments its batches.

    The random numbers come from a stream of their own, so that every architecture sees the same changed batches.

    Args:
        split: the training split.
        augment: returns changed inputs for the inputs of a batch; draws from the generator that it is given.
        seed: seed of the stream of random numbers.
    """

    def __init__(self, split: Split, augment: Augment, seed: int) -> None:
        self.split, self.augment = split, augment
        self.generator = torch.Generator().manual_seed(seed)

    def batches(self, chunk: Iterable[Tensor]) -> Iterator[Batch]:
        """Yield the augmented batch of each step; `chunk` yields the indices of its examples, (batch,)."""
        for (inputs, *rest), targets in self.split.batches(chunk):
            yield (self.augment(inputs, self.generator), *rest), targets
