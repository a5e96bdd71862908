"""The order of the examples: shuffled epochs, cut into batches and chunks."""

from __future__ import annotations

import hashlib
import random
from types import SimpleNamespace
from typing import cast

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from archbench._protocols import find_protocol
from archbench._records import Component, Trial
from archbench._training._order import BatchOrder, TimedOrder
from archbench._training._schedule import TrainingClock
from archbench._training._streams import Stream, seed_globals, stream_seed


@given(examples=st.integers(1, 60), batch=st.integers(1, 40), steps=st.integers(1, 50), chunks=st.integers(1, 12))
def test_every_example_once_before_any_twice(examples: int, batch: int, steps: int, chunks: int) -> None:
    """The stream consists of whole shuffled epochs and has all its steps, however examples, batch and chunks divide."""
    order = list(BatchOrder(examples, batch, steps=steps, chunks=chunks, seed=3))
    stream = torch.cat([chunk.flatten() for chunk in order])

    assert sum(len(chunk) for chunk in order) == steps
    assert len(order) == min(chunks, steps)
    assert len(stream) == steps * batch
    for start in range(0, len(stream), examples):
        epoch = stream[start : start + examples]
        assert len(epoch.unique()) == len(epoch)


def test_chunks_share_the_steps_evenly() -> None:
    """Ten steps in four chunks are 2, 3, 2 and 3; more chunks than steps are one for each step."""

    def sizes(steps: int, chunks: int) -> list[int]:
        return [len(chunk) for chunk in BatchOrder(9, 2, steps=steps, chunks=chunks, seed=1)]

    assert sizes(10, 4) == [2, 3, 2, 3]
    assert sizes(2, 5) == [1, 1]


def test_what_is_left_of_an_order() -> None:
    """It is the later chunks, also where nothing or all is done, and the whole order stays as it was."""
    whole = BatchOrder(37, 8, steps=30, chunks=5, seed=1)
    chunks = list(whole)

    for done in (0, 2, 5):
        rest = whole.after(done, 6 * done)
        assert len(rest) == 5 - done
        assert [chunk.tolist() for chunk in rest] == [chunk.tolist() for chunk in chunks[done:]]
    assert len(whole) == len(list(whole)) == 5


def test_time_ends_a_chunk_after_a_batch_at_least() -> None:
    """A chunk goes on while less than its share is used up, and ends at it or beyond it."""
    shares = iter([0.2, 0.4, 0.5, 1.2, 0.6, 1.0])
    clock = SimpleNamespace(share=lambda: next(shares))
    order = TimedOrder(30, 4, chunks=2, clock=cast("TrainingClock", clock), seed=5)
    steps = next(iter(BatchOrder(30, 4, steps=6, chunks=1, seed=5))).tolist()

    assert len(order) == 2
    assert [[batch.tolist() for batch in chunk] for chunk in order] == [steps[:3], steps[3:4]]
    rest = order.after(1, 3)
    assert len(rest) == 1
    assert [[batch.tolist() for batch in chunk] for chunk in rest] == [steps[3:5]]


def test_a_stream_is_seeded_by_a_hash_of_its_name_and_what_decides() -> None:
    """It is the first four bytes of the SHA-256 of a list in JSON, with the task where the stream is one of data."""
    trial = Trial(
        architecture=Component(provider="p", name="a", revision=1, options={}, label="a"),
        task=Component(provider="p", name="t", revision=4, options={"b": 1, "a": 2}, label="t", effort=2.0),
        protocol=find_protocol("smoke"),
        seed=3,
    )

    def hashed(text: str) -> int:
        return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16)

    of_data: tuple[Stream, ...] = ("splits", "order", "augmentation")
    others: tuple[Stream, ...] = ("weights", "noise", "probes")
    for stream in of_data:
        assert stream_seed(trial, stream) == hashed(f'["{stream}",3,["p","t",4,{{"a":2,"b":1}},"",2.0]]')
    for stream in others:
        assert stream_seed(trial, stream) == hashed(f'["{stream}",3]')


def test_every_global_generator_is_seeded() -> None:
    """Torch, NumPy and the standard library draw the numbers of the seed again."""

    def drawn(seed: int) -> tuple[float, float, float]:
        seed_globals(seed)
        return random.random(), float(np.random.random()), float(torch.rand(()))

    first, second = drawn(5), drawn(6)

    assert drawn(5) == first
    assert all(one != other for one, other in zip(first, second, strict=True))


def test_order_does_not_depend_on_the_chunks() -> None:
    """The number of chunks, and so of validations, does not change the batches."""
    few, many = (torch.cat(list(BatchOrder(37, 8, steps=30, chunks=n, seed=1))) for n in (1, 7))

    assert torch.equal(few, many)


def test_other_seed_other_order() -> None:
    """The seed decides the order, and the global generator does not."""
    torch.manual_seed(0)
    first = torch.cat(list(BatchOrder(50, 10, steps=5, chunks=1, seed=1)))
    torch.manual_seed(1)
    same = torch.cat(list(BatchOrder(50, 10, steps=5, chunks=1, seed=1)))
    other = torch.cat(list(BatchOrder(50, 10, steps=5, chunks=1, seed=2)))

    assert torch.equal(first, same)
    assert not torch.equal(first, other)
