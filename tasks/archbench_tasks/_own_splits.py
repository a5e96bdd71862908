"""Splits of people's own examples, drawn from the content of the files, class by class.

20 % of the distinct examples of each class are the test split. The content hash draws them, so they are the same for
every seed. The seed draws 10 % of all examples for validation. Each split gets at least one example of every class.
Examples that are equal to the byte go into one split. Where the files name test examples, these are the test split, and
examples for training that equal one of them are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import archbench

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]
    Rows = dict[str, Array]

TEST_SHARE, VALIDATION_SHARE = 0.2, 0.1
SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Pool:
    """All examples, as far as splitting needs to know them.

    Args:
        labels: class of each example, int64 (N,); zeros for regression.
        keys: texts (N,), equal where two examples are equal.
        assigned: the split that the files assign to each example (N,), one of `SPLITS`; empty where they assign none.
        content: the hash of all examples, hex digits.
    """

    labels: Array
    keys: Sequence[str]
    assigned: Sequence[str]
    content: str


def split_rows(pool: Pool, seed: int) -> Rows:
    """Return the rows of each split, in the order of the pool."""
    import numpy as np

    group, classes = _groups(pool)
    assigned = np.array(pool.assigned, "U10")
    splits = np.full(len(classes), "", "U10")  # the split of each group; empty while it is free
    for name in SPLITS:  # a group that the files assign to several splits belongs to the last of them
        splits[group[assigned == name]] = name
    if "test" not in pool.assigned:
        _draw(splits, "", "test", classes, TEST_SHARE, np.random.default_rng(int(pool.content[:16], 16)))
    if "validation" not in pool.assigned:
        free = "train" if "train" in pool.assigned else ""
        share = VALIDATION_SHARE / (1 - TEST_SHARE)
        _draw(splits, free, "validation", classes, share, np.random.default_rng(seed))
        assigned[splits[group] == "validation"] = "validation"
    splits[splits == ""] = "train"
    kept = (assigned == "") | (assigned == splits[group])
    return {name: np.flatnonzero(kept & (splits[group] == name)) for name in SPLITS}


def _groups(pool: Pool) -> tuple[Array, Array]:
    """Return the group of equal examples that each row is in (N,), and the class of each group: its lowest."""
    import numpy as np

    keys, group = np.unique(np.array(pool.keys), return_inverse=True)
    classes = np.full(len(keys), pool.labels.max())
    np.minimum.at(classes, group, pool.labels)
    return group, classes


def _draw(splits: Array, free: str, name: str, classes: Array, share: float, draw: np.random.Generator) -> None:
    """Move a share of the free groups of each class, and at least one, to a split."""
    import numpy as np

    for label in np.unique(classes):
        candidates = np.flatnonzero((classes == label) & (splits == free))
        splits[draw.permutation(candidates)[: max(1, round(share * len(candidates)))]] = name


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
    group, classes = _groups(pool)
    for label, name in enumerate(names):
        missing = [split for split, index in rows.items() if label not in classes[group[index]]]
        if missing:
            *first, last = missing
            where = f"the {', '.join(first)} and {last} splits" if first else f"the {last} split"
            raise archbench.DataError(
                f"class {name!r} has {int((classes == label).sum())} distinct {what}, and none in {where}; it needs at "
                "least one in each of training, validation and test: add some, or leave the class out"
            )
    return rows


def known_rows(rows: Rows) -> Array:
    """Return all rows outside the test split, sorted; they are the same for every seed."""
    import numpy as np

    return np.sort(np.concatenate([rows["train"], rows["validation"]]))


def constant_accuracy(labels: Array, rows: Rows) -> float:
    """Return the accuracy on the test split of always answering the most frequent class outside it."""
    import numpy as np

    return float((labels[rows["test"]] == np.bincount(labels[known_rows(rows)]).argmax()).mean())


def own_margin(chance: float, oracle: float) -> float:
    """Return the margin of a task of own files: a hundredth of the way from chance to perfect, for want of a better."""
    return abs(oracle - chance) / 100
