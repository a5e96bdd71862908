"""What the readers of people's own files share: how examples are split, and a cache of what was decoded.

Splits are made from the content, class by class. 20 % of the distinct examples of each class are the test split,
drawn by the content hash and so the same for every seed; the seed draws 10 % of all for validation; each split gets at
least one of every class. Examples that are equal to the byte lie on one side. Where the files come with test examples
of their own, these are the test split, and what equals one of them is left out of training.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import archbench

if TYPE_CHECKING:
    import numpy as np

TEST_SHARE, VALIDATION_SHARE = 0.2, 0.1
PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Pool:
    """All examples, as far as splitting them goes.

    Args:
        labels: class of each, int64 (N,); zeros for regression.
        keys: what is equal for equal examples, (N,).
        published: part of each where the files say so, one of `PARTS`; empty where they do not.
        content: the hash of all of it, hex digits.
    """

    labels: np.ndarray[Any, Any]
    keys: Sequence[str]
    published: Sequence[str]
    content: str


def split(pool: Pool, seed: int) -> dict[str, np.ndarray[Any, Any]]:
    """The rows of each part, in the order of the pool."""
    import numpy as np

    group, classes = _groups(pool)
    published = np.array(pool.published, "U10")
    parts = np.full(len(classes), "", "U10")
    for name in PARTS:  # equal examples that the files put into several parts belong to the last of these
        parts[group[published == name]] = name
    if "test" not in pool.published:
        _draw(parts, "", "test", classes, TEST_SHARE, np.random.default_rng(int(pool.content[:16], 16)))
    if "validation" not in pool.published:
        free = "train" if "train" in pool.published else ""
        share = VALIDATION_SHARE / (1 - TEST_SHARE)
        _draw(parts, free, "validation", classes, share, np.random.default_rng(seed))
        published[parts[group] == "validation"] = "validation"
    parts[parts == ""] = "train"
    kept = (published == "") | (published == parts[group])
    return {name: np.flatnonzero(kept & (parts[group] == name)) for name in PARTS}


def _groups(pool: Pool) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """The group of equal examples of each row, and one class for each group: the first, where there are several."""
    import numpy as np

    keys, group = np.unique(np.array(pool.keys), return_inverse=True)
    classes = np.full(len(keys), pool.labels.max())
    np.minimum.at(classes, group, pool.labels)
    return group, classes


def _draw(
    parts: np.ndarray[Any, Any], free: str, name: str, classes: np.ndarray[Any, Any], share: float, draw: Any
) -> None:
    """Give a share of the free groups of each class to a part, and at least one."""
    import numpy as np

    for label in np.unique(classes):
        mine = np.flatnonzero((classes == label) & (parts == free))
        parts[draw.permutation(mine)[: max(1, round(share * len(mine)))]] = name


def check_parts(pool: Pool, names: Sequence[str], what: str) -> dict[str, np.ndarray[Any, Any]]:
    """The split of seed 0, in which every class must be in every part; so it is then under every seed.

    Args:
        pool: the examples.
        names: of the classes.
        what: the examples in words, such as `images`.

    Raises:
        DataError: there is nothing to tell apart, or a class has too few distinct examples.
    """
    parts = split(pool, 0)
    group, classes = _groups(pool)
    for label, name in enumerate(names):
        missing = [part for part, index in parts.items() if label not in classes[group[index]]]
        if missing:
            *first, last = missing
            where = f"the {', '.join(first)} and {last} splits" if first else f"the {last} split"
            raise archbench.DataError(
                f"class {name!r} has {int((classes == label).sum())} distinct {what}, and none in {where}; it needs at "
                "least one in each of training, validation and test: add some, or leave the class out"
            )
    return parts


def known_rows(parts: dict[str, np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
    """All rows but those of the test split; no seed changes them or their order."""
    import numpy as np

    return np.sort(np.concatenate([parts["train"], parts["validation"]]))


def constant_accuracy(labels: np.ndarray[Any, Any], parts: dict[str, np.ndarray[Any, Any]]) -> float:
    """The accuracy of the most frequent class of all but the test split, on the test split."""
    import numpy as np

    return float((labels[parts["test"]] == np.bincount(labels[known_rows(parts)]).argmax()).mean())


def digest(*texts: str) -> str:
    """A hash of these texts: 32 hex digits."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:32]


def cached(name: str, make: Callable[[Path], None]) -> Path:
    """The folder that `make` fills, made once: it is there whole or not at all.

    Raises:
        DataError: the folder cannot be written.
    """
    target = archbench.data_folder() / "own" / name
    if target.exists():
        return target
    try:
        scratch = target.with_name(f".making-{os.getpid()}-{secrets.token_hex(4)}")
        scratch.mkdir(parents=True)  # not tempfile's, which nobody else could read in a shared data folder
    except OSError as error:
        raise archbench.DataError(
            f"the data folder {target.parent} cannot be written ({error.strerror}); set ARCHBENCH_DATA to another"
        ) from None
    try:
        make(scratch)
        try:
            scratch.rename(target)
        except OSError:
            if not target.exists():  # else another process was faster, with the same content
                raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return target
