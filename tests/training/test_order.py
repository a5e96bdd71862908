"""Which examples each step sees, and at what learning rate."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from archbench._training._order import BatchOrder
from archbench._training._schedule import learning_rates
from support import house_recipe


@given(examples=st.integers(1, 60), batch=st.integers(1, 40), steps=st.integers(1, 50), chunks=st.integers(1, 12))
def test_every_example_once_before_any_twice(examples: int, batch: int, steps: int, chunks: int) -> None:
    """However examples, batch and chunks divide, the stream is whole shuffled epochs, and all steps are there."""
    order = list(BatchOrder(examples, batch, steps=steps, chunks=chunks, seed=3))
    stream = torch.cat([chunk.flatten() for chunk in order])

    assert sum(len(chunk) for chunk in order) == steps
    assert len(order) == min(chunks, steps)
    assert len(stream) == steps * batch
    for start in range(0, len(stream), examples):
        epoch = stream[start : start + examples]
        assert len(epoch.unique()) == len(epoch)


def test_order_does_not_depend_on_the_chunks() -> None:
    """How often validation looks does not change what the network sees."""
    few, many = (torch.cat(list(BatchOrder(37, 8, steps=30, chunks=n, seed=1))) for n in (1, 7))

    assert torch.equal(few, many)


def test_other_seed_other_order() -> None:
    """The seed decides the order; the global generator does not."""
    torch.manual_seed(0)
    first = torch.cat(list(BatchOrder(50, 10, steps=5, chunks=1, seed=1)))
    torch.manual_seed(1)
    same = torch.cat(list(BatchOrder(50, 10, steps=5, chunks=1, seed=1)))
    other = torch.cat(list(BatchOrder(50, 10, steps=5, chunks=1, seed=2)))

    assert torch.equal(first, same)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("steps", [1, 2, 9, 100])
def test_learning_rates(steps: int) -> None:
    """One rate per step: a rise to the peak over the warm-up, then a fall towards zero, never zero or above it."""
    rates = learning_rates(house_recipe(learning_rate=0.5, warmup=0.1), steps)

    assert len(rates) == steps
    assert max(rates) == 0.5
    peak = rates.index(0.5)
    assert peak == max(1, round(0.1 * steps)) - 1
    assert all(rate > 0 for rate in rates)
    assert rates[: peak + 1] == sorted(rates[: peak + 1])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)
