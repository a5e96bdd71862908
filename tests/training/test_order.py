"""The order of the examples: shuffled epochs, cut into batches and chunks."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from archbench._training._order import BatchOrder


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
