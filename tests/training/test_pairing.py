"""The proof that trials saw the same data, and the sizes that decide what is read at once."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
import torch

from archbench import TaskInfo
from archbench._training import _pairing
from archbench._training._order import BatchOrder
from archbench._training._pairing import hash_first_batches, hash_splits
from archbench._training._splits import EvaluationBatches, ResidentSplit, evaluation_size

PICTURE = TaskInfo(kind="image", input_shape=(1, 2, 2), outputs=10)


def split(count: int, *shape: int, **options: Any) -> ResidentSplit:
    """A split of zeros."""
    return ResidentSplit(torch.zeros(count, *shape, **options), torch.zeros(count, dtype=torch.int64))


def changed_at(row: int) -> str:
    """The hash of 511 examples of which one is changed."""
    train = split(511, 1, 2, 2)
    train.inputs[row] = 1
    return hash_splits({"train": train, "validation": split(3, 1, 2, 2), "test": split(3, 1, 2, 2)})


def test_inputs_of_256_examples_stand_for_a_large_split(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 511 examples, 256 at even distances are every other one, the first and the last among them."""
    monkeypatch.setattr(_pairing, "HASHED_NUMBERS", 1000)
    hashes = [changed_at(row) for row in range(511)]

    assert len(set(hashes[::2])) == 256
    assert len(set(hashes[1::2])) == 1
    assert hashes[1] not in hashes[::2]


def test_a_split_is_large_beyond_a_gigabyte() -> None:
    """A gigabyte, 2^28 numbers of four bytes, is hashed as a whole; an example more, and 256 are."""
    whole = _pairing._hashed_examples(split(2**18, 2**10, device="meta"))
    (some,) = _pairing._hashed_examples(split(2**18 + 1, 2**10, device="meta"))

    assert (len(whole), whole[0], whole[-1].stop) == (512, slice(0, 512), 2**18)
    assert (len(some), some[0], some[-1]) == (256, 0, 2**18)


@pytest.mark.parametrize("lengths", [None, torch.tensor([3, 1, 2])])
def test_the_hash_of_the_splits_by_hand(lengths: torch.Tensor | None) -> None:
    """It is that of names, shapes and bytes: of the inputs, the targets and the lengths of each split in turn."""
    splits = {
        name: ResidentSplit(torch.full((3, 2), float(number)), torch.tensor([number, 5, 6]), lengths)
        for number, name in enumerate(("train", "validation", "test"))
    }
    digest = hashlib.sha256()
    for name, one in splits.items():
        for tensor, shape in ((one.inputs, "(3, 2)"), (one.targets, "(3,)"), (one.lengths, "(3,)")):
            if tensor is not None:
                digest.update(f"{name}{shape}".encode() + tensor.numpy().tobytes())

    assert hash_splits(dict(reversed(splits.items()))) == digest.hexdigest()[:16]


def test_the_first_four_batches_are_hashed() -> None:
    """The hash of the batches is that of inputs and targets of four steps, in order."""
    train = ResidentSplit(torch.rand(50, 3), torch.arange(50))
    order = BatchOrder(50, 8, steps=9, chunks=1, seed=3)
    (chunk,) = order
    digest = hashlib.sha256()
    for step in range(4):
        digest.update(train.inputs[chunk[step]].numpy().tobytes())
        digest.update(chunk[step].numpy().tobytes())  # a target is the number of its example

    assert hash_first_batches(train, order) == digest.hexdigest()[:16]


@pytest.mark.parametrize(
    ("shape", "info", "expected"),
    [
        ((1, 2, 2), PICTURE, 512),
        ((2**15,), PICTURE, 512),  # 64 MB of four bytes are 2^24 numbers, and 512 * 2^15 are just so many
        ((2**15 + 1,), PICTURE, 511),
        ((2**24,), PICTURE, 1),
        ((2**25,), PICTURE, 1),  # one at least
        ((100,), TaskInfo(kind="tokens", input_shape=(100,), vocabulary=9, outputs=50_000, per_step=True), 3),
        ((100,), TaskInfo(kind="tokens", input_shape=(100,), vocabulary=9, outputs=50_000), 335),
        ((100, 3), TaskInfo(kind="sequence", input_shape=(100, 3), outputs=50_000, per_step=True), 3),
    ],
)
def test_evaluation_batches_are_bounded(shape: tuple[int, ...], info: TaskInfo, expected: int) -> None:
    """A batch has at most 512 examples, and at most 64 MB of inputs or of answers."""
    assert evaluation_size(split(2, *shape, device="meta"), info) == expected


def test_evaluation_covers_every_example_once() -> None:
    """Of 1100 examples the third batch has the 76 that are left."""
    batches = EvaluationBatches(split(1100, 1, 2, 2), "test", PICTURE)

    assert list(batches) == [("test", 0, 512), ("test", 512, 1024), ("test", 1024, 1100)]
    assert len(batches) == 3


@pytest.mark.parametrize("part", ["train", "validation", "test"])
def test_the_shape_of_the_data_is_part_of_the_hash(part: str) -> None:
    """Equal bytes in another shape are other data, of inputs and of targets."""
    numbers = torch.arange(24, dtype=torch.float32)

    def hashed(inputs: tuple[int, ...], targets: tuple[int, ...]) -> str:
        changed = ResidentSplit(numbers.view(inputs), numbers.view(targets))
        return hash_splits({**dict.fromkeys(("train", "validation", "test"), split(3, 2)), part: changed})

    shapes = (((4, 2, 3), (4, 6)), ((4, 3, 2), (4, 6)), ((4, 2, 3), (4, 3, 2)), ((4, 6), (4, 6)))
    assert len({hashed(*shape) for shape in shapes}) == 4
