"""What the tasks of language modelling share: how a text becomes blocks in which every symbol is asked for once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import archbench

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.int64]]


def training_blocks(codes: Array, length: int) -> archbench.Examples:
    """Block after block, each beginning where the one before ends: every symbol is read once."""
    return _blocks(codes, length, stride=length)


def scored_blocks(codes: Array, length: int) -> archbench.Examples:
    """Blocks that overlap by half: what is asked for in the second half has the first as its context.

    Without it the first symbols of each block would be scored without a context, and the score would say more of where
    the cuts are than of the network.
    """
    return _blocks(codes, length, stride=length - length // 2)


def _blocks(codes: Array, length: int, *, stride: int) -> archbench.Examples:
    """Inputs and targets (N, length): each symbol (n,) but the first is the target of exactly one step.

    The last block ends with the text and so overlaps the one before by more: nothing is padded, nothing left over.
    """
    import numpy as np

    last = len(codes) - 1 - length
    starts = np.minimum(np.arange(0, last + stride, stride), last)
    asked_before = np.concatenate([[0], starts[:-1] + length])
    places = starts[:, None] + np.arange(length)  # (N, length)
    asked = places >= asked_before[:, None]
    return archbench.Examples(codes[places], np.where(asked, codes[places + 1], archbench.IGNORED))


def entropy(codes: Array) -> float:
    """Bits per symbol of the best constant distribution over symbols (n,): that of their frequencies."""
    import numpy as np

    counts = np.unique(codes, return_counts=True)[1]
    shares = counts / counts.sum()
    return float(-(shares * np.log2(shares)).sum())
