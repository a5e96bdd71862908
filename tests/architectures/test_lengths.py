"""Networks that take the lengths of their sequences: they answer as to the sequence without its padding."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

import archbench_plugins
from archbench import Architecture, TaskInfo
from archbench._declarations import convert_options

STEPS = 9
LENGTHS = torch.tensor([9, 1, 4, 7])
TASK = TaskInfo(kind="sequence", input_shape=(STEPS, 3), outputs=5, variable_length=True)


def declared() -> list[Architecture]:
    """Return every built-in architecture that takes sequences."""
    names = [module.name for module in pkgutil.iter_modules(archbench_plugins.__path__) if module.name != "shared"]
    modules = [importlib.import_module(f"archbench_plugins.{name}") for name in names]
    return [item for module in modules for item in module.archbench_architectures() if "sequence" in item.inputs]


def build(architecture: Architecture, **options: Any) -> nn.Module:
    """Return a network in evaluation mode, built from seed 0."""
    torch.manual_seed(0)
    module, _, function = str(architecture.build).partition(":")
    return getattr(importlib.import_module(module), function)(TASK, convert_options(architecture, options)).eval()


@pytest.fixture
def batch() -> torch.Tensor:
    """Return sequences of `LENGTHS` steps, with zeros after them: (4, 9, 3)."""
    drawn = torch.randn(4, STEPS, 3, generator=torch.Generator().manual_seed(1))
    return drawn * (torch.arange(STEPS) < LENGTHS[:, None])[:, :, None]


@pytest.mark.parametrize("architecture", declared(), ids=lambda architecture: architecture.name)
def test_built_in_sequence_net_takes_lengths(architecture: Architecture, batch: torch.Tensor) -> None:
    """The answers do not depend on the values of the padding."""
    assert architecture.takes_lengths
    network = build(architecture)
    noise = torch.where((torch.arange(STEPS) < LENGTHS[:, None])[:, :, None], batch, torch.full_like(batch, 9.0))
    with torch.no_grad():
        torch.testing.assert_close(network(batch, LENGTHS), network(noise, LENGTHS))


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("name", ["rnn", "lstm", "gru"])
def test_reading_at_the_length_is_packing(name: str, layers: int, batch: torch.Tensor) -> None:
    """Reading the state at the last real step gives the answers and gradients of torch's packed sequences."""
    network = build(next(a for a in declared() if a.name == name), layers=layers)
    answer = network(batch, LENGTHS)
    packed = pack_padded_sequence(batch, LENGTHS, batch_first=True, enforce_sorted=False)
    state = network.core(packed)[1]
    expected = network.head((state[0] if isinstance(state, tuple) else state)[-1])

    torch.testing.assert_close(answer, expected, atol=1e-5, rtol=0)
    weights = list(network.core.parameters())
    for ours, theirs in zip(
        torch.autograd.grad(answer.square().sum(), weights),
        torch.autograd.grad(expected.square().sum(), weights),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("causal", [False, True])
def test_transformer_answers_as_to_the_short_sequence(causal: bool, batch: torch.Tensor) -> None:
    """A transformer answers each padded sequence as it answers the sequence cut at its length."""
    network = build(next(a for a in declared() if a.name == "transformer"), causal=causal)
    positions = network.core.position
    with torch.no_grad():
        together = network(batch, LENGTHS)
        for row, length in enumerate(LENGTHS.tolist()):
            network.core.position = positions[:length]
            alone = network(batch[row : row + 1, :length])
            torch.testing.assert_close(together[row : row + 1], alone, atol=1e-5, rtol=1e-5)
