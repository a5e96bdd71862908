"""T2xx: how the splits depend on each other, on the seed, and on the global random streams."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import repeat
from typing import Any

import numpy as np
import torch

from archbench._declarations import Examples
from archbench._training._pairing import hash_splits
from archbench.testing._check import Check, Fault
from archbench.testing._isolation import changes, seed_everything, settings, streams, surroundings, torch_stream
from archbench.testing.task._subject import SPLIT_NAMES, TaskSubject, hash_each_split


def disjoint(subject: TaskSubject) -> None:
    """Check that no input of one split is an input of another."""
    rows = {name: set(row_bytes(getattr(subject.splits, name))) for name in SPLIT_NAMES}
    for first, second in (("train", "test"), ("validation", "test"), ("train", "validation")):
        shared = len(rows[first] & rows[second])
        if shared:
            raise Fault(f"{shared:,} of {len(rows[second]):,} {second} inputs are {first} inputs as well")


def row_bytes(examples: Examples) -> Iterator[bytes]:
    """Return the bytes of each input, without its padding."""
    lengths = repeat(None) if examples.lengths is None else examples.lengths
    inputs = np.asarray(examples.inputs)  # an array already: the kit samples inputs that are read on demand
    return (row[:length].tobytes() for row, length in zip(inputs, lengths, strict=False))


def repeatable(subject: TaskSubject) -> str:
    """Check that loading twice with one seed gives the same bytes, and return a note with their checksum."""
    first = subject.hashes(0)
    seed_everything(0)
    _compare(first, hash_each_split(subject.load(0)), "loading twice with seed 0 gave different {}")
    return f"checksum {hash_splits(subject.tensors)}"


def _compare(first: Mapping[str, str], second: Mapping[str, str], text: str) -> None:
    """Raise a fault if hashes differ; `text` has a place for the names of the splits."""
    unequal = [name for name in SPLIT_NAMES if first[name] != second[name]]
    if unequal:
        raise Fault(text.format(" and ".join(unequal)))


def seeded(subject: TaskSubject) -> None:
    """Check that each seed draws its own training and validation splits, or that none does if so declared."""
    first, second = subject.hashes(0), subject.hashes(1)
    for name in ("train", "validation"):
        if (first[name] == second[name]) != subject.task.fixed_splits:
            found = "the same for seeds 0 and 1" if first[name] == second[name] else "different for seeds 0 and 1"
            raise Fault(f"{name} is {found}, and fixed_splits is {subject.task.fixed_splits}")


def fixed_test(subject: TaskSubject) -> None:
    """Check that the scores of all seeds are measured on the same examples."""
    if subject.hashes(0)["test"] != subject.hashes(1)["test"]:
        raise Fault("the test split of seed 0 is not that of seed 1")


def independent(subject: TaskSubject) -> None:
    """Check that the data do not depend on global random streams, and that loading leaves global state alone."""
    seed_everything(1)
    torch.rand(3)
    before = _shared_state()
    hashes = hash_each_split(subject.load(0))
    after = _shared_state()
    _compare(subject.hashes(0), hashes, "{} depends on the global random streams, so on the network built before")
    changed = changes(before, after)
    if changed:
        raise Fault(f"loading changes {'; '.join(changed)}")


def _shared_state() -> dict[str, Any]:
    return settings() | streams() | surroundings() | {"torch's global random stream": [torch_stream()]}


CHECKS = (
    Check(
        "T201",
        "the splits are disjoint",
        disjoint,
        "remove duplicates before splitting; draw generated test examples from a seed that no training stream uses",
        ("T102",),
    ),
    Check(
        "T202",
        "one seed gives one data set",
        repeatable,
        "draw everything from numpy.random.default_rng(seed); sort what comes from a folder or a set",
        ("T102",),
    ),
    Check(
        "T203",
        "each seed draws its own training and validation splits, unless declared otherwise",
        seeded,
        "use the seed that load is given, or declare fixed_splits=True",
        ("T202",),
    ),
    Check(
        "T204",
        "the test split is the same for every seed",
        fixed_test,
        "draw the test split from a constant seed: else a score measures the draw as well",
        ("T202",),
    ),
    Check(
        "T205",
        "the data and the global random streams do not touch each other",
        independent,
        "use a generator of your own, numpy.random.default_rng(seed), and no numpy.random.seed",
        ("T202",),
    ),
)
