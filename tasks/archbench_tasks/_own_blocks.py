"""Blocks of people's own examples that stay in one split: groups that the user names, or equal times.

Groups are drawn so that each split has every class, and about its share of the examples of each: of random choices
of groups the one that comes nearest to that is taken. Blocks in time are not drawn: the latest are the test split,
those before them the validation split. Groups in time follow one another by their latest example.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import archbench

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]
    Choose = Callable[..., Array]

ORDERS, MANY = 100, 20_000  # random orders, two choices each; fewer for so many groups that any choice comes near


def number_blocks(groups: Sequence[str] | None, times: Array | None) -> Array:
    """Return the number of the block that each row is in (N,): in the order of time if there are times.

    Raises:
        DataError: there are fewer than three blocks, one for each split.
    """
    import numpy as np

    if groups is None:
        assert times is not None
        starts, block = np.unique(times, return_inverse=True)
        _check_count(len(starts), "times at which examples begin", "time")
        return block
    names, block = np.unique(np.array(groups), return_inverse=True)
    _check_count(len(names), f"group{'s' if len(names) > 1 else ''} ({', '.join(names[:3])})", "group")
    if times is not None:
        latest = np.full(len(names), -np.inf)
        np.maximum.at(latest, block, times)
        block = np.argsort(np.argsort(latest, kind="stable"))[block]
    return block


def _check_count(count: int, what: str, option: str) -> None:
    if count < 3:
        raise archbench.DataError(
            f"only {('one', 'two')[count - 1]} {what}; three or more are needed, for training, validation and "
            f"test: choose another {option}=, or leave {option}= out"
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


@dataclass(frozen=True)
class Counts:
    """How many rows each free block has of each class; one entry for every pair of these that occurs.

    Args:
        block: place of the block among the free ones (P,).
        label: the class (P,).
        rows: how many (P,).
    """

    block: Array
    label: Array
    rows: Array


def _draw(block: Array, labels: Array, free: Array, share: float, draw: np.random.Generator, *, leave: int) -> Array:
    """Return free blocks with about this share of the rows of each class: the best choice of many."""
    import numpy as np

    if len(free) <= leave:
        raise archbench.DataError("only one group is left for training and validation; group= needs two or more there")
    here = np.isin(block, free)
    pairs, rows = np.unique([np.searchsorted(free, block[here]), labels[here]], axis=1, return_counts=True)
    counts = Counts(pairs[0], pairs[1], rows)
    choices: list[tuple[tuple[int, float], Array]] = []
    for _ in range(min(ORDERS, 1 + MANY // len(free))):
        order = draw.permutation(len(free))
        for taken in (_take_first(counts, order, share, leave), _take_of_each_class(counts, order, share)):
            if len(taken) <= len(free) - leave:
                choices.append((_badness(counts, taken, share), taken))
    return free[min(choices, key=lambda choice: choice[0])[1]]


def _badness(counts: Counts, taken: Array, share: float) -> tuple[int, float]:
    """Return how many classes are on one side only, and how far off the share the classes are."""
    import numpy as np

    chosen = np.isin(np.arange(counts.block.max() + 1), taken)[counts.block]
    total = np.bincount(counts.label, counts.rows)
    got = np.bincount(counts.label, counts.rows * chosen, minlength=len(total))
    missing = (total > 0) & ((got == 0) | (got == total))
    return int(missing.sum()), float((np.abs(got - share * total) / np.maximum(total, 1)).sum())


def _take_first(counts: Counts, order: Array, share: float, leave: int) -> Array:
    """Return the first blocks of an order that have the share of all rows, and every class."""
    import numpy as np

    place = np.argsort(order)[counts.block]
    first = np.full(int(counts.label.max()) + 1, -1)  # of each class: the first place that has it
    first[counts.label] = len(order)
    np.minimum.at(first, counts.label, place)
    sizes = np.bincount(place, counts.rows)
    return order[: _count(sizes, share, leave, least=int(first.max()) + 1)]


def _take_of_each_class(counts: Counts, order: Array, share: float) -> Array:
    """Return the share of the blocks of each class, at least one; the class of a block is its most frequent."""
    import numpy as np

    by_rows = np.lexsort((-counts.rows, counts.block))
    most = counts.label[by_rows][np.unique(counts.block[by_rows], return_index=True)[1]]  # class of each block
    ordered = order[np.argsort(most[order], kind="stable")]
    _, start, blocks = np.unique(most[ordered], return_index=True, return_counts=True)
    rank = np.arange(len(ordered)) - np.repeat(start, blocks)
    return ordered[rank < np.repeat(np.maximum(1, np.round(share * blocks)), blocks)]


def _sizes(block: Array, free: Array) -> Array:
    import numpy as np

    return np.bincount(block, minlength=int(free.max(initial=0)) + 1)[free]


def _count(sizes: Array, share: float, leave: int, *, least: int = 1) -> int:
    """Return how many of the first blocks come nearest to a share of all rows, or `least`; leave some in any case."""
    import numpy as np

    nearest = int(np.abs(sizes.cumsum() - share * sizes.sum()).argmin()) + 1
    return max(1, min(max(nearest, least), len(sizes) - leave))
