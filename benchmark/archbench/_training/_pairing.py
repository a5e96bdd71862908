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
HASHED_NUMBERS = 1 << 28  # 1 GB as float32; of more inputs only some are hashed
HASHED_EXAMPLES = 256


def hash_splits(splits: Mapping[str, Split]) -> str:
    """Hash of every example of every split, in order, whether they are streamed or not.

    Of a split with more than `HASHED_NUMBERS` numbers in its inputs: all targets, and the inputs of `HASHED_EXAMPLES`
    examples, evenly spaced.
    """
    digest = hashlib.sha256()
    for name in ("train", "validation", "test"):
        split = splits[name]
        digest.update(f"{name}{tuple(split.inputs.shape)}".encode())
        for piece in split.read(_hashed_pieces(split)):
            digest.update(piece.contiguous().numpy().data)
        for tensor in (split.targets, split.lengths):
            if tensor is not None:
                digest.update(f"{name}{tuple(tensor.shape)}".encode())
                digest.update(tensor.contiguous().numpy().data)
    return digest.hexdigest()[:16]


def _hashed_pieces(split: Split) -> list[Any]:
    if math.prod(split.inputs.shape) > HASHED_NUMBERS:
        return [np.linspace(0, len(split) - 1, HASHED_EXAMPLES).astype(np.int64)]
    return [slice(start, start + EVALUATION_BATCH) for start in range(0, len(split), EVALUATION_BATCH)]


def hash_first_batches(train: Split, order: BatchOrder) -> str:
    """Hash of the content of the first few training batches, in order."""
    digest = hashlib.sha256()
    for (inputs, *lengths), targets in train.batches(next(iter(order))[:HASHED_BATCHES]):
        for tensor in (inputs, targets, *lengths):
            digest.update(tensor.numpy().data)
    return digest.hexdigest()[:16]
