"""Blocks for language modelling: a text is cut so that a prediction of every symbol is asked for exactly once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import archbench

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.int64]]


def training_blocks(codes: Array, length: int) -> archbench.Examples:
    """Cut a text into blocks that lie end to end, so that every symbol is read once."""
    return _blocks(codes, length, stride=length)


def scored_blocks(codes: Array, length: int) -> archbench.Examples:
    """Cut a text into blocks that overlap by half; of all but the first block, the first half is only context.

    Without an overlap the first symbols of each block would be scored without a context, and the score would depend
    more on where the cuts are than on the network.
    """
    return _blocks(codes, length, stride=length - length // 2)


def _blocks(codes: Array, length: int, *, stride: int) -> archbench.Examples:
    """Return inputs and targets (N, length); each symbol (n,) after the first is the target of exactly one step.

    The last block ends where the text ends, so it may overlap the one before by more: nothing is padded or left over.
    """
    import numpy as np

    last = len(codes) - 1 - length
    starts = np.minimum(np.arange(0, last + stride, stride), last)
    asked_before = np.concatenate([[0], starts[:-1] + length])
    places = starts[:, None] + np.arange(length)  # (N, length)
    asked = places >= asked_before[:, None]
    return archbench.Examples(codes[places], np.where(asked, codes[places + 1], archbench.IGNORED))


def entropy(codes: Array) -> float:
    """Return the bits per symbol of the best constant prediction of symbols (n,): the entropy of their frequencies."""
    import numpy as np

    counts = np.unique(codes, return_counts=True)[1]
    shares = counts / counts.sum()
    return float(-(shares * np.log2(shares)).sum())
