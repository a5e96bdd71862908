"""Proof that two trials saw the same data: hashes of the splits and of the first batches."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from archbench._training._order import BatchOrder
from archbench._training._splits import EVALUATION_BATCH, Split

HASHED_BATCHES = 4
HASHED_NUMBERS = 1 << 28
"""Numbers in the inputs of a split, 1 GB as float32, beyond which only some inputs are hashed."""
HASHED_EXAMPLES = 256
"""Number of inputs that are hashed of such a split."""


def hash_splits(splits: Mapping[str, Split]) -> str:
    """Return a hash of every example of every split, in order; it is equal for streamed and resident splits.

    Of a split with more than `HASHED_NUMBERS` numbers in its inputs, it covers all targets, and the inputs of
    `HASHED_EXAMPLES` examples, evenly spaced.
    """
    digest = hashlib.sha256()
    for name in ("train", "validation", "test"):
        split = splits[name]
        digest.update(f"{name}{tuple(split.inputs.shape)}".encode())
        for inputs in split.read(_hashed_examples(split)):
            digest.update(inputs.contiguous().numpy().data)
        for tensor in (split.targets, split.lengths):
            if tensor is not None:
                digest.update(f"{name}{tuple(tensor.shape)}".encode())
                digest.update(tensor.contiguous().numpy().data)
    return digest.hexdigest()[:16]


def _hashed_examples(split: Split) -> list[Any]:
    """Return the indices of the examples whose inputs are hashed: slices of all of them, or an array of some."""
    if math.prod(split.inputs.shape) > HASHED_NUMBERS:
        return [np.linspace(0, len(split) - 1, HASHED_EXAMPLES).astype(np.int64)]
    return [slice(start, start + EVALUATION_BATCH) for start in range(0, len(split), EVALUATION_BATCH)]


def hash_first_batches(train: Split, order: BatchOrder) -> str:
    """Return a hash of the content of the first few training batches, in order."""
    digest = hashlib.sha256()
    for (inputs, *lengths), targets in train.batches(next(iter(order))[:HASHED_BATCHES]):
        for tensor in (inputs, targets, *lengths):
            digest.update(tensor.numpy().data)
    return digest.hexdigest()[:16]
