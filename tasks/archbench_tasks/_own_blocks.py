"""Blocks of people's own examples that stay in one split: groups that the user names, or equal times.

Groups are drawn so that each split has about its share of the examples of every class: of 100 random orders of the
groups the one whose first groups come nearest to that is taken. Blocks in time are not drawn: the latest are the test
split, those before them the validation split. Groups in time follow one another by their latest example.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import archbench

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]
    Choose = Callable[..., Array]

ORDERS = 100  # more make no visible difference from about ten groups on


def number_blocks(groups: Sequence[str] | None, times: Array | None) -> Array:
    """Return the number of the block that each row is in (N,): in the order of time if there are times.

    Raises:
        DataError: there are fewer than three blocks, one for each split.
    """
    import numpy as np

    if groups is None:
        assert times is not None
        starts, block = np.unique(times, return_inverse=True)
        _check_count(len(starts), "different times at which examples begin", "time")
        return block
    names, block = np.unique(np.array(groups), return_inverse=True)
    _check_count(len(names), f"groups ({', '.join(names[:3])})", "group")
    if times is not None:
        latest = np.full(len(names), -np.inf)
        np.maximum.at(latest, block, times)
        block = np.argsort(np.argsort(latest, kind="stable"))[block]
    return block


def _check_count(count: int, what: str, option: str) -> None:
    if count < 3:
        raise archbench.DataError(
            f"there are {count} {what}; three or more are needed, one for each of training, validation and test: "
            f"choose another {option}=, or leave {option}= out"
        )


def chooser(block: Array, labels: Array, *, timed: bool) -> Choose:
    """Return a function `choose(free, share, draw, leave=...)` that returns some of the free blocks.

    Args:
        block: of each row (N,).
        labels: of each row (N,).
        timed: blocks are numbered in the order of time, and the last are taken.
    """
    return partial(_take_last if timed else _draw, block, labels)


def _take_last(block: Array, labels: Array, free: Array, share: float, draw: Any, *, leave: int) -> Array:
    return free[::-1][: _count(_sizes(block, free)[::-1], share, leave)]


def _draw(block: Array, labels: Array, free: Array, share: float, draw: np.random.Generator, *, leave: int) -> Array:
    """Return free blocks with about this share of the rows of each class, in one order out of many."""
    import numpy as np

    sizes, rows = _sizes(block, free), np.isin(block, free)
    block, labels = block[rows], labels[rows]
    total = np.bincount(labels)
    best: tuple[tuple[int, float], Array] | None = None
    for _ in range(ORDERS):
        order = draw.permutation(len(free))
        chosen = free[order[: _count(sizes[order], share, leave)]]
        got = np.bincount(labels[np.isin(block, chosen)], minlength=len(total))
        missing = int(((total > 0) & ((got == 0) | (got == total))).sum())
        off = float((np.abs(got - share * total) / np.maximum(total, 1)).sum())
        if best is None or (missing, off) < best[0]:
            best = (missing, off), chosen
    assert best is not None
    return best[1]


def _sizes(block: Array, free: Array) -> Array:
    import numpy as np

    return np.bincount(block, minlength=int(free.max(initial=0)) + 1)[free]


def _count(sizes: Array, share: float, leave: int) -> int:
    """Return how many of the first blocks come nearest to a share of all rows: one at least, `leave` fewer than all."""
    import numpy as np

    nearest = int(np.abs(sizes.cumsum() - share * sizes.sum()).argmin()) + 1
    return max(1, min(nearest, len(sizes) - leave))
