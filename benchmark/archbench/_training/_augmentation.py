"""Augmentation: training batches are changed at random before the network sees them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor

from archbench._training._splits import Split
from archbench._training._streaming import Batch

Augment = Callable[[Tensor, torch.Generator], Tensor]


class AugmentationError(Exception):
    """The augmentation of a task returned something else than a batch like the one it got."""


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
            changed = self.augment(inputs, self.generator)
            check_augmented(changed, inputs)
            yield (changed, *rest), targets


def check_augmented(changed: object, inputs: Tensor) -> None:
    """Check that an augmented batch has the shape, the type and the device of the batch that it was made from.

    Raises:
        AugmentationError: it has not.
    """
    if not isinstance(changed, Tensor):
        raise AugmentationError(f"augment returned an object of type {type(changed).__name__}, not a tensor")
    if changed.shape != inputs.shape or changed.dtype != inputs.dtype or changed.device != inputs.device:
        raise AugmentationError(
            f"augment returned a batch of {_words(changed)} for one of {_words(inputs)}; return an altered copy of the "
            "same shape, type and device"
        )


def _words(batch: Tensor) -> str:
    return f"shape {tuple(batch.shape)} and {str(batch.dtype).removeprefix('torch.')} on {batch.device.type}"
