"""Sizes of the nets that read tokens: equal budgets on small vocabularies, and counts by the equations."""

# ruff: noqa: N803, N806 - the papers' symbols are capitals

from __future__ import annotations

import pytest
import torch

from archbench import TaskInfo

E = 32  # features of a token


def gates(number: int, H: int) -> int:
    """Return the weights of gates that see features and state: W, R, and torch's two biases."""
    return number * H * (E + H + 2)


def minimal(parts: int, D: int) -> int:
    """Return the weights of three residual layers of H = 2D units, whose gates see D features, and the way in."""
    H = 2 * D
    return E * D + D + 3 * (2 * D + parts * H * (D + 1) + (H + 1) * D) + 2 * D


def attention(D: int) -> int:
    """Return the weights of two layers: norms, Q, K, V and their mix, four times D units and back; and the way in."""
    return E * D + D + 2 * (2 * D + 4 * D * (D + 1) + 2 * D + 4 * D * (D + 1) + D * (4 * D + 1)) + 2 * D


# name -> weights between embedding and readout, units that the readout sees.
CORES = {
    "rnn": (gates(1, 128), 128),
    "gru": (gates(3, 68), 68),
    "lstm": (gates(4, 57), 57),
    "lstm-1997": (128 * (E + 128 + 1), 64),  # 64 cells and as many gates, which all see one another
    "recurrent-highway": (2 * 64 * E + 2 * (2 * 64 * 64 + 2 * 64), 64),
    "min-gru": (minimal(2, 32), 32),
    "min-lstm": (minimal(3, 28), 28),
    "transformer": (attention(28), 28),
}
NETS = (*CORES, "tcn", "xlstm")

# vocabulary, outputs and steps of parity, temporal order, copying, selective copying and the long lag.
TOKENS = [(3, 2, 40), (9, 4, 55), (10, 8, 50), (16, 14, 48), (31, 2, 30)]


def count(build, name: str, vocabulary: int, outputs: int, steps: int) -> int:
    """Return the number of parameters of a default net that answers at every step."""
    task = TaskInfo(kind="tokens", input_shape=(steps,), outputs=outputs, vocabulary=vocabulary, per_step=True)
    with torch.device("meta"):
        return sum(p.numel() for p in build(name.replace("-", "_"), task).parameters())


@pytest.mark.parametrize("name", CORES)
def test_count_follows_the_equations(build, name):
    """A default net has the weights of its embedding, its core and its readout."""
    core, width = CORES[name]
    for vocabulary, outputs, steps in TOKENS:
        readout = (width + 1) * outputs

        assert E * vocabulary + core + readout == count(build, name, vocabulary, outputs, steps)


@pytest.mark.parametrize("shape", TOKENS, ids=lambda shape: f"vocabulary-{shape[0]}")
def test_default_nets_have_equal_budgets_on_small_vocabularies(build, shape):
    """Every default net is within 10 % of the mean size of all of them."""
    counts = {name: count(build, name, *shape) for name in NETS}
    mean = sum(counts.values()) / len(counts)

    assert {name: size for name, size in counts.items() if abs(size - mean) > 0.1 * mean} == {}


@pytest.mark.parametrize(("name", "number"), [("gru", 3), ("lstm", 4)])
def test_given_width_holds_on_tokens(build, name, number):
    """A width that is given is used on tokens too."""
    task = TaskInfo(kind="tokens", input_shape=(40,), outputs=2, vocabulary=3, per_step=True)

    assert E * 3 + gates(number, 64) + 65 * 2 == sum(p.numel() for p in build(name, task, width=64).parameters())
