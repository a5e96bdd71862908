"""Splits of people's own examples, drawn from the content of the files, class by class.

20 % of the distinct examples of each class are the test split. The content hash draws them, so they are the same for
every seed. The seed draws 10 % of all examples for validation. Each split gets at least one example of every class.
Examples that are equal to the byte go into one split. Where the files name test examples, these are the test split, and
examples for training that equal one of them are left out.

Examples of one group, such as all of one patient, go into one split; `_own_blocks` says how groups are drawn, and how
splits follow one another in time. What a group has on both sides of the splits that files name, and what equals an
example of another group, stays in the last of its splits (training, validation, test) and is left out of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import archbench
from archbench_tasks._own_blocks import chooser, number_blocks

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]
    Rows = dict[str, Array]

TEST_SHARE, VALIDATION_SHARE = 0.2, 0.1
SPLITS = ("train", "validation", "test")
LEFT_OUT = "left out"  # of a row in blocks; an empty text means that its split is still to be drawn
CHECKED_SEEDS = 10  # of groups, whose draw may leave a class out; runs have rarely more


@dataclass(frozen=True)
class Pool:
    """All examples, as far as splitting needs to know them.

    Args:
        labels: class of each example, int64 (N,); zeros for regression.
        keys: texts (N,), equal where two examples are equal.
        assigned: the split that the files assign to each example (N,), one of `SPLITS`; empty where they assign none.
        content: the hash of all examples, hex digits.
        groups: texts (N,), equal where two examples must lie in one split; None if nothing is grouped.
        times: when each example begins (N,), if the splits follow one another in time; else None.
    """

    labels: Array
    keys: Sequence[str]
    assigned: Sequence[str]
    content: str
    groups: Sequence[str] | None = None
    times: Array | None = None


def split_rows(pool: Pool, seed: int) -> Rows:
    """Return the rows of each split, in the order of the pool."""
    import numpy as np

    splits = _split_of_rows(pool, seed)
    return {name: np.flatnonzero(splits == name) for name in SPLITS}


def known_rows(pool: Pool) -> Array:
    """Return all rows outside the test split that equal none in it; they are the same for every seed."""
    import numpy as np

    splits = _split_of_rows(pool, None)
    return np.flatnonzero((splits == "train") | (splits == "validation"))


def _split_of_rows(pool: Pool, seed: int | None) -> Array:
    """Return the split of each row (N,), empty where it is left out; without a seed no validation split is drawn."""
    import numpy as np

    splits = np.array(pool.assigned, "U10")
    if pool.groups is not None or pool.times is not None:
        block = number_blocks(pool.groups, pool.times)
        choose = chooser(block, pool.labels, timed=pool.times is not None)
        splits = _assign(block, splits, choose, pool.content, seed)
        splits[splits == ""] = LEFT_OUT
    unit, classes = _units(pool)
    return _assign(unit, splits, partial(_draw, classes), pool.content, seed)


def _assign(unit: Array, assigned: Array, choose: Callable[..., Array], content: str, seed: int | None) -> Array:
    """Return the split of each row (N,), one for all rows of a unit; empty where the files assign another.

    Args:
        unit: the number of the unit of each row (N,).
        assigned: the split that is given for each row (N,); empty where it is to be chosen.
        choose: `choose(free, share, draw, leave=...)` returns some of the free units, and leaves at least so many.
        content: the hash of all examples, which draws the test split.
        seed: draws the validation split; None to draw none.
    """
    import numpy as np

    splits = np.full(int(unit.max()) + 1, "", "U10")  # of each unit; empty while it is free
    for name in SPLITS:  # a unit that has rows in several splits belongs to the last of them
        splits[unit[assigned == name]] = name
    if "test" not in assigned:
        draw = np.random.default_rng(int(content[:16], 16))
        splits[choose(np.flatnonzero(splits == ""), TEST_SHARE, draw, leave=2)] = "test"
    if "validation" not in assigned and seed is not None:
        free = np.flatnonzero(splits == ("train" if "train" in assigned else ""))
        share = VALIDATION_SHARE / (1 - TEST_SHARE)
        splits[choose(free, share, np.random.default_rng(seed), leave=1)] = "validation"
        assigned = np.where(splits[unit] == "validation", "validation", assigned)
    splits[splits == ""] = "train"
    kept = (assigned == "") | (assigned == splits[unit])
    return np.where(kept, splits[unit], "")


def _units(pool: Pool) -> tuple[Array, Array]:
    """Return the unit of equal examples that each row is in (N,), and the class of each unit: its lowest."""
    import numpy as np

    keys, unit = np.unique(np.array(pool.keys), return_inverse=True)
    classes = np.full(len(keys), pool.labels.max())
    np.minimum.at(classes, unit, pool.labels)
    return unit, classes


def _draw(classes: Array, free: Array, share: float, draw: np.random.Generator, *, leave: int) -> Array:
    """Return a share of the free units of each class, and at least one."""
    import numpy as np

    chosen = [free[:0]]
    for label in np.unique(classes):
        candidates = free[classes[free] == label]
        chosen.append(draw.permutation(candidates)[: max(1, round(share * len(candidates)))])
    return np.concatenate(chosen)


def check_classes(pool: Pool, names: Sequence[str], what: str) -> Rows:
    """Return the rows of each split for seed 0, or raise if a class is missing from one.

    If no class is missing for seed 0, none is for any other seed: the seed changes which examples are drawn, not how
    many of each class.

    Args:
        pool: the examples.
        names: of the classes.
        what: the examples in words, such as `images`.

    Raises:
        DataError: a class has too few distinct examples.
    """
    rows = split_rows(pool, 0)
    for seed in range(1, CHECKED_SEEDS if pool.groups is not None and pool.times is None else 1):
        _check_classes(pool, split_rows(pool, seed), names, what)
    _check_classes(pool, rows, names, what)
    return rows


def _check_classes(pool: Pool, rows: Rows, names: Sequence[str], what: str) -> None:
    empty = [split for split, index in rows.items() if not len(index)]
    if empty:
        distinct, given = len(set(pool.keys)), len(pool.keys)
        rare = [name for label, name in enumerate(names) if (pool.labels == label).sum() < len(SPLITS)]
        advice = "give more that are distinct"
        if distinct < given:
            few = f"some of the {given} {what} equal others"
        elif rare and given >= len(SPLITS):
            few = f"{len(rare)} of {len(names)} classes have fewer than {len(SPLITS)} {what}, such as {rare[0]!r}"
            advice = "each needs one in each of training, validation and test: add some, or leave these classes out"
        else:
            few = f"{given} {what} are too few"
        raise archbench.DataError(f"the {empty[0]} split is empty: {few}; {advice}")
    unit, classes = _units(pool)
    needed = SPLITS if pool.times is None else ("train",)  # a class may appear, or end, in the course of time
    for label, name in enumerate(names):
        missing = [split for split in needed if label not in classes[unit[rows[split]]]]
        if missing:
            *first, last = missing
            where = f"the {', '.join(first)} and {last} splits" if first else f"the {last} split"
            raise archbench.DataError(
                f"class {name!r} has {int((classes == label).sum())} distinct {what}, and none in {where}; it needs at "
                f"least one in {'training' if pool.times is not None else 'each of training, validation and test'}"
                f"{'; groups stay whole' if pool.groups is not None else ''}: add some, or leave the class out"
            )


def constant_accuracy(pool: Pool, rows: Rows) -> float:
    """Return the accuracy on the test split of always answering the most frequent class outside it."""
    import numpy as np

    return float((pool.labels[rows["test"]] == np.bincount(pool.labels[known_rows(pool)]).argmax()).mean())


def own_margin(chance: float, oracle: float) -> float:
    """Return the margin of a task of own files: a hundredth of the way from chance to perfect, for want of a better."""
    return abs(oracle - chance) / 100
