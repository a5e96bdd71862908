"""Parameter counts of the fully connected and recurrent nets; those of the image nets are in test_image_sizes.py."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from archbench import TaskInfo

MNIST = TaskInfo(kind="image", input_shape=(1, 28, 28), outputs=10)

PUBLISHED = [
    ("mlp", "mlp-10", MNIST, 102_463),
    ("mlp", "mlp-20", MNIST, 153_583),
    ("mlp", "mlp-50", MNIST, 306_943),
    ("mlp", "mlp-100", MNIST, 562_543),
]

# One bias vector, as in the equations: H(I+H+1) for Elman's net, four times that for the LSTM. I is 1.
RECURRENT = [("rnn", 100, 10_200), ("rnn", 128, 16_640), ("lstm", 100, 40_800), ("lstm", 128, 66_560)]


@pytest.mark.parametrize(("name", "variant", "task", "published"), PUBLISHED, ids=[row[1] for row in PUBLISHED])
def test_variant_has_the_published_number_of_parameters(build, name, variant, task, published):
    """A variant has exactly the parameters of the published configuration."""
    with torch.device("meta"):  # counts without computing the weights
        network = build(name, task, variant=variant)

    assert published == count(network)


def test_declared_counts_of_the_plain_nets_are_those_of_the_table(declared):
    """The declared counts of `mlp`, which `benchmark check` compares with, are the published counts of all variants."""
    assert {variant: (task, count) for _, variant, task, count in PUBLISHED} == declared("mlp").parameters
    assert declared("mlp").parameters.keys() == declared("mlp").variants.keys()


@pytest.mark.parametrize(("name", "gates"), [("rnn", 1), ("gru", 3), ("lstm", 4)])
def test_declared_counts_of_recurrent_nets_follow_the_equations(declared, name, gates):
    """The declared count of the default net on MNIST's pixels is g H(I+H+2) and a linear layer of 10 outputs."""
    width = {"rnn": 128, "gru": 74, "lstm": 64}[name]
    task, count = declared(name).parameters[name]

    assert (task.input_shape[1], task.outputs) == (1, 10)
    assert gates * width * (1 + width + 2) + 10 * width + 10 == count


@pytest.mark.parametrize(("name", "width", "one_bias"), RECURRENT)
def test_recurrent_core_has_the_equations_weights_and_a_second_bias(build, name, width, one_bias):
    """A recurrent net has the parameters of its equations, the head, and torch's second bias per unit and gate."""
    network = build(name, TaskInfo(kind="sequence", input_shape=(784, 1), outputs=10), width=width)
    second_bias = width * (4 if name == "lstm" else 1)
    head = width * 10 + 10

    assert one_bias + second_bias + head == count(network)


def test_default_recurrent_nets_have_equal_budgets(build):
    """The default LSTM and the default Elman net differ by less than 5 % in size on a two-feature task."""
    task = TaskInfo(kind="sequence", input_shape=(50, 2), outputs=1)

    assert count(build("rnn", task)) == pytest.approx(count(build("lstm", task)), rel=0.05)


def count(network: nn.Module) -> int:
    """Return the number of parameters of a network."""
    return sum(parameter.numel() for parameter in network.parameters())
