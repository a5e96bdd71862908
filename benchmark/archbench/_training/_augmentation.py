"""Training batches that are changed at random before the network sees them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor

from archbench._training._splits import Split

Augment = Callable[[Tensor, torch.Generator], Tensor]


class Augmented:
    """A training split that augments its batches.

    The random numbers come from a stream of their own, so that every architecture sees the same changed batches.

    Args:
        split: the split.
        augment: makes new inputs of a batch of inputs.
        seed: of the stream.
    """

    def __init__(self, split: Split, augment: Augment, seed: int) -> None:
        self.split, self.augment = split, augment
        self.generator = torch.Generator().manual_seed(seed)

    def batches(self, chunk: Iterable[Tensor]) -> Iterator[tuple[tuple[Tensor, ...], Tensor]]:
        """What the network is called with in each step, and the targets, for the indices (batch,) of each step."""
        for (inputs, *rest), targets in self.split.batches(chunk):
            yield (self.augment(inputs, self.generator), *rest), targets
